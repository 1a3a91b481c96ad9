"""The share of the first hits that have a grade."""

import ir_measures
import numpy as np
import pandas as pd
import pytest
from ir_measures import Judged

from stages.evaluate.graded import graded_documents, judged_shares
from stages.lib.retrieval.corpus import corpus_from_passages
from stages.lib.retrieval.search import Hits

DOC_IDS = [f"d{number:016x}" for number in range(30)]
CORPUS = corpus_from_passages(pd.DataFrame({"doc_id": DOC_IDS, "text": DOC_IDS}))


def hits_of(*rankings):
    positions = np.array(rankings, dtype=np.int64)
    scores = np.linspace(1.0, 0.1, positions.shape[1], dtype=np.float32)
    return Hits(positions, np.tile(scores, (len(rankings), 1)))


def test_copies_count_as_the_document_that_was_kept():
    grades = pd.DataFrame(
        {"query_id": ["q1", "q1", "q2"], "doc_id": ["d1", "d2", "d2"], "grade": [0, 3, 1]}
    )
    assert graded_documents(grades, {"d2": "d3"}) == {
        "q1": frozenset({"d1", "d3"}),
        "q2": frozenset({"d3"}),
    }


def test_the_share_is_of_the_first_ten_hits_and_of_queries_with_grades():
    hits = hits_of(list(range(20)), list(range(10, 30)), list(range(20)))
    graded = {"q1": frozenset(DOC_IDS[:3]) | {DOC_IDS[15]}, "q2": frozenset(DOC_IDS[10:20])}
    shares = judged_shares({"bm25": hits}, CORPUS, ["q1", "q2", "q3"], graded=graded)
    assert shares == {"bm25.judged_at_10": pytest.approx((0.3 + 1.0) / 2)}


def test_without_grades_there_is_no_share():
    assert judged_shares({"bm25": hits_of([0, 1])}, CORPUS, ["q1"], graded={}) == {}


@pytest.mark.parametrize("count", [4, 10, 20])
def test_it_is_that_of_ir_measures(count):
    random = np.random.default_rng(count)
    rankings = [random.permutation(30)[:count].tolist() for _ in range(6)]
    query_ids = [f"q{number}" for number in range(6)]
    graded = {
        query_id: frozenset(DOC_IDS[place] for place in random.permutation(30)[:8])
        for query_id in query_ids
    }
    ours = judged_shares({"base": hits_of(*rankings)}, CORPUS, query_ids, graded=graded)
    qrels = {query_id: dict.fromkeys(documents, 0) for query_id, documents in graded.items()}
    run = {
        query_id: {DOC_IDS[place]: float(-rank) for rank, place in enumerate(ranking)}
        for query_id, ranking in zip(query_ids, rankings, strict=True)
    }
    theirs = ir_measures.calc_aggregate([Judged @ 10], qrels, run)[Judged @ 10]
    assert ours["base.judged_at_10"] == pytest.approx(theirs, abs=1e-12)
