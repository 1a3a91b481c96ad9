"""Near-duplicate edges: candidates by MinHash, every one verified, or an exact join that misses none.

Sources: Broder 1997 (MinHash), Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets" 3.4 (banding),
Chaudhuri, Ganti and Kaushik 2006 and Bayardo, Ma and Srikant 2007 (prefix and length filter).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from stages.lib.contracts.near import Near
from stages.lib.text import jaccard, normal_form, shingles

PERMUTATIONS = 126
# A pair of true similarity s becomes a candidate with 1 - (1 - s^r)^b. For 21 bands of 6 rows that is
# 0.998 at s = 0.8 and 0.28 at 0.5; 16 of 8, the usual choice, misses one in twenty at 0.8. Verification
# is cheap and missed edges are not.
BANDS = 21
SEED = 20260101

Shingles = frozenset[Any]  # of strings, or of their hashes


def edges(texts: Mapping[str, str], threshold: float) -> pd.DataFrame:
    """Return the Near edges among `texts` (id to text): equal normal forms, and Jaccard >= `threshold`.

    Equal texts form a star around the smallest id; near edges join the smallest ids of two equal groups.
    Near edges are MinHash candidates (see BANDS for the chance to be one) verified by exact Jaccard, so
    none is wrong. The order of `texts` changes nothing.
    """
    star, groups = _equal(texts)
    sets = {identity: shingles(texts[identity]) for identity in groups}
    found = [(left, right, jaccard(sets[left], sets[right])) for left, right in _candidates(sets)]
    near = [(left, right, similarity, "near") for left, right, similarity in found if similarity >= threshold]
    return frame(star + near)


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


def frame(rows: Sequence[tuple[str, str, float, str]]) -> pd.DataFrame:
    """Return edges as a Near table, each once, smaller id first."""
    unique = {
        (min(left, right), max(left, right)): (similarity, rule)
        for left, right, similarity, rule in rows
        if left != right
    }
    if not unique:
        return Near.empty()
    return pd.DataFrame(
        [(left, right, float(similarity), rule) for (left, right), (similarity, rule) in sorted(unique.items())],
        columns=list(Near.empty().columns),
    )


def _equal(texts: Mapping[str, str]) -> tuple[list[tuple[str, str, float, str]], list[str]]:
    by_form: dict[str, list[str]] = defaultdict(list)
    for identity in sorted(texts):
        by_form[normal_form(texts[identity])].append(identity)
    star = [(group[0], other, 1.0, "equal") for group in by_form.values() for other in group[1:]]
    return star, [group[0] for group in by_form.values()]


def _candidates(sets: Mapping[str, frozenset[str]]) -> list[tuple[str, str]]:
    from rensa import RMinHash

    ids = sorted(sets)
    if len(ids) < 2:
        return []
    # The standard path only: the "rho" one samples shingles and loses most long near-duplicates.
    digests = np.array(
        RMinHash.digest_matrix_from_token_sets(
            [sorted(sets[identity]) for identity in ids], PERMUTATIONS, SEED
        ).to_rows(),
        dtype=np.uint32,
    )
    rows = PERMUTATIONS // BANDS
    pairs: set[tuple[int, int]] = set()
    for band in range(BANDS):
        part = np.ascontiguousarray(digests[:, band * rows : (band + 1) * rows]).view(f"V{4 * rows}").ravel()
        _, inverse, counts = np.unique(part, return_inverse=True, return_counts=True)
        order = np.argsort(inverse, kind="stable")
        ends = np.cumsum(counts)
        for bucket in np.flatnonzero(counts > 1):
            members = order[ends[bucket] - counts[bucket] : ends[bucket]].tolist()
            pairs.update((left, right) for at, left in enumerate(members) for right in members[at + 1 :])
    return sorted((ids[left], ids[right]) for left, right in pairs)


def _prefix(items: Shingles, counts: Mapping[Any, int], threshold: float) -> list[Any]:
    ordered = sorted(items, key=lambda item: (counts[item], item))
    # The small tolerance keeps 0.8 * 5 from being rounded up past 4.
    return ordered[: len(ordered) - math.ceil(threshold * len(ordered) - 1e-9) + 1]
