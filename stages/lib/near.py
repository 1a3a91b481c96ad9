"""Near-duplicates of a table in another, or in itself: an exact join that misses none.

Sources: Chaudhuri, Ganti and Kaushik 2006 and Bayardo, Ma and Srikant 2007 (prefix and length filter).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stages.lib.text import jaccard

if TYPE_CHECKING:
    import pandas as pd

# What a row is compared by: the shingles of each reading of each of its texts, or their hashes.
Readings = Sequence[Collection[Any]]
_Row = tuple[str, frozenset[Any]]


def exact_edges(
    rows: Mapping[str, Readings], others: Mapping[str, Readings], threshold: float
) -> Iterator[tuple[str, str, float]]:
    """Yield every (id of `rows`, id of `others`, similarity) at or above `threshold`: an exact join.

    Similarity is the largest Jaccard of a reading of one and a reading of the other. Pass the same mapping twice for
    a self join; pairs then come once, smaller id first.

    Prefix filter: two sets with Jaccard >= t share one of the |x| - ceil(t |x|) + 1 rarest shingles of
    each.
    """
    same = rows is others
    theirs = _sets(others)
    mine = theirs if same else _sets(rows)
    counts = Counter(item for side in ((mine,) if same else (mine, theirs)) for _, items in side for item in items)
    index: dict[Any, list[int]] = defaultdict(list)
    for at, (_, items) in enumerate(theirs):
        for item in _prefix(items, counts, threshold):
            index[item].append(at)
    best: dict[str, float] = {}
    for at, (left, items) in enumerate(mine):
        for other in {other for item in _prefix(items, counts, threshold) for other in index.get(item, ())}:
            right, shingles = theirs[other]
            if same and right <= left:
                continue
            # The tolerance again: 0.55 * 20 is a little more than 11.
            if threshold * len(items) <= len(shingles) + 1e-9 and threshold * len(shingles) <= len(items) + 1e-9:
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


def _sets(rows: Mapping[str, Readings]) -> list[_Row]:
    return [(identity, frozenset(items)) for identity in sorted(rows) for items in rows[identity]]


def _prefix(items: Iterable[Any], counts: Mapping[Any, int], threshold: float) -> list[Any]:
    ordered = sorted(items, key=lambda item: (counts[item], item))
    # The small tolerance keeps 0.8 * 5 from being rounded up past 4.
    return ordered[: len(ordered) - math.ceil(threshold * len(ordered) - 1e-9) + 1]
