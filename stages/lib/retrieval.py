"""Dense search, and where a document stands in a ranking.

One rule for ties, everywhere: scores are compared to six decimals, and equal scores are ordered by
ascending document id (see topk.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stages.lib.topk import Hits as Hits
from stages.lib.topk import Starts as Starts
from stages.lib.topk import Vectors as Vectors
from stages.lib.topk import search

BLOCK = 256  # queries whose ranks are found at once


def dense(queries: Vectors, passages: Vectors, k: int, starts: Starts | None = None) -> Hits:
    """Return the k nearest documents of each of `queries` (q, d) by inner product with `passages` (n, d).

    `starts` (documents,) has the position of each document's first passage; None where each has just one.
    Exact, in blocks: memory does not grow with the number of queries. Documents must stand in ascending order
    of id, since ties go to the smaller position.
    """

    def score(start: int, end: int, out: Vectors) -> None:
        np.matmul(queries[start:end], passages.T, out=out)

    return search(score, len(queries), len(passages), k, starts)


def ranks(
    queries: Vectors, passages: Vectors, positions: Sequence[int], starts: Starts | None = None
) -> npt.NDArray[np.int64]:
    """Return for each of `queries` (q, d) the rank, from 1, of the document at its place of `positions` (q,).

    By the same rule as `dense`: what scores higher stands before it, and of equals what has the smaller position.
    """
    transposed = np.ascontiguousarray(passages.T)
    found = np.empty(len(queries), dtype=np.int64)
    for start in range(0, len(queries), BLOCK):
        scores = queries[start : start + BLOCK] @ transposed
        block = np.round(
            scores if starts is None else np.maximum.reduceat(scores, starts, axis=1), 6
        )
        for row, position in enumerate(positions[start : start + BLOCK]):
            own = block[row, position]
            found[start + row] = 1 + (block[row] > own).sum() + (block[row, :position] == own).sum()
    return found


def best_scores(
    query: Vectors, passages: Vectors, positions: Sequence[int], starts: Starts | None = None
) -> Vectors:
    """Return the score of the documents at `positions`: the best inner product of `query` (d,) with their passages."""
    if not len(positions):
        return np.empty(0, dtype=np.float32)
    if starts is None:
        return np.asarray(passages[list(positions)] @ query)
    ends = np.append(starts[1:], len(passages))
    stretches = [np.arange(starts[at], ends[at]) for at in positions]
    firsts = np.cumsum([0, *(len(stretch) for stretch in stretches[:-1])])
    return np.asarray(np.maximum.reduceat(passages[np.concatenate(stretches)] @ query, firsts))
