"""Parts are of whole components and contain each other; the last doubling decides the trend."""

import numpy as np
import pytest

from stages.lib.analysis.intervals import MeanInterval
from stages.lib.analysis.probe import bounded_rows
from stages.validate.learning_curve import (
    FRACTIONS,
    SEEDS,
    ProbeExperiment,
    component_sample,
    run_probe,
)
from stages.validate.probe_result import CurvePoint, ProbeResult, curve_table
from tests.validate.test_probe_experiment import build

ROWS = build(1).training


@pytest.mark.parametrize("seed", [0, 1])
def test_parts_contain_each_other_and_hold_whole_components(seed):
    rows = ROWS._replace(components=np.repeat(ROWS.components[::2], 2))
    sizes, before = [], set()
    for fraction in FRACTIONS:
        part = component_sample(rows, fraction, seed)
        names = set(part.components.tolist())
        assert before <= names
        assert len(part.anchors) == 2 * len(names)
        sizes.append(len(names))
        before = names
    assert sizes == [4, 8, 15, 30]


def test_another_seed_draws_others_and_at_least_one_component():
    assert set(component_sample(ROWS, 0.25, 0).components) != set(
        component_sample(ROWS, 0.25, 1).components
    )
    assert len(component_sample(ROWS, 0.001, 0).components) == 1


def test_the_probe_learns_from_a_bounded_number_of_rows():
    assert bounded_rows(ROWS, len(ROWS.anchors)) is ROWS
    part = bounded_rows(ROWS, 20)
    assert len(part.anchors) == len(part.components) == 20
    kept = (ROWS.anchors[:, None] == part.anchors).all(axis=2).any(axis=1)
    assert (ROWS.anchors[kept] == part.anchors).all()
    # The negatives are those of the rows that stay.
    assert (part.negatives == ROWS.negatives[np.isin(ROWS.owners, np.flatnonzero(kept))]).all()
    assert (bounded_rows(ROWS, 20).anchors == part.anchors).all()


def test_with_folds_each_fold_has_a_share_of_the_bound(monkeypatch):
    sizes = []

    def scores(self, training, seed):
        sizes.append(len(training.anchors))
        return np.zeros(len(self.query_vectors))

    monkeypatch.setattr("stages.validate.learning_curve.MAX_ROWS", 100)
    monkeypatch.setattr(ProbeExperiment, "scores", scores)
    experiment = build(5)
    run_probe(experiment, np.zeros(len(experiment.query_vectors)), 13)
    assert max(sizes) == 20


def result_of(low, high):
    last_step = MeanInterval((low + high) / 2, low, high, 0.01)
    return ProbeResult(
        np.array([0.5]),
        mean=0.5,
        plain_gain=0.1,
        gain=None,
        placebo=None,
        last_step=last_step,
        points=[],
    )


@pytest.mark.parametrize(
    ("low", "high", "trend"),
    [
        (0.01, 0.03, "more helps"),
        (-0.01, 0.005, "levelled off"),
        (0.001, 0.005, "levelled off"),
        (0.001, 0.01, "more helps"),
        (-0.001, 0.01, "unclear"),
        (0.0, 0.03, "unclear"),
        (-0.02, 0.05, "unclear"),
    ],
)
def test_the_last_doubling_decides(low, high, trend):
    assert result_of(low, high).trend == trend


def test_without_an_interval_nothing_is_claimed():
    result = ProbeResult(
        np.array([0.5]),
        mean=0.5,
        plain_gain=0.1,
        gain=None,
        placebo=None,
        last_step=None,
        points=[],
    )
    assert result.metrics() == {
        "probe.ndcg_at_10": 0.5,
        "plain.probe.ndcg_at_10": 0.5,
        "plain.probe.gain": 0.1,
        "curve.trend": "unclear",
    }


@pytest.mark.slow
def test_the_probe_ends_the_curve_whatever_the_workers(monkeypatch):
    experiment = build(1)
    base = np.full(len(experiment.query_vectors), 0.5)
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")
    first = run_probe(experiment, base, seed=3)
    monkeypatch.setenv("PAIRSMITH_WORKERS", "3")
    second = run_probe(experiment, base, seed=3)
    assert first.points == second.points
    assert first.scores.tobytes() == second.scores.tobytes()
    assert first.metrics() == second.metrics()
    ends = [point.ndcg_at_10 for point in first.points if point.fraction == 1.0]
    assert len(first.points) == SEEDS * len(FRACTIONS)
    assert first.metrics()["probe.ndcg_at_10"] == pytest.approx(np.mean(ends))
    assert first.metrics()["probe.gain"] == pytest.approx(np.mean(ends) - 0.5)


@pytest.mark.parametrize("component_weight", [1, 10])
def test_every_mean_and_interval_of_the_probe_is_weighted(component_weight):
    # The last twenty of sixty queries are of one component.
    experiment = build(1)
    count = len(experiment.query_vectors)
    names = [f"c{index}" if index < 40 else "large" for index in range(count)]
    queries = experiment.evaluation_set.queries.assign(component_id=names)
    experiment = experiment._replace(
        evaluation_set=experiment.evaluation_set._replace(queries=queries),
        component_weight=component_weight,
    )
    base = np.where(np.arange(count) < 40, 0.5, 0.0)
    result = run_probe(experiment, base, seed=3)

    # The large component counts as `component_weight` queries.
    gains = result.scores - base
    mean_of_large = gains[40:].mean()
    expected = (gains[:40].sum() + component_weight * mean_of_large) / (40 + component_weight)
    assert count == 60
    assert result.metrics()["probe.gain"] == pytest.approx(expected)
    assert result.metrics()["plain.probe.gain"] == pytest.approx(gains.mean())
    assert result.metrics()["probe.gain"] != pytest.approx(gains.mean(), abs=1e-3)
    ends = [point.ndcg_at_10 for point in result.points if point.fraction == 1.0]
    assert result.metrics()["probe.ndcg_at_10"] == pytest.approx(np.mean(ends))


def test_the_table_begins_at_the_base_model():
    frame = curve_table([CurvePoint(1.0, 9, 20, 1, 0.6), CurvePoint(0.5, 5, 10, 1, 0.55)], 0.4)
    assert frame.to_numpy().tolist() == [
        [0.0, 0, 0, 1, 0.4],
        [0.5, 5, 10, 1, 0.55],
        [1.0, 9, 20, 1, 0.6],
    ]
