"""Work on tables larger than memory: map over shards, group by key, merge sorted parts."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import pandas as pd

from stages.lib.core import tables
from stages.lib.core.stage import progress, workers
from stages.lib.core.tables import (
    Shard,
    Table,
    key_of,
)
from stages.lib.preprocessing.table_parts import read_row_groups, write_row_groups_of

Function = Callable[[pd.DataFrame], Sequence[pd.DataFrame]]
Key = Callable[[pd.DataFrame], "pd.Series[str]"]
Task = TypeVar("Task")
Result = TypeVar("Result")
# The largest number of partitions. A table of fewer shards has as many as it has shards.
MAX_PARTITIONS = 16


def map_shards(
    function: Function,
    shards: Sequence[Shard],
    reads: type[Table],
    writes: Sequence[type[Table]],
    scratch: Path,
) -> list[list[Path]]:
    """Apply `function` to each shard and return the written parts, one list per table.

    `function` is importable: a module-level function, or a partial of one. It gets a checked
    frame of `reads` and returns one frame per table of `writes`. The parts of a table are in
    the order of the shards. They are files in `scratch`, which the caller removes.
    """
    # A partial of a module-level function can be sent to another process.
    task = partial(
        _map_shard,
        function,
        reads=reads,
        writes=tuple(writes),
        scratch=scratch,
    )

    parts_by_shard = _run_tasks(task, list(enumerate(shards)), len(shards))
    return _parts_by_table(parts_by_shard, len(writes))


def group_by_key(
    function: Function,
    key: Key,
    shards: Sequence[Shard],
    reads: type[Table],
    writes: Sequence[type[Table]],
    scratch: Path,
) -> list[list[Path]]:
    """Apply `function` to partitions of whole groups and return the parts, one list per table.

    `key` returns the group of each row, as a string whose order means nothing. `function`
    gets whole groups with their key in an extra column `group_key`, sorted by it and then by
    the key of the table. Parts are in the order of the partitions, so the ids of one part are
    between those of others: read them with `concat_parts`. The number of parts depends on the
    number of shards, but their rows together do not.
    """
    partition_count = min(MAX_PARTITIONS, max(1, len(shards)))

    # Cut each shard into partitions.
    scatter = partial(
        _scatter_shard,
        key,
        reads=reads,
        scratch=scratch,
        partition_count=partition_count,
    )
    _run_tasks(scatter, list(enumerate(shards)), len(shards))

    # Join the pieces of each partition, and apply the function.
    reduce = partial(
        _reduce_partition,
        function,
        key,
        reads=reads,
        writes=tuple(writes),
        scratch=scratch,
        shard_count=len(shards),
    )
    parts_by_partition = _run_tasks(reduce, list(range(partition_count)), partition_count)
    return _parts_by_table(parts_by_partition, len(writes))


def concat_parts(parts: Sequence[Path], table: type[Table]) -> pd.DataFrame:
    """Return the rows of `parts` as one frame, sorted by the key of the table."""
    # Each part is sorted, but their keys interleave.
    frames = [tables.read(part, table) for part in parts]
    frame = pd.concat(frames, ignore_index=True) if frames else table.empty()
    return frame.sort_values(key_of(table), kind="stable", ignore_index=True)


def _run_tasks(task: Callable[[Task], Result], items: Sequence[Task], total: int) -> list[Result]:
    """Return the result of `task` for each item, in their order, with a progress bar."""
    worker_count = min(workers(), total)
    if worker_count <= 1:
        return [task(item) for item in progress(items, total, _progress_label(task))]

    # With fork, workers share what is already imported. It is safe on Linux only.
    method = "fork" if sys.platform == "linux" else "spawn"
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(worker_count, mp_context=context) as pool:
        results = pool.map(task, items)
        return list(progress(results, total, _progress_label(task)))


def _progress_label(task: Callable[[Task], Result]) -> str:
    """Return the name of the innermost function of `task`, in words, for the progress bar."""
    # A task is a partial of a private function; its first argument is the work.
    function = task.args[0] if isinstance(task, partial) else task
    if isinstance(function, partial):
        function = function.func

    name = str(getattr(function, "__name__", "working"))
    return name.strip("_").replace("_", " ")


def _map_shard(
    function: Function,
    numbered_shard: tuple[int, Shard],
    *,
    reads: type[Table],
    writes: tuple[type[Table], ...],
    scratch: Path,
) -> list[Path]:
    """Apply the function to one shard and return the parts, one per table."""
    shard_index, shard = numbered_shard
    frames = function(tables.read_shard(shard, reads))
    return _write_all(frames, writes, scratch, name=f"map-{shard_index:06d}")


def _scatter_shard(
    key: Key,
    numbered_shard: tuple[int, Shard],
    *,
    reads: type[Table],
    scratch: Path,
    partition_count: int,
) -> None:
    """Write a file with one row group per partition, from one shard.

    The rows are checked when `_reduce_partition` reads them.
    """
    shard_index, shard = numbered_shard
    frame = tables.read_shard(shard, reads)

    # Rows of one key have one hash, and so are in one partition.
    hashes = pd.util.hash_pandas_object(key(frame), index=False)
    partition_of_row = hashes % partition_count

    partitions = [
        frame[(partition_of_row == partition).to_numpy()] for partition in range(partition_count)
    ]
    write_row_groups_of(partitions, _scatter_path(scratch, shard_index), reads)


def _reduce_partition(
    function: Function,
    key: Key,
    partition: int,
    *,
    reads: type[Table],
    writes: tuple[type[Table], ...],
    scratch: Path,
    shard_count: int,
) -> list[Path]:
    """Apply `function` to one partition and return the parts, one per table."""
    pieces = [
        Shard(_scatter_path(scratch, shard_index), partition) for shard_index in range(shard_count)
    ]
    frame = read_row_groups(pieces, reads)

    # Sort, so that the order of the shards does not matter.
    frame = frame.assign(group_key=key(frame))
    frame = frame.sort_values(["group_key", *key_of(reads)], ignore_index=True)

    return _write_all(function(frame), writes, scratch, name=f"group-{partition:03d}")


def _scatter_path(scratch: Path, shard_index: int) -> Path:
    return scratch / f"scattered-{shard_index:06d}.parquet"


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


def _parts_by_table(parts_by_task: list[list[Path]], table_count: int) -> list[list[Path]]:
    """Return the parts of each table, from the parts of each task."""
    columns = []
    for table_index in range(table_count):
        columns.append([parts[table_index] for parts in parts_by_task])

    return columns
