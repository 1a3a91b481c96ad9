"""Near-duplicates of a table in another, or in itself: an exact join that misses none.

Sources: Chaudhuri, Ganti and Kaushik 2006 and Bayardo, Ma and Srikant 2007 (prefix and length filter).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from stages.lib.text import jaccard

Shingles = frozenset[Any]  # of strings, or of their hashes


def exact_edges(
    sets: Mapping[str, Shingles], others: Mapping[str, Shingles], threshold: float
) -> Iterator[tuple[str, str, float]]:
    """Yield every (id of `sets`, id of `others`, Jaccard) at or above `threshold`: an exact join.

    Prefix filter: two sets with Jaccard >= t share one of the |x| - ceil(t |x|) + 1 rarest shingles of
    each. Pass the same mapping twice for a self join; pairs then come once, smaller id first.
    """
    same = sets is others
    counts = Counter(
        item for side in ((sets,) if same else (sets, others)) for items in side.values() for item in items
    )
    index: dict[Any, list[str]] = defaultdict(list)
    for identity, items in others.items():
        for item in _prefix(items, counts, threshold):
            index[item].append(identity)
    for left in sorted(sets):
        items = sets[left]
        seen = {right for item in _prefix(items, counts, threshold) for right in index.get(item, ())}
        for right in sorted(seen):
            if same and right <= left:
                continue
            other = others[right]
            # The tolerance again: 0.55 * 20 is a little more than 11.
            if threshold * len(items) <= len(other) + 1e-9 and threshold * len(other) <= len(items) + 1e-9:
                similarity = jaccard(items, other)
                if similarity >= threshold:
                    yield left, right, similarity


def _prefix(items: Shingles, counts: Mapping[Any, int], threshold: float) -> list[Any]:
    ordered = sorted(items, key=lambda item: (counts[item], item))
    # The small tolerance keeps 0.8 * 5 from being rounded up past 4.
    return ordered[: len(ordered) - math.ceil(threshold * len(ordered) - 1e-9) + 1]
