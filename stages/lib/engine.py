"""Where work runs: two verbs over canonical Parquet shards, and the same bytes wherever they run.

`map` applies a frame-to-frame function to every shard. `group` hash-partitions rows by a key, so that
rows of one key meet in one place, sorted by id and of canonical type before the function sees them.
How many workers there are comes from the environment (PAIRSMITH_WORKERS) and is no parameter: it may
change the speed and never a byte.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import pandas as pd

from stages.lib import tables
from stages.lib.contracts.table import Table, key_of
from stages.lib.stage import progress
from stages.lib.tables import Shard
from stages.lib.workers import workers as workers

Function = Callable[[pd.DataFrame], Sequence[pd.DataFrame]]
Key = Callable[[pd.DataFrame], "pd.Series[str]"]
Task = TypeVar("Task")
Result = TypeVar("Result")

PARTITIONS = 16  # at most; a table of fewer shards is small enough for as few


def map(
    function: Function,
    shards: Sequence[Shard],
    reads: type[Table],
    writes: Sequence[type[Table]],
    scratch: Path,
) -> list[list[Path]]:
    """Apply `function` to each shard and return, per table of `writes`, its parts in the order of the shards.

    `function` is importable (a module-level function or a partial of one); it sees a checked frame of
    `reads` and returns one frame per table of `writes`. Parts lie in `scratch`, which is the caller's.
    """
    task = partial(_map_one, function, reads, tuple(writes), scratch)
    return _columns(_run(task, list(enumerate(shards)), len(shards)), len(writes))


def group(
    function: Function,
    key: Key,
    shards: Sequence[Shard],
    reads: type[Table],
    writes: Sequence[type[Table]],
    scratch: Path,
) -> list[list[Path]]:
    """Bring rows of equal `key` together, apply `function` to each partition, return the parts of `writes`.

    `key` names a row's group (a string without meaning for the order). `function` sees the rows of whole
    groups with their key in an extra column `group_key`, sorted by it and then by the table's own key.
    Parts come in the order of the partitions, so their keys interleave: gather them with `gather`. How many there
    are depends on the number of shards, what they hold together does not.
    """
    partitions = min(PARTITIONS, max(1, len(shards)))
    _run(
        partial(_scatter_one, key, reads, scratch, partitions), list(enumerate(shards)), len(shards)
    )
    reduce = partial(_reduce_one, function, key, reads, tuple(writes), scratch, len(shards))
    return _columns(_run(reduce, list(range(partitions)), partitions), len(writes))


def gather(parts: Sequence[Path], table: type[Table]) -> pd.DataFrame:
    """Return the rows of `parts` as one frame, sorted by the table's key."""
    frames = [tables.read(part, table) for part in parts]
    frame = pd.concat(frames, ignore_index=True) if frames else table.empty()
    return frame.sort_values(key_of(table), kind="stable", ignore_index=True)


def _run(task: Callable[[Task], Result], items: Sequence[Task], total: int) -> list[Result]:
    count = min(workers(), total)
    if count <= 1:
        return [task(item) for item in progress(items, total, _label(task))]
    # Linux forks, so workers share what is already imported; elsewhere forking is not safe.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    with ProcessPoolExecutor(count, mp_context=context) as pool:
        return list(progress(pool.map(task, items), total, _label(task)))


def _label(task: Callable[[Task], Result]) -> str:
    function = task.args[0] if isinstance(task, partial) else task
    function = function.func if isinstance(function, partial) else function
    return str(getattr(function, "__name__", "working")).strip("_").replace("_", " ")


def _map_one(
    function: Function,
    reads: type[Table],
    writes: tuple[type[Table], ...],
    scratch: Path,
    item: tuple[int, Shard],
) -> list[Path]:
    at, shard = item
    return _write_all(function(tables.read_shard(shard, reads)), writes, scratch, f"map-{at:06d}")


def _scatter_one(
    key: Key, reads: type[Table], scratch: Path, partitions: int, item: tuple[int, Shard]
) -> None:
    # A file per shard with a row group per partition. It is checked where its rows meet, and not in between.
    at, shard = item
    frame = tables.read_shard(shard, reads)
    where = pd.util.hash_pandas_object(key(frame), index=False) % partitions
    tables.write_groups(
        [frame[(where == partition).to_numpy()] for partition in range(partitions)],
        _scattered(scratch, at),
        reads,
    )


def _reduce_one(
    function: Function,
    key: Key,
    reads: type[Table],
    writes: tuple[type[Table], ...],
    scratch: Path,
    shards: int,
    partition: int,
) -> list[Path]:
    frame = tables.read_groups(
        [Shard(_scattered(scratch, at), partition) for at in range(shards)], reads
    )
    frame = frame.assign(group_key=key(frame)).sort_values(
        ["group_key", *key_of(reads)], ignore_index=True
    )
    return _write_all(function(frame), writes, scratch, f"group-{partition:03d}")


def _scattered(scratch: Path, shard: int) -> Path:
    return scratch / f"scattered-{shard:06d}.parquet"


def _write_all(
    frames: Sequence[pd.DataFrame], writes: tuple[type[Table], ...], scratch: Path, name: str
) -> list[Path]:
    paths = []
    for frame, table in zip(frames, writes, strict=True):
        path = scratch / f"{name}.{table.__name__}.parquet"
        tables.write(frame, path, table)
        paths.append(path)
    return paths


def _columns(rows: list[list[Path]], count: int) -> list[list[Path]]:
    return [[row[at] for row in rows] for at in range(count)]
