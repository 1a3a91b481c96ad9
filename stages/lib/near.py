"""Near-duplicates of a table in another, or in itself: an exact join that misses none.

Sources: Chaudhuri, Ganti and Kaushik 2006 and Bayardo, Ma and Srikant 2007 (prefix and length filter); Wang, Li and
Feng 2012 (prefixes that have several shingles in common).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.text import jaccard

if TYPE_CHECKING:
    import pandas as pd

# What a row is compared by: the shingles of each reading of each of its texts, or their hashes.
Readings = Sequence[Collection[Any]]
# How many shingles the prefixes of two near sets have in common, where the sets are that large. More: fewer candidates,
# longer prefixes.
COMMON = 4

_Integers = npt.NDArray[np.int64]


def exact_edges(
    rows: Mapping[str, Readings], others: Mapping[str, Readings], threshold: float
) -> Iterator[tuple[str, str, float]]:
    """Yield every (id of `rows`, id of `others`, similarity) at or above `threshold`, sorted: an exact join.

    Similarity is the largest Jaccard of a reading of one and a reading of the other. Pass the same mapping twice for
    a self join; pairs then come once, smaller id first.
    """
    same = rows is others
    mine, theirs = _sets(rows), _sets(others)
    counts = Counter(
        item
        for side in ((mine,) if same else (mine, theirs))
        for _, items in side
        for item in items
    )
    # Rarest first: what common words share says little.
    ranks = {
        item: rank
        for rank, (item, _) in enumerate(sorted(counts.items(), key=lambda pair: pair[1]))
    }
    prefixes = [_prefix(items, ranks, threshold) for _, items in theirs]
    index = _index([len(items) for _, items in theirs], prefixes, len(ranks))
    best: dict[str, float] = {}
    for at, (left, items) in enumerate(mine):
        prefix = prefixes[at] if same else _prefix(items, ranks, threshold)
        for other in _candidates(len(items), prefix, index, threshold).tolist():
            right, shingles = theirs[other]
            if same and right <= left:
                continue
            similarity = jaccard(items, shingles)
            if similarity >= threshold:
                best[right] = max(similarity, best.get(right, 0.0))
        if at + 1 == len(mine) or mine[at + 1][0] != left:
            yield from ((left, right, best[right]) for right in sorted(best))
            best = {}


def known_readings(fingerprints: pd.DataFrame) -> dict[str, list[list[int]]]:
    """Return the readings of held-out texts (Fingerprints), by id; a row may have been held out with two texts."""
    found: dict[str, list[list[int]]] = defaultdict(list)
    for identity, shingles in zip(fingerprints["id"], fingerprints["shingles"], strict=True):
        found[identity].extend([int(item) for item in items] for items in shingles)
    return found


class _Index(NamedTuple):
    """The sets whose prefix holds a shingle: those of rank r stand in `holders` from `starts[r]` to `starts[r + 1]`."""

    holders: _Integers
    starts: list[int]
    sizes: _Integers


def _sets(rows: Mapping[str, Readings]) -> list[tuple[str, frozenset[Any]]]:
    return [(identity, frozenset(items)) for identity in sorted(rows) for items in rows[identity]]


def _index(sizes: Sequence[int], prefixes: Sequence[Sequence[int]], ranks: int) -> _Index:
    flat = np.array([rank for prefix in prefixes for rank in prefix], dtype=np.int64)
    order = np.argsort(flat, kind="stable")
    starts = np.searchsorted(flat[order], np.arange(ranks + 1))
    holders = np.repeat(np.arange(len(sizes)), [len(prefix) for prefix in prefixes])[order]
    return _Index(holders, starts.tolist(), np.array(sizes, dtype=np.int64))


def _candidates(size: int, prefix: Sequence[int], index: _Index, threshold: float) -> _Integers:
    """Return the positions of the sets that could be near one of `size` with `prefix`: they have enough in common."""
    held = [index.holders[index.starts[rank] : index.starts[rank + 1]] for rank in prefix]
    found, common = np.unique(
        np.concatenate([np.empty(0, dtype=np.int64), *held]), return_counts=True
    )
    sizes = index.sizes[found]
    # The tolerance keeps 0.55 * 20 from being more than 11.
    fitting = (threshold * size <= sizes + 1e-9) & (threshold * sizes <= size + 1e-9)
    least = np.ceil(threshold * np.maximum(sizes, size) - 1e-9)
    return np.asarray(found[fitting & (common >= np.minimum(COMMON, least))])


def _prefix(items: frozenset[Any], ranks: Mapping[Any, int], threshold: float) -> list[int]:
    """Return the ranks of the rarest shingles, so many that a near set has COMMON of them in its own prefix.

    Two sets with Jaccard >= t share at least t |x| shingles. The n-th of these, in the order of ranks, stands among the
    first |x| - t |x| + n of x.
    """
    ordered = sorted(ranks[item] for item in items)
    return ordered[: len(ordered) - math.ceil(threshold * len(ordered) - 1e-9) + COMMON]
