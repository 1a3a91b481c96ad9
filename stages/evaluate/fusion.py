"""Reciprocal rank fusion of two rankings (Cormack, Clarke and Büttcher 2009, with their k = 60)."""

from __future__ import annotations

import numpy as np

from stages.lib.topk import Hits

K = 60


def fuse(lexical: Hits, dense: Hits, depth: int) -> Hits:
    """Return the first `depth` documents by the sum of 1 / (K + rank) over both rankings, of equally many queries.

    A document that shares no word with the query has no lexical rank. Equal sums, to six decimals, stand in ascending
    order of position. The dense ranking
    alone is as long as `depth` allows, so there are always enough documents.
    """
    count, width = dense.positions.shape
    shares = 1.0 / (K + np.arange(1, width + 1))
    positions, scores = np.empty((count, width), dtype=np.int64), np.empty((count, width), dtype=np.float32)
    for row in range(count):
        worded = lexical.positions[row][lexical.scores[row] > 0]
        both = np.concatenate([worded, dense.positions[row]])
        names, inverse = np.unique(both, return_inverse=True)
        sums = np.bincount(inverse, weights=np.concatenate([shares[: len(worded)], shares]))
        best = np.argsort(-np.round(sums, 6), kind="stable")[:width]
        positions[row], scores[row] = names[best], np.round(sums[best], 6)
    return Hits(positions[:, :depth], scores[:, :depth])
