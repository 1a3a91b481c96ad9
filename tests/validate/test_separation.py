"""Panels hold no answer and depend on the benchmark and the vectors alone; their numbers are the textbook's."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.analysis.own_texts import OwnTexts
from stages.lib.analysis.separation import (
    NEGATIVES,
    Panel,
    histogram_overlap,
    mean_gap,
    panel_metrics,
    query_auc,
    roc_auc,
    standardised_gap,
    violation_rate,
)
from stages.lib.core.errors import UserError
from stages.lib.evaluation.evaluation_set import MAX_RELEVANT, EvaluationSet, sample_relevant
from stages.lib.retrieval.bm25 import BM25Index
from stages.lib.retrieval.corpus import Corpus
from stages.lib.retrieval.search import dense_search
from stages.validate.embedding_quality import (
    BINS,
    histogram,
    human_labelled_panel,
    measure_separation,
)
from stages.validate.learning_curve import ProbeExperiment
from tests.properties import examples

PANELS = ("random", "bm25", "dense")
SCORES = st.lists(
    st.sampled_from([-1.0, -0.3, 0.0, 0.1, 0.5, 0.5000001, 1.0]), min_size=1, max_size=30
)


def panel(positives, negatives):
    return Panel(np.array(positives, dtype=np.float64), np.array(negatives, dtype=np.float64))


@given(SCORES, SCORES)
def test_roc_auc_is_the_share_of_pairs_in_order(positives, negatives):
    won = sum((left > right) + (left == right) / 2 for left in positives for right in negatives)
    assert roc_auc(panel(positives, negatives)) == pytest.approx(
        won / (len(positives) * len(negatives)), abs=1e-12
    )


@pytest.mark.slow  # importing scipy.stats takes seconds
@given(SCORES, SCORES)
def test_roc_auc_is_that_of_mann_and_whitney(positives, negatives):
    from scipy.stats import mannwhitneyu

    statistic = mannwhitneyu(positives, negatives, method="asymptotic").statistic
    expected = statistic / (len(positives) * len(negatives))
    assert roc_auc(panel(positives, negatives)) == pytest.approx(expected, abs=1e-12)


def test_roc_auc_at_its_ends():
    assert roc_auc(panel([0.8, 0.9], [0.1, 0.2])) == 1.0
    assert roc_auc(panel([0.1, 0.2], [0.8, 0.9])) == 0.0
    assert roc_auc(panel([0.5, 0.5], [0.5])) == 0.5


def test_the_gap_is_the_difference_of_the_means():
    assert mean_gap(panel([0.9, 0.5], [0.1, 0.2, 0.3])) == pytest.approx(0.5)


def test_the_standardised_gap_is_the_textbooks():
    # Means 0.7 and 0.2, both with a standard deviation of 0.1.
    assert standardised_gap(panel([0.6, 0.8], [0.1, 0.3])) == pytest.approx(5.0)
    assert standardised_gap(panel([0.5], [0.2])) == 0.0  # nothing varies, nothing to measure by


def test_normal_distributions_overlap_as_in_the_textbook():
    random = np.random.default_rng(5)
    measured = panel(random.normal(0.2, 0.1, 200_000), random.normal(0.0, 0.1, 200_000))
    assert standardised_gap(measured) == pytest.approx(2.0, abs=0.02)
    assert roc_auc(measured) == pytest.approx(0.9214, abs=0.003)  # Phi(2 / sqrt 2)
    assert histogram_overlap(measured) == pytest.approx(0.3173, abs=0.01)  # 2 Phi(-1)
    assert histogram_overlap(panel([0.9], [0.1])) == 0.0
    assert histogram_overlap(panel([1.0000001], [1.0])) == 1.0
    assert histogram_overlap(panel([-1.0], [-1.0000001])) == 1.0
    assert histogram_overlap(panel([0.5, 0.7], [0.7, 0.5])) == 1.0


def test_a_query_is_compared_with_itself():
    # The second query is lower altogether: pooled it spoils the order, within itself it is right.
    measured = Panel(
        np.array([0.9, 0.3]),
        np.array([0.8, 0.5, 0.2, 0.1]),
        np.array([0, 1]),
        np.array([0, 0, 1, 1]),
    )
    assert roc_auc(measured) == 0.75
    assert query_auc(measured) == 1.0
    assert violation_rate(measured) == 0.0


def test_a_violation_is_a_negative_above_the_best_positive():
    measured = Panel(
        np.array([0.9, 0.4, 0.5, 0.7]),
        np.array([0.8, 0.5, 0.1]),
        np.array([0, 0, 1, 2]),
        np.array([0, 1, 2]),
    )
    assert violation_rate(measured) == pytest.approx(
        1 / 3
    )  # the first has a better answer, the second only a tie
    assert query_auc(measured) == pytest.approx((0.5 + 0.5 + 1.0) / 3)


def test_without_queries_there_is_no_measure_per_query():
    assert set(panel_metrics(panel([0.5], [0.1]))) == {
        "gap",
        "standardised_gap",
        "roc_auc",
        "overlap",
    }


@given(SCORES, SCORES)
def test_the_shares_of_a_histogram_sum_to_one(positives, negatives):
    frame = histogram({"random": panel(positives, negatives), "dense": panel(negatives, positives)})
    sums = frame.groupby(["panel", "kind"])["share"].sum()
    assert len(sums) == 4
    assert sums.to_numpy() == pytest.approx(1.0, abs=1e-6 * BINS)
    assert frame["cosine"].between(-1.0, 1.0).all()


def test_a_histogram_on_literals():
    frame = histogram({"bm25": panel([0.5, 0.51, 0.99, 1.0000001], [-1.0000001])})
    assert frame.to_numpy().tolist() == [
        ["bm25", "positive", 0.5, 0.5],
        ["bm25", "positive", 0.98, 0.5],
        ["bm25", "negative", -0.98, 1.0],
    ]


def test_dropped_bins_are_empty_ones():
    assert len(histogram({"bm25": panel([0.5], [0.5, 0.9])})) == 3


TEXTS = [f"word{at} word{at + 1} word{at + 2}" for at in range(20)]
CORPUS = Corpus(np.array([f"d{at:016x}" for at in range(20)]), TEXTS)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


DOCUMENTS = unit(np.random.default_rng(1).normal(size=(20, 8)))


def evaluation_set_of(answers):
    """Make a benchmark of queries with `answers`, positions of documents; 99 is one that was dropped."""
    ids = [f"q{at:016x}" for at in range(len(answers))]
    queries = pd.DataFrame(
        {"query_id": ids, "text": [f"word{at} word{at + 1}" for at in range(len(ids))]}
    )
    grades = {
        query_id: {f"d{position:016x}": 1.0 for position in right}
        for query_id, right in zip(ids, answers, strict=True)
    }
    return EvaluationSet(queries, grades, pd.DataFrame())


ANSWERS = st.lists(
    st.sets(st.sampled_from([*range(20), 99]), min_size=1, max_size=6), min_size=1, max_size=5
)


def separate(evaluation_set, vectors, passages, corpus):
    """Return the panels of all kinds of negatives."""
    experiment = ProbeExperiment(evaluation_set, vectors, corpus, passages, None, 1, 10)
    lexical = BM25Index(TEXTS).search(list(evaluation_set.queries["text"]), 100)
    hits = dense_search(vectors, passages, 100, corpus.passage_starts)
    return measure_separation(experiment, lexical, hits).panels


def build(evaluation_set, seed=2):
    vectors = unit(np.random.default_rng(seed).normal(size=(len(evaluation_set.queries), 8)))
    return vectors, separate(evaluation_set, vectors, DOCUMENTS, CORPUS)


@examples(40)
@given(ANSWERS.filter(lambda answers: set().union(*answers) != {99}))
def test_no_panel_has_a_relevant_document_as_negative(answers):
    evaluation_set = evaluation_set_of(answers)
    vectors, separated = build(evaluation_set)
    cosines = DOCUMENTS @ vectors.T
    for name in PANELS:
        assert len(separated[name].negatives) == NEGATIVES * len(answers)
        positives = [
            cosines[at, row] for row, right in enumerate(answers) for at in sorted(right - {99})
        ]
        assert separated[name].positives == pytest.approx(positives, abs=1e-6)
        for row, right in enumerate(answers):
            # Cosines of random vectors are all different, so that each tells its document.
            part = separated[name].negatives[NEGATIVES * row : NEGATIVES * (row + 1)]
            taken = {int(np.abs(cosines[:, row] - value).argmin()) for value in part}
            assert taken.isdisjoint(right)


def test_dense_negatives_are_the_nearest_irrelevant_documents():
    evaluation_set = evaluation_set_of([{3}, {5, 6}])
    vectors, separated = build(evaluation_set)
    for row, right in enumerate([{3}, {5, 6}]):
        cosines = DOCUMENTS @ vectors[row]
        nearest = [at for at in np.argsort(-cosines) if at not in right][:NEGATIVES]
        part = separated["dense"].negatives[NEGATIVES * row : NEGATIVES * (row + 1)]
        assert part == pytest.approx(cosines[nearest], abs=1e-6)


def test_bm25_negatives_share_words_with_the_query():
    evaluation_set = evaluation_set_of([{3}])
    vectors, separated = build(evaluation_set)
    # "word0 word1" stands in document 0 and, by one word, in document 1; the rest follow by id, less the answer.
    assert separated["bm25"].negatives == pytest.approx(
        (DOCUMENTS @ vectors[0])[[0, 1, 2, 4, 5]], abs=1e-6
    )


def test_a_document_counts_by_its_best_passage():
    evaluation_set = evaluation_set_of([{3}, {5, 6}])
    vectors = unit(np.random.default_rng(2).normal(size=(2, 8)))
    # Each document has a passage more, before the one it had, and further from every query: nothing may change.
    away = -unit(vectors.sum(axis=0, keepdims=True)) * 10
    assert (away @ vectors.T < -2).all()
    passages = np.repeat(DOCUMENTS, 2, axis=0)
    passages[0::2] = away
    starts = np.arange(0, 40, 2)
    corpus = Corpus(CORPUS.doc_ids, [text for text in TEXTS for _ in range(2)], starts)
    separated = separate(evaluation_set, vectors, passages, corpus)
    _, expected = build(evaluation_set)
    for name in PANELS:
        assert separated[name].positives == pytest.approx(expected[name].positives, abs=1e-6)
        assert separated[name].negatives == pytest.approx(expected[name].negatives, abs=1e-6)


def test_pairs_that_a_person_found_dissimilar_are_a_panel():
    known = panel([0.9], [0.1])
    anchors = unit(np.random.default_rng(6).normal(size=(2, 8)))
    ids = ["d" + "0" * 15 + "4", "dropped"]
    context = {"passages": DOCUMENTS, "corpus": CORPUS, "positives": known, "texts": ["a", "b"]}
    labelled = human_labelled_panel(anchors, ids, **context)["labelled"]
    assert labelled.positives.tolist() == [0.9]
    assert labelled.negatives == pytest.approx([DOCUMENTS[4] @ anchors[0]], abs=1e-6)
    context["texts"] = ["a"]
    assert human_labelled_panel(anchors[:1], ["dropped"], **context) == {}
    # A pair whose document is the text of the anchor itself says nothing.
    context["texts"] = ["WORD4 word5, word6!"]
    assert human_labelled_panel(anchors[:1], ids[:1], **context) == {}


def asking(texts, answers):
    """Return an evaluation set whose queries have these texts."""
    evaluation_set = evaluation_set_of(answers)
    return evaluation_set._replace(queries=evaluation_set.queries.assign(text=texts))


def test_the_text_of_the_query_itself_is_no_negative_in_any_panel():
    """The query is the text of document 7, and the nearest to it; document 3 is relevant."""
    evaluation_set = asking(["Word7 word8 word9?"], [{3}])
    separated = separate(evaluation_set, DOCUMENTS[7:8], DOCUMENTS, CORPUS)
    for name in PANELS:
        assert 1.0 not in separated[name].negatives.round(5), name
        assert len(separated[name].negatives) == NEGATIVES

    # Another text of the same vector has it.
    other = separate(asking(["word7 word8"], [{3}]), DOCUMENTS[7:8], DOCUMENTS, CORPUS)
    assert 1.0 in other["dense"].negatives.round(5)


@pytest.mark.parametrize(
    ("query", "passages", "left"),
    [
        ("Fever", ["fever!"], []),
        ("fever", ["High fever."], [0]),
        (
            "one two three four five six seven eight",
            ["Title: one two three four five six seven eight."],
            [],
        ),
        (
            "one two three four five six seven eight",
            ["one two three four five six seven eighty"],
            [0],
        ),
        (
            "one two three four five six seven eight",
            ["Part.", "One, two, three, four, five, six, seven, eight"],
            [],
        ),
        ("头痛发热咳嗽流涕", ["头痛发热咳嗽流涕。"], []),
        ("CD4+ cells", ["CD4- cells"], [0]),
    ],
)
def test_own_texts_are_equal_or_quoted_at_length(query, passages, left):
    corpus = Corpus(np.array(["d1"]), passages, np.array([0]))
    assert list(OwnTexts(corpus).without(query, [0])) == left


def test_a_query_of_very_many_relevant_documents_has_a_sample_of_them():
    """One query has 15 relevant documents, another has 3: ten of the first count."""
    evaluation_set = evaluation_set_of([set(range(15)), {16, 17, 18}])
    _, separated = build(evaluation_set)
    for name in PANELS:
        numbers, counts = np.unique(separated[name].positive_query, return_counts=True)
        assert dict(zip(numbers.tolist(), counts.tolist(), strict=True)) == {0: 10, 1: 3}


@given(st.sets(st.integers(0, 500), max_size=40), st.randoms(use_true_random=False))
def test_the_sample_of_relevant_documents_depends_on_no_order(numbers, random):
    ids = [f"d{number:016x}" for number in sorted(numbers)]
    shuffled = random.sample(ids, len(ids))
    chosen = set(sample_relevant("q1", ids))
    assert set(sample_relevant("q1", shuffled)) == chosen
    assert len(chosen) == min(MAX_RELEVANT, len(ids))
    assert chosen <= set(ids)


@given(
    st.lists(st.tuples(st.integers(0, 4), SCORES.map(lambda values: values[0])), max_size=20),
    st.lists(st.tuples(st.integers(0, 4), SCORES.map(lambda values: values[0])), max_size=20),
)
def test_the_measures_by_query_are_those_of_each_query_alone(positives, negatives):
    common = {query for query, _ in positives} & {query for query, _ in negatives}
    if not common:
        return

    measured = Panel(
        np.array([value for _, value in positives]),
        np.array([value for _, value in negatives]),
        np.array([query for query, _ in positives]),
        np.array([query for query, _ in negatives]),
    )
    areas = [
        roc_auc(
            panel([v for q, v in positives if q == query], [v for q, v in negatives if q == query])
        )
        for query in sorted(common)
    ]
    assert query_auc(measured) == pytest.approx(np.mean(areas))


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([{99}, {99}], "20 documents hold none of the answers to the 2"),
        ([set(range(20))], "nothing but answers to the 1"),
    ],
)
def test_missing_positives_or_negatives_are_an_error(answers, message):
    with pytest.raises(UserError, match=message):
        build(evaluation_set_of(answers))


def test_the_panels_depend_on_benchmark_and_vectors_only():
    evaluation_set = evaluation_set_of([{3}, {5, 6}, {0, 99}])
    np.random.seed(1)  # noqa: NPY002 - what anyone else draws changes nothing
    _, first = build(evaluation_set)
    np.random.seed(2)  # noqa: NPY002
    _, again = build(evaluation_set)
    for name in PANELS:
        assert first[name].positives.tobytes() == again[name].positives.tobytes()
        assert first[name].negatives.tobytes() == again[name].negatives.tobytes()
