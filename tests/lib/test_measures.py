"""The measures are those of the textbook, and of the evaluators that people know."""

import math

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import AP, RR, R, Success, nDCG

from stages.lib.measures import DEPTH, METRICS, at_depth, judge, means, measure
from stages.lib.topk import Hits


def found_at(*ranks, k=100):
    """Return the hits of one query in a corpus of 1,000 whose answers, documents 900 and on, have these ranks."""
    positions = np.arange(k)
    for at, rank in enumerate(ranks):
        positions[rank - 1] = 900 + at
    return Hits(positions[None, :], np.linspace(1, 0, k, dtype=np.float32)[None, :])


DOC_IDS = np.array([f"d{at:04}" for at in range(1000)])


def measured(hits, relevant):
    return measure(["q"], hits, DOC_IDS, {"q": relevant}).iloc[0]


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [
        # One answer: nDCG is 1 / log2(rank + 1).
        ([1], (1.0, 1.0, 1.0, 1.0, 1)),
        ([2], (1 / np.log2(3), 0.5, 1.0, 1.0, 2)),
        ([10], (1 / np.log2(11), 0.1, 1.0, 1.0, 10)),
        ([11], (0.0, 0.0, 0.0, 1.0, 11)),
        ([100], (0.0, 0.0, 0.0, 1.0, 100)),
        # Two answers: the ideal is 1 + 1 / log2(3).
        ([1, 3], (1.5 / (1 + 1 / np.log2(3)), 1.0, 1.0, 1.0, 1)),
        ([3, 50], (0.5 / (1 + 1 / np.log2(3)), 1 / 3, 0.5, 1.0, 3)),
    ],
)
def test_metrics_by_hand(ranks, expected):
    row = measured(found_at(*ranks), {DOC_IDS[900 + at]: 1.0 for at in range(len(ranks))})
    assert row[[*METRICS, "first_rank"]].tolist() == pytest.approx(expected)


def test_gains_are_linear_in_the_grade():
    # Grades 0.5 then 1: (0.5 + 1 / log2(3)) / (1 + 0.5 / log2(3)); exponential gains would give another number.
    row = measured(found_at(1, 2), {DOC_IDS[900]: 0.5, DOC_IDS[901]: 1.0})
    assert row["ndcg_at_10"] == pytest.approx((0.5 + 1 / np.log2(3)) / (1 + 0.5 / np.log2(3)))


def test_an_answer_that_is_not_in_the_corpus_is_a_miss():
    row = measured(found_at(1), {DOC_IDS[900]: 1.0, "d-gone": 1.0})
    assert row["ndcg_at_10"] == pytest.approx(1 / (1 + 1 / np.log2(3)))
    assert row["recall_at_10"] == row["recall_at_100"] == 0.5
    lost = measured(found_at(1), {"d-gone": 1.0})
    assert lost[[*METRICS, "first_rank"]].tolist() == [0.0] * 5
    assert np.isnan(lost["first_score"])


def test_a_document_of_grade_0_is_no_answer():
    row = measured(found_at(1, 2), {DOC_IDS[900]: 0.0, DOC_IDS[901]: 1.0})
    assert row[[*METRICS, "first_rank"]].tolist() == pytest.approx(
        [1 / np.log2(3), 0.5, 1.0, 1.0, 2]
    )
    assert (
        measured(found_at(1), {DOC_IDS[900]: 0.0})[[*METRICS, "first_rank"]].tolist() == [0.0] * 5
    )


def test_more_than_ten_perfect_answers_are_still_perfect():
    row = measured(found_at(*range(1, 13)), {DOC_IDS[900 + at]: 1.0 for at in range(12)})
    assert row["ndcg_at_10"] == pytest.approx(1.0)
    assert row["ndcg_at_10"] <= 1.0
    assert row["recall_at_10"] == pytest.approx(10 / 12)


def test_the_first_score_is_that_of_the_first_answer_to_six_decimals():
    # The scores fall from 1 to 0 in 99 steps, in single precision: the third is 97 / 99.
    assert measured(found_at(3), {DOC_IDS[900]: 1.0})["first_score"] == 0.979798


def test_every_measure_at_two_depths_by_hand():
    # Answers at ranks 1 and 3, and a third one that is not found: of three, one within two hits, two within three.
    judged = judge(
        ["q"], found_at(1, 3), DOC_IDS, {"q": dict.fromkeys(("d0900", "d0901", "d-gone"), 1.0)}
    )
    two, three = (
        {name: float(values[0]) for name, values in at_depth(judged, k).items()} for k in (2, 3)
    )
    best = 1 + 1 / math.log2(3)
    assert two == pytest.approx(
        {"ndcg": 1 / best, "mrr": 1, "map": 1 / 3, "recall": 1 / 3, "hit": 1}
    )
    assert three == pytest.approx(
        {"ndcg": 1.5 / (best + 0.5), "mrr": 1, "map": (1 + 2 / 3) / 3, "recall": 2 / 3, "hit": 1}
    )


def test_means_are_over_the_queries_at_each_depth_once():
    # The first query has answers at ranks 1 and 3, the second one at rank 50 and one that is not in the corpus.
    hits = Hits(*(np.concatenate(both) for both in zip(found_at(1, 3), found_at(50), strict=True)))
    qrels = {"a": {DOC_IDS[900]: 1.0, DOC_IDS[901]: 1.0}, "b": {DOC_IDS[900]: 1.0, "d-gone": 1.0}}
    told = means(judge(["a", "b"], hits, DOC_IDS, qrels), [100, 1, 3, 3])
    recall = told[told["measure"] == "recall"]
    assert recall[["k", "mean"]].to_numpy().tolist() == [[1, 0.25], [3, 0.5], [100, 0.75]]
    assert set(told["measure"]) == {"ndcg", "mrr", "map", "recall", "hit"}


def test_no_hits_and_no_documents_are_misses():
    nothing = Hits(np.empty((1, 0), dtype=np.int64), np.empty((1, 0), dtype=np.float32))
    row = measure(["q"], nothing, np.array([], dtype=str), {"q": {"d1": 1.0}}).iloc[0]
    assert row[[*METRICS, "first_rank"]].tolist() == [0.0] * 5
    assert np.isnan(row["first_score"])


def test_documents_may_stand_in_any_order():
    # A ranking of another tool names its documents in its own order.
    hits = Hits(np.array([[1, 0]]), np.array([[0.9, 0.1]], dtype=np.float32))
    assert measure(["q"], hits, np.array(["b", "a"]), {"q": {"a": 1.0}})["first_rank"].tolist() == [
        1
    ]


THEIRS = {"ndcg": nDCG, "map": AP, "recall": R, "hit": Success}


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 7, 60, 130]),
    st.sampled_from([1, 3, 10, 40, 100]),
    st.booleans(),
)
def test_measures_equal_those_of_ir_measures(seed, documents, k, tied):
    chance = np.random.default_rng(seed)
    queries, doc_ids = (
        [f"q{at}" for at in range(8)],
        np.array([f"d{at:03}" for at in range(documents)]),
    )
    depth = int(chance.integers(1, min(documents, DEPTH) + 1))
    positions, scores = [], []
    for _ in queries:
        shown = np.sort(chance.permutation(documents)[:depth])
        drawn = chance.integers(0, 4 if tied else 10_000, size=depth)
        order = np.lexsort((shown, -drawn))  # our rule: equal scores in ascending order of id
        positions.append(shown[order])
        scores.append(drawn[order])
    # Grades from 0 to 3 of up to twenty documents, some of which are in no corpus; 0 says that it is no answer.
    known = [*doc_ids, "x1", "x2"]
    qrels = {
        query: {
            known[at]: int(chance.integers(0, 4))
            for at in chance.permutation(len(known))[: chance.integers(1, 21)]
        }
        for query in queries
    }
    hits = Hits(np.array(positions), np.array(scores, dtype=np.float32))
    ours = at_depth(
        judge(
            queries,
            hits,
            doc_ids,
            {q: {d: g / 3 for d, g in of.items()} for q, of in qrels.items()},
        ),
        k,
    )
    # trec_eval breaks ties its own way, so it is given ranks: what is compared is the measures.
    run = {
        query: {str(doc_ids[at]): float(DEPTH - rank) for rank, at in enumerate(row)}
        for query, row in zip(queries, positions, strict=True)
    }
    wanted = {measure @ k: name for name, measure in THEIRS.items()} | {RR @ k: "mrr"}
    told = list(ir_measures.iter_calc(list(wanted), qrels, run))
    assert len(told) == len(wanted) * len(queries)
    for one in told:
        assert ours[wanted[one.measure]][queries.index(one.query_id)] == pytest.approx(
            one.value, abs=1e-9
        )
