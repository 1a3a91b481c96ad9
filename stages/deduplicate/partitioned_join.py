"""The join of near-duplicates in partitions, on processes of this machine or on a Ray cluster.

It gives the edges of `similarity_join.join_sets`, with the same queries, in three shuffles:

1. Shingles meet in a partition of their value, which counts them. Each set gets the ranks of its
   shingles back, and with them its prefix.
2. Prefixes meet in a partition of the shingle lists, which counts for each pair of sets the lists
   in which they meet. Sets that meet very many are compared by their parts (`partitioned_parts`).
3. The counts meet in a partition of the pairs, which adds them up. It borrows the sets of its
   candidates from their partitions, and verifies.

The process that hands the tasks out gets the edges. It also looks for crowds, if some shingle lists
are so long that there may be one. Then it has the prefixes in these lists, and the shingles stay
where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stages.deduplicate import partition_queries as queries
from stages.deduplicate.partition_files import read_files
from stages.deduplicate.partition_steps import (
    ForAll,
    OwnFile,
    Partitions,
    ReadSets,
    Received,
    SetParts,
    StepSource,
    Target,
    write_target,
)
from stages.deduplicate.partitioned_parts import count_matching_parts, find_frequent_sets
from stages.lib.core.database import own_database
from stages.lib.text import join_queries
from stages.lib.text.crowds import JoinRun, find_crowds, load_crowds
from stages.lib.text.similarity_join import Measure, SimilarityEdges, join_values, most_similar

# There is one table, which is joined with itself.
_ONE_TABLE = {"side": 0, "other": 0, "offset": 0}


def join_in_partitions(
    parts: Sequence[ReadSets],
    threshold: float,
    measure: Measure,
    *,
    count: int,
    scratch: Path,
) -> SimilarityEdges:
    """Return the edges that `join_sets` returns for the sets of all parts.

    Args:
        parts: each returns a part of the table of shingle sets. At least one.
        threshold: the smallest similarity, above 0.
        measure: how two sets are compared.
        count: the number of partitions. It changes no edge.
        scratch: a folder for files, which every machine sees. They are gone in the end.
    """
    values = {**join_values(threshold, measure, two_tables=False), **_ONE_TABLE}
    partitions = Partitions.of_join(count, values, scratch)

    # The first shuffle, and half of the second one.
    _rank_shingles(partitions, parts)
    _send_prefixes(partitions)

    with own_database(partitions.memory, threads=1) as connection:
        run = _PartitionedRun(connection, partitions)
        has_crowds = _find_crowds(run, partitions)

        # The second half. Frequent sets are compared by parts.
        sizes = find_frequent_sets(partitions, has_crowds=has_crowds)
        _count_candidates(partitions, has_crowds=has_crowds, has_frequent=bool(sizes))
        part_counts = count_matching_parts(partitions, sizes)

        # The third shuffle.
        run.verify_candidates(part_counts)
        crowd_rows = None
        if has_crowds:
            run.verify_edges()
            crowd_rows = run.fetch(join_queries.CROWD_ROWS)

        edges = run.fetch(join_queries.EDGES)

    partitions.remove("members", "kept")
    return most_similar(edges, crowd_rows, is_self_join=True)


class _PartitionedRun(JoinRun):
    """A connection of the process that hands out tasks. The tasks verify."""

    def __init__(self, connection: Any, partitions: Partitions) -> None:
        super().__init__(connection, partitions.values)
        self._partitions = partitions

        # Which sets the tasks look at: all, or those of dense lists.
        self.is_dense = False

    def verify(self) -> None:
        """Count what the sets of each of `pairs` share, and write the similar ones to `near`."""
        partitions = self._partitions

        # Send each pair to its partition.
        target = Target("some_pairs", "pairs", queries.OF_PAIR)
        write_target(self, target, partitions.scratch, 0)
        partitions.run(
            "sending pairs",
            [Received(queries.loading("pairs"), "some_pairs", 1)],
            [],
            [Target("pairs", "pairs"), Target("asked", queries.ASKED, queries.OF_SET)],
        )
        partitions.remove("some_pairs")

        self._verify_in_partitions()

    def verify_candidates(self, part_counts: Sequence[str]) -> None:
        """Verify the pairs with large enough counts, and write the similar ones to `near`.

        Args:
            part_counts: the names of the files with the counts of matching parts.
        """
        partitions = self._partitions
        count = partitions.count

        # A pair of frequent sets has matching parts, and any other pair has common lists.
        sources = [Received(queries.loading("counts"), "counts", count)]
        steps = [join_queries.SUM_COUNTS]
        for name in part_counts:
            is_first = len(sources) == 1
            load = queries.loading("part_counts") if is_first else queries.ADD_PART_COUNTS
            sources.append(Received(load, name, count))
        if part_counts:
            steps.append(queries.SUM_PART_COUNTS)

        partitions.run(
            "adding up candidates",
            sources,
            steps,
            [Target("pairs", "pairs"), Target("asked", queries.ASKED, queries.OF_SET)],
        )
        partitions.remove("counts", *part_counts)
        self._verify_in_partitions()

    def verify_edges(self) -> None:
        """Verify all pairs of sets of the rows of each edge, and write the similar ones to `near`.

        Two rows may be more similar by another pair of their sets, which a crowd left out.
        """
        # Get all sets of the rows that have an edge.
        partitions = self._partitions
        target = Target("rows_of_edges", queries.ROWS_OF_EDGES)
        write_target(self, target, partitions.scratch, 0)
        partitions.run(
            "gathering rows of edges",
            [
                ForAll(queries.loading("rows_of_edges"), "rows_of_edges"),
                OwnFile(queries.LOAD_SETS_OF_EDGES, "kept"),
            ],
            [],
            [Target("sets_of_edges", "kept")],
        )
        self.load(queries.loading("kept"), read_files(partitions.files("sets_of_edges"), None))
        partitions.remove("rows_of_edges", "sets_of_edges")

        self.execute(join_queries.PAIRS_OF_EDGES)
        self.verify()

    def _verify_in_partitions(self) -> None:
        """Verify the pairs in the files `pairs`, and load the similar ones into `near`."""
        partitions = self._partitions
        prefix = "dense_" if self.is_dense else ""

        # Lend the first sets of pairs to the partitions of their second sets.
        partitions.run(
            "lending sets",
            [
                Received(queries.loading("asked"), "asked", partitions.count),
                OwnFile(queries.loading_sets("members", queries.SETS_ASKED), f"{prefix}members"),
                OwnFile(queries.loading_sets("kept", queries.SETS_ASKED), f"{prefix}kept"),
            ],
            [],
            [
                Target("lent_members", queries.LENT_MEMBERS, queries.OF_ASKER),
                Target("lent_kept", queries.LENT_SETS, queries.OF_ASKER),
            ],
        )
        partitions.remove("asked")

        partitions.run(
            "verifying pairs",
            [
                OwnFile(queries.loading("pairs"), "pairs"),
                OwnFile(queries.loading_sets("members", queries.SETS_OF_PAIRS), f"{prefix}members"),
                OwnFile(queries.loading_sets("kept", queries.SETS_OF_PAIRS), f"{prefix}kept"),
                Received(queries.ADD_MEMBERS, "lent_members", partitions.count),
                Received(queries.ADD_SETS, "lent_kept", partitions.count),
            ],
            join_queries.VERIFY,
            [Target("near", "near")],
        )
        partitions.remove("pairs", "lent_members", "lent_kept")

        query = queries.loading("near").replace("CREATE", "CREATE OR REPLACE")
        self.load(query, read_files(partitions.files("near"), None))
        partitions.remove("near")


def _rank_shingles(partitions: Partitions, parts: Sequence[ReadSets]) -> None:
    """Order all shingles by frequency, and tell each set where its shingles stand: `places`."""
    # Send the shingles of all sets to their partitions.
    partitions.run(
        "spreading shingles",
        [SetParts()],
        [],
        [
            Target("sets", queries.SETS, queries.OF_SET),
            Target("occurrences", queries.OCCURRENCES, queries.OF_SHINGLE),
        ],
        parts=parts,
    )

    # Count them there, and send their places back.
    partitions.run(
        "counting shingles",
        [Received(queries.loading("occurrences"), "occurrences", partitions.count)],
        [queries.COUNT_SHINGLES],
        [
            Target("frequencies", queries.FREQUENCIES),
            Target("places", queries.PLACES, queries.OF_SET),
        ],
    )
    partitions.remove("occurrences")

    # Add up how many shingles are rarer. This table is small: few frequencies differ.
    with own_database(partitions.memory, threads=1) as connection:
        run = JoinRun(connection, partitions.values)
        run.load(queries.loading("frequencies"), read_files(partitions.files("frequencies"), None))
        write_target(run, Target("starts", queries.RANK_STARTS), partitions.scratch, 0)
    partitions.remove("frequencies")


def _send_prefixes(partitions: Partitions) -> None:
    """Write the `members` of the sets that can have a partner, and send out their prefixes."""
    partitions.run(
        "cutting prefixes",
        [
            Received(queries.loading("sets"), "sets", partitions.count),
            Received(queries.loading("places"), "places", partitions.count),
            ForAll(queries.loading("starts"), "starts"),
        ],
        [
            queries.RANK_PLACES,
            join_queries.KEEP_SETS,
            join_queries.KEEP_MEMBERS,
            join_queries.DROP_RANKED,
            join_queries.LARGER_PREFIXES,
        ],
        [
            Target("members", "members"),
            Target("kept", "kept"),
            Target("larger", "larger", queries.OF_LIST),
        ],
    )
    partitions.remove("sets", "places", "starts")


def _find_crowds(run: _PartitionedRun, partitions: Partitions) -> bool:
    """Return whether there are crowds. `run` gets their tables, and the prefixes in dense lists."""
    _, set_count = partitions.run(
        "looking for dense lists",
        [Received(queries.loading("larger"), "larger", partitions.count)],
        [join_queries.DENSE_LISTS],
        [
            Target("dense", queries.DENSE_ROWS),
            Target("dense_sets", queries.DENSE_SETS, queries.OF_SET),
        ],
    )
    crowds = None
    if set_count:
        run.load(queries.loading("larger"), read_files(partitions.files("dense"), None))

        # Leaders are compared with sets of these lists alone.
        partitions.run(
            "gathering sets of dense lists",
            [
                Received(queries.loading("dense_sets"), "dense_sets", partitions.count),
                OwnFile(queries.loading_sets("members", queries.SETS_OF_DENSE_LISTS), "members"),
                OwnFile(queries.loading_sets("kept", queries.SETS_OF_DENSE_LISTS), "kept"),
            ],
            [],
            [Target("dense_members", "members"), Target("dense_kept", "kept")],
        )
        run.is_dense = True
        crowds = find_crowds(run)
        run.is_dense = False

    partitions.remove("dense", "dense_sets", "dense_members", "dense_kept")
    if crowds is None:
        return False

    load_crowds(run, crowds)
    write_target(run, Target("crowds", "crowds"), partitions.scratch, 0)
    return True


def _count_candidates(partitions: Partitions, *, has_crowds: bool, has_frequent: bool) -> None:
    """Count the lists in which two sets meet, and send the counts to the partition of the pair.

    Pairs within one crowd and pairs of frequent sets are left out.
    """
    sources: list[StepSource] = [
        Received(queries.loading("larger"), "larger", partitions.count),
    ]
    steps = [join_queries.SMALLER_PREFIXES]
    if has_frequent:
        sources.append(Received(queries.loading("frequent"), "frequent", partitions.count))
    else:
        steps.append(queries.NO_FREQUENT_SETS)

    if has_crowds:
        sources.append(ForAll(queries.loading("crowds"), "crowds"))
        steps += [join_queries.MARK_SMALLER, join_queries.MARK_LARGER]
        steps.append(join_queries.COUNT_LISTS_BESIDE_CROWDS)
    else:
        steps.append(join_queries.COUNT_LISTS)

    partitions.run(
        "counting candidates",
        sources,
        steps,
        [Target("counts", "counts", queries.OF_PAIR)],
    )
    partitions.remove("larger", "frequent", "crowds")
