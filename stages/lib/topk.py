"""The first k documents of each query: exact, in blocks of bounded memory, ties in one order everywhere.

Scores are compared to six decimals, and equal scores are ordered by ascending position.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Starts = npt.NDArray[np.int64]
Integers = npt.NDArray[np.int64]
# Writes the scores of queries `start` to `end` against every passage into an array (queries, passages).
Scorer = Callable[[int, int, Vectors], None]

ROOM = 1 << 24  # scores in a block: 64 MB
_MOST_ROWS, _LEAST_ROWS = 256, 16
_LANES = 32
# Six decimals, and what rounding in single precision may add to them.
_SLACK = 2e-6


class Hits(NamedTuple):
    """The first k documents of each query: positions and scores, both of shape (queries, k), best first.

    A document that was cut into passages scores as its best one.
    """

    positions: Integers
    scores: Vectors


def search(
    score: Scorer, queries: int, passages: int, k: int, starts: Starts | None = None
) -> Hits:
    """Return the `k` best documents of each query, of all documents where there are fewer.

    `starts` (documents,) has the position of each document's first passage; None where each has just one.
    """
    documents = passages if starts is None else len(starts)
    one_each = documents == passages
    k = min(k, documents)
    positions, scores = (
        np.empty((queries, k), dtype=np.int64),
        np.empty((queries, k), dtype=np.float32),
    )
    if not k:
        return Hits(positions, scores)
    rows = min(_MOST_ROWS, max(_LEAST_ROWS, ROOM // passages), max(1, queries))
    room = np.empty((rows, passages), dtype=np.float32)
    for start in range(0, queries, rows):
        end = min(start + rows, queries)
        block = room[: end - start]
        score(start, end, block)
        found = block if one_each or starts is None else np.maximum.reduceat(block, starts, axis=1)
        positions[start:end], scores[start:end] = _best(found, k)
    return Hits(positions, scores)


def _best(block: Vectors, k: int) -> tuple[Integers, Vectors]:
    """Return the positions and rounded scores of the `k` best of each row of `block`, best first."""
    rows = len(block)
    floor = _floor(block, k)
    reached = np.flatnonzero(block >= (floor - _SLACK * (1.0 + np.abs(floor)))[:, None])
    at, position = np.divmod(reached, block.shape[1])
    counts = np.bincount(at, minlength=rows)
    ends = np.cumsum(counts)
    values = np.round(block.ravel()[reached], 6)
    positions, scores = np.empty((rows, k), dtype=np.int64), np.empty((rows, k), dtype=np.float32)
    for row in range(rows):
        part = slice(ends[row] - counts[row], ends[row])
        chosen = _first(values[part], k)
        positions[row], scores[row] = position[part][chosen], values[part][chosen]
    return positions, scores


def _floor(block: Vectors, k: int) -> Vectors:
    """Return for each row a score that at least `k` of it reach, and few more.

    The k-th best of the maxima of disjoint groups is one, found in a fraction of the time of a partial sort.
    """
    groups = block.shape[1] // _LANES
    if groups < 4 * k:
        return np.asarray(np.partition(block, block.shape[1] - k, axis=1)[:, block.shape[1] - k])
    maxima = block[:, : groups * _LANES].reshape(len(block), _LANES, groups).max(axis=1)
    return np.asarray(np.partition(maxima, groups - k, axis=1)[:, groups - k])


def _first(values: Vectors, k: int) -> Integers:
    """Return where the `k` largest of `values` stand, largest first, equal ones in their order."""
    if len(values) > 4 * k:  # a crowd of equals (BM25 gives most documents 0) need not be sorted
        floor = np.partition(values, len(values) - k)[len(values) - k]
        above = np.flatnonzero(values > floor)
        above = above[np.argsort(-values[above], kind="stable")]
        return np.concatenate([above, np.flatnonzero(values == floor)[: k - len(above)]])
    return np.argsort(-values, kind="stable")[:k]
