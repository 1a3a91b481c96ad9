"""The measures of a run for each query, as trec_eval computes them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.lib.core.errors import UserError
from stages.lib.evaluation.ranking_metrics import DEPTH, grade_hits, metrics_at
from stages.lib.retrieval.search import Hits

_NAMES = {"ndcg": "nDCG", "mrr": "RR", "map": "AP", "recall": "R", "hit": "Success"}
_OTHER_NAMES = {"rr": "mrr", "ap": "map", "r": "recall", "success": "hit"}
_MEASURE = re.compile(r"([a-z]+)(?:@|_at_)(\d{1,4})", re.IGNORECASE)

Run = Mapping[str, Mapping[str, float]]


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


def measure_run(
    run: Run, qrels: Run, query_ids: Sequence[str], measure: Measure
) -> pd.Series[float]:
    """Return the measure of each query, with the queries as index.

    Hits are in descending order of score, and equal scores in descending order of document id, as
    in trec_eval. A query without hits has 0.
    """
    # A position for each document that any query found.
    doc_ids = sorted({doc_id for query_id in query_ids for doc_id in run.get(query_id, {})})
    position_of = {doc_id: position for position, doc_id in enumerate(doc_ids)}

    # Where a query has fewer hits stands a document that nothing can judge relevant.
    positions = np.full((len(query_ids), measure.depth), len(doc_ids), dtype=np.int64)
    for row, query_id in enumerate(query_ids):
        hits = run.get(query_id, {})
        ranked = sorted(hits, key=lambda doc_id: (hits[doc_id], doc_id), reverse=True)
        shown = [position_of[doc_id] for doc_id in ranked[: measure.depth]]
        positions[row, : len(shown)] = shown

    scores = np.zeros(positions.shape, dtype=np.float32)
    ids = np.array([*doc_ids, "\n"], dtype=str)
    graded = grade_hits(query_ids, Hits(positions, scores), ids, qrels)
    values = metrics_at(graded, measure.depth)[measure.kind]
    return pd.Series(values, index=pd.Index(query_ids), dtype=np.float64)
