"""Agreement of cosines with scores: against other implementations, on literals, and left out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.evaluate.systems import (
    average_precision,
    pair_cosines,
    pairs_in_corpus,
    score_agreement,
    spearman,
)
from stages.lib.analysis.intervals import bootstrap_interval
from stages.lib.retrieval.corpus import Corpus
from tests.properties import examples

VALUES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=3, max_size=12)


def test_rank_correlation_on_literals():
    scores = np.array([0.1, 0.2, 0.3, 0.4])
    # One neighbouring exchange: 1 - 6 * (1 + 1) / (4 * 15).
    assert spearman(scores, np.array([0.1, 0.3, 0.2, 0.4])) == pytest.approx(0.8)
    assert spearman(scores, -scores) == pytest.approx(-1.0)
    # The last two share rank 3.5: the covariance of ranks is 4.5, the variances are 5 and 4.5.
    tied = np.array([0.1, 0.2, 0.3, 0.3])
    assert spearman(scores, tied) == pytest.approx(0.9**0.5)
    assert spearman(scores, np.ones(4)) is None


@pytest.mark.slow  # importing scipy.stats takes seconds
@examples(100)
@given(VALUES, st.randoms(use_true_random=False))
def test_rank_correlation_equals_scipy_with_ties(scores, random):
    from scipy import stats

    cosines = [random.choice([0.1, 0.2, 0.3, 0.4]) for _ in scores]
    mine = spearman(np.array(scores), np.array(cosines))
    if len(set(scores)) == 1 or len(set(cosines)) == 1:
        assert mine is None
    else:
        assert mine == pytest.approx(stats.spearmanr(scores, cosines).statistic)


def test_average_precision_on_literals():
    cosines = np.array([0.9, 0.8, 0.7, 0.6])
    assert average_precision(np.array([True, True, False, False]), cosines) == 1.0
    assert average_precision(np.array([True, False, True, False]), cosines) == pytest.approx(
        (1 + 2 / 3) / 2
    )
    assert average_precision(np.array([False, False, False, True]), cosines) == 0.25
    assert average_precision(np.array([True] * 4), cosines) is None
    assert average_precision(np.array([False] * 4), cosines) is None
    assert average_precision(np.array([True, False]), np.array([0.5, 0.5])) == 0.5, (
        "equal cosines are taken together"
    )


@examples(60)
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.2, 0.3])), min_size=1, max_size=9),
    st.randoms(),
)
def test_average_precision_ignores_the_order_of_rows(rows, random):
    def precision_of(pairs):
        return average_precision(
            np.array([is_similar for is_similar, _ in pairs]),
            np.array([value for _, value in pairs]),
        )

    before = precision_of(rows)
    random.shuffle(rows)
    assert precision_of(rows) == (before if before is None else pytest.approx(before))


def scored(*rows):
    """Make Scored pairs of (number, document, score), each its own component."""
    frame = pd.DataFrame(rows, columns=["pair_id", "doc_id", "score"])
    return frame.assign(anchor="a", component_id=frame["pair_id"].astype(str))


def test_a_document_scores_by_its_best_passage():
    passages = np.eye(3, dtype=np.float32)
    corpus = Corpus(np.array(["d1", "d2"]), ["x", "y", "z"], np.array([0, 2]))
    placed = pairs_in_corpus(
        scored((1, "d1", 1.0), (2, "copy", 0.5), (3, "gone", 0.0)), corpus, {"copy": "d2"}
    )
    assert placed["position"].tolist() == [0, 1]
    anchors = np.array([[0.6, 0.8, 0.0], [0.0, 0.8, 0.6]], dtype=np.float32)
    assert pair_cosines(placed, anchors, passages, corpus).tolist() == pytest.approx([0.8, 0.6])


@pytest.mark.slow
def test_agreement_has_both_models_and_the_gain():
    rows = scored(
        *((index, "d", score) for index, score in enumerate([0.0, 0.2, 0.4, 0.6, 0.8, 1.0]))
    )
    right, wrong = np.arange(6) / 6, np.arange(6)[::-1] / 6
    metrics = score_agreement(rows, {"base": wrong, "finetuned": right}, 0.5, 1)
    assert metrics["base.spearman"] == pytest.approx(-1.0) and metrics[
        "finetuned.spearman"
    ] == pytest.approx(1.0)
    assert metrics["gain.over_base.spearman.mean"] == pytest.approx(2.0)
    assert metrics["finetuned.average_precision"] == 1.0
    low, high = (metrics[f"gain.over_base.average_precision.{end}"] for end in ("low", "high"))
    assert 0.0 < low <= metrics["gain.over_base.average_precision.mean"] <= high


@pytest.mark.slow
def test_undefined_figures_are_left_out():
    rows = scored((1, "d", 1.0), (2, "d", 0.8))
    metrics = score_agreement(
        rows, {"base": np.array([0.1, 0.2]), "finetuned": np.array([0.2, 0.1])}, 0.5, 1
    )
    assert {key.split(".")[-1] for key in metrics} == {"spearman", "mean"}, (
        "no dissimilar pair, too few for an interval"
    )


def test_an_interval_of_the_mean_is_that_of_any_bootstrap():
    values = np.random.default_rng(3).normal(1.0, 1.0, 200)
    names = np.array([f"c{index}" for index in range(200)])
    bounds = bootstrap_interval(lambda rows: float(values[rows].mean()), names, 1)
    assert bounds == bootstrap_interval(lambda rows: float(values[rows].mean()), names, 1)
    width = 1.96 * values.std(ddof=1) / np.sqrt(200)
    assert bounds.low == pytest.approx(values.mean() - width, abs=0.03)
    assert bounds.high == pytest.approx(values.mean() + width, abs=0.03)
    assert bootstrap_interval(lambda rows: 1.0, np.array(["c", "c"]), 1) is None
    assert bootstrap_interval(lambda rows: None, names, 1) is None
