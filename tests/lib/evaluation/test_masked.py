"""Masked documents leave the ranking of their query and of no other one."""

import numpy as np
import pandas as pd

from stages.lib.evaluation.evaluation_set import EvaluationSet, benchmark_id
from stages.lib.evaluation.ranking_metrics import per_query_metrics
from stages.lib.retrieval.search import Hits

DOC_IDS = np.array(["d0", "d1", "d2", "d3"])
QRELS = {"q1": {"d2": 1.0}, "q2": {"d0": 1.0}}
TABLE = pd.DataFrame({"query_id": ["q1", "q2"], "doc_id": ["d2", "d0"], "grade": [1.0, 1.0]})
QUERIES = pd.DataFrame({"query_id": ["q1", "q2"], "raw": ["a", "b"]})


def evaluation_set(**masked):
    return EvaluationSet(
        QUERIES, QRELS, TABLE, {name: frozenset(doc_ids) for name, doc_ids in masked.items()}
    )


def hits(width):
    positions = np.array([[1, 2, 0, 3], [1, 0, 2, 3]])[:, :width]
    scores = np.array([[0.9, 0.8, 0.7, 0.6], [0.9, 0.8, 0.7, 0.6]], dtype=np.float32)
    return Hits(positions, scores[:, :width])


def test_a_masked_document_above_the_answer_is_neither_a_hit_nor_a_miss():
    held = evaluation_set(q1=["d1"])
    assert held.search_depth(2) == 3
    kept = held.without_masked(["q1", "q2"], hits(3), DOC_IDS, 2)
    assert kept.positions.tolist() == [[2, 0], [1, 0]]
    ranks = per_query_metrics(["q1", "q2"], kept, DOC_IDS, QRELS)["first_rank"].tolist()
    assert ranks == [1, 2]


def test_in_a_small_corpus_masked_documents_come_last():
    kept = evaluation_set(q1=["d1", "d0"]).without_masked(["q1", "q2"], hits(4), DOC_IDS, 4)
    assert kept.positions.tolist() == [[2, 3, 1, 0], [1, 0, 2, 3]]
    assert (
        kept.scores[0].round(1).tolist()
        == np.array([0.8, 0.6, 0.6, 0.6], np.float32).round(1).tolist()
    )


def test_without_masked_documents_hits_and_the_benchmark_are_the_same():
    held = evaluation_set()
    ranking = hits(4)
    assert held.without_masked(["q1", "q2"], ranking, DOC_IDS, 4) is ranking
    plain = EvaluationSet(QUERIES, QRELS, TABLE)
    assert benchmark_id([held], DOC_IDS) == benchmark_id([plain], DOC_IDS)
    assert benchmark_id([evaluation_set(q1=["d1"])], DOC_IDS) != benchmark_id([plain], DOC_IDS)
