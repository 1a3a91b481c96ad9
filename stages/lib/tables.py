"""Canonical read and write of tables: the same rows give the same bytes, whatever came before.

Rows are sorted by the contract's key, columns have the contract's order and types, row groups a fixed
size, compression a fixed level; there is no index and no pandas metadata. A row group is also the unit
of work of the engine, so a table on disk is already cut into shards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as arrow
import pyarrow.compute as compute
import pyarrow.parquet as parquet

from stages.lib import written
from stages.lib.contracts.table import Table, arrow_schema, check, key_of
from stages.lib.errors import Problem

SHARD_ROWS = 4096

AnyTable = TypeVar("AnyTable", bound=Table)


class Shard(NamedTuple):
    """One row group of a table on disk, or a whole small table."""

    path: Path
    group: int | None = None


def write(frame: pd.DataFrame, path: Path, table: type[AnyTable]) -> None:
    """Check `frame` against `table` and write it canonically; nothing is written when it is wrong.

    Columns may come in any order, rows too; both leave in the contract's.
    """
    write_arrow(_canonical(frame, table, str(path)), path)


def write_arrow(rows: arrow.Table, path: Path) -> None:
    """Write rows that are already canonical (checked, ordered, typed)."""
    with (
        written.atomically(path) as temporary,
        parquet.ParquetWriter(temporary, rows.schema, **_FORMAT) as writer,
    ):
        _write_groups(writer, rows)


_FORMAT = {
    "compression": "zstd",
    "compression_level": 3,
    "version": "2.6",
    "write_statistics": False,
}


def read(path: Path, table: type[AnyTable], **where: str | int) -> pd.DataFrame:
    """Return the rows of `path`, checked against `table`; those alone whose columns have the values of `where`."""
    with _readable(path):
        filters = [(name, "==", value) for name, value in where.items()]
        return _frame(parquet.read_table(path, filters=filters or None), path, table)


def shards(path: Path) -> list[Shard]:
    """Return the row groups of `path`, in order."""
    with _readable(path):
        return [Shard(path, group) for group in range(parquet.ParquetFile(path).num_row_groups)]


def read_shard(shard: Shard, table: type[AnyTable]) -> pd.DataFrame:
    """Return one row group, or the whole table, checked."""
    if shard.group is None:
        return read(shard.path, table)
    with _readable(shard.path):
        return _frame(
            parquet.ParquetFile(shard.path).read_row_group(shard.group), shard.path, table
        )


def write_groups(frames: Sequence[pd.DataFrame], path: Path, table: type[AnyTable]) -> None:
    """Write frames that were checked already, each as a row group of its own: what `read_groups` reads back."""
    schema = arrow_schema(table)
    with (
        written.atomically(path) as temporary,
        parquet.ParquetWriter(temporary, schema, **_FORMAT) as writer,
    ):
        for frame in frames:
            writer.write_table(
                arrow.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
            )


def read_groups(shards: Sequence[Shard], table: type[AnyTable]) -> pd.DataFrame:
    """Return the rows of several row groups that `write_groups` wrote; they were checked before that."""
    schema = arrow_schema(table)
    rows = [parquet.ParquetFile(shard.path).read_row_group(shard.group) for shard in shards]
    frame = arrow.concat_tables([schema.empty_table(), *rows]).to_pandas()
    return frame if len(frame) else table.empty()


def pick(path: Path, mask: npt.NDArray[np.bool_], table: type[AnyTable]) -> pd.DataFrame:
    """Return the rows of `path` at whose places `mask` is true; the whole table was read and checked before."""
    schema = arrow_schema(table)
    frame = arrow.concat_tables([schema.empty_table(), *_masked(path, mask, schema)]).to_pandas()
    return frame if len(frame) else table.empty()


def keep(path: Path, mask: npt.NDArray[np.bool_], out: Path, table: type[AnyTable]) -> int:
    """Write the rows of `path` at whose places `mask` is true; returns how many. Memory: a row group at a time."""
    schema, count = arrow_schema(table), 0
    with (
        written.atomically(out) as temporary,
        parquet.ParquetWriter(temporary, schema, **_FORMAT) as writer,
    ):
        for rows in _even(_masked(path, mask, schema), schema):
            count += rows.num_rows
            _write_groups(writer, rows)
    return count


def _masked(path: Path, mask: npt.NDArray[np.bool_], schema: arrow.Schema) -> Iterator[arrow.Table]:
    start = 0
    with _readable(path), parquet.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group).cast(schema)
            yield rows.filter(arrow.array(mask[start : start + rows.num_rows]))
            start += rows.num_rows


def merge(parts: Iterable[Path], path: Path, table: type[AnyTable]) -> int:
    """Write the rows of `parts` (each canonical, their keys ascending from part to part) as one table.

    Bounded memory: one part at a time. Returns the number of rows. Raises ValueError when the keys of
    two parts overlap, since the result would not be sorted.
    """
    return interleave([parts], path, table)


def interleave(sequences: Sequence[Iterable[Path]], path: Path, table: type[AnyTable]) -> int:
    """Write several sequences of parts, each as `merge` wants it, as one table.

    The sequences may overlap each other, but not share a key; no two parts of a sequence share a value of
    the key's first column. Bounded memory: one part of each sequence at a time. Returns the number of rows.
    """
    schema, key, count = arrow_schema(table), key_of(table), 0
    with (
        written.atomically(path) as temporary,
        parquet.ParquetWriter(temporary, schema, **_FORMAT) as writer,
    ):
        for rows in _even(
            _woven([_ascending(parts, key, path) for parts in sequences], key), schema
        ):
            count += rows.num_rows
            _write_groups(writer, rows)
    return count


def _woven(sequences: Sequence[Iterator[arrow.Table]], key: list[str]) -> Iterator[arrow.Table]:
    if len(sequences) == 1:
        yield from sequences[0]
        return
    order = [(name, "ascending") for name in key]
    heads: list[arrow.Table | None] = [None] * len(sequences)
    while True:
        heads = [
            _next(rows) if head is None else head
            for head, rows in zip(heads, sequences, strict=True)
        ]
        # Up to the smallest last key nothing can be missing any more.
        lasts = [head.column(key[0])[-1].as_py() for head in heads if head is not None]
        if not lasts:
            return
        ready = []
        for at, head in enumerate(heads):
            if head is not None:
                count = compute.sum(compute.less_equal(head.column(key[0]), min(lasts))).as_py()
                ready.append(head.slice(0, count))
                heads[at] = head.slice(count) if count < head.num_rows else None
        yield arrow.concat_tables(ready).sort_by(order)


def _next(parts: Iterator[arrow.Table]) -> arrow.Table | None:
    return next((rows for rows in parts if rows.num_rows), None)


def _ascending(parts: Iterable[Path], key: list[str], path: Path) -> Iterator[arrow.Table]:
    last = None
    for part in parts:
        with _readable(part):
            rows = parquet.read_table(part)
        if rows.num_rows:
            first, final = (
                tuple(rows.column(name)[at].as_py() for name in key)
                for at in (0, rows.num_rows - 1)
            )
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
        writer.write_table(
            rows.slice(start, SHARD_ROWS).combine_chunks(), row_group_size=SHARD_ROWS
        )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise Problem(
            f"{path} does not exist", f"run 'dvc repro {path.parent.name}' first"
        ) from None
    except (arrow.ArrowException, OSError) as error:  # a damaged page is an OSError
        raise Problem(
            f"{path} is not a Parquet file: {str(error).partition(chr(10))[0]}",
            "remove it and run 'dvc repro'",
        ) from None


def _canonical(frame: pd.DataFrame, table: type[AnyTable], where: str) -> arrow.Table:
    schema = arrow_schema(table)
    missing = [name for name in schema.names if name not in frame.columns]
    ordered = (
        frame
        if missing
        else frame[[*schema.names, *(name for name in frame.columns if name not in schema.names)]]
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
