"""Where the files of a source will lie, and how they are read before they are copied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from stages.collect.raw_files import RAW
from stages.collect.records import DocumentRow, PairRow, SourceRows
from stages.commands.init.encodings import guess_encoding
from stages.lib.core.errors import UserError
from stages.lib.core.temporary_folders import temporary_folder

RECORDS_SHOWN = 3
_PAIRS_LOOKED_AT = 1_000
_WIDTH = 100
_BINARY = (".parquet", ".gz", ".zst", ".zip")
_LONGEST_LIST = 8


def raw_target(file: Path, default: str) -> Path:
    """Return the path under data/raw/ of a file: its own if it lies there, else `default`.

    Args:
        file: a file or folder of the user.
        default: the path within data/raw.
    """
    raw = Path(RAW)
    resolved = file.resolve()
    if raw.resolve() in resolved.parents and not file.is_symlink():
        return raw / resolved.relative_to(raw.resolve())
    return raw / default


@contextmanager
def linked_raw(copies: Mapping[Path, Path]) -> Iterator[Path]:
    """Give a folder that stands for data/raw, in which the files stand where `collect` finds them.

    Args:
        copies: the path under data/raw/ of each file, and the file that will be copied there.

    Raises:
        UserError, OSError: what reading them raises, with the path of the file itself.
    """
    origin_of_link: dict[str, Path] = {}
    with temporary_folder() as folder:
        for target, origin in copies.items():
            link = folder / target.relative_to(RAW)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(origin.resolve())
            origin_of_link[str(link)] = origin
        try:
            yield folder
        except UserError as error:
            named = [link for link in origin_of_link if link in error.fact]
            if not named:
                raise
            # The longest path is the whole one.
            longest = max(named, key=len)
            fact = error.fact.replace(longest, str(origin_of_link[longest]))
            raise UserError(fact, error.remedy) from None
        except OSError as error:
            if str(error.filename) in origin_of_link:
                error.filename = str(origin_of_link[str(error.filename)])
            raise


def common_encoding(files: Sequence[Path]) -> str:
    """Return the encoding of all text files of a source.

    Raises:
        UserError: they have several. Read with one of them the others would be damaged.
    """
    texts = [file for file in files if file.suffix.lower() not in _BINARY]
    encoding_of_file = {file: guess_encoding(file) for file in texts}
    if set(encoding_of_file.values()) <= {"utf-8"}:
        return "utf-8"

    # Plain ASCII is text in nearly every encoding.
    file_of_encoding = {
        encoding: file for file, encoding in encoding_of_file.items() if not _is_ascii(file)
    }
    if len(file_of_encoding) > 1:
        named = ", ".join(f"{file.name} {name}" for name, file in sorted(file_of_encoding.items()))
        raise UserError(
            f"{texts[0].parent}: its files have several encodings: {named}",
            "save all of them as UTF-8",
        )
    return next(iter(file_of_encoding), "utf-8")


def _is_ascii(file: Path) -> bool:
    with file.open("rb") as stream:
        return all(line.isascii() for line in stream)


def record_lines(rows: SourceRows) -> list[str]:
    """Return lines that show three queries with a document each; documents where there are none."""
    # The best pair of each anchor, for some anchors: a document may be missing.
    pair_of_anchor: dict[str, PairRow] = {}
    for pair in map(PairRow._make, islice(rows.pairs, _PAIRS_LOOKED_AT)):
        known = pair_of_anchor.setdefault(pair.anchor, pair)
        if pair.score > known.score:
            pair_of_anchor[pair.anchor] = pair
    pairs = list(pair_of_anchor.values())
    document_ids = {pair.doc_id for pair in pairs}
    documents = map(DocumentRow._make, rows.documents.select(document_ids))
    document_of_id = {document.doc_id: document for document in documents}
    pairs = [pair for pair in pairs if pair.doc_id in document_of_id]

    # Answers come before what is none, and the labels of both.
    pairs = sorted(pairs, key=lambda pair: pair.score == 0.0)[:RECORDS_SHOWN]
    pair_ids = {pair.pair_id for pair in pairs}
    split_of_pair = {row[0]: row[1] for row in rows.given_splits.select(pair_ids)}
    grade_of_pair = {row[0]: row[1] for row in rows.grades.select(pair_ids)}
    lines: list[str] = []
    for index, pair in enumerate(pairs, 1):
        pair_id = pair.pair_id
        document = document_of_id[pair.doc_id]
        labels = [f"grade {grade_of_pair[pair_id]}"] if pair_id in grade_of_pair else []
        labels += [split_of_pair[pair_id]] if pair_id in split_of_pair else []
        suffix = f" ({', '.join(labels)})" if labels else ""
        lines.append(f"  record {index}{suffix}")
        for field, text in (
            ("query", pair.anchor),
            ("title", document.title),
            ("text", document.text),
        ):
            if text:
                lines.append(f"    {field}: {shortened(text)}")
    if lines:
        return lines

    first = map(DocumentRow._make, islice(rows.documents, RECORDS_SHOWN))
    return [
        f"  document {index}: {shortened(document.text)}" for index, document in enumerate(first, 1)
    ]


def shortened(text: str) -> str:
    """Return a text on one line of at most 100 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..."


def listed(names: list[str]) -> str:
    """Return the first names of a list, quoted.

    >>> listed(["a", "b"])
    "'a', 'b'"
    """
    rest = len(names) - _LONGEST_LIST
    return ", ".join(map(repr, names[:_LONGEST_LIST])) + (f" and {rest} more" if rest > 0 else "")
