"""Frequent sets in a join in partitions: `part_join`, with the same queries, in further shuffles.

1. Partitions of lists report the sets that meet many others, and learn which of them are frequent.
2. Partitions of sets divide their frequent sets. The numbers of the parts meet in a partition of
   their value, which counts for each pair of sets the numbers that they have in common.
3. The counts go to the partition of the pair, beside the counts of lists.
"""

from __future__ import annotations

from collections.abc import Sequence

from stages.deduplicate import partition_queries as queries
from stages.deduplicate.partition_files import read_files
from stages.deduplicate.partition_steps import (
    ForAll,
    OwnFile,
    Partitions,
    Received,
    StepSource,
    Target,
    write_target,
)
from stages.lib.core.database import own_database
from stages.lib.text import part_join
from stages.lib.text.crowds import JoinRun


def find_frequent_sets(partitions: Partitions, *, has_crowds: bool) -> list[int]:
    """Return the sizes of the sets to compare by parts, ascending; none if there are no such sets.

    It reads the prefixes `larger`. It writes the sets as `frequent_kept`, and for the partitions of
    lists as `frequent`.

    Args:
        partitions: where the steps work.
        has_crowds: whether there is a file `crowds` of sets that are not compared by parts.
    """
    values = {"most_met": part_join.most_met(partitions.values)}
    (met_count,) = partitions.run(
        "looking for long lists",
        [Received(queries.loading("larger"), "larger", partitions.count)],
        [],
        [Target("met", queries.MET_SETS, queries.OF_SET)],
        values=values,
    )

    # Most tables have no list that is long enough.
    sizes: list[int] = []
    if met_count:
        sources: list[StepSource] = [
            Received(queries.loading("met"), "met", partitions.count),
            OwnFile(queries.loading_sets("kept", queries.SETS_MET), "kept"),
        ]
        steps = [queries.SETS_OF_LONG_LISTS]
        if has_crowds:
            sources.append(ForAll(queries.loading("crowds"), "crowds"))
            steps.append(part_join.WITHOUT_CROWDS)

        partitions.run(
            "finding frequent sets",
            sources,
            steps,
            [
                Target("frequent", queries.FREQUENT_IN_LISTS, queries.OF_ASKER),
                Target("frequent_kept", queries.FREQUENT_SETS),
                Target("frequent_sizes", queries.SIZES),
            ],
            values=values,
        )
        of_partitions = read_files(partitions.files("frequent_sizes"), None).read_all()
        sizes = sorted(set(of_partitions.column("size").to_pylist()))

    partitions.remove("met", "frequent_sizes")
    if not sizes:
        partitions.remove("frequent_kept")
    return sizes


def count_matching_parts(partitions: Partitions, sizes: Sequence[int]) -> list[str]:
    """Return the names of the files that say how many parts two frequent sets have in common.

    The files are for the partitions of pairs. There are none if `sizes`, the sizes of the frequent
    sets, is empty.
    """
    if not sizes:
        return []

    # Into how many parts sets of each size are divided.
    table = part_join.table_of_sizes(list(sizes), partitions.values)
    with own_database(partitions.memory, threads=1) as connection:
        run = JoinRun(connection, partitions.values)
        run.load(queries.loading("sizes"), table)
        write_target(run, Target("sizes", "sizes"), partitions.scratch, 0)

    # One number of parts after the other, so that the files are small.
    names = []
    for parts in sorted(set(table.column("parts").to_pylist())):
        name = f"part_counts_{parts}"
        names.append(name)
        _count_one_number(partitions, parts, name)

    partitions.remove("frequent_kept", "sizes")
    return names


def _count_one_number(partitions: Partitions, parts: int, name: str) -> None:
    """Divide sets into so many `parts`, and write the counts of matching parts as `name`."""
    # Number the parts, and send the numbers to their partitions.
    partitions.run(
        f"dividing sets into {parts} parts",
        [
            ForAll(queries.loading("sizes"), "sizes"),
            OwnFile(queries.loading("kept"), "frequent_kept"),
            OwnFile(queries.loading_sets("members", queries.SETS_OF_PARTS), "members"),
        ],
        [queries.ALL_ARE_FREQUENT, part_join.DIVIDED_SETS, *part_join.NUMBER_PARTS],
        [
            Target("part_numbers", queries.PART_NUMBERS, queries.OF_NUMBER),
            Target("shortened", queries.SHORTENED_PARTS, queries.OF_NUMBER),
        ],
        values={"parts": parts},
    )

    # Count the numbers that two sets have in common.
    partitions.run(
        f"matching {parts} parts",
        [
            Received(queries.loading("part_numbers"), "part_numbers", partitions.count),
            Received(queries.loading("shortened"), "shortened", partitions.count),
        ],
        [queries.DIVIDED_SETS, *part_join.MATCH_PARTS],
        [Target(name, queries.MATCHED_PAIRS, queries.OF_PAIR)],
        values={"parts": parts},
    )
    partitions.remove("part_numbers", "shortened")
