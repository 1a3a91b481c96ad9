"""The fusion of two rankings: BM25 and the base model together, as many search engines have them.

A convex combination of scores (Bruch, Gai and Ingber 2023), each brought to 0 to 1 query by query: BM25 by its best
score, cosines by the best and the last of the hits. What one of them does not list counts 0 there. By scores and not
by ranks, since whoever beats a rung below the base model has shown little: see `bench/fusion.py`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stages.lib.topk import Hits, Integers, Vectors

Numbers = npt.NDArray[np.float64]

# Of the cosine; the rest is BM25's. With it the fusion is above both on all collections of bench/fusion.py.
WEIGHT = 0.7
_UNKNOWN = -1.0  # below all scores


def fuse(lexical: Hits, dense: Hits, weight: float = WEIGHT) -> Hits:
    """Return as many hits of each query as `dense` has, by `weight` (0 to 1) times its score and the rest BM25's.

    Scores to six decimals; equal ones are ordered by ascending position.
    """
    found = weight * _spread(dense.scores, dense.scores[:, -1:])
    known = (1.0 - weight) * _spread(lexical.scores, np.zeros_like(lexical.scores[:, :1]))
    known[known <= 0] = _UNKNOWN  # BM25 lists what shares no word with the query by id alone
    positions = np.concatenate([dense.positions, lexical.positions], axis=1)
    return _best(positions, np.concatenate([found, known], axis=1), dense.positions.shape[1])


def _spread(scores: Vectors, low: Vectors) -> Numbers:
    """Return `scores` (queries, hits), best first, as shares of the way from `low` (queries, 1) to the best."""
    over, width = scores.astype(np.float64) - low, scores[:, :1].astype(np.float64) - low
    return np.asarray(np.divide(over, width, out=np.zeros(scores.shape), where=width > 0))


def _best(listed: Integers, counted: Numbers, k: int) -> Hits:
    """Return the `k` best positions of each row, those that stand in it twice with the sum of their scores."""
    order = np.argsort(listed, axis=1, kind="stable")
    positions = np.take_along_axis(listed, order, axis=1)
    scores = np.take_along_axis(counted, order, axis=1)
    twice = positions[:, 1:] == positions[:, :-1]
    both = np.maximum(scores[:, :-1], 0.0) + np.maximum(scores[:, 1:], 0.0)
    scores[:, :-1] = np.where(twice, both, scores[:, :-1])
    scores[:, 1:][twice] = _UNKNOWN
    scores = np.round(scores, 6)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    chosen = np.take_along_axis(scores, best, axis=1).astype(np.float32)
    return Hits(np.take_along_axis(positions, best, axis=1), chosen)
