"""Tables in parts: row groups, selected rows, and sorted parts merged into one file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as arrow
import pyarrow.compute as compute
import pyarrow.parquet as parquet

from stages.lib.core import atomic, tables
from stages.lib.core.tables import (
    PARQUET_FORMAT,
    AnyTable,
    Shard,
    Table,
    arrow_schema,
    key_of,
    readable,
    write_row_groups,
)


class MergedParts:
    """A table that is merged from its parts while it is written.

    Args:
        sequences: lists of part files; the keys of the parts of one list ascend.
    """

    def __init__(self, sequences: Sequence[Sequence[Path]]) -> None:
        self._sequences = sequences

    def write(self, path: Path, table: type[Table] | None) -> None:
        """Write the rows of all parts to `path`, by the key of `table`."""
        assert table is not None, "merged parts need the contract of their table"
        merge_sorted(self._sequences, path, table)


def write_parts(
    frames: Iterable[pd.DataFrame], folder: Path, table: type[AnyTable]
) -> tuple[list[Path], int]:
    """Write each of `frames` as a part in `folder`; return the parts and the number of rows.

    Memory holds one frame at a time, where `frames` makes them one by one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts: list[Path] = []
    row_count = 0
    for number, frame in enumerate(frames):
        part = folder / f"{number:06d}.parquet"
        tables.write(frame, part, table)
        parts.append(part)
        row_count += len(frame)
    return parts, row_count


def write_row_groups_of(frames: Sequence[pd.DataFrame], path: Path, table: type[AnyTable]) -> None:
    """Write frames that are checked, each as a row group. `read_row_groups` reads them back."""
    schema = arrow_schema(table)
    with (
        atomic.write(path) as temporary,
        parquet.ParquetWriter(temporary, schema, **PARQUET_FORMAT) as writer,
    ):
        for frame in frames:
            columns = frame[schema.names]
            rows = arrow.Table.from_pandas(columns, schema=schema, preserve_index=False)
            writer.write_table(rows)


def read_row_groups(shards: Sequence[Shard], table: type[AnyTable]) -> pd.DataFrame:
    """Return the rows of several row groups that `write_row_groups_of` wrote, unchecked."""
    schema = arrow_schema(table)
    rows = [parquet.ParquetFile(shard.path).read_row_group(shard.group) for shard in shards]
    frame = arrow.concat_tables([schema.empty_table(), *rows]).to_pandas()
    return frame if len(frame) else table.empty()


def select_rows(path: Path, mask: npt.NDArray[np.bool_], table: type[AnyTable]) -> pd.DataFrame:
    """Return the rows of `path` where `mask` is true.

    `mask` has one value per row of the file. The caller has read and checked the whole table
    before.
    """
    schema = arrow_schema(table)
    frame = arrow.concat_tables(
        [schema.empty_table(), *_masked_rows(path, mask, schema)]
    ).to_pandas()
    return frame if len(frame) else table.empty()


def copy_rows(path: Path, mask: npt.NDArray[np.bool_], out: Path, table: type[AnyTable]) -> int:
    """Write the rows of `path` where `mask` is true to `out`, and return their number.

    `mask` has one value per row of the file. Memory holds one row group at a time.
    """
    schema = arrow_schema(table)
    count = 0
    with (
        atomic.write(out) as temporary,
        parquet.ParquetWriter(temporary, schema, **PARQUET_FORMAT) as writer,
    ):
        for rows in _equal_row_groups(_masked_rows(path, mask, schema), schema):
            count += rows.num_rows
            write_row_groups(writer, rows)
    return count


def _masked_rows(
    path: Path, mask: npt.NDArray[np.bool_], schema: arrow.Schema
) -> Iterator[arrow.Table]:
    start = 0
    with readable(path), parquet.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group).cast(schema)
            yield rows.filter(arrow.array(mask[start : start + rows.num_rows]))
            start += rows.num_rows


def concat_sorted(parts: Iterable[Path], path: Path, table: type[AnyTable]) -> int:
    """Write the rows of `parts` as one table, and return their number.

    Each part is a canonical file, and keys ascend from part to part. Memory holds one part at a
    time.

    Raises:
        ValueError: the keys of two parts overlap, so the result would not be sorted.
    """
    return merge_sorted([parts], path, table)


def merge_sorted(sequences: Sequence[Iterable[Path]], path: Path, table: type[AnyTable]) -> int:
    """Write several sequences of parts as one table, and return the number of rows.

    Each sequence is as for `concat_sorted`. Keys of two sequences may interleave, but no key
    occurs twice, and no two parts of a sequence share a value of the key's first column. Memory
    holds one part of each sequence at a time.
    """
    schema = arrow_schema(table)
    key = key_of(table)
    count = 0
    with (
        atomic.write(path) as temporary,
        parquet.ParquetWriter(temporary, schema, **PARQUET_FORMAT) as writer,
    ):
        ascending = [_checked_ascending(parts, key, path) for parts in sequences]
        for rows in _equal_row_groups(_merged_by_key(ascending, key), schema):
            count += rows.num_rows
            write_row_groups(writer, rows)
    return count


def _merged_by_key(
    sequences: Sequence[Iterator[arrow.Table]], key: list[str]
) -> Iterator[arrow.Table]:
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


def _checked_ascending(parts: Iterable[Path], key: list[str], path: Path) -> Iterator[arrow.Table]:
    """Yield the rows of each part; raises ValueError where parts overlap."""
    last_key = None
    for part in parts:
        with readable(part):
            rows = parquet.read_table(part)
        if rows.num_rows:
            first = _key_of_row(rows, key, 0)
            if last_key is not None and first <= last_key:
                raise ValueError(f"parts of {path} overlap at {first}")
            last_key = _key_of_row(rows, key, rows.num_rows - 1)
        yield rows


def _key_of_row(rows: arrow.Table, key: list[str], row: int) -> tuple[Any, ...]:
    return tuple(rows.column(name)[row].as_py() for name in key)


def _equal_row_groups(parts: Iterable[arrow.Table], schema: arrow.Schema) -> Iterator[arrow.Table]:
    """Yield the rows of `parts` in pieces that are whole row groups, except the last one.

    Row groups keep their fixed size wherever the parts were cut. Otherwise the bytes would depend
    on it.
    """
    rest = schema.empty_table()
    nothing_yielded = True
    for part in parts:
        rest = arrow.concat_tables([rest, part])
        whole_rows = rest.num_rows - rest.num_rows % tables.SHARD_ROWS
        if whole_rows:
            yield rest.slice(0, whole_rows)
            rest = rest.slice(whole_rows).combine_chunks()
            nothing_yielded = False

    # A table without rows has one empty row group.
    if rest.num_rows or nothing_yielded:
        yield rest
