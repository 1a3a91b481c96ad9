"""Exact search for the best k documents of each query, in blocks of bounded memory.

Scores are compared to six decimals. Equal scores are ordered by ascending position.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Starts = npt.NDArray[np.int64]
Integers = npt.NDArray[np.int64]
# Writes the scores of queries `start` to `end` into an array of shape (queries, passages).
Scorer = Callable[[int, int, Vectors], None]

# Scores in a block: 64 MB.
ROOM = 1 << 24
# Queries in a block.
_MOST_ROWS = 256
_LEAST_ROWS = 16
# Documents in a group, in `_floor`.
_LANES = 32
# Half of the sixth decimal, and what rounding in single precision may add.
_SLACK = 2e-6


class Hits(NamedTuple):
    """The best k documents of each query, best first. Both arrays have shape (queries, k).

    The score of a document is that of its best passage.
    """

    positions: Integers
    scores: Vectors


def search(
    score: Scorer,
    queries: int,
    passages: int,
    k: int,
    passage_starts: Starts | None = None,
) -> Hits:
    """Return the `k` best documents of each query, or all documents if there are fewer.

    `queries` and `passages` are counts. `passage_starts` (documents,) holds the position of
    the first passage of each document; None if each document is one passage.

    >>> def score(start, end, out):
    ...     out[:] = [[0.1, 0.9, 0.5]]
    >>> search(score, queries=1, passages=3, k=2).positions.tolist()
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
    rows_that_fit = max(_LEAST_ROWS, ROOM // passages)
    block_rows = min(_MOST_ROWS, rows_that_fit, max(1, queries))
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
        positions[start:end], scores[start:end] = _best(document_scores, k)
    return Hits(positions, scores)


def _best(block: Vectors, k: int) -> tuple[Integers, Vectors]:
    """Return the positions and the rounded scores of the `k` best of each row, best first.

    `block` has shape (queries, documents), both results have shape (queries, k).
    """
    row_count = len(block)

    # Look only at scores that may be among the best k after rounding: (candidates,) indices
    # into the flat block, and the row and the column of each.
    floor = _floor(block, k)
    lowest = floor - _SLACK * (1.0 + np.abs(floor))
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
        order = _first(own_scores, k)
        positions[row_index] = column_of_candidate[own][order]
        scores[row_index] = own_scores[order]
    return positions, scores


def _floor(block: Vectors, k: int) -> Vectors:
    """Return a score for each row, shape (queries,), that `k` or a few more of it reach.

    The k-th best of the maxima of disjoint groups is such a score. It is found in a fraction
    of the time of a partial sort.
    """
    row_count, document_count = block.shape
    group_count = document_count // _LANES

    # Few documents: the exact k-th best.
    if group_count < 4 * k:
        kth = document_count - k
        return np.asarray(np.partition(block, kth, axis=1)[:, kth])

    # Column i of the three-dimensional view holds the members of group i. The last few
    # documents are in no group.
    grouped = block[:, : group_count * _LANES].reshape(row_count, _LANES, group_count)
    maxima = grouped.max(axis=1)
    kth = group_count - k
    return np.asarray(np.partition(maxima, kth, axis=1)[:, kth])


def _first(values: Vectors, k: int) -> Integers:
    """Return the indices of the `k` largest of `values`, largest first, equal ones in order."""
    if len(values) <= 4 * k:
        return np.argsort(-values, kind="stable")[:k]

    # BM25 gives most documents the score 0. So many equal scores need not be sorted.
    floor = np.partition(values, len(values) - k)[len(values) - k]
    above = np.flatnonzero(values > floor)
    above = above[np.argsort(-values[above], kind="stable")]
    equal = np.flatnonzero(values == floor)[: k - len(above)]
    return np.concatenate([above, equal])
