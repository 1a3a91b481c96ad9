"""The benchmark of the numbers told: when verdicts come, and how near one number can be to that."""

import numpy as np
import pytest

from bench.referee import judged, rows_by_group
from bench.stopping_times import best_near, figures, group_sums, has_verdict, near, replay

SOURCE = np.random.default_rng(1)
GROUPS = (np.arange(300) // 2).astype(str)
DIFFERENCES = SOURCE.normal(0.05, 0.25, 300)


def test_the_fast_verdict_is_that_of_the_command():
    rows = rows_by_group(GROUPS)
    sums = group_sums(DIFFERENCES, rows)
    random = np.random.default_rng(2)
    same = 0
    for _ in range(40):
        chosen = random.integers(len(rows), size=60)
        _, comparison = judged(DIFFERENCES, [rows[number] for number in chosen], 0.01)
        fast = has_verdict(sums, chosen[None, :], 0.01)[0, -1]
        same += fast == (comparison.outcome != "no evidence")
    assert same >= 38


def test_a_number_is_near_within_a_quarter():
    assert near(np.array([[75.0, 125.0, 74.0, np.inf]]), np.array([100.0])) == 0.5


def test_the_best_number_of_a_start_holds_most_of_its_times():
    # 6 to 10 lie within a quarter of 8.
    assert best_near(np.array([1.0, 6.0, 8.0, 10.0, 11.0])) == 0.6
    assert best_near(np.array([np.inf, np.inf])) == 0.0


@pytest.mark.slow
def test_no_number_is_near_the_stopping_time_of_a_random_walk():
    replays, shares = replay(
        DIFFERENCES,
        rows_by_group(GROUPS),
        np.random.default_rng(3),
        starts=12,
        start=50,
        ways=60,
        delta=0.001,
    )
    assert shares["same_outcome"] >= 0.8
    result = figures(replays)
    assert result["near_likely"] <= result["oracle"] < 0.6
    assert result["by_even"] <= result["by_likely"]
