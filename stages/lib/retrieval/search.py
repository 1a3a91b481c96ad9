"""Exact search for the k best documents, and the rank of a document.

A GPU searches by blocks (`device_search`), with the same rule.

One rule for ties, everywhere: scores are compared at six decimals, and equal scores are ordered by
ascending document id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.core.device import CPU, Device

Vectors = npt.NDArray[np.float32]
PassageStarts = npt.NDArray[np.int64]
Integers = npt.NDArray[np.int64]

# Writes the scores of queries `start` to `end` into an array of shape (queries, passages).
Scorer = Callable[[int, int, Vectors], None]

# Scores in a block: 64 MB.
SCORES_PER_BLOCK = 1 << 24

# Queries in a block.
_MAX_BLOCK_QUERIES = 256
_MIN_BLOCK_QUERIES = 16

# Documents in a group, in `_lower_bound`.
_GROUP_SIZE = 32

# Half of the sixth decimal, and what rounding in single precision may add.
_ROUNDING_TOLERANCE = 2e-6


class Hits(NamedTuple):
    """The best k documents of each query, best first. Both arrays have shape (queries, k).

    The score of a document is that of its best passage.
    """

    positions: Integers
    scores: Vectors


def top_k(
    score: Scorer,
    queries: int,
    passages: int,
    k: int,
    passage_starts: PassageStarts | None = None,
) -> Hits:
    """Return the `k` best documents of each query, or all documents if there are fewer.

    `queries` and `passages` are counts. `passage_starts` (documents,) holds the position of
    the first passage of each document; None if each document is one passage.

    >>> def score(start, end, out):
    ...     out[:] = [[0.1, 0.9, 0.5]]
    >>> top_k(score, queries=1, passages=3, k=2).positions.tolist()
    [[1, 2]]
    """
    documents = passages if passage_starts is None else len(passage_starts)
    has_one_each = documents == passages
    k = min(k, documents)

    positions = np.empty((queries, k), dtype=np.int64)
    scores = np.empty((queries, k), dtype=np.float32)
    if not k:
        return Hits(positions, scores)

    # One buffer serves all blocks.
    rows_that_fit = max(_MIN_BLOCK_QUERIES, SCORES_PER_BLOCK // passages)
    block_rows = min(_MAX_BLOCK_QUERIES, rows_that_fit, max(1, queries))
    buffer = np.empty((block_rows, passages), dtype=np.float32)

    for start in range(0, queries, block_rows):
        end = min(start + block_rows, queries)
        passage_scores = buffer[: end - start]
        score(start, end, passage_scores)

        # The score of a document is the largest of its passages.
        if has_one_each or passage_starts is None:
            document_scores = passage_scores
        else:
            document_scores = np.maximum.reduceat(passage_scores, passage_starts, axis=1)
        positions[start:end], scores[start:end] = _top_k_of_block(document_scores, k)
    return Hits(positions, scores)


def _top_k_of_block(block: Vectors, k: int) -> tuple[Integers, Vectors]:
    """Return the positions and the rounded scores of the `k` best of each row, best first.

    `block` has shape (queries, documents), both results have shape (queries, k).
    """
    row_count = len(block)

    # Look only at scores that may be among the best k after rounding: (candidates,) indices
    # into the flat block, and the row and the column of each.
    floor = _lower_bound(block, k)
    lowest = floor - _ROUNDING_TOLERANCE * (1.0 + np.abs(floor))
    flat_indices = np.flatnonzero(block >= lowest[:, None])
    row_of_candidate, column_of_candidate = np.divmod(flat_indices, block.shape[1])
    candidate_scores = np.round(block.ravel()[flat_indices], 6)

    # Candidates of row i end at `ends[i]`.
    counts = np.bincount(row_of_candidate, minlength=row_count)
    ends = np.cumsum(counts)

    positions = np.empty((row_count, k), dtype=np.int64)
    scores = np.empty((row_count, k), dtype=np.float32)
    for row_index in range(row_count):
        own = slice(ends[row_index] - counts[row_index], ends[row_index])
        own_scores = candidate_scores[own]
        order = _order_of_largest(own_scores, k)
        positions[row_index] = column_of_candidate[own][order]
        scores[row_index] = own_scores[order]
    return positions, scores


def _lower_bound(block: Vectors, k: int) -> Vectors:
    """Return a score for each row, shape (queries,), that `k` or a few more of it reach.

    The k-th best of the maxima of disjoint groups is such a score. It is found in a fraction
    of the time of a partial sort.
    """
    row_count, document_count = block.shape
    group_count = document_count // _GROUP_SIZE

    # Few documents: the exact k-th best.
    if group_count < 4 * k:
        kth = document_count - k
        return np.asarray(np.partition(block, kth, axis=1)[:, kth])

    # Column i of the three-dimensional view holds the members of group i. The last few
    # documents are in no group.
    grouped = block[:, : group_count * _GROUP_SIZE].reshape(row_count, _GROUP_SIZE, group_count)
    maxima = grouped.max(axis=1)
    kth = group_count - k
    return np.asarray(np.partition(maxima, kth, axis=1)[:, kth])


def _order_of_largest(values: Vectors, k: int) -> Integers:
    """Return the indices of the `k` largest of `values`, largest first, equal ones in order."""
    if len(values) <= 4 * k:
        return np.argsort(-values, kind="stable")[:k]

    # BM25 gives most documents the score 0. So many equal scores need not be sorted.
    floor = np.partition(values, len(values) - k)[len(values) - k]
    above = np.flatnonzero(values > floor)
    above = above[np.argsort(-values[above], kind="stable")]
    equal = np.flatnonzero(values == floor)[: k - len(above)]
    return np.concatenate([above, equal])


# Queries in a block of `document_ranks`.
QUERIES_PER_BLOCK = 256


def dense_search(
    queries: Vectors,
    passages: Vectors,
    k: int,
    passage_starts: PassageStarts | None = None,
    *,
    device: Device = CPU,
) -> Hits:
    """Return the `k` nearest documents of each of `queries` by inner product, exactly.

    `queries` has shape (queries, dimension) and `passages` (passages, dimension).
    `passage_starts` (documents,) holds the position of the first passage of each document;
    None if each document is one passage. Documents must be in ascending order of id, since
    ties go to the smaller position. Memory does not grow with the number of queries. A cuda
    `device` computes the scores in float32, so that their last bits may differ.

    >>> queries = np.array([[1.0, 0.0]], dtype=np.float32)
    >>> passages = np.array([[0.0, 1.0], [0.6, 0.8], [1.0, 0.0]], dtype=np.float32)
    >>> dense_search(queries, passages, k=2).positions.tolist()
    [[2, 1]]
    """
    if device.kind == "cuda":
        from stages.lib.retrieval.device_search import device_search

        return device_search(queries, passages, k, passage_starts, device=device.kind)

    def score(start: int, end: int, out: Vectors) -> None:
        np.matmul(queries[start:end], passages.T, out=out)

    return top_k(
        score,
        queries=len(queries),
        passages=len(passages),
        k=k,
        passage_starts=passage_starts,
    )


def document_ranks(
    queries: Vectors,
    passages: Vectors,
    positions: Sequence[int],
    passage_starts: PassageStarts | None = None,
) -> npt.NDArray[np.int64]:
    """Return the rank, from 1, of one document for each query, shape (queries,).

    `positions` (queries,) names the document of each query by its position. The ranking is
    that of `dense_search`, which also describes the other arrays.

    >>> queries = np.array([[1.0, 0.0]], dtype=np.float32)
    >>> passages = np.array([[0.0, 1.0], [0.6, 0.8], [1.0, 0.0]], dtype=np.float32)
    >>> document_ranks(queries, passages, positions=[1]).tolist()
    [2]
    """
    transposed = np.ascontiguousarray(passages.T)
    rank_of_query = np.empty(len(queries), dtype=np.int64)
    for start in range(0, len(queries), QUERIES_PER_BLOCK):
        # Scores of a block of queries, shape (queries, documents).
        scores = queries[start : start + QUERIES_PER_BLOCK] @ transposed
        if passage_starts is not None:
            scores = np.maximum.reduceat(scores, passage_starts, axis=1)
        scores = np.round(scores, 6)

        # Better documents rank before, and of equals those with a smaller position.
        for row_index, position in enumerate(positions[start : start + QUERIES_PER_BLOCK]):
            row_scores = scores[row_index]
            own_score = row_scores[position]
            better = (row_scores > own_score).sum()
            equal_before = (row_scores[:position] == own_score).sum()
            rank_of_query[start + row_index] = 1 + better + equal_before
    return rank_of_query


def document_scores(
    query: Vectors,
    passages: Vectors,
    positions: Sequence[int],
    passage_starts: PassageStarts | None = None,
) -> Vectors:
    """Return the score of each document at `positions`, shape (positions,), not rounded.

    The score of a document is the largest inner product of `query` (dimension,) with one of
    its passages. `dense_search` describes the other arrays.

    >>> query = np.array([1.0, 0.0], dtype=np.float32)
    >>> passages = np.array([[0.0, 1.0], [0.5, 0.0], [1.0, 0.0]], dtype=np.float32)
    >>> document_scores(query, passages, [1], passage_starts=np.array([0, 1])).tolist()
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
