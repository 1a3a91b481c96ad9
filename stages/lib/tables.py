"""Canonical read and write of tables: the same rows give the same bytes, whatever came before.

Rows are sorted by the contract's key, columns have the contract's order and types, row groups a fixed
size, compression a fixed level; there is no index and no pandas metadata. A row group is also the unit
of work of the engine, so a table on disk is already cut into shards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

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
    """Check `frame` against `table` and write it canonically.

    Columns and rows may come in any order. The file has them in the order of the contract.

    Raises:
        Problem: the frame breaks the contract. Nothing is written then.
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
    """Return the rows of `path` whose columns have the values of `where`, checked against `table`.

    Raises:
        Problem: the file is missing, damaged, or breaks the contract.
    """
    filters = [(name, "==", value) for name, value in where.items()]
    with _readable(path):
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
        rows = parquet.ParquetFile(shard.path).read_row_group(shard.group)
        return _frame(rows, shard.path, table)


def write_groups(frames: Sequence[pd.DataFrame], path: Path, table: type[AnyTable]) -> None:
    """Write frames that were checked already, each as a row group. `read_groups` reads them back."""
    schema = arrow_schema(table)
    with (
        written.atomically(path) as temporary,
        parquet.ParquetWriter(temporary, schema, **_FORMAT) as writer,
    ):
        for frame in frames:
            columns = frame[schema.names]
            rows = arrow.Table.from_pandas(columns, schema=schema, preserve_index=False)
            writer.write_table(rows)


def read_groups(shards: Sequence[Shard], table: type[AnyTable]) -> pd.DataFrame:
    """Return the rows of several row groups that `write_groups` wrote. They are not checked again."""
    schema = arrow_schema(table)
    rows = [parquet.ParquetFile(shard.path).read_row_group(shard.group) for shard in shards]
    frame = arrow.concat_tables([schema.empty_table(), *rows]).to_pandas()
    return frame if len(frame) else table.empty()


def pick(path: Path, mask: npt.NDArray[np.bool_], table: type[AnyTable]) -> pd.DataFrame:
    """Return the rows of `path` where `mask` is true.

    `mask` has one value per row of the file. The caller has read and checked the whole table before.
    """
    schema = arrow_schema(table)
    frame = arrow.concat_tables([schema.empty_table(), *_masked(path, mask, schema)]).to_pandas()
    return frame if len(frame) else table.empty()


def keep(path: Path, mask: npt.NDArray[np.bool_], out: Path, table: type[AnyTable]) -> int:
    """Write the rows of `path` where `mask` is true to `out`, and return their number.

    `mask` has one value per row of the file. Memory holds one row group at a time.
    """
    schema = arrow_schema(table)
    count = 0
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
    """Write the rows of `parts` as one table, and return their number.

    Each part is a canonical file, and keys ascend from part to part. Memory holds one part at a time.

    Raises:
        ValueError: the keys of two parts overlap, so the result would not be sorted.
    """
    return interleave([parts], path, table)


def interleave(sequences: Sequence[Iterable[Path]], path: Path, table: type[AnyTable]) -> int:
    """Write several sequences of parts as one table, and return the number of rows.

    Each sequence is as for `merge`. Keys of two sequences may interleave, but no key occurs twice, and
    no two parts of a sequence share a value of the key's first column. Memory holds one part of each
    sequence at a time.
    """
    schema = arrow_schema(table)
    key = key_of(table)
    count = 0
    with (
        written.atomically(path) as temporary,
        parquet.ParquetWriter(temporary, schema, **_FORMAT) as writer,
    ):
        ascending = [_ascending(parts, key, path) for parts in sequences]
        for rows in _even(_woven(ascending, key), schema):
            count += rows.num_rows
            _write_groups(writer, rows)
    return count


def _woven(sequences: Sequence[Iterator[arrow.Table]], key: list[str]) -> Iterator[arrow.Table]:
    """Yield the rows of several sorted sequences in the order of `key`."""
    if len(sequences) == 1:
        yield from sequences[0]
        return

    order = [(name, "ascending") for name in key]
    heads: list[arrow.Table | None] = [None] * len(sequences)
    while True:
        # The next part of each sequence whose last part was used up.
        for index, sequence in enumerate(sequences):
            if heads[index] is None:
                heads[index] = _next(sequence)

        # All rows up to the smallest last key are at hand, so they can be written.
        last_keys = [head.column(key[0])[-1].as_py() for head in heads if head is not None]
        if not last_keys:
            return
        limit = min(last_keys)
        ready = []
        for index, head in enumerate(heads):
            if head is None:
                continue
            count = compute.sum(compute.less_equal(head.column(key[0]), limit)).as_py()
            ready.append(head.slice(0, count))
            heads[index] = head.slice(count) if count < head.num_rows else None
        yield arrow.concat_tables(ready).sort_by(order)


def _next(parts: Iterator[arrow.Table]) -> arrow.Table | None:
    return next((rows for rows in parts if rows.num_rows), None)


def _ascending(parts: Iterable[Path], key: list[str], path: Path) -> Iterator[arrow.Table]:
    """Yield the rows of each part; raises ValueError where a part begins before the last one ended."""
    last_key = None
    for part in parts:
        with _readable(part):
            rows = parquet.read_table(part)
        if rows.num_rows:
            first = _key_of_row(rows, key, 0)
            if last_key is not None and first <= last_key:
                raise ValueError(f"parts of {path} overlap at {first}")
            last_key = _key_of_row(rows, key, rows.num_rows - 1)
        yield rows


def _key_of_row(rows: arrow.Table, key: list[str], row: int) -> tuple[Any, ...]:
    return tuple(rows.column(name)[row].as_py() for name in key)


def _even(parts: Iterable[arrow.Table], schema: arrow.Schema) -> Iterator[arrow.Table]:
    """Yield the rows of `parts` in pieces that are whole row groups, except the last one.

    Row groups keep their fixed size wherever the parts were cut. Otherwise the bytes would depend on it.
    """
    rest = schema.empty_table()
    nothing_yielded = True
    for part in parts:
        rest = arrow.concat_tables([rest, part])
        whole_rows = rest.num_rows - rest.num_rows % SHARD_ROWS
        if whole_rows:
            yield rest.slice(0, whole_rows)
            rest = rest.slice(whole_rows).combine_chunks()
            nothing_yielded = False

    # A table without rows has one empty row group.
    if rest.num_rows or nothing_yielded:
        yield rest


def _write_groups(writer: parquet.ParquetWriter, rows: arrow.Table) -> None:
    """Write `rows` in row groups of fixed size.

    Each row group comes from one piece of memory. Pages end where pieces of memory end, so the bytes
    would depend on how the rows came together.
    """
    for start in range(0, max(rows.num_rows, 1), SHARD_ROWS):
        piece = rows.slice(start, SHARD_ROWS).combine_chunks()
        writer.write_table(piece, row_group_size=SHARD_ROWS)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn errors of reading `path` into a Problem that names it."""
    try:
        yield
    except FileNotFoundError:
        raise Problem(
            f"{path} does not exist", f"run 'dvc repro {path.parent.name}' first"
        ) from None
    except (arrow.ArrowException, OSError) as error:
        # A damaged page is an OSError.
        first_line = str(error).partition("\n")[0]
        raise Problem(
            f"{path} is not a Parquet file: {first_line}", "remove it and run 'dvc repro'"
        ) from None


def _canonical(frame: pd.DataFrame, table: type[AnyTable], where: str) -> arrow.Table:
    """Return `frame`, checked, with columns and rows in the order of the contract."""
    schema = arrow_schema(table)

    # Columns in the contract's order. Unknown ones go last, for the check to name them.
    missing = [name for name in schema.names if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in schema.names]
    ordered = frame if missing else frame[[*schema.names, *unknown]]
    ordered = check(ordered.reset_index(drop=True), table, where)

    # Rows in the order of the key, without pandas metadata.
    sorted_rows = ordered.sort_values(key_of(table), kind="stable")
    rows = arrow.Table.from_pandas(sorted_rows, schema=schema, preserve_index=False)
    return rows.replace_schema_metadata(None)


def _frame(rows: arrow.Table, path: Path, table: type[AnyTable]) -> pd.DataFrame:
    """Return `rows` as a frame that is checked against `table`."""
    frame = rows.to_pandas()
    empty = table.empty()
    # An empty column does not show its type to pandas.
    if not len(frame) and list(frame.columns) == list(empty.columns):
        frame = empty
    return check(frame, table, str(path))
