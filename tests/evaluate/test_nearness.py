"""Similarity to training is that of the nearest text, and the farthest tenths come first."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.evaluate.nearness import (
    TrainedVectors,
    nearest_cosines,
    nearness,
    nearness_metrics,
    parts_by_similarity,
)
from stages.evaluate.results import IntervalSettings
from stages.lib.core.params import ModelParams
from stages.lib.evaluation.evaluation_set import EvaluationSet
from stages.lib.retrieval.corpus import Corpus
from tests.evaluate.test_results_gains import results
from tests.properties import examples

SETTINGS = IntervalSettings(13, None, 10)
MODEL = ModelParams(base="m", weights_sha256="", anchor_prompt="", document_prompt="")


class Angles:
    """An encoder whose texts are angles in degrees."""

    def encode(self, texts, prompt="", label=""):
        return angles(*map(float, texts))


def angles(*degrees):
    radians = np.deg2rad(np.array(degrees, dtype=np.float64))
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def test_a_query_is_as_near_as_its_nearest_trained_text():
    corpus = Corpus(np.array(["d1", "d2", "d3"]), ["0", "90", "60", "200"], np.array([0, 2, 3]))
    queries = pd.DataFrame({"query_id": ["q1", "q2", "q3"], "text": ["10", "60", "170"]})
    qrels = {"q1": {"d1": 1.0}, "q2": {"d2": 1.0, "d3": 0.0}, "q3": {"gone": 1.0}}
    trained = TrainedVectors(anchors=angles(40, 70), positives=angles(90, 0))
    near = nearness(
        corpus,
        EvaluationSet(queries, qrels, pd.DataFrame()),
        trained,
        encoder=Angles(),
        model=MODEL,
    )
    # 30, 10 and 100 degrees to the nearest trained query.
    assert near["trained_query"].tolist() == pytest.approx([0.866025, 0.984808, -0.173648])
    # A passage of d1 was trained on, d2 is 30 degrees away, and nothing is known of the third.
    assert near["trained_document"][:2].tolist() == pytest.approx([1.0, 0.866025])
    assert np.isnan(near["trained_document"][2])


@examples(30)
@given(st.lists(st.integers(0, 359), min_size=1), st.lists(st.integers(0, 359), min_size=1))
def test_the_nearest_is_the_largest_of_all_cosines(degrees, others):
    found = nearest_cosines(angles(*degrees), angles(*others))
    expected = [max(np.cos(np.deg2rad(one - other)) for other in others) for one in degrees]
    assert found.tolist() == pytest.approx(expected, abs=1e-5)


@given(st.lists(st.one_of(st.floats(-1, 1), st.just(float("nan"))), max_size=45))
def test_parts_are_of_even_size_and_in_order(values):
    cosines = np.array(values, dtype=np.float64)
    parts = parts_by_similarity(cosines)
    tenths = [rows for name, rows in parts.items() if name.startswith("tenth")]
    known = int((~np.isnan(cosines)).sum())
    assert sum(len(rows) for rows in tenths) == known
    if tenths:
        assert max(map(len, tenths)) - min(map(len, tenths)) <= 1
        ordered = cosines[np.concatenate(tenths)]
        assert (np.diff(ordered) >= 0).all()
        assert sorted(np.concatenate(tenths)) == sorted(
            np.concatenate([parts[name] for name in ("far", "near") if name in parts])
        )


def test_a_gain_on_near_queries_alone_shows():
    """Of 200 queries the nearer half gains 0.25, the other half nothing."""
    components = [f"c{index:03}" for index in range(200)]
    gains = np.where(np.arange(200) < 100, 0.0, 0.25)
    frame = results([0.5] * 200, (0.5 + gains).tolist(), components)
    query_ids = pd.Series([f"q{index:016x}" for index in range(200)])
    similarities = {"trained_query": np.linspace(0.0, 0.995, 200)}
    metrics = nearness_metrics(
        frame, query_ids, similarities, split="validation", settings=SETTINGS
    )
    prefix = "validation.nearness.trained_query"
    assert metrics[f"{prefix}.far.gain"] == 0.0
    assert metrics[f"{prefix}.near.gain"] == 0.25
    assert metrics[f"{prefix}.near.gain_low"] == 0.25
    assert metrics[f"{prefix}.tenth_01.queries"] == 20
    assert (metrics[f"{prefix}.tenth_01.cosine_from"], metrics[f"{prefix}.tenth_10.cosine_to"]) == (
        0.0,
        0.995,
    )
    # Twenty components give a mean and no interval.
    assert f"{prefix}.tenth_01.gain_low" not in metrics


def test_the_order_of_the_queries_changes_nothing():
    components = [f"c{index:03}" for index in range(40)]
    frame = results([0.5] * 40, np.linspace(0, 1, 40).tolist(), components)
    ids = pd.Series([f"q{index:016x}" for index in range(40)])
    cosines = np.linspace(0.9, 0.1, 40)
    order = np.random.default_rng(1).permutation(40)
    options = {"split": "test", "settings": SETTINGS}
    expected = nearness_metrics(frame, ids, {"trained_query": cosines}, **options)
    shuffled = ids.iloc[order].reset_index(drop=True)
    assert (
        nearness_metrics(frame, shuffled, {"trained_query": cosines[order]}, **options) == expected
    )
