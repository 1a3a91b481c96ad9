"""The tables of the run at hand, read by the ids of single rows."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as arrow
import pyarrow.compute as compute
import pyarrow.parquet as parquet

from stages.commands.pipeline import order
from stages.lib.core.errors import UserError

# The tables with one row per id, and the column of that id. All but the last hold texts.
KEY_COLUMNS = {
    "documents": "doc_id",
    "out_of_domain_documents": "doc_id",
    "pairs": "pair_id",
    "out_of_domain_pairs": "pair_id",
    "dissimilar_pairs": "pair_id",
    "queries": "query_id",
}
TEXT_TABLES = list(KEY_COLUMNS)[:5]

_LAST_CHARACTER = "\U0010ffff"  # sorts after all others
_GROUPS_AT_ONCE = 16  # row groups in memory

Row = dict[str, Any]


class FoundRow(NamedTuple):
    """A row of a table, with the stage that wrote the table and its file."""

    stage: str
    path: Path
    row: Row


class RunTables:
    """The tables under `data`, in the order of the stages."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.files: list[tuple[str, Path]] = []
        for stage in order():
            for path in sorted((data / stage).rglob("*.parquet")):
                self.files.append((stage, path))

    def matches(self, prefix: str) -> list[str]:
        """Return the ids that begin with `prefix`, sorted."""
        columns = {**KEY_COLUMNS, "ledger": "row_id"}
        matching: set[str] = set()

        for _, path in self.files:
            column = columns.get(path.stem)
            if column is None:
                continue
            with _open_parquet(path) as file:
                for _, ids in _row_groups(file, column, prefix, high=prefix + _LAST_CHARACTER):
                    matching.update(ids.filter(compute.starts_with(ids, prefix)).to_pylist())
        return sorted(matching)

    def rows(self, name: str, key: str, ids: Iterable[str]) -> list[FoundRow]:
        """Return the rows with these ids in all tables called `name`, which are sorted by `key`."""
        row_ids = sorted(set(ids))
        rows: list[FoundRow] = []

        for stage, path in self._files_called(name):
            with _open_parquet(path) as file:
                for row_id in row_ids:
                    for group, values in _row_groups(file, key, row_id, high=row_id):
                        table = file.read_row_group(group).filter(compute.equal(values, row_id))
                        rows += [FoundRow(stage, path, row) for row in table.to_pylist()]
        return rows

    def scan(self, name: str, column: str, value: str) -> list[FoundRow]:
        """Return the rows with this value in all tables called `name`, in any sort order."""
        rows: list[FoundRow] = []

        for stage, path in self._files_called(name):
            with _open_parquet(path) as file:
                for start in range(0, file.num_row_groups, _GROUPS_AT_ONCE):
                    stop = min(start + _GROUPS_AT_ONCE, file.num_row_groups)
                    groups = list(range(start, stop))

                    # Whole rows are read only if the column holds the value.
                    values = file.read_row_groups(groups, columns=[column]).column(0)
                    equal = compute.equal(values, value)
                    if compute.any(equal).as_py():
                        table = file.read_row_groups(groups).filter(equal)
                        rows += [FoundRow(stage, path, row) for row in table.to_pylist()]
        return rows

    def own_rows(self, row_id: str) -> list[FoundRow]:
        """Return the row itself, from every table that holds it."""
        rows: list[FoundRow] = []
        for name, column in KEY_COLUMNS.items():
            rows += self.rows(name, column, [row_id])
        return rows

    def texts(self, ids: Iterable[str]) -> dict[str, str]:
        """Return the quoted text of documents and pairs by id, from their last stage."""
        row_ids = sorted(set(ids))
        text_of_id = {}

        for name in TEXT_TABLES:
            column = KEY_COLUMNS[name]
            for _, _, row in self.rows(name, column, row_ids):
                text = row.get("anchor")
                if not text:
                    text = " - ".join(part for part in (row["title"], row["text"]) if part)
                text_of_id[row[column]] = quoted(text)
        return text_of_id

    def decisions(self, row_id: str) -> list[FoundRow]:
        """Return what the ledgers say about the row, in the order in which it was decided."""
        stages = order()
        decisions = self.rows("ledger", "row_id", [row_id])
        return sorted(decisions, key=lambda found: (stages.index(found.stage), found.row["seq"]))

    def anchors(self, doc_id: str) -> dict[str, str]:
        """Return pair id to anchor of the pairs that should find a document.

        The last stage that holds a pair decides on its anchor.
        """
        anchor_of_pair = {}
        for name in ("pairs", "out_of_domain_pairs"):
            for _, _, row in self.scan(name, "doc_id", doc_id):
                anchor_of_pair[row["pair_id"]] = row["anchor"]
        return anchor_of_pair

    def near_duplicates(self, row_id: str) -> list[tuple[str, Row]]:
        """Return the other id and the row of each edge of `row_id`, the most similar first."""
        # An edge is stored once, with the smaller id on the left.
        edges = []
        for _, _, row in self.rows("near_duplicates", "left_id", [row_id]):
            edges.append((row["right_id"], row))
        for _, _, row in self.scan("near_duplicates", "right_id", row_id):
            edges.append((row["left_id"], row))
        return sorted(edges, key=lambda edge: (-edge[1]["similarity"], edge[0]))

    def _files_called(self, name: str) -> list[tuple[str, Path]]:
        return [(stage, path) for stage, path in self.files if path.stem == name]


def quoted(text: str, limit: int = 160) -> str:
    r"""Return `text` in quotes on one line, with at most `limit` characters.

    Control characters are escaped.

    >>> quoted("a\tb")
    '"a\\tb"'
    """
    shown = json.dumps(text[:limit], ensure_ascii=False)
    if len(text) <= limit:
        return shown
    return f"{shown}... ({len(text):,} characters)"


def has_score(score: float | None) -> bool:
    """Return whether there is a score. NaN, which is not equal to itself, says that there is none.

    >>> has_score(0.0), has_score(float("nan")), has_score(None)
    (True, False, False)
    """
    return score is not None and score == score


@contextmanager
def _open_parquet(path: Path) -> Iterator[parquet.ParquetFile]:
    try:
        with parquet.ParquetFile(path) as file:
            yield file
    except arrow.ArrowInvalid as error:
        raise UserError(
            f"{path} is not a Parquet file: {str(error).splitlines()[0]}",
            "remove it and run 'dvc repro'",
        ) from None


def _row_groups(
    file: parquet.ParquetFile, key: str, low: str, *, high: str
) -> Iterator[tuple[int, arrow.ChunkedArray]]:
    """Yield the row groups that can hold a key from `low` to `high`, with their keys.

    Both limits are included.
    """
    if not file.metadata.num_rows:
        return

    def keys(group: int) -> arrow.ChunkedArray:
        return file.read_row_group(group, columns=[key]).column(0)

    # The first group whose last key is not too small, by bisection.
    groups = range(file.num_row_groups)
    first = bisect_left(groups, low, key=lambda group: keys(group)[-1].as_py())
    for group in groups[first:]:
        values = keys(group)
        if values[0].as_py() > high:
            return
        yield group, values
