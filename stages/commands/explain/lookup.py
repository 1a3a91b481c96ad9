"""Find rows in the tables of a run, reading only the row groups that can hold them.

Tables are sorted by their key, so an id, or the beginning of one, is found by bisection over row groups.
Only what is looked up by another column is read throughout, and of it that column alone.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pyarrow.compute as compute
import pyarrow.parquet as parquet

from stages.commands.pipeline import order
from stages.lib.errors import Problem

# The tables that hold a row of its own for an id, and the column it stands in.
KEYS = {
    "documents": "doc_id",
    "out_of_domain_documents": "doc_id",
    "pairs": "pair_id",
    "out_of_domain_pairs": "pair_id",
    "queries": "query_id",
}

Row = dict[str, Any]
Found = tuple[str, Path, Row]  # stage, file, content
_HIGHEST = "\U0010ffff"  # sorts after whatever an id goes on with
_SCANNED = 16  # row groups that are scanned at a time, so that memory stays bounded


class Run:
    """The tables under `data`, in the order of the stages."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.files = [
            (stage, path) for stage in order() for path in sorted((data / stage).rglob("*.parquet"))
        ]

    def matches(self, start: str) -> list[str]:
        """Return the ids that begin with `start`, sorted."""
        found: set[str] = set()
        for _, path in self.files:
            if column := {**KEYS, "ledger": "row_id"}.get(path.stem):
                with _opened(path) as file:
                    for _, ids in _groups(file, column, start, start + _HIGHEST):
                        found.update(ids.filter(compute.starts_with(ids, start)).to_pylist())
        return sorted(found)

    def rows(self, name: str, key: str, ids: Iterable[str]) -> list[Found]:
        """Return the rows of all tables called `name` whose `key`, by which they are sorted, is among `ids`."""
        wanted, found = sorted(set(ids)), list[Found]()
        for stage, path in self.files:
            if path.stem == name:
                with _opened(path) as file:
                    for one in wanted:
                        for group, values in _groups(file, key, one, one):
                            rows = file.read_row_group(group).filter(compute.equal(values, one))
                            found += [(stage, path, row) for row in rows.to_pylist()]
        return found

    def scan(self, name: str, column: str, value: str) -> list[Found]:
        """Return the rows of all tables called `name` whose `column`, which may be any, equals `value`."""
        found: list[Found] = []
        for stage, path in self.files:
            if path.stem == name:
                with _opened(path) as file:
                    for start in range(0, file.num_row_groups, _SCANNED):
                        groups = list(range(start, min(start + _SCANNED, file.num_row_groups)))
                        hits = compute.equal(
                            file.read_row_groups(groups, columns=[column]).column(0), value
                        )
                        if compute.any(hits).as_py():
                            rows = file.read_row_groups(groups).filter(hits)
                            found += [(stage, path, row) for row in rows.to_pylist()]
        return found

    def own(self, row_id: str) -> list[Found]:
        """Return the row itself, in every table of every stage that holds it."""
        return [
            (stage, path, row)
            for name, column in KEYS.items()
            for stage, path, row in self.rows(name, column, [row_id])
        ]

    def texts(self, ids: Iterable[str]) -> dict[str, str]:
        """Return what documents and pairs say, by id, as the last stage that holds them has it."""
        wanted = sorted(set(ids))
        told = {}
        for name, column in list(KEYS.items())[:4]:
            for _, _, row in self.rows(name, column, wanted):
                told[row[column]] = quoted(
                    row.get("anchor") or " - ".join(filter(None, [row["title"], row["text"]]))
                )
        return told


def quoted(text: str, most: int = 160) -> str:
    """Return `text` in quotes on one line, line breaks and control characters escaped, cut at `most` characters."""
    shown = json.dumps(text[:most], ensure_ascii=False)
    return shown if len(text) <= most else f"{shown}... ({len(text):,} characters)"


@contextmanager
def _opened(path: Path) -> Iterator[parquet.ParquetFile]:
    try:
        with parquet.ParquetFile(path) as file:
            yield file
    except arrow.ArrowInvalid as error:
        raise Problem(
            f"{path} is not a Parquet file: {str(error).splitlines()[0]}",
            "remove it and run 'dvc repro'",
        ) from None


def _groups(
    file: parquet.ParquetFile, key: str, low: str, high: str
) -> Iterator[tuple[int, arrow.ChunkedArray]]:
    """Yield the row groups, with their keys, that can hold a key from `low` to `high`, both included."""
    if not file.metadata.num_rows:
        return

    def keys(group: int) -> arrow.ChunkedArray:
        return file.read_row_group(group, columns=[key]).column(0)

    groups = range(file.num_row_groups)
    for group in groups[bisect_left(groups, low, key=lambda group: keys(group)[-1].as_py()) :]:
        values = keys(group)
        if values[0].as_py() > high:
            return
        yield group, values
