"""Work on tables larger than memory: map over shards, group by key, merge sorted parts.

The work runs in processes of this machine, or with PAIRSMITH_ENGINE=ray on the machines of a Ray
cluster. The parts are the same.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from stages.lib.core import ray_cluster, tables
from stages.lib.core.errors import UserError
from stages.lib.core.ray_cluster import Item, Result, Work
from stages.lib.core.stage import runs_on_ray, workers
from stages.lib.core.tables import Shard, Table, key_of
from stages.lib.preprocessing import worker_pool
from stages.lib.preprocessing.shard_work import (
    Function,
    Key,
    MapShards,
    NamedShard,
    Partition,
    ReducePartitions,
    ScatterShards,
)

# The largest number of partitions. A table of fewer shards has as many as it has shards.
MAX_PARTITIONS = 16

# How many shards of a table a partition of a join has at most, if nobody says it: about 65,000
# texts, whose shingles take some hundred MB.
_SHARDS_OF_PARTITION = 16


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
    work = MapShards(function, reads, tuple(writes), scratch)
    parts_by_shard = run_all(work, _numbered(shards))
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
    run_all(ScatterShards(key, reads, scratch, partition_count), _numbered(shards))

    # Join the pieces of each partition, and apply the function.
    reduce = ReducePartitions(
        function=function,
        key=key,
        reads=reads,
        writes=tuple(writes),
        scratch=scratch,
        shard_count=len(shards),
        partition_count=partition_count,
    )
    partitions = [Partition(number) for number in range(partition_count)]
    parts_by_partition = run_all(reduce, partitions)
    return _parts_by_table(parts_by_partition, len(writes))


def concat_parts(parts: Sequence[Path], table: type[Table]) -> pd.DataFrame:
    """Return the rows of `parts` as one frame, sorted by the key of the table."""
    # Each part is sorted, but their keys interleave.
    frames = [tables.read(part, table) for part in parts]
    frame = pd.concat(frames, ignore_index=True) if frames else table.empty()
    return frame.sort_values(key_of(table), kind="stable", ignore_index=True)


def run_all(work: Work[Item, Result], items: Sequence[Item]) -> list[Result]:
    """Return the result of each item, in their order, by the engine of the environment.

    Raises:
        UserError: a worker died again and again at the same rows.
    """
    if runs_on_ray():
        return ray_cluster.run_all(work, items)

    return worker_pool.run_all(work, items)


def tasks_of_machine() -> int:
    """Return how many tasks a machine may run at once; the machines of a cluster may differ."""
    return ray_cluster.processors_of_machine() if runs_on_ray() else workers()


def join_partitions(shard_count: int) -> int:
    """Return into how many partitions the join of a table is cut; 1 is a join in one database.

    PAIRSMITH_PARTITIONS says it. Without it a cluster has one for each processor, or more for
    large tables, but not more than there are shards; and one machine has a single one.

    Raises:
        UserError: the variable has no whole number from 1 to 9999.
    """
    value = os.environ.get("PAIRSMITH_PARTITIONS", "")
    if value:
        if not re.fullmatch("[1-9][0-9]{0,3}", value):
            raise UserError(
                f"the environment has PAIRSMITH_PARTITIONS={value!r}",
                "set it to a whole number from 1 to 9999, or unset it",
            )
        return int(value)

    if not runs_on_ray():
        return 1
    partition_count = max(ray_cluster.processors(), shard_count // _SHARDS_OF_PARTITION)
    return max(1, min(shard_count, partition_count))


def _numbered(shards: Sequence[Shard]) -> list[NamedShard]:
    return [NamedShard(f"{index:06d}", shard) for index, shard in enumerate(shards)]


def _parts_by_table(parts_by_task: list[list[Path]], table_count: int) -> list[list[Path]]:
    """Return the parts of each table, from the parts of each task."""
    columns = []
    for table_index in range(table_count):
        columns.append([parts[table_index] for parts in parts_by_task])

    return columns
