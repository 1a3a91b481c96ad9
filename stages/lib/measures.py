"""Ranking measures of hits against graded judgements, by query, at any depth.

Gains are linear in the grade, and whatever is graded above 0 is an answer. Of the evaluators that people know these are
trec_eval's ndcg_cut, recip_rank, map_cut, recall and success (`nDCG@k`, `RR@k`, `AP@k`, `R@k` and `Success@k` of
ir-measures), to 1e-9, with our order of ties: equal scores stand in ascending order of document id. nDCG: Järvelin
and Kekäläinen 2002; AP: Buckley and Voorhees 2000, divided by all answers, found or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.topk import Hits

DEPTH = 100
# What `measure` tells of each query.
METRICS = ("ndcg_at_10", "mrr_at_10", "recall_at_10", "recall_at_100")

Numbers = npt.NDArray[np.float64]
Qrels = Mapping[str, Mapping[str, float]]


class Judged(NamedTuple):
    """Hits with their grades.

    `gains` (queries, DEPTH) has the grade of each hit, 0 where it is no answer or there is no hit; `ideal` the grades
    of the answers, best first, in the same shape; `answers` (queries,) how many there are; `scores` those of the hits,
    not a number where there is none.
    """

    gains: Numbers
    ideal: Numbers
    answers: npt.NDArray[np.int64]
    scores: Numbers

    @property
    def first(self) -> npt.NDArray[np.int64]:
        """Return the rank of each query's first answer, from 1; 0 where none is among the hits."""
        found = self.gains > 0
        return np.where(found.any(axis=1), found.argmax(axis=1) + 1, 0)


def judge(
    query_ids: Sequence[str], hits: Hits, doc_ids: npt.NDArray[np.str_], qrels: Qrels
) -> Judged:
    """Return the first DEPTH `hits` of each query with their grades.

    `doc_ids` (documents,) names the positions of `hits`; `qrels` gives each query's documents with their grade;
    one of grade 0 is no answer. An answer that is not among `doc_ids` can only be missed, and counts.
    """
    count, width = len(query_ids), min(DEPTH, hits.positions.shape[1])
    found = [
        (row, doc_id, grade)
        for row, query_id in enumerate(query_ids)
        for doc_id, grade in qrels[query_id].items()
        if grade > 0
    ]
    rows = np.array([row for row, _, _ in found], dtype=np.int64)
    names = [doc_id for _, doc_id, _ in found]
    grades = np.array([grade for *_, grade in found], dtype=np.float64)
    answers = np.bincount(rows, minlength=count)
    gains, ideal = np.zeros((2, count, DEPTH))
    scores = np.full((count, DEPTH), np.nan)
    scores[:, :width] = hits.scores[:, :width]
    # An answer and a hit meet where their numbers, query times documents plus position, are equal.
    places = (
        pd.Index(doc_ids).get_indexer(pd.Index(names, dtype=object))
        if names
        else np.empty(0, dtype=np.int64)
    )
    known = places >= 0
    keys = rows[known] * len(doc_ids) + places[known]
    order = np.argsort(keys)
    if len(keys):
        wanted = np.arange(count)[:, None] * len(doc_ids) + hits.positions[:, :width]
        at = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
        gains[:, :width] = np.where(keys[order][at] == wanted, grades[known][order][at], 0.0)
    best = np.lexsort((-grades, rows))
    rank = np.arange(len(rows)) - np.repeat(np.cumsum(answers) - answers, answers)
    shown = rank < DEPTH
    ideal[rows[best][shown], rank[shown]] = grades[best][shown]
    return Judged(gains, ideal, answers, scores)


def at_depth(judged: Judged, k: int) -> dict[str, Numbers]:
    """Return ndcg, mrr, map, recall and hit of each query over its first `k` hits, 1 to DEPTH, each from 0 to 1."""
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    gains, found = judged.gains[:, :k], judged.gains[:, :k] > 0
    most = judged.ideal[:, :k] @ discounts
    answers, first = np.maximum(judged.answers, 1), judged.first
    precision = np.cumsum(found, axis=1) / np.arange(1, k + 1)
    return {
        # Where nothing is graded above 0 nothing can be found. 1 may be left by a rounding error, never by more.
        "ndcg": np.minimum(1.0, gains @ discounts / np.where(most > 0, most, 1.0)),
        "mrr": np.where((first > 0) & (first <= k), 1.0 / np.maximum(first, 1), 0.0),
        "map": (precision * found).sum(axis=1) / answers,
        "recall": found.sum(axis=1) / answers,
        "hit": found.any(axis=1).astype(np.float64),
    }


def means(judged: Judged, depths: Sequence[int]) -> pd.DataFrame:
    """Return the mean of every measure over the queries (columns measure, k, mean) at each of `depths`."""
    rows = [
        (name, k, float(values.mean()))
        for k in sorted(set(depths))
        for name, values in at_depth(judged, k).items()
    ]
    return pd.DataFrame(rows, columns=["measure", "k", "mean"])


def table(query_ids: Sequence[str], judged: Judged) -> pd.DataFrame:
    """Return one row per query with its METRICS, first_rank and first_score: the first answer's rank and score.

    The score is to six decimals, as ties are: single precision written in full is noise from there on.
    """
    wanted = {metric: metric.split("_at_") for metric in METRICS}
    depths = {k: at_depth(judged, k) for k in sorted({int(k) for _, k in wanted.values()})}
    first = judged.first
    scores = judged.scores[np.arange(len(first)), np.maximum(first, 1) - 1]
    return pd.DataFrame(
        {"query_id": list(query_ids)}
        | {metric: depths[int(k)][name] for metric, (name, k) in wanted.items()}
        | {"first_rank": first, "first_score": np.where(first > 0, scores, np.nan).round(6)}
    )


def measure(
    query_ids: Sequence[str], hits: Hits, doc_ids: npt.NDArray[np.str_], qrels: Qrels
) -> pd.DataFrame:
    """Return one row per query with its METRICS, first_rank and first_score. Arguments as for `judge`."""
    return table(query_ids, judge(query_ids, hits, doc_ids, qrels))
