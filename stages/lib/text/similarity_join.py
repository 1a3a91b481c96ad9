"""Near-duplicates between two tables, or within one: an exact join that misses none.

Sources: Chaudhuri, Ganti and Kaushik 2006 and Bayardo, Ma and Srikant 2007 (prefix and length
filter); Wang, Li and Feng 2012 (prefixes that have several shingles in common).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.text.normal_form import jaccard

# The shingle sets of a row: one or two of each of its texts, as shingles or as their hashes.
ShingleSets = Sequence[Collection[Any]]

# The prefixes of two similar sets have so many shingles in common, if the sets are that large.
# A larger number gives fewer candidates and longer prefixes.
COMMON_IN_PREFIX = 4
_Integers = npt.NDArray[np.int64]


def similarity_join(
    rows: Mapping[str, ShingleSets],
    others: Mapping[str, ShingleSets],
    threshold: float,
) -> Iterator[tuple[str, str, float]]:
    """Yield each (id of `rows`, id of `others`, similarity) at or above `threshold`, sorted.

    The similarity is the largest Jaccard of a set of the one and a set of the other. Pass the
    same mapping twice for a self join: each pair then comes once, with the smaller id first.

    >>> sets = {"d1": ["abcd"], "d2": ["abce"], "d3": ["xyz"]}
    >>> list(similarity_join(sets, sets, threshold=0.6))
    [('d1', 'd2', 0.6)]
    """
    is_self_join = rows is others
    left_sets = _shingle_sets(rows)
    right_sets = left_sets if is_self_join else _shingle_sets(others)

    # Rare shingles go first, since common ones are no evidence of similarity.
    ranks = _ranks_by_rarity(left_sets if is_self_join else left_sets + right_sets)

    # Index the right sets by the shingles of their prefixes.
    prefixes = [_prefix(shingles, ranks, threshold) for _, shingles in right_sets]
    sizes = [len(shingles) for _, shingles in right_sets]
    index = _build_index(sizes, prefixes, len(ranks))

    similarity_of_id: dict[str, float] = {}
    for left_index, (left_id, left_shingles) in enumerate(left_sets):
        # Compare with the few right sets that may be similar enough.
        prefix = prefixes[left_index] if is_self_join else _prefix(left_shingles, ranks, threshold)
        candidates = _candidates(prefix, len(left_shingles), index, threshold=threshold)
        for right_index in candidates.tolist():
            right_id, right_shingles = right_sets[right_index]
            if is_self_join and right_id <= left_id:
                continue
            similarity = jaccard(left_shingles, right_shingles)
            if similarity >= threshold:
                best = max(similarity, similarity_of_id.get(right_id, 0.0))
                similarity_of_id[right_id] = best

        # The sets of a row stand together: after the last one its edges are complete.
        next_index = left_index + 1
        if next_index == len(left_sets) or left_sets[next_index][0] != left_id:
            for right_id in sorted(similarity_of_id):
                yield left_id, right_id, similarity_of_id[right_id]
            similarity_of_id = {}


class _PrefixIndex(NamedTuple):
    """An inverted index from the rank of a shingle to the sets with it in their prefix.

    The sets of rank r are `set_indices[offsets[r] : offsets[r + 1]]`. `sizes` (sets,) holds
    the number of shingles of each set.
    """

    set_indices: _Integers
    offsets: list[int]
    sizes: _Integers


def _shingle_sets(rows: Mapping[str, ShingleSets]) -> list[tuple[str, frozenset[Any]]]:
    """Return the id and the shingles of each set of each row, sorted by id."""
    sets = []
    for row_id in sorted(rows):
        for shingles in rows[row_id]:
            sets.append((row_id, frozenset(shingles)))

    return sets


def _ranks_by_rarity(sets: Sequence[tuple[str, frozenset[Any]]]) -> dict[Any, int]:
    """Return a rank for each shingle, from 0 for the one that the fewest sets hold."""
    counts: Counter[Any] = Counter()
    for _, shingles in sets:
        counts.update(shingles)

    # Ties keep the order in which the shingles came.
    by_rarity = sorted(counts.items(), key=lambda shingle_and_count: shingle_and_count[1])
    return {shingle: rank for rank, (shingle, _) in enumerate(by_rarity)}


def _build_index(
    sizes: Sequence[int],
    prefixes: Sequence[Sequence[int]],
    rank_count: int,
) -> _PrefixIndex:
    """Return an index of sets by the ranks in their prefixes."""
    # All prefixes one after the other, and for each rank in them its set.
    flat_ranks = np.array(
        [rank for prefix in prefixes for rank in prefix],
        dtype=np.int64,
    )
    prefix_lengths = [len(prefix) for prefix in prefixes]
    set_indices = np.repeat(np.arange(len(sizes)), prefix_lengths)

    # Sort by rank, so that the sets of one rank stand together.
    order = np.argsort(flat_ranks, kind="stable")
    offsets = np.searchsorted(flat_ranks[order], np.arange(rank_count + 1))
    return _PrefixIndex(
        set_indices=set_indices[order],
        offsets=offsets.tolist(),
        sizes=np.array(sizes, dtype=np.int64),
    )


def _candidates(
    prefix: Sequence[int],
    size: int,
    index: _PrefixIndex,
    *,
    threshold: float,
) -> _Integers:
    """Return the indices of the sets that may be similar to one of `size` with `prefix`."""
    # Count how many shingles of the prefix each set has in its own prefix.
    offsets = index.offsets
    postings = [index.set_indices[offsets[rank] : offsets[rank + 1]] for rank in prefix]
    empty = np.empty(0, dtype=np.int64)
    set_indices, common = np.unique(
        np.concatenate([empty, *postings]),
        return_counts=True,
    )

    # Length filter: similar sets have similar sizes. The tolerance is for rounding, since
    # 0.55 * 20 is a little more than 11.
    sizes = index.sizes[set_indices]
    is_small_enough = threshold * sizes <= size + 1e-9
    is_large_enough = threshold * size <= sizes + 1e-9

    # Prefix filter: similar sets have COMMON shingles in common, or all that they need.
    needed = np.ceil(threshold * np.maximum(sizes, size) - 1e-9)
    has_common = common >= np.minimum(COMMON_IN_PREFIX, needed)
    return np.asarray(set_indices[is_large_enough & is_small_enough & has_common])


def _prefix(
    shingles: frozenset[Any],
    ranks: Mapping[Any, int],
    threshold: float,
) -> list[int]:
    """Return the ranks of the rarest shingles: those that `_candidates` needs to look at.

    Two sets with Jaccard >= t have at least t |x| shingles in common. In the order of ranks,
    the n-th of these is among the first |x| - t |x| + n of x. So the prefixes of two similar
    sets have COMMON shingles in common.
    """
    ordered = sorted(ranks[shingle] for shingle in shingles)
    least_common = math.ceil(threshold * len(ordered) - 1e-9)
    return ordered[: len(ordered) - least_common + COMMON_IN_PREFIX]
