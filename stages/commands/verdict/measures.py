"""The measures of a run for each query, as trec_eval computes them.

They are those of `stages/lib/evaluation/ranking_metrics.py`, with trec_eval's order of ties. This
file needs NumPy alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.core.errors import UserError

# The deepest measure.
DEPTH = 100

_NAMES = {"ndcg": "nDCG", "mrr": "RR", "map": "AP", "recall": "R", "hit": "Success"}
_OTHER_NAMES = {"rr": "mrr", "ap": "map", "r": "recall", "success": "hit"}
_MEASURE = re.compile(r"([a-z]+)(?:@|_at_)(\d{1,4})", re.IGNORECASE)

# Query to document to score; and query to document to grade.
Run = Mapping[str, Mapping[str, float]]

# A number of each query, or of each query and rank.
Scores = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]


class Measure(NamedTuple):
    """A measure over the first `depth` hits."""

    kind: str
    depth: int

    @property
    def name(self) -> str:
        """The name of ir-measures.

        >>> Measure("mrr", 10).name
        'RR@10'
        """
        return f"{_NAMES[self.kind]}@{self.depth}"


def parse_measure(text: str) -> Measure:
    """Return the measure that a text names.

    Raises:
        UserError: there is no such measure.

    >>> parse_measure("nDCG@10"), parse_measure("recall_at_100")
    (Measure(kind='ndcg', depth=10), Measure(kind='recall', depth=100))
    """
    match = _MEASURE.fullmatch(text.strip())
    kind = match.group(1).lower() if match else ""
    kind = _OTHER_NAMES.get(kind, kind)
    if match is None or kind not in _NAMES or not 1 <= int(match.group(2)) <= DEPTH:
        raise UserError(
            f"there is no measure {text[:40]!r}",
            f"name {', '.join(f'{name}@K' for name in _NAMES.values())}, with K from 1 to {DEPTH}",
        )
    return Measure(kind, int(match.group(2)))


def ranked_hits(hits: Mapping[str, float]) -> list[str]:
    """Return the documents of a query, the best first.

    Scores descend, and so do the document ids of equal scores, as in trec_eval.

    >>> ranked_hits({"a": 1.0, "b": 2.0, "c": 1.0})
    ['b', 'c', 'a']
    """
    return sorted(hits, key=lambda doc_id: (hits[doc_id], doc_id), reverse=True)


def condensed_run(run: Run, qrels: Run) -> dict[str, dict[str, float]]:
    """Return a run without its unjudged hits, so that judged ones move up (Sakai 2007).

    Queries without qrels stay as they are.

    >>> condensed_run({"q": {"a": 2.0, "b": 1.0}}, {"q": {"b": 1}})
    {'q': {'b': 1.0}}
    """
    condensed: dict[str, dict[str, float]] = {}
    for query_id, hits in run.items():
        grades = qrels.get(query_id, hits)
        condensed[query_id] = {doc_id: hits[doc_id] for doc_id in hits if doc_id in grades}
    return condensed


def measure_run(run: Run, qrels: Run, query_ids: Sequence[str], measure: Measure) -> Scores:
    """Return the measure of each query, shape (queries,).

    A query without hits has 0, and so has one without a relevant document.
    """
    gains = np.zeros((len(query_ids), measure.depth))
    ideal = np.zeros((len(query_ids), measure.depth))
    relevant = np.zeros(len(query_ids), dtype=np.int64)

    for row, query_id in enumerate(query_ids):
        # A grade of 0 or less is not relevant.
        grades = {doc_id: grade for doc_id, grade in qrels[query_id].items() if grade > 0}
        best_first = sorted(grades.values(), reverse=True)[: measure.depth]
        ideal[row, : len(best_first)] = best_first
        relevant[row] = len(grades)

        shown = ranked_hits(run.get(query_id, {}))[: measure.depth]
        gains[row, : len(shown)] = [grades.get(doc_id, 0.0) for doc_id in shown]

    return measure_gains(gains, ideal, relevant, measure)


def measure_gains(
    gains: Scores, ideal: Scores, relevant: npt.NDArray[np.int64], measure: Measure
) -> Scores:
    """Return the measure of each query, shape (queries,), from the grades of its hits.

    Args:
        gains: the grades of the hits, the best hit first; 0 for one that is not relevant. Shape
            (queries, depth).
        ideal: the grades of the relevant documents, the highest first. Shape (queries, depth).
        relevant: the number of relevant documents of each query, shape (queries,).
        measure: the measure.
    """
    ranks = np.arange(1, measure.depth + 1)
    is_relevant = gains > 0

    if measure.kind == "ndcg":
        # A rounding error may leave 1 by little.
        discounts = 1.0 / np.log2(ranks + 1)
        best = ideal @ discounts
        return np.asarray(np.minimum(1.0, gains @ discounts / np.where(best > 0, best, 1.0)))
    if measure.kind == "mrr":
        return np.asarray((is_relevant / ranks).max(axis=1), dtype=np.float64)
    if measure.kind == "hit":
        return np.asarray(is_relevant.any(axis=1), dtype=np.float64)

    # A query without a relevant document has 0, so avoid a division by 0.
    all_relevant = np.maximum(relevant, 1)
    if measure.kind == "recall":
        return np.asarray(is_relevant.sum(axis=1) / all_relevant)
    precision = np.cumsum(is_relevant, axis=1) / ranks
    return np.asarray((precision * is_relevant).sum(axis=1) / all_relevant)
