"""How many more queries would decide: the probability told is that of a simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.commands.verdict.differences import compare_difference
from stages.commands.verdict.pairs import RunPair, run_difference
from stages.commands.verdict.sample_size import (
    EVEN_CHANCE,
    POWER,
    deciding_power,
    queries_to_decide,
)
from stages.commands.verdict.text import size_sentence
from tests.properties import examples


def simulated_power(mean, error, growth, delta, draws=40_000):
    """Return the share of grown sets with a verdict. The first set has one query of error `error`."""
    source = np.random.default_rng(1)
    true_means = source.normal(mean, error, draws)
    # The new queries are (growth - 1) times as many as the old ones.
    of_new = source.normal(true_means, error / math.sqrt(growth - 1))
    grown = (mean + (growth - 1) * of_new) / growth
    grown_error = error / math.sqrt(growth)
    differs = np.abs(grown) > 1.960 * grown_error
    equivalent = np.abs(grown) + 1.645 * grown_error < delta
    return np.mean(differs | equivalent)


@pytest.mark.parametrize("mean", [0.0, 0.006, -0.015])
@pytest.mark.parametrize("growth", [1.5, 4.0, 30.0])
@pytest.mark.parametrize("delta", [0.0001, 0.01])
def test_the_power_is_that_of_a_simulation(mean, growth, delta):
    power = deciding_power(mean, 0.01, growth, delta)
    assert power == pytest.approx(simulated_power(mean, 0.01, growth, delta), abs=0.01)


@examples(50)
@given(st.floats(-1, 1), st.floats(1e-4, 0.5), st.floats(1.001, 1e3), st.floats(1e-4, 0.5))
def test_a_power_is_a_probability(mean, error, growth, delta):
    assert -1e-12 <= deciding_power(mean, error, growth, delta) <= 1 + 1e-12


def verdict_on(values, delta):
    values = np.asarray(values)
    names = np.arange(len(values)).astype(str)
    difference = run_difference(values * 0, values, names, "measure")
    return difference, compare_difference(difference, delta)


def test_the_number_told_is_the_smallest_with_that_power():
    source = np.random.default_rng(2)
    difference, comparison = verdict_on(source.normal(0.03, 0.3, 100), delta=0.01)
    assert comparison.outcome == "no evidence"
    more = queries_to_decide(difference, comparison, 0.01)
    effect = comparison.effect
    error = effect.mde / 2.802
    growth = 1 + more / 100
    assert deciding_power(effect.mean, error, growth, 0.01) >= POWER
    assert deciding_power(effect.mean, error, growth / 1.05, 0.01) < POWER


def test_an_even_chance_needs_fewer_queries_and_both_are_told():
    source = np.random.default_rng(2)
    difference, comparison = verdict_on(source.normal(0.03, 0.3, 100), delta=0.01)
    even = queries_to_decide(difference, comparison, 0.01, EVEN_CHANCE)
    likely = queries_to_decide(difference, comparison, 0.01)
    error = comparison.effect.mde / 2.802
    growth = 1 + even / 100
    assert deciding_power(comparison.effect.mean, error, growth, 0.01) == pytest.approx(
        0.5, abs=0.02
    )
    assert even < likely
    pair = RunPair("a", "b", comparison, likely, {}, queries_for_even_chance=even)
    assert size_sentence(pair) == (
        f"About {even:,} more queries would decide in 1 of 2 cases, and about {likely:,} in 4 of 5."
    )
    assert size_sentence(pair._replace(queries_to_decide=None)) == (
        f"About {even:,} more queries would decide in 1 of 2 cases, and no number up to 1,000 times "
        "as many in 4 of 5."
    )
    assert size_sentence(pair._replace(queries_for_even_chance=None)) == ""


def test_a_verdict_needs_no_more_queries():
    difference, comparison = verdict_on([0.1, 0.2] * 40, delta=0.01)
    assert comparison.outcome == "better"
    assert queries_to_decide(difference, comparison, 0.01) is None
