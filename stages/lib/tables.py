"""Canonical read and write of tables: the same rows give the same bytes, whatever came before.

Rows are sorted by the contract's key, columns have the contract's order and types, row groups a fixed
size, compression a fixed level; there is no index and no pandas metadata. A row group is also the unit
of work of the engine, so a table on disk is already cut into shards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import pandas as pd
import pyarrow as arrow
import pyarrow.parquet as parquet

from stages.lib import written
from stages.lib.contracts.table import Table, arrow_schema, check, key_of
from stages.lib.errors import Problem

SHARD_ROWS = 4096

AnyTable = TypeVar("AnyTable", bound=Table)


class Shard(NamedTuple):
    """One row group of a table on disk."""

    path: Path
    group: int


def write(frame: pd.DataFrame, path: Path, table: type[AnyTable]) -> None:
    """Check `frame` against `table` and write it canonically; nothing is written when it is wrong.

    Columns may come in any order, rows too; both leave in the contract's.
    """
    write_arrow(_canonical(frame, table, str(path)), path)


def write_arrow(rows: arrow.Table, path: Path) -> None:
    """Write rows that are already canonical (checked, ordered, typed)."""
    with written.atomically(path) as temporary, parquet.ParquetWriter(temporary, rows.schema, **_FORMAT) as writer:
        _write_groups(writer, rows)


_FORMAT = {"compression": "zstd", "compression_level": 3, "version": "2.6", "write_statistics": False}


def read(path: Path, table: type[AnyTable]) -> pd.DataFrame:
    """Return the rows of `path`, checked against `table`."""
    with _readable(path):
        return _frame(parquet.read_table(path), path, table)


def shards(path: Path) -> list[Shard]:
    """Return the row groups of `path`, in order."""
    with _readable(path):
        return [Shard(path, group) for group in range(parquet.ParquetFile(path).num_row_groups)]


def read_shard(shard: Shard, table: type[AnyTable]) -> pd.DataFrame:
    """Return one row group, checked."""
    with _readable(shard.path):
        return _frame(parquet.ParquetFile(shard.path).read_row_group(shard.group), shard.path, table)


def merge(parts: Iterable[Path], path: Path, table: type[AnyTable]) -> int:
    """Write the rows of `parts` (each canonical, their keys ascending from part to part) as one table.

    Bounded memory: one part at a time. Returns the number of rows. Raises ValueError when the keys of
    two parts overlap, since the result would not be sorted.
    """
    schema, count = arrow_schema(table), 0
    with written.atomically(path) as temporary, parquet.ParquetWriter(temporary, schema, **_FORMAT) as writer:
        for rows in _even(_ascending(parts, key_of(table), path), schema):
            count += rows.num_rows
            _write_groups(writer, rows)
    return count


def _ascending(parts: Iterable[Path], key: list[str], path: Path) -> Iterator[arrow.Table]:
    last = None
    for part in parts:
        with _readable(part):
            rows = parquet.read_table(part)
        if rows.num_rows:
            first, final = (tuple(rows.column(name)[at].as_py() for name in key) for at in (0, rows.num_rows - 1))
            if last is not None and first <= last:
                raise ValueError(f"parts of {path} overlap at {first}")
            last = final
        yield rows


def _even(parts: Iterable[arrow.Table], schema: arrow.Schema) -> Iterator[arrow.Table]:
    # Row groups keep their fixed size wherever the parts were cut, or the bytes would tell.
    rest, empty = schema.empty_table(), True
    for part in parts:
        rest = arrow.concat_tables([rest, part])
        whole = rest.num_rows - rest.num_rows % SHARD_ROWS
        if whole:
            yield rest.slice(0, whole)
            rest, empty = rest.slice(whole).combine_chunks(), False
    if rest.num_rows or empty:
        yield rest


def _write_groups(writer: parquet.ParquetWriter, rows: arrow.Table) -> None:
    # Each row group from one piece of memory: pages end where pieces end, so the bytes would tell of the cuts.
    for start in range(0, max(rows.num_rows, 1), SHARD_ROWS):
        writer.write_table(rows.slice(start, SHARD_ROWS).combine_chunks(), row_group_size=SHARD_ROWS)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise Problem(f"{path} does not exist", f"run 'dvc repro {path.parent.name}' first") from None
    except (arrow.ArrowException, OSError) as error:  # a damaged page is an OSError
        raise Problem(
            f"{path} is not a Parquet file: {str(error).partition(chr(10))[0]}", "remove it and run 'dvc repro'"
        ) from None


def _canonical(frame: pd.DataFrame, table: type[AnyTable], where: str) -> arrow.Table:
    schema = arrow_schema(table)
    missing = [name for name in schema.names if name not in frame.columns]
    ordered = (
        frame if missing else frame[[*schema.names, *(name for name in frame.columns if name not in schema.names)]]
    )
    ordered = check(ordered.reset_index(drop=True), table, where)
    return arrow.Table.from_pandas(
        ordered.sort_values(key_of(table), kind="stable"), schema=schema, preserve_index=False
    ).replace_schema_metadata(None)


def _frame(rows: arrow.Table, path: Path, table: type[AnyTable]) -> pd.DataFrame:
    frame = rows.to_pandas()
    empty = table.empty()
    # An empty column tells pandas nothing of its type.
    if not len(frame) and list(frame.columns) == list(empty.columns):
        frame = empty
    return check(frame, table, str(path))
