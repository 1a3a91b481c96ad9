"""Where the files of a source will lie, and how they are read before they are copied."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from stages.collect.raw_files import RAW
from stages.collect.records import SourceRows

RECORDS_SHOWN = 3
_WIDTH = 100
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
