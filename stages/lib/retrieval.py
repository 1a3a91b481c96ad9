"""Dense search, and the rank or the score of given documents.

Ties follow one rule: scores are compared to six decimals, and equal scores are ordered by
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

# Queries in a block of `ranks`.
BLOCK = 256


def dense(
    queries: Vectors,
    passages: Vectors,
    k: int,
    passage_starts: Starts | None = None,
) -> Hits:
    """Return the `k` nearest documents of each of `queries` by inner product, exactly.

    `queries` has shape (queries, dimension) and `passages` (passages, dimension).
    `passage_starts` (documents,) holds the position of the first passage of each document;
    None if each document is one passage. Documents must be in ascending order of id, since
    ties go to the smaller position. Memory does not grow with the number of queries.

    >>> queries = np.array([[1.0, 0.0]], dtype=np.float32)
    >>> passages = np.array([[0.0, 1.0], [0.6, 0.8], [1.0, 0.0]], dtype=np.float32)
    >>> dense(queries, passages, k=2).positions.tolist()
    [[2, 1]]
    """

    def score(start: int, end: int, out: Vectors) -> None:
        np.matmul(queries[start:end], passages.T, out=out)

    return search(
        score,
        queries=len(queries),
        passages=len(passages),
        k=k,
        passage_starts=passage_starts,
    )


def ranks(
    queries: Vectors,
    passages: Vectors,
    positions: Sequence[int],
    passage_starts: Starts | None = None,
) -> npt.NDArray[np.int64]:
    """Return the rank, from 1, of one document for each query, shape (queries,).

    `positions` (queries,) names the document of each query by its position. The ranking is
    that of `dense`, which also describes the other arrays.

    >>> queries = np.array([[1.0, 0.0]], dtype=np.float32)
    >>> passages = np.array([[0.0, 1.0], [0.6, 0.8], [1.0, 0.0]], dtype=np.float32)
    >>> ranks(queries, passages, positions=[1]).tolist()
    [2]
    """
    transposed = np.ascontiguousarray(passages.T)
    rank_of_query = np.empty(len(queries), dtype=np.int64)
    for start in range(0, len(queries), BLOCK):
        # Scores of a block of queries, shape (queries, documents).
        scores = queries[start : start + BLOCK] @ transposed
        if passage_starts is not None:
            scores = np.maximum.reduceat(scores, passage_starts, axis=1)
        scores = np.round(scores, 6)

        # Better documents rank before, and of equals those with a smaller position.
        for row_index, position in enumerate(positions[start : start + BLOCK]):
            row_scores = scores[row_index]
            own_score = row_scores[position]
            better = (row_scores > own_score).sum()
            equal_before = (row_scores[:position] == own_score).sum()
            rank_of_query[start + row_index] = 1 + better + equal_before
    return rank_of_query


def best_scores(
    query: Vectors,
    passages: Vectors,
    positions: Sequence[int],
    passage_starts: Starts | None = None,
) -> Vectors:
    """Return the score of each document at `positions`, shape (positions,), not rounded.

    The score of a document is the largest inner product of `query` (dimension,) with one of
    its passages. `dense` describes the other arrays.

    >>> query = np.array([1.0, 0.0], dtype=np.float32)
    >>> passages = np.array([[0.0, 1.0], [0.5, 0.0], [1.0, 0.0]], dtype=np.float32)
    >>> best_scores(query, passages, [1], passage_starts=np.array([0, 1])).tolist()
    [1.0]
    """
    if not len(positions):
        return np.empty(0, dtype=np.float32)
    if passage_starts is None:
        return np.asarray(passages[list(positions)] @ query)

    # The passages of each document, as positions.
    passage_ends = np.append(passage_starts[1:], len(passages))
    ranges = [np.arange(passage_starts[position], passage_ends[position]) for position in positions]

    # Score all of these passages at once. Those of document i begin at `firsts[i]`.
    firsts = np.cumsum([0, *(len(passage_range) for passage_range in ranges[:-1])])
    scores = passages[np.concatenate(ranges)] @ query
    return np.asarray(np.maximum.reduceat(scores, firsts))
