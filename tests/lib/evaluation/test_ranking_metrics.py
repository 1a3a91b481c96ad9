"""The metrics are those of the textbook, and of the evaluators that people know."""

import math

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import AP, RR, R, Success, nDCG

from stages.lib.evaluation.ranking_metrics import (
    DEPTH,
    METRICS,
    grade_hits,
    mean_metrics,
    metrics_at,
    per_query_metrics,
)
from stages.lib.retrieval.search import Hits
from tests.properties import examples

DOC_IDS = np.array([f"d{number:04}" for number in range(1000)])
# Corresponding metrics of ir_measures.
IR_MEASURES = {"ndcg": nDCG, "map": AP, "recall": R, "hit": Success, "mrr": RR}


def hits_with_relevant_at(*ranks, k=100):
    """Return the hits of one query in a corpus of 1,000 documents.

    The relevant documents, 900 and on, have these ranks.
    """
    positions = np.arange(k)
    for number, rank in enumerate(ranks):
        positions[rank - 1] = 900 + number
    scores = np.linspace(1, 0, k, dtype=np.float32)
    return Hits(positions[None, :], scores[None, :])


def metrics_of(hits, grades):
    """Return the row of metrics of the one query of `hits`."""
    return per_query_metrics(["q"], hits, DOC_IDS, {"q": grades}).iloc[0]


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [
        # One relevant document: nDCG is 1 / log2(rank + 1).
        ([1], (1.0, 1.0, 1.0, 1.0, 1)),
        ([2], (1 / np.log2(3), 0.5, 1.0, 1.0, 2)),
        ([10], (1 / np.log2(11), 0.1, 1.0, 1.0, 10)),
        ([11], (0.0, 0.0, 0.0, 1.0, 11)),
        ([100], (0.0, 0.0, 0.0, 1.0, 100)),
        # Two relevant documents: the ideal is 1 + 1 / log2(3).
        ([1, 3], (1.5 / (1 + 1 / np.log2(3)), 1.0, 1.0, 1.0, 1)),
        ([3, 50], (0.5 / (1 + 1 / np.log2(3)), 1 / 3, 0.5, 1.0, 3)),
    ],
)
def test_metrics_by_hand(ranks, expected):
    grades = {DOC_IDS[900 + number]: 1.0 for number in range(len(ranks))}
    row = metrics_of(hits_with_relevant_at(*ranks), grades)
    assert row[[*METRICS, "first_rank"]].tolist() == pytest.approx(expected)


def test_gains_are_linear_in_the_grade():
    # Grades 0.5, then 1. Exponential gains would give another number.
    row = metrics_of(hits_with_relevant_at(1, 2), {DOC_IDS[900]: 0.5, DOC_IDS[901]: 1.0})
    expected = (0.5 + 1 / np.log2(3)) / (1 + 0.5 / np.log2(3))
    assert row["ndcg_at_10"] == pytest.approx(expected)


def test_a_relevant_document_outside_the_corpus_is_missed():
    row = metrics_of(hits_with_relevant_at(1), {DOC_IDS[900]: 1.0, "d-gone": 1.0})
    assert row["ndcg_at_10"] == pytest.approx(1 / (1 + 1 / np.log2(3)))
    assert row["recall_at_10"] == row["recall_at_100"] == 0.5

    missed = metrics_of(hits_with_relevant_at(1), {"d-gone": 1.0})
    assert missed[[*METRICS, "first_rank"]].tolist() == [0.0] * 5
    assert np.isnan(missed["first_score"])


def test_a_document_of_grade_0_is_not_relevant():
    columns = [*METRICS, "first_rank"]
    row = metrics_of(hits_with_relevant_at(1, 2), {DOC_IDS[900]: 0.0, DOC_IDS[901]: 1.0})
    assert row[columns].tolist() == pytest.approx([1 / np.log2(3), 0.5, 1.0, 1.0, 2])

    none_relevant = metrics_of(hits_with_relevant_at(1), {DOC_IDS[900]: 0.0})
    assert none_relevant[columns].tolist() == [0.0] * 5


def test_more_than_ten_relevant_hits_are_still_perfect():
    grades = {DOC_IDS[900 + number]: 1.0 for number in range(12)}
    row = metrics_of(hits_with_relevant_at(*range(1, 13)), grades)
    assert row["ndcg_at_10"] == pytest.approx(1.0)
    assert row["ndcg_at_10"] <= 1.0
    assert row["recall_at_10"] == pytest.approx(10 / 12)


def test_a_hundred_hits_of_each_query_are_graded():
    """More are cut off, and fewer are filled up: recall at 100 is the deepest metric."""
    for found in (99, 100, 101):
        positions = np.arange(found)[None, :]
        hits = Hits(positions, np.ones((1, found), dtype=np.float32))
        doc_ids = np.array([f"d{number:03}" for number in range(found)])
        graded = grade_hits(["q1"], hits, doc_ids, {"q1": {"d000": 1.0}})
        assert graded.gains.shape == graded.ideal.shape == graded.scores.shape == (1, 100)
        assert np.isfinite(graded.scores).sum() == min(found, 100)


def test_first_score_has_six_decimals():
    # The scores fall from 1 to 0 in 99 steps, in single precision: the third is 97 / 99.
    row = metrics_of(hits_with_relevant_at(3), {DOC_IDS[900]: 1.0})
    assert row["first_score"] == 0.979798


def test_all_metrics_at_two_depths_by_hand():
    # Relevant documents at ranks 1 and 3, and a third one that is not retrieved.
    # Of three, one is within two hits, two are within three.
    qrels = {"q": dict.fromkeys(("d0900", "d0901", "d-gone"), 1.0)}
    graded = grade_hits(["q"], hits_with_relevant_at(1, 3), DOC_IDS, qrels)
    at_two = {name: float(values[0]) for name, values in metrics_at(graded, 2).items()}
    at_three = {name: float(values[0]) for name, values in metrics_at(graded, 3).items()}

    ideal = 1 + 1 / math.log2(3)
    assert at_two == pytest.approx(
        {"ndcg": 1 / ideal, "mrr": 1, "map": 1 / 3, "recall": 1 / 3, "hit": 1}
    )
    assert at_three == pytest.approx(
        {"ndcg": 1.5 / (ideal + 0.5), "mrr": 1, "map": (1 + 2 / 3) / 3, "recall": 2 / 3, "hit": 1}
    )


def test_means_are_over_queries_at_each_depth_once():
    # The first query has relevant documents at ranks 1 and 3. The second has one at rank 50, and
    # one that is not in the corpus.
    first = hits_with_relevant_at(1, 3)
    second = hits_with_relevant_at(50)
    hits = Hits(
        np.concatenate([first.positions, second.positions]),
        np.concatenate([first.scores, second.scores]),
    )
    qrels = {"a": {DOC_IDS[900]: 1.0, DOC_IDS[901]: 1.0}, "b": {DOC_IDS[900]: 1.0, "d-gone": 1.0}}

    graded = grade_hits(["a", "b"], hits, DOC_IDS, qrels)
    components = np.array(["c1", "c2"])
    rows = mean_metrics(graded, [100, 1, 3, 3], components, component_weight=10)
    recall = rows[rows["measure"] == "recall"]
    assert recall[["k", "mean"]].to_numpy().tolist() == [[1, 0.25], [3, 0.5], [100, 0.75]]
    assert rows["plain"].tolist() == rows["mean"].tolist()
    assert set(rows["measure"]) == {"ndcg", "mrr", "map", "recall", "hit"}


def test_no_hits_and_no_documents_are_misses():
    no_hits = Hits(np.empty((1, 0), dtype=np.int64), np.empty((1, 0), dtype=np.float32))
    row = per_query_metrics(["q"], no_hits, np.array([], dtype=str), {"q": {"d1": 1.0}}).iloc[0]
    assert row[[*METRICS, "first_rank"]].tolist() == [0.0] * 5
    assert np.isnan(row["first_score"])


def test_document_ids_may_be_in_any_order():
    # The run of another tool has its documents in its own order.
    hits = Hits(np.array([[1, 0]]), np.array([[0.9, 0.1]], dtype=np.float32))
    rows = per_query_metrics(["q"], hits, np.array(["b", "a"]), {"q": {"a": 1.0}})
    assert rows["first_rank"].tolist() == [1]


def random_hits(random, query_count, documents, depth, tied):
    """Return hits in our order of ties: equal scores in ascending order of document id."""
    positions = []
    scores = []
    for _ in range(query_count):
        retrieved = np.sort(random.permutation(documents)[:depth])
        query_scores = random.integers(0, 4 if tied else 10_000, size=depth)
        order = np.lexsort((retrieved, -query_scores))
        positions.append(retrieved[order])
        scores.append(query_scores[order])
    return Hits(np.array(positions), np.array(scores, dtype=np.float32))


def random_qrels(random, query_ids, doc_ids):
    """Return grades from 0 to 3 of up to twenty documents for each query."""
    qrels = {}
    for query_id in query_ids:
        graded_ids = random.permutation(doc_ids)[: random.integers(1, 21)]
        qrels[query_id] = {str(doc_id): int(random.integers(0, 4)) for doc_id in graded_ids}
    return qrels


def scaled(qrels):
    """Return `qrels` with grades from 0 to 1."""
    scaled_qrels = {}
    for query_id, grades in qrels.items():
        scaled_qrels[query_id] = {doc_id: grade / 3 for doc_id, grade in grades.items()}
    return scaled_qrels


def run_of(query_ids, hits, doc_ids):
    """Return the run for ir_measures. It breaks ties its own way, so ranks replace scores."""
    run = {}
    for query_id, positions in zip(query_ids, hits.positions, strict=True):
        ranked_ids = [str(doc_ids[position]) for position in positions]
        run[query_id] = {doc_id: float(DEPTH - rank) for rank, doc_id in enumerate(ranked_ids)}
    return run


@examples(40)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 7, 60, 130]),
    st.sampled_from([1, 3, 10, 40, 100]),
    st.booleans(),
)
def test_metrics_equal_those_of_ir_measures(seed, documents, k, tied):
    random = np.random.default_rng(seed)
    query_ids = [f"q{number}" for number in range(8)]
    doc_ids = np.array([f"d{number:03}" for number in range(documents)])
    depth = int(random.integers(1, min(documents, DEPTH) + 1))
    hits = random_hits(random, len(query_ids), documents, depth, tied)
    # Some graded documents are not in the corpus.
    qrels = random_qrels(random, query_ids, [*doc_ids, "x1", "x2"])

    ours = metrics_at(grade_hits(query_ids, hits, doc_ids, scaled(qrels)), k)
    name_of_measure = {measure @ k: name for name, measure in IR_MEASURES.items()}
    run = run_of(query_ids, hits, doc_ids)
    expected = list(ir_measures.iter_calc(list(name_of_measure), qrels, run))

    assert len(expected) == len(name_of_measure) * len(query_ids)
    for metric in expected:
        our_values = ours[name_of_measure[metric.measure]]
        our_value = our_values[query_ids.index(metric.query_id)]
        assert our_value == pytest.approx(metric.value, abs=1e-9)
