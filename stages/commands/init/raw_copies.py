"""Where the files of a source will lie, and how they are read before they are copied."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from stages.collect.raw_files import RAW
from stages.collect.records import SourceRows
from stages.commands.init.encodings import guess_encoding
from stages.lib.core.errors import UserError

RECORDS_SHOWN = 3
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
    """
    with tempfile.TemporaryDirectory() as folder:
        for target, origin in copies.items():
            link = Path(folder) / target.relative_to(RAW)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(origin.resolve())
        yield Path(folder)


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
    split_of_pair = dict(zip(rows.given_splits["id"], rows.given_splits["split"], strict=True))
    grade_of_pair = dict(zip(rows.grades["pair_id"], rows.grades["grade"], strict=True))
    shown = rows.pairs.merge(rows.documents, on="doc_id").drop_duplicates("anchor")

    lines: list[str] = []
    for index, row in enumerate(shown.head(RECORDS_SHOWN).to_dict("records"), 1):
        pair_id = row["pair_id"]
        labels = [f"grade {grade_of_pair[pair_id]}"] if pair_id in grade_of_pair else []
        labels += [split_of_pair[pair_id]] if pair_id in split_of_pair else []
        suffix = f" ({', '.join(labels)})" if labels else ""
        lines.append(f"  record {index}{suffix}")
        for field, column in (("query", "anchor"), ("title", "title"), ("text", "text")):
            if row[column]:
                lines.append(f"    {field}: {shortened(row[column])}")
    if lines:
        return lines

    texts = rows.documents["text"].head(RECORDS_SHOWN)
    return [f"  document {index}: {shortened(text)}" for index, text in enumerate(texts, 1)]


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
