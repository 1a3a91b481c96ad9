"""Top-k search and ranking metrics.

One rule for ties, everywhere: scores are compared to six decimals, and equal scores are ordered by
ascending document id (see topk.py). Gains are linear. nDCG: Järvelin and Kekäläinen 2002.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.topk import Hits as Hits
from stages.lib.topk import Starts as Starts
from stages.lib.topk import Vectors as Vectors
from stages.lib.topk import search

DEPTH = 100
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
        block = np.round(scores if starts is None else np.maximum.reduceat(scores, starts, axis=1), 6)
        for row, position in enumerate(positions[start : start + BLOCK]):
            own = block[row, position]
            found[start + row] = 1 + (block[row] > own).sum() + (block[row, :position] == own).sum()
    return found


def best_scores(query: Vectors, passages: Vectors, positions: Sequence[int], starts: Starts | None = None) -> Vectors:
    """Return the score of the documents at `positions`: the best inner product of `query` (d,) with their passages."""
    if not len(positions):
        return np.empty(0, dtype=np.float32)
    if starts is None:
        return np.asarray(passages[list(positions)] @ query)
    ends = np.append(starts[1:], len(passages))
    stretches = [np.arange(starts[at], ends[at]) for at in positions]
    firsts = np.cumsum([0, *(len(stretch) for stretch in stretches[:-1])])
    return np.asarray(np.maximum.reduceat(passages[np.concatenate(stretches)] @ query, firsts))


def measure(
    query_ids: Sequence[str], hits: Hits, doc_ids: npt.NDArray[np.str_], qrels: Mapping[str, Mapping[str, float]]
) -> pd.DataFrame:
    """Return one row per query with ndcg_at_10, mrr_at_10, recall_at_10, recall_at_100, first_rank, first_score.

    `doc_ids` (documents,) names the positions of `hits`; `qrels` gives each query's relevant documents
    with their grade. A relevant document that is not among `doc_ids` can only be missed, and counts.
    """
    discounts = 1.0 / np.log2(np.arange(2, DEPTH + 2))
    rows = []
    for at, query_id in enumerate(query_ids):
        relevant = qrels[query_id]
        gains = np.array([relevant.get(doc_id, 0.0) for doc_id in doc_ids[hits.positions[at, :DEPTH]]])
        ideal = np.sort(np.array(list(relevant.values())))[::-1][:10]
        found = np.flatnonzero(gains > 0)
        first = int(found[0]) if len(found) else -1
        rows.append(
            {
                "query_id": query_id,
                "ndcg_at_10": min(
                    1.0, float(gains[:10] @ discounts[: len(gains[:10])]) / float(ideal @ discounts[: len(ideal)])
                ),
                "mrr_at_10": 1.0 / (first + 1) if 0 <= first < 10 else 0.0,
                "recall_at_10": float((found < 10).sum()) / len(relevant),
                "recall_at_100": float(len(found)) / len(relevant),
                "first_rank": first + 1,
                "first_score": float(hits.scores[at, first]) if first >= 0 else float("nan"),
            }
        )
    return pd.DataFrame(rows)


def recall_at(
    k: int,
    hits: Hits,
    doc_ids: npt.NDArray[np.str_],
    query_ids: Sequence[str],
    qrels: Mapping[str, Mapping[str, float]],
) -> float:
    """Return the mean share of each query's relevant documents among its first `k` hits."""
    shares = [
        sum(doc_id in qrels[query_id] for doc_id in doc_ids[hits.positions[at, :k]].tolist()) / len(qrels[query_id])
        for at, query_id in enumerate(query_ids)
    ]
    return float(np.mean(shares))


METRICS = ("ndcg_at_10", "mrr_at_10", "recall_at_10", "recall_at_100")
