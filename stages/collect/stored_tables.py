"""Tables that are built row by row, sorted on disk, and written in pieces."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as arrow
import pyarrow.parquet as parquet

from stages.collect.sorted_rows import SortedRows, ValueCounts
from stages.lib.core import atomic
from stages.lib.core.plain_names import without_forbidden
from stages.lib.core.tables import (
    PARQUET_FORMAT,
    SHARD_ROWS,
    Table,
    arrow_schema,
    check_table,
    key_of,
    write_row_groups,
)

# Rows that are checked and written at a time: some row groups, since a check takes time by itself.
PIECE_ROWS = 4 * SHARD_ROWS


class StoredTable:
    """The rows of a table, sorted by its key, in a temporary file. Nothing is checked yet.

    Args:
        table: the contract. Its key is the first columns.
        rows: rows to begin with, in any order.
        counted: columns whose values are counted as rows are added.
        names: columns whose values are shown in pages and charts. They lose the characters that
            no drawing can hold.

    Attributes:
        counts: for each counted column its values and their numbers.
    """

    def __init__(
        self,
        table: type[Table],
        rows: Iterable[tuple[Any, ...]] = (),
        counted: Sequence[str] = (),
        *,
        names: Sequence[str] = (),
    ) -> None:
        self.table = table
        self._columns = list(table.empty().columns)
        self._names = names
        self._indices_of_names = [self._columns.index(column) for column in names]
        self._rows = SortedRows()
        self.counts = {column: ValueCounts() for column in counted}
        self._counts_of_index = [
            (self._columns.index(column), counts) for column, counts in self.counts.items()
        ]
        for row in rows:
            self.add(row)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self._rows)

    def __getitem__(self, column: str) -> pd.Series:
        """Return one column, in the order of the key."""
        index = self._columns.index(column)
        values = [row[index] for row in self]
        return pd.Series(values, dtype=self.table.empty()[column].dtype)

    def add(self, row: tuple[Any, ...]) -> None:
        """Add a row, whose fields are in the order of the columns."""
        for index in self._indices_of_names:
            name = without_forbidden(row[index])
            if name != row[index]:
                row = (*row[:index], name, *row[index + 1 :])

        self._rows.add(row)
        for index, counts in self._counts_of_index:
            counts.add(row[index])

    def select(self, ids: Container[str]) -> list[tuple[Any, ...]]:
        """Return the rows whose id, the first column, is among `ids`."""
        return [row for row in self if row[0] in ids]

    def without(self, ids: Container[str]) -> StoredTable:
        """Return the table without the rows whose id, the first column, is among `ids`."""
        rows = (row for row in self if row[0] not in ids)
        return StoredTable(self.table, rows, counted=list(self.counts), names=self._names)

    def frame(self) -> pd.DataFrame:
        """Return the whole table in memory."""
        return _frame(list(self), self.table)


class MergedTables:
    """A table of which every source holds some rows. It is merged while it is written."""

    def __init__(self, parts: Sequence[Iterable[tuple[Any, ...]]]) -> None:
        self._parts = parts

    def write(self, path: Path, table: type[Table] | None) -> None:
        """Write the rows of all parts to `path`, checked against `table`.

        Raises:
            UserError: a row breaks the contract, or a key comes twice.
        """
        assert table is not None, "merged tables need the contract of their table"
        write_rows(merge(*self._parts), path, table)


def write_rows(rows: Iterable[tuple[Any, ...]], path: Path, table: type[Table]) -> None:
    """Write rows that are sorted by the key of `table`. Memory holds some row groups at a time.

    The bytes are those of `tables.write`.

    Raises:
        UserError: a row breaks the contract, or a key comes twice.
    """
    schema = arrow_schema(table)
    key_length = len(key_of(table))
    iterator = iter(rows)
    previous: list[tuple[Any, ...]] = []
    with (
        atomic.write(path) as temporary,
        parquet.ParquetWriter(temporary, schema, **PARQUET_FORMAT) as writer,
    ):
        # A table without rows has one empty row group.
        piece = list(islice(iterator, PIECE_ROWS))
        if not piece:
            write_row_groups(writer, schema.empty_table())

        while piece:
            # A key may come twice across two pieces.
            is_repeated = bool(previous) and previous[0][:key_length] == piece[0][:key_length]
            frame = _frame([*previous, *piece] if is_repeated else piece, table)
            check_table(frame, table, str(path))
            columns = arrow.Table.from_pandas(frame, schema=schema, preserve_index=False)
            write_row_groups(writer, columns)
            previous = piece[-1:]
            piece = list(islice(iterator, PIECE_ROWS))


def _frame(rows: Sequence[tuple[Any, ...]], table: type[Table]) -> pd.DataFrame:
    empty = table.empty()
    if not rows:
        return empty

    values_of_column = zip(empty.columns, zip(*rows, strict=True), strict=True)
    return pd.DataFrame(
        {
            column: pd.Series(values, dtype=empty[column].dtype)
            for column, values in values_of_column
        }
    )
