"""Near-duplicates between two tables, or within one: an exact join that misses none.

The join is SQL in the embedded database: prefix filter, length filter, and exact verification by
the number of common shingles. Sets whose shingles are all frequent are compared by parts instead of
prefixes (`part_join`). It spills to disk where memory ends.

Sources: Chaudhuri, Ganti and Kaushik 2006 and Bayardo, Ma and Srikant 2007 (prefix and length
filter); Xiao et al. 2008 (prefixes for the sizes of a pair); Wang, Li and Feng 2012 (longer
prefixes that share several elements).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as arrow

from stages.lib.core.database import connect
from stages.lib.text import join_queries
from stages.lib.text.crowds import JoinRun, candidates_beside_crowds, find_crowds
from stages.lib.text.normal_form import shingle_hashes
from stages.lib.text.part_join import add_candidates_by_parts, find_frequent_sets

# The shingle sets of a row: one or two of each of its texts, as shingles or as their hashes.
ShingleSets = Sequence[Collection[Any]]

# How two sets are compared: Jaccard similarity, or the share of the smaller set that is in the
# other one, which has at most twice its size.
Measure = Literal["jaccard", "containment"]

# The columns of a table of shingle sets. Each row is one set, of distinct shingles. `set_index`
# numbers the sets, and `row_index` the rows, each from 0. A row may have several sets.
SET_SCHEMA = arrow.schema(
    [
        ("set_index", arrow.int64()),
        ("row_index", arrow.int64()),
        ("shingles", arrow.list_(arrow.uint64())),
    ]
)

# Candidates share so many shingles in their prefixes. With one, 27,500 short texts of a small
# vocabulary take five times as long, and with four nothing gets faster.
_COMMON = 3

# How many rows are hashed at a time. It bounds memory and changes no result.
_BATCH_ROWS = 1000

# Sets and rows of the second table are numbered from here on.
_OFFSET = 1 << 30

Positions = npt.NDArray[np.int64]


class SimilarityEdges(NamedTuple):
    """Pairs of similar rows, sorted by `left` and `right`.

    Attributes:
        left: shape (edges,), rows of the first table.
        right: shape (edges,), rows of the second table. In a self join the larger row.
        similarity: shape (edges,), the largest similarity of a set of each.
        crowd_rows: shape (rows in crowds,), rows of the first table in a crowd, ascending. The
            edges within a crowd are a tree instead of all pairs.
        crowds: shape (rows in crowds,), the number of the crowd of each of them.
    """

    left: Positions
    right: Positions
    similarity: npt.NDArray[np.float64]
    crowd_rows: Positions
    crowds: Positions


def similarity_join(
    rows: Mapping[str, ShingleSets],
    others: Mapping[str, ShingleSets],
    threshold: float,
) -> Iterator[tuple[str, str, float]]:
    """Yield each (id of `rows`, id of `others`, similarity) at or above `threshold`, sorted.

    The similarity is the largest Jaccard of a set of the one and a set of the other. Pass the
    same mapping twice for a self join: each pair then comes once, with the smaller id first.
    `join_sets` says which pairs a crowd of near-duplicates leaves out.

    >>> sets = {"d1": ["abcd"], "d2": ["abce"], "d3": ["xyz"]}
    >>> list(similarity_join(sets, sets, threshold=0.6))
    [('d1', 'd2', 0.6)]
    """
    # Rows are numbered in the order of their ids.
    left_ids = sorted(rows)
    right_ids = left_ids if rows is others else sorted(others)
    if not left_ids or not right_ids:
        return

    # The database reads the sets in batches, so memory never holds all of them.
    left_sets = set_reader(rows[row_id] for row_id in left_ids)
    right_sets = None
    if rows is not others:
        right_sets = set_reader(others[row_id] for row_id in right_ids)

    edges = join_sets(left_sets, right_sets, threshold)
    columns = zip(edges.left.tolist(), edges.right.tolist(), edges.similarity.tolist(), strict=True)
    for left, right, similarity in columns:
        yield left_ids[left], right_ids[right], similarity


def join_sets(
    left: arrow.Table | arrow.RecordBatchReader,
    right: arrow.Table | arrow.RecordBatchReader | None,
    threshold: float,
    measure: Measure = "jaccard",
) -> SimilarityEdges:
    """Return the pairs of rows whose sets are at least `threshold` similar.

    A crowd is a group of more than `crowds.MAX_COMPLETE` sets that are near to each other, such
    as texts of one template. Its edges would be too many, so they are a tree: n - 1 of them.
    All other pairs are there. With crowds it still holds that

    - rows are connected by edges exactly if they are connected by pairs of similar rows, and
    - a row has an edge exactly if it has a similar row.

    So whoever asks which rows of two tables match joins the two tables, and whoever asks what
    hangs together joins one table with itself. Sets without shingles are similar to none.

    Args:
        left: sets, as in SET_SCHEMA.
        right: sets of the second table; None joins `left` with itself.
        threshold: the smallest similarity, above 0.
        measure: how two sets are compared.
    """
    values = join_values(threshold, measure, two_tables=right is not None)
    with connect() as connection:
        run = JoinRun(connection, values)

        # Load the sets. The tables of a self join are the same.
        run.execute(join_queries.CREATE_SETS)
        for side, table in enumerate([left] if right is None else [left, right]):
            other = 0 if right is None else 1 - side
            run.load(join_queries.INSERT_SETS, table, side=side, other=other, offset=side * _OFFSET)

        # Keep the sets that can have a partner, and their shingles in order of rarity.
        for query in join_queries.PREPARE:
            run.execute(query)

        # Verify the candidates: all of them, or those that crowds leave.
        crowds = find_crowds(run)
        if crowds is None:
            find_frequent_sets(run, has_crowds=False)
            run.execute(join_queries.CANDIDATES)
            add_candidates_by_parts(run)
            run.verify()
        else:
            candidates_beside_crowds(run, crowds)

        edges = run.fetch(join_queries.EDGES)
        crowd_rows = None if crowds is None else run.fetch(join_queries.CROWD_ROWS)

    return most_similar(edges, crowd_rows, is_self_join=right is None)


def join_values(threshold: float, measure: Measure, *, two_tables: bool) -> dict[str, Any]:
    """Return the parameters of the queries of a join."""
    rule = _pair_rule(threshold, measure)
    return {**rule._asdict(), "common": _COMMON, "two_tables": two_tables}


class _PairRule(NamedTuple):
    """What two sets must have in common, as shares of their sizes.

    Attributes:
        threshold: the smallest similarity.
        own_share, other_share: a smaller set s and a larger set l are similar only if they share
            at least own_share |s| + other_share |l| shingles.
        reach: ... and only if |l| is at most reach |s|.
        smaller_share: the least that any partner asks of a set that is the smaller one.
        larger_share: the same of a set that is the larger one.
        contained: whether the measure is containment.
    """

    threshold: float
    own_share: float
    other_share: float
    reach: float
    smaller_share: float
    larger_share: float
    contained: bool


def _pair_rule(threshold: float, measure: Measure) -> _PairRule:
    if measure == "containment":
        return _PairRule(
            threshold,
            own_share=threshold,
            other_share=0.0,
            reach=2.0,
            smaller_share=threshold,
            larger_share=threshold / 2,
            contained=True,
        )

    # From shared / (|s| + |l| - shared) >= t follows shared >= t / (1 + t) * (|s| + |l|).
    share = threshold / (1 + threshold)
    return _PairRule(
        threshold,
        own_share=share,
        other_share=share,
        reach=1 / threshold,
        smaller_share=2 * share,
        larger_share=threshold,
        contained=False,
    )


def set_reader(rows: Iterable[ShingleSets]) -> arrow.RecordBatchReader:
    """Return the sets of all rows as batches of SET_SCHEMA, which are made when they are read."""
    return arrow.RecordBatchReader.from_batches(SET_SCHEMA, _set_batches(rows))


def _set_batches(rows: Iterable[ShingleSets]) -> Iterator[arrow.RecordBatch]:
    numbered_rows = enumerate(rows)
    set_start = 0
    while True:
        # The hashes of each set, and the row that it belongs to.
        hashed: list[npt.NDArray[np.uint64]] = []
        row_indices: list[int] = []
        row_count = 0
        for row_index, shingle_sets in islice(numbered_rows, _BATCH_ROWS):
            row_count += 1
            for shingles in shingle_sets:
                hashed.append(_distinct_hashes(shingles))
                row_indices.append(row_index)

        if not row_count:
            return

        ends = np.cumsum([0, *map(len, hashed)])
        values = np.concatenate([np.empty(0, dtype=np.uint64), *hashed])
        columns = [
            arrow.array(np.arange(set_start, set_start + len(hashed)), arrow.int64()),
            arrow.array(row_indices, arrow.int64()),
            arrow.ListArray.from_arrays(arrow.array(ends, arrow.int32()), arrow.array(values)),
        ]
        yield arrow.RecordBatch.from_arrays(columns, schema=SET_SCHEMA)
        set_start += len(hashed)


def _distinct_hashes(shingles: Collection[Any]) -> npt.NDArray[np.uint64]:
    """Return the distinct shingles as hashes. Hashes stay as they are."""
    if isinstance(shingles, np.ndarray):
        is_sorted = bool((shingles[1:] > shingles[:-1]).all())
        return shingles if is_sorted else np.unique(shingles)
    if any(isinstance(shingle, str) for shingle in shingles):
        return shingle_hashes(shingles)

    return np.unique(np.fromiter(shingles, np.uint64, len(shingles)))


def most_similar(
    edges: Mapping[str, Positions],
    crowd_rows: Mapping[str, Positions] | None,
    *,
    is_self_join: bool,
) -> SimilarityEdges:
    """Return each pair of rows once, with its largest similarity.

    Args:
        edges: the columns of the query EDGES.
        crowd_rows: the columns of the query CROWD_ROWS; None if there are no crowds.
        is_self_join: whether a table was joined with itself.
    """
    left = edges["left_row"]
    right = edges["right_row"]
    similarity = edges["shared"] / edges["whole"]

    # Of equal pairs the most similar one comes first.
    order = np.lexsort((-similarity, right, left))
    left = left[order]
    right = right[order]
    is_first = np.ones(len(left), dtype=bool)
    is_first[1:] = (left[1:] != left[:-1]) | (right[1:] != right[:-1])

    # The rows of a second table are numbered from 0 again.
    offset = 0 if is_self_join else _OFFSET
    none = np.empty(0, dtype=np.int64)
    return SimilarityEdges(
        left[is_first],
        right[is_first] - offset,
        similarity[order][is_first],
        none if crowd_rows is None else crowd_rows["row_index"],
        none if crowd_rows is None else crowd_rows["crowd"],
    )
