"""What workers do with shards and partitions, whole or in halves.

Halves give the same parts as the whole. A worker that died for want of memory is tried again with
half of the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow.parquet as parquet

from stages.lib.core import tables
from stages.lib.core.tables import Shard, Table, key_of
from stages.lib.preprocessing.table_parts import read_row_groups, write_row_groups_of

Function = Callable[[pd.DataFrame], Sequence[pd.DataFrame]]
Key = Callable[[pd.DataFrame], "pd.Series[str]"]


class NamedShard(NamedTuple):
    """A shard and the name of the files that are made of it."""

    name: str
    shard: Shard


class Partition(NamedTuple):
    """All rows whose key has a hash of one remainder, or half of them."""

    number: int
    half: int | None = None

    @property
    def name(self) -> str:
        """Return the name of the files that are made of it.

        >>> Partition(3).name, Partition(3, half=1).name
        ('003', '003-1')
        """
        return f"{self.number:03d}" if self.half is None else f"{self.number:03d}-{self.half}"


@dataclass(frozen=True)
class MapShards:
    """Apply a function to a shard, and write a part for each table."""

    function: Function
    reads: type[Table]
    writes: tuple[type[Table], ...]
    scratch: Path
    memory_bytes: int = 0

    @property
    def label(self) -> str:
        """Return the name of the function, in words."""
        return _label(self.function)

    def __call__(self, item: NamedShard) -> list[Path]:
        """Return the parts, one for each table."""
        frames = self.function(tables.read_shard(item.shard, self.reads))
        return _write_all(frames, self.writes, self.scratch, name=f"map-{item.name}")

    def halves(self, item: NamedShard) -> list[NamedShard]:
        """Return two halves of the rows, as files of their own."""
        return _half_shards(item, self.scratch)

    def join(self, item: NamedShard, results: list[list[Path]]) -> list[Path]:
        """Return the parts of the whole shard."""
        frames = _joined(results, self.writes)
        return _write_all(frames, self.writes, self.scratch, name=f"map-{item.name}")

    def describe(self, item: NamedShard) -> str:
        """Return the first and last id of the rows."""
        return _rows_of_shard(item.shard, key_of(self.reads)[0])


@dataclass(frozen=True)
class ScatterShards:
    """Write a file with a row group for each partition, from a shard."""

    key: Key
    reads: type[Table]
    scratch: Path
    partition_count: int
    memory_bytes: int = 0

    @property
    def label(self) -> str:
        """Return the name of the function that gives the key, in words."""
        return _label(self.key)

    def __call__(self, item: NamedShard) -> None:
        """Write the file. Its rows are checked when `ReducePartitions` reads them."""
        frame = tables.read_shard(item.shard, self.reads)

        # Rows of one key have one hash, and so are in one partition.
        hashes = pd.util.hash_pandas_object(self.key(frame), index=False)
        partition_of_row = hashes % self.partition_count
        partitions = []
        for partition in range(self.partition_count):
            partitions.append(frame[(partition_of_row == partition).to_numpy()])
        write_row_groups_of(partitions, _scatter_path(self.scratch, item.name), self.reads)

    def halves(self, item: NamedShard) -> list[NamedShard]:
        """Return two halves of the rows, as files of their own."""
        return _half_shards(item, self.scratch)

    def join(self, item: NamedShard, results: list[None]) -> None:
        """Write the file of the whole shard."""
        names = [half_name(item, half) for half in range(len(results))]
        partitions = []
        for partition in range(self.partition_count):
            pieces = [Shard(_scatter_path(self.scratch, name), partition) for name in names]
            partitions.append(read_row_groups(pieces, self.reads))
        write_row_groups_of(partitions, _scatter_path(self.scratch, item.name), self.reads)

    def describe(self, item: NamedShard) -> str:
        """Return the first and last id of the rows."""
        return _rows_of_shard(item.shard, key_of(self.reads)[0])


@dataclass(frozen=True)
class ReducePartitions:
    """Apply a function to a partition of whole groups, and write a part for each table."""

    function: Function
    key: Key
    reads: type[Table]
    writes: tuple[type[Table], ...]
    scratch: Path
    shard_count: int
    partition_count: int
    memory_bytes: int = 0

    @property
    def label(self) -> str:
        """Return the name of the function, in words."""
        return _label(self.function)

    def __call__(self, item: Partition) -> list[Path]:
        """Return the parts, one for each table."""
        frames = self.function(self._read(item))
        return _write_all(frames, self.writes, self.scratch, name=f"group-{item.name}")

    def halves(self, item: Partition) -> list[Partition]:
        """Return two halves of the groups."""
        return [Partition(item.number, half) for half in range(2)]

    def join(self, item: Partition, results: list[list[Path]]) -> list[Path]:
        """Return the parts of the whole partition."""
        frames = _joined(results, self.writes)
        return _write_all(frames, self.writes, self.scratch, name=f"group-{item.name}")

    def describe(self, item: Partition) -> str:
        """Return the first and last key of the groups."""
        return _rows(self._read(item), "group_key")

    def _read(self, item: Partition) -> pd.DataFrame:
        """Return the rows with the column `group_key`, sorted by it and the key of the table."""
        pieces = []
        for shard_index in range(self.shard_count):
            path = _scatter_path(self.scratch, f"{shard_index:06d}")
            pieces.append(Shard(path, item.number))
        frame = read_row_groups(pieces, self.reads)

        # A half has every second value that the hash has above the number of the partition.
        keys = self.key(frame)
        if item.half is not None:
            hashes = pd.util.hash_pandas_object(keys, index=False)
            is_chosen = (hashes // self.partition_count % 2 == item.half).to_numpy()
            frame = frame[is_chosen]
            keys = keys[is_chosen]

        # Sort, so that the order of the shards does not matter.
        frame = frame.assign(group_key=keys)
        return frame.sort_values(["group_key", *key_of(self.reads)], ignore_index=True)


def half_name(item: NamedShard, half: int) -> str:
    """Return the name of a half of a shard.

    >>> half_name(NamedShard("000012", Shard(Path("a.parquet"))), 1)
    '000012-1'
    """
    return f"{item.name}-{half}"


def _label(function: Callable[..., object]) -> str:
    """Return the name of the innermost function, in words, for the progress bar."""
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__name__", "working")).strip("_").replace("_", " ")


def _half_shards(item: NamedShard, scratch: Path) -> list[NamedShard]:
    """Return two halves of the rows of a shard, each a file in `scratch`; none of a single row."""
    file = parquet.ParquetFile(item.shard.path)
    group = item.shard.group
    rows = file.read() if group is None else file.read_row_group(group)
    if rows.num_rows < 2:
        return []

    halves = []
    middle = rows.num_rows // 2
    for half, piece in enumerate((rows.slice(0, middle), rows.slice(middle))):
        name = half_name(item, half)
        path = scratch / f"half-{name}.parquet"
        tables.write_arrow(piece, path)
        halves.append(NamedShard(name, Shard(path)))
    return halves


def _joined(parts_by_half: list[list[Path]], writes: tuple[type[Table], ...]) -> list[pd.DataFrame]:
    """Return one frame for each table, from the parts of both halves."""
    frames = []
    for table_index, table in enumerate(writes):
        halves = [tables.read(parts[table_index], table) for parts in parts_by_half]
        frame = pd.concat(halves, ignore_index=True)

        frames.append(_added_up(frame, key_of(table)))
    return frames


def _added_up(frame: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Return `frame` with the counts of one item added up, where both halves have counted it."""
    if not frame.duplicated(key).any():
        return frame
    counts = frame.columns.difference(key)
    if not all(frame[name].dtype == "int64" for name in counts):
        raise ValueError(f"rows of both halves have the same {', '.join(key)}")
    return frame.groupby(key, sort=False, as_index=False, dropna=False).sum()


def _rows(frame: pd.DataFrame, column: str) -> str:
    if not len(frame):
        return "no rows"
    first, last = (str(frame[column].iloc[position])[:60] for position in (0, -1))
    return f"{len(frame):,} rows, {column} {first} to {last}"


def _rows_of_shard(shard: Shard, column: str) -> str:
    # The other columns, and checks, would take ten times as long.
    file = parquet.ParquetFile(shard.path)
    columns = [column]
    group = shard.group
    rows = file.read(columns) if group is None else file.read_row_group(group, columns)
    return _rows(rows.to_pandas(), column)


def _scatter_path(scratch: Path, name: str) -> Path:
    return scratch / f"scattered-{name}.parquet"


def _write_all(
    frames: Sequence[pd.DataFrame],
    writes: tuple[type[Table], ...],
    scratch: Path,
    *,
    name: str,
) -> list[Path]:
    """Write a part for each table and return their paths."""
    paths = []
    for frame, table in zip(frames, writes, strict=True):
        # The name of a table keeps its parts apart from those of others.
        path = scratch / f"{name}.{table.__name__}.parquet"
        tables.write(frame, path, table)
        paths.append(path)

    return paths
