"""The benchmark of verdicts: its replays and its trials of a judge, on differences with a known answer."""

import numpy as np
import pytest

from bench.referee import draw_groups, judge_trials, replays, rows_by_group

SOURCE = np.random.default_rng(1)
GROUPS = (np.arange(300) // 2).astype(str)
DIFFERENCES = SOURCE.normal(0.05, 0.25, 300)


def test_groups_are_drawn_whole_until_they_hold_enough_queries():
    rows_of_group = rows_by_group(GROUPS)
    assert [rows.tolist() for rows in rows_of_group[:1]] == [[0, 1]]
    drawn = draw_groups(rows_of_group, np.random.default_rng(2), least_queries=7)
    assert [len(rows) for rows in drawn] == [2, 2, 2, 2]


@pytest.mark.slow
def test_replays_tell_how_often_the_verdict_comes():
    figures = replays(DIFFERENCES, GROUPS, count=12, start=50, delta=0.001, seed=3)
    assert 0 < figures["no_evidence"] < 1
    assert figures["told"] > 0
    assert figures["half"] <= figures["in_a_quarter"] <= 1


def test_a_perfect_judge_makes_the_error_smaller_and_one_that_guesses_does_not():
    settings = {"labelled": 30, "count": 60, "seed": 4}
    perfect = judge_trials(DIFFERENCES, DIFFERENCES, GROUPS, **settings)
    assert perfect["error_ratio"] < 0.6
    guesses = SOURCE.permutation(DIFFERENCES)
    assert judge_trials(DIFFERENCES, guesses, GROUPS, **settings)["error_ratio"] > 0.9
