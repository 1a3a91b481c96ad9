"""Ranking metrics of hits against graded qrels, for each query and at any depth.

Gains are linear in the grade. A document with a grade above 0 is relevant. The metrics are
trec_eval's ndcg_cut, recip_rank, map_cut, recall and success (`nDCG@k`, `RR@k`, `AP@k`, `R@k` and
`Success@k` of ir-measures), to 1e-9, with our order of ties: equal scores are in ascending order
of document id.

nDCG: Järvelin and Kekäläinen 2002. AP: Buckley and Voorhees 2000, divided by the number of all
relevant documents, retrieved or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.evaluation.weights import weighted_mean
from stages.lib.retrieval.search import Hits

DEPTH = 100

# The metrics of each query that `per_query_metrics` returns.
METRICS = ("ndcg_at_10", "mrr_at_10", "recall_at_10", "recall_at_100")
MetricArray = npt.NDArray[np.float64]
QrelsByQuery = Mapping[str, Mapping[str, float]]


class GradedHits(NamedTuple):
    """Hits with their grades.

    `gains` (queries, DEPTH) has the grade of each hit, and 0 if it is not relevant or there is no
    hit. `ideal` (queries, DEPTH) has the grades of the relevant documents, the best first.
    `answers` (queries,) has the number of relevant documents. `scores` (queries, DEPTH) has the
    scores of the hits, and NaN if there is no hit.
    """

    gains: MetricArray
    ideal: MetricArray
    answers: npt.NDArray[np.int64]
    scores: MetricArray

    @property
    def first(self) -> npt.NDArray[np.int64]:
        """Return the rank, from 1, of the first relevant hit of each query; 0 if there is none."""
        is_relevant = self.gains > 0
        ranks = is_relevant.argmax(axis=1) + 1
        return np.where(is_relevant.any(axis=1), ranks, 0)


class _Relevant(NamedTuple):
    """The relevant documents of all queries: row of the query, document id, grade."""

    rows: npt.NDArray[np.int64]
    doc_ids: list[str]
    grades: MetricArray


def grade_hits(
    query_ids: Sequence[str],
    hits: Hits,
    doc_ids: npt.NDArray[np.str_],
    qrels: QrelsByQuery,
) -> GradedHits:
    """Return the first DEPTH `hits` of each query with their grades.

    `doc_ids` (documents,) has the id at each position that `hits` may have. `qrels` has the
    documents of each query with their grades; a document of grade 0 is not relevant. A relevant
    document that is not in `doc_ids` cannot be retrieved, and counts as missed.

    >>> hits = Hits(np.array([[1, 0]]), np.array([[0.9, 0.4]], dtype=np.float32))
    >>> graded = grade_hits(["q1"], hits, np.array(["d0", "d1"]), {"q1": {"d0": 1.0}})
    >>> graded.first.tolist()
    [2]
    """
    relevant = _relevant_documents(query_ids, qrels)
    relevant_counts = np.bincount(relevant.rows, minlength=len(query_ids))

    # Cut the hits off at DEPTH, or fill up with missing scores.
    positions = hits.positions[:, :DEPTH]
    scores = np.full((len(query_ids), DEPTH), np.nan)
    scores[:, : positions.shape[1]] = hits.scores[:, :DEPTH]

    return GradedHits(
        gains=_gains(positions, doc_ids, relevant),
        ideal=_ideal_gains(relevant, relevant_counts),
        answers=relevant_counts,
        scores=scores,
    )


def _relevant_documents(query_ids: Sequence[str], qrels: QrelsByQuery) -> _Relevant:
    rows: list[int] = []
    doc_ids: list[str] = []
    grades: list[float] = []
    for row, query_id in enumerate(query_ids):
        for doc_id, grade in qrels[query_id].items():
            if grade > 0:
                rows.append(row)
                doc_ids.append(doc_id)
                grades.append(grade)

    return _Relevant(
        rows=np.array(rows, dtype=np.int64),
        doc_ids=doc_ids,
        grades=np.array(grades, dtype=np.float64),
    )


def _gains(
    positions: npt.NDArray[np.int64],
    doc_ids: npt.NDArray[np.str_],
    relevant: _Relevant,
) -> MetricArray:
    """Return the grade of each hit, shape (queries, DEPTH), for `positions` (queries, hits)."""
    query_count, hit_count = positions.shape
    gains = np.zeros((query_count, DEPTH))
    if not relevant.doc_ids:
        return gains

    # The relevant documents that can be retrieved.
    relevant_ids = pd.Index(relevant.doc_ids, dtype=object)
    relevant_positions = pd.Index(doc_ids).get_indexer(relevant_ids)
    is_known = relevant_positions >= 0
    if not is_known.any():
        return gains

    # A pair of query and document is one number: query * documents + position. Sort the pairs
    # of the qrels with their grades.
    relevant_pairs = relevant.rows[is_known] * len(doc_ids) + relevant_positions[is_known]
    order = np.argsort(relevant_pairs)
    relevant_pairs = relevant_pairs[order]
    grades = relevant.grades[is_known][order]

    # A hit is relevant if its pair is one of them. `places` (queries, hits) has the only place
    # at which it can be.
    hit_pairs = np.arange(query_count)[:, None] * len(doc_ids) + positions
    places = np.searchsorted(relevant_pairs, hit_pairs)
    places = np.minimum(places, len(relevant_pairs) - 1)
    is_relevant = relevant_pairs[places] == hit_pairs
    gains[:, :hit_count] = np.where(is_relevant, grades[places], 0.0)
    return gains


def _ideal_gains(relevant: _Relevant, counts: npt.NDArray[np.int64]) -> MetricArray:
    """Return the grades of each query's relevant documents, the best first: (queries, DEPTH)."""
    # Sort by query, then by descending grade.
    order = np.lexsort((-relevant.grades, relevant.rows))
    rows = relevant.rows[order]
    grades = relevant.grades[order]

    # The rank of each relevant document in its query, from 0.
    first_of_query = np.cumsum(counts) - counts
    ranks = np.arange(len(rows)) - np.repeat(first_of_query, counts)

    is_shown = ranks < DEPTH
    ideal = np.zeros((len(counts), DEPTH))
    ideal[rows[is_shown], ranks[is_shown]] = grades[is_shown]
    return ideal


def metrics_at(graded: GradedHits, k: int) -> dict[str, MetricArray]:
    """Return the ndcg, mrr, map, recall and hit of each query over its first `k` hits.

    `k` is from 1 to DEPTH. Each array has shape (queries,) and values from 0 to 1.

    >>> hits = Hits(np.array([[1, 0]]), np.array([[0.9, 0.4]], dtype=np.float32))
    >>> graded = grade_hits(["q1"], hits, np.array(["d0", "d1"]), {"q1": {"d0": 1.0}})
    >>> metrics_at(graded, 2)["mrr"].tolist(), metrics_at(graded, 1)["mrr"].tolist()
    ([0.5], [0.0])
    """
    gains = graded.gains[:, :k]
    is_relevant = gains > 0
    # A query without relevant documents has 0 of everything, so avoid a division by 0.
    relevant_counts = np.maximum(graded.answers, 1)

    # ndcg. A rounding error may leave 1 by little.
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = graded.ideal[:, :k] @ discounts
    ndcg = gains @ discounts / np.where(ideal > 0, ideal, 1.0)

    # The reciprocal rank of the first relevant hit, if it is among the first k.
    first = graded.first
    is_shown = (first > 0) & (first <= k)
    reciprocal_ranks = 1.0 / np.maximum(first, 1)

    # The precision at the rank of each relevant hit, shape (queries, k).
    relevant_so_far = np.cumsum(is_relevant, axis=1)
    precision = relevant_so_far / np.arange(1, k + 1)

    return {
        "ndcg": np.minimum(1.0, ndcg),
        "mrr": np.where(is_shown, reciprocal_ranks, 0.0),
        "map": (precision * is_relevant).sum(axis=1) / relevant_counts,
        "recall": is_relevant.sum(axis=1) / relevant_counts,
        "hit": is_relevant.any(axis=1).astype(np.float64),
    }


def mean_metrics(
    graded: GradedHits,
    depths: Sequence[int],
    components: npt.NDArray[np.str_],
    *,
    component_weight: int,
) -> pd.DataFrame:
    """Return the mean of every metric over the queries at each of `depths`.

    The columns are measure, k, mean and plain. In `mean` each of `components` (queries,) counts
    as at most `component_weight` queries. In `plain` each query counts once, as in other
    evaluators.

    >>> hits = Hits(np.array([[1, 0]]), np.array([[0.9, 0.4]], dtype=np.float32))
    >>> graded = grade_hits(["q1"], hits, np.array(["d0", "d1"]), {"q1": {"d0": 1.0}})
    >>> means = mean_metrics(graded, [2], np.array(["c1"]), component_weight=10)
    >>> means.set_index("measure")["mean"]["recall"].item()
    1.0
    """
    rows = []
    for k in sorted(set(depths)):
        for name, values in metrics_at(graded, k).items():
            mean = weighted_mean(values, components, component_weight)
            rows.append((name, k, mean, float(values.mean())))

    return pd.DataFrame(rows, columns=["measure", "k", "mean", "plain"])


def metrics_table(query_ids: Sequence[str], graded: GradedHits) -> pd.DataFrame:
    """Return one row per query with its METRICS, first_rank and first_score.

    These two are the rank and the score of the first relevant hit. The score has six decimals,
    like the scores that decide ties: further decimals of single precision are noise.

    >>> hits = Hits(np.array([[1, 0]]), np.array([[0.9, 0.4]], dtype=np.float32))
    >>> graded = grade_hits(["q1"], hits, np.array(["d0", "d1"]), {"q1": {"d0": 1.0}})
    >>> metrics_table(["q1"], graded)[["query_id", "mrr_at_10", "first_rank", "first_score"]]
      query_id  mrr_at_10  first_rank  first_score
    0       q1        0.5           2          0.4
    """
    columns: dict[str, object] = {"query_id": list(query_ids)}

    # "ndcg_at_10" is the metric ndcg at depth 10. Compute each depth once.
    metrics_at_depth: dict[int, dict[str, MetricArray]] = {}
    for metric in METRICS:
        name, depth_text = metric.split("_at_")
        k = int(depth_text)
        if k not in metrics_at_depth:
            metrics_at_depth[k] = metrics_at(graded, k)
        columns[metric] = metrics_at_depth[k][name]

    # The score at the rank of the first relevant hit.
    first = graded.first
    first_scores = graded.scores[np.arange(len(first)), np.maximum(first, 1) - 1]
    columns["first_rank"] = first
    columns["first_score"] = np.where(first > 0, first_scores, np.nan).round(6)
    return pd.DataFrame(columns)


def per_query_metrics(
    query_ids: Sequence[str],
    hits: Hits,
    doc_ids: npt.NDArray[np.str_],
    qrels: QrelsByQuery,
) -> pd.DataFrame:
    """Return one row per query with its METRICS, first_rank and first_score.

    The arguments are those of `grade_hits`.

    >>> hits = Hits(np.array([[1, 0]]), np.array([[0.9, 0.4]], dtype=np.float32))
    >>> rows = per_query_metrics(["q1"], hits, np.array(["d0", "d1"]), {"q1": {"d0": 1.0}})
    >>> rows["mrr_at_10"].tolist()
    [0.5]
    """
    graded = grade_hits(query_ids, hits, doc_ids=doc_ids, qrels=qrels)
    return metrics_table(query_ids, graded)
