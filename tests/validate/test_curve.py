"""Parts are of components and contain each other; the last doubling decides what is said."""

import numpy as np
import pytest

from stages.lib.statistics import Effect
from stages.validate.curve import FRACTIONS, SEEDS, Point, Probed, part, probe, table
from tests.validate.test_exam import build

ROWS = build(1).rows


@pytest.mark.parametrize("seed", [0, 1])
def test_each_part_contains_the_smaller_ones_and_takes_whole_components(seed):
    rows = ROWS._replace(components=np.repeat(ROWS.components[::2], 2))
    sizes, before = [], set()
    for fraction in FRACTIONS:
        found = part(rows, fraction, seed)
        names = set(found.components.tolist())
        assert before <= names
        assert len(found.anchors) == 2 * len(names)
        sizes.append(len(names))
        before = names
    assert sizes == [4, 8, 15, 30]


def test_another_seed_draws_others_and_one_component_is_the_least():
    assert set(part(ROWS, 0.25, 0).components) != set(part(ROWS, 0.25, 1).components)
    assert len(part(ROWS, 0.001, 0).components) == 1


def told(low, high):
    return Probed(np.array([0.5]), None, None, Effect((low + high) / 2, low, high, 0.01), [])


@pytest.mark.parametrize(
    ("low", "high", "trend"),
    [
        (0.01, 0.03, "more helps"),
        (-0.01, 0.005, "levelled off"),
        (0.001, 0.005, "levelled off"),
        (-0.02, 0.05, "unclear"),
    ],
)
def test_the_last_doubling_decides(low, high, trend):
    assert told(low, high).trend == trend


def test_without_an_interval_nothing_is_claimed():
    found = Probed(np.array([0.5]), None, None, None, [])
    assert found.measured() == {"probe.ndcg_at_10": 0.5, "curve.trend": "unclear"}


def test_the_probe_is_the_end_of_the_curve_and_the_same_however_many_work(monkeypatch):
    exam = build(1)
    base = np.full(len(exam.asked), 0.5)
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")
    one = probe(exam, base, seed=3)
    monkeypatch.setenv("PAIRSMITH_WORKERS", "3")
    other = probe(exam, base, seed=3)
    assert one.points == other.points
    assert one.scores.tobytes() == other.scores.tobytes()
    assert one.measured() == other.measured()
    ends = [point.ndcg_at_10 for point in one.points if point.fraction == 1.0]
    assert len(one.points) == SEEDS * len(FRACTIONS)
    assert one.measured()["probe.ndcg_at_10"] == pytest.approx(np.mean(ends))
    assert one.measured()["probe.gain"] == pytest.approx(np.mean(ends) - 0.5)


def test_the_table_begins_at_the_base_model():
    frame = table([Point(1.0, 9, 20, 1, 0.6), Point(0.5, 5, 10, 1, 0.55)], 0.4)
    assert frame.to_numpy().tolist() == [
        [0.0, 0, 0, 1, 0.4],
        [0.5, 5, 10, 1, 0.55],
        [1.0, 9, 20, 1, 0.6],
    ]
