"""The join of near-duplicates in partitions, on processes of this machine or on a Ray cluster.

It gives the edges of `similarity_join.join_sets`, with the same queries, in three shuffles:

1. Shingles meet in a partition of their value, which counts them. Each set gets the ranks of its
   shingles back, and with them its prefix.
2. Prefixes meet in a partition of the shingle lists, which counts for each pair of sets the lists
   in which they meet.
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
    Target,
    write_target,
)
from stages.lib.core.database import own_database
from stages.lib.text import join_queries
from stages.lib.text.crowds import Crowds, JoinRun, find_crowds, load_crowds
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
        crowds = _find_crowds(run, partitions)

        # The second half, and the third shuffle.
        if crowds is None:
            _count_candidates(partitions)
            run.verify_candidates()
            crowd_rows = None
        else:
            _count_candidates_beside(run, partitions, crowds)
            run.verify_candidates()
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

    def verify_candidates(self) -> None:
        """Verify the pairs with large enough `counts`, and write the similar ones to `near`."""
        self._partitions.run(
            "adding up candidates",
            [Received(queries.loading("counts"), "counts", self._partitions.count)],
            [join_queries.SUM_COUNTS],
            [Target("pairs", "pairs"), Target("asked", queries.ASKED, queries.OF_SET)],
        )
        self._partitions.remove("counts")
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


def _find_crowds(run: _PartitionedRun, partitions: Partitions) -> Crowds | None:
    """Return the crowds; None if there are none. `run` gets the prefixes in dense lists."""
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
    return crowds


def _count_candidates(partitions: Partitions) -> None:
    """Count the lists in which two sets meet, and send the counts to the partition of the pair."""
    partitions.run(
        "counting candidates",
        [Received(queries.loading("larger"), "larger", partitions.count)],
        [join_queries.SMALLER_PREFIXES, join_queries.COUNT_LISTS],
        [Target("counts", "counts", queries.OF_PAIR)],
    )
    partitions.remove("larger")


def _count_candidates_beside(run: _PartitionedRun, partitions: Partitions, crowds: Crowds) -> None:
    """Count the lists of all pairs but those within one crowd. `run` gets the tables of crowds."""
    load_crowds(run, crowds)
    write_target(run, Target("crowds", "crowds"), partitions.scratch, 0)
    partitions.run(
        "counting candidates",
        [
            Received(queries.loading("larger"), "larger", partitions.count),
            ForAll(queries.loading("crowds"), "crowds"),
        ],
        [
            join_queries.SMALLER_PREFIXES,
            join_queries.MARK_SMALLER,
            join_queries.MARK_LARGER,
            join_queries.COUNT_LISTS_BESIDE_CROWDS,
        ],
        [Target("counts", "counts", queries.OF_PAIR)],
    )
    partitions.remove("larger", "crowds")
