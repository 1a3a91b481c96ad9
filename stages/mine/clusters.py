"""An approximate dense search: only the passages in the clusters nearest to a query are scored.

By parameter alone, for corpora of millions, where exact search takes hours. Source: inverted files, Jégou, Douze and
Schmid 2011, without compression.
"""

from __future__ import annotations

import numpy as np

from stages.lib.topk import Hits, Integers, Starts, Vectors, search

PROBED = 0.125  # share of the clusters that are looked into
_ROUNDS = 5
_SAMPLE = 64  # passages a cluster that its centre is found from


def approximate(queries: Vectors, passages: Vectors, k: int, starts: Starts, seed: int) -> Hits:
    """Return about the `k` nearest documents of each of `queries`; where fewer were looked at, scores of -inf.

    Clusters are found by spherical k-means with the seed `seed`; there are about as many as each has passages.
    """
    if not len(passages):
        return Hits(
            np.empty((len(queries), 0), dtype=np.int64),
            np.empty((len(queries), 0), dtype=np.float32),
        )
    centres = _centres(passages, max(1, int(len(passages) ** 0.5)), seed)
    nearest = _nearest(passages, centres)
    members = np.split(
        np.argsort(nearest, kind="stable"),
        np.cumsum(np.bincount(nearest, minlength=len(centres)))[:-1],
    )
    probed = max(1, int(np.ceil(PROBED * len(centres))))

    def score(start: int, end: int, out: Vectors) -> None:
        out.fill(-np.inf)
        block = queries[start:end]
        chosen = np.argsort(-(block @ centres.T), axis=1, kind="stable")[:, :probed]
        for cluster in np.unique(chosen).tolist():
            rows, inside = np.flatnonzero((chosen == cluster).any(axis=1)), members[cluster]
            out[np.ix_(rows, inside)] = block[rows] @ passages[inside].T

    return search(score, len(queries), len(passages), k, starts)


def _centres(passages: Vectors, count: int, seed: int) -> Vectors:
    random = np.random.default_rng(seed)
    sample = passages[np.sort(random.permutation(len(passages))[: count * _SAMPLE])]
    centres = sample[np.sort(random.permutation(len(sample))[:count])]
    for _ in range(_ROUNDS):
        nearest = _nearest(sample, centres)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, sample)
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(norms > 0.0, sums / np.maximum(norms, 1e-12), centres).astype(np.float32)
    return centres


def _nearest(passages: Vectors, centres: Vectors) -> Integers:
    found = np.empty(len(passages), dtype=np.int64)
    for start in range(0, len(passages), 4096):
        found[start : start + 4096] = (passages[start : start + 4096] @ centres.T).argmax(axis=1)
    return found
