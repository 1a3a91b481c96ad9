"""No component counts as more than so many queries, and nothing else decides a weight."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.evaluate.interface import EvaluateParams
from stages.lib.analysis.intervals import (
    effective_components,
    mean_interval,
    paired_test,
    random_half_means,
    sign_flip,
)
from stages.lib.core.params import ComponentWeight
from stages.lib.evaluation import weights as weights_module
from stages.lib.evaluation.evaluation_set import SCORING_RULE, scoring_rule
from stages.lib.evaluation.weights import query_weights, weighted_mean

COMPONENTS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60).map(np.array)


def test_a_component_of_twenty_queries_counts_as_ten():
    components = np.array(["large"] * 20 + ["ten"] * 10 + ["small"] * 3)
    weights = query_weights(components, component_weight=10)
    assert weights.tolist() == [0.5] * 20 + [1.0] * 10 + [1.0] * 3
    assert weights[components == "large"].sum() == 10.0


def test_the_mean_of_two_components_on_literals():
    # 20 queries of 1.0 count as ten, ten queries of 0.0 count as ten.
    values = np.array([1.0] * 20 + [0.0] * 10)
    components = np.array(["a"] * 20 + ["b"] * 10)
    assert weighted_mean(values, components, component_weight=10) == 0.5
    assert weighted_mean(values, components, component_weight=20) == pytest.approx(2 / 3)
    assert weighted_mean(values, components, component_weight=1) == pytest.approx(0.5)


def test_queries_without_common_components_have_weight_1():
    names = np.array([f"c{index}" for index in range(50)])
    assert query_weights(names, component_weight=1).tolist() == [1.0] * 50


@given(COMPONENTS, st.integers(1, 100))
def test_no_component_counts_as_more_and_small_ones_count_fully(components, most):
    weights = query_weights(components, most)
    for name in set(components):
        size = int((components == name).sum())
        assert weights[components == name].sum() == pytest.approx(min(size, most))
        assert len(set(weights[components == name])) == 1


@given(COMPONENTS, st.integers(1, 100), st.integers(0, 100))
def test_a_larger_limit_lowers_no_weight(components, most, more):
    assert (query_weights(components, most + more) >= query_weights(components, most)).all()


@given(COMPONENTS, st.integers(1, 100), st.randoms(use_true_random=False))
def test_a_weight_goes_with_its_query_in_any_order(components, most, random):
    order = list(range(len(components)))
    random.shuffle(order)
    shuffled = query_weights(components[order], most)
    assert shuffled.tolist() == query_weights(components, most)[order].tolist()


@given(COMPONENTS, st.data())
def test_with_weights_of_1_the_mean_is_the_plain_one_to_the_last_bit(components, data):
    scores = st.floats(-1.0, 1.0)
    values = np.array(
        data.draw(st.lists(scores, min_size=len(components), max_size=len(components)))
    )
    assert weighted_mean(values, components, component_weight=60) == float(values.mean())


def plain_half_means(values, components, seed):
    """Return the means of random halves without any weight, from the same coins."""
    names, numbers = np.unique(components, return_inverse=True)
    random = np.random.default_rng(seed)
    means = []
    while len(means) < 10_000:
        coins = random.integers(
            0, 2, size=(min(500, 10_000 - len(means)), len(names)), dtype=np.uint8
        )
        for half in coins:
            is_in_half = half[numbers] == 1
            if is_in_half.any():
                means.append(values[is_in_half].mean())
    return np.array(means)


@pytest.mark.slow
def test_with_weights_of_1_intervals_are_those_without_weights():
    random = np.random.default_rng(5)
    values = random.normal(0.05, 0.3, 90)
    components = np.array([f"c{index}" for index in random.integers(0, 60, 90)])
    means = plain_half_means(values, components, seed=3)
    weighted = random_half_means(values, components, seed=3, component_weight=1000)
    assert weighted == pytest.approx(means, abs=1e-12)
    interval = mean_interval(values, components, seed=3, component_weight=1000)
    assert interval.mean == values.mean()
    assert (interval.low, interval.high) == pytest.approx(
        tuple(np.quantile(means, [0.025, 0.975])), abs=1e-12
    )
    assert interval.mde == pytest.approx(2.802 * means.std(ddof=1), abs=1e-12)


def test_the_mean_of_a_half_is_weighted_too():
    # Component a counts as one query of 0.8. The halves are a, b, and both.
    values = np.array([0.8] * 8 + [0.0])
    components = np.array(["a"] * 8 + ["b"])
    means = random_half_means(values, components, seed=1, component_weight=1)
    assert sorted(set(np.round(means, 12))) == [0.0, 0.4, 0.8]


def test_a_large_component_flips_with_its_weight():
    # The large component gains 4.0 in all, twelve others lose 0.5 each.
    values = np.array([0.1] * 40 + [-0.5] * 12)
    components = np.array(["large"] * 40 + [f"c{index}" for index in range(12)])
    alone = sign_flip(values[40:], components[40:], seed=1, component_weight=1)
    small = sign_flip(values, components, seed=1, component_weight=1)
    assert alone == pytest.approx(2 / 2**12, abs=0.001)
    assert small == pytest.approx(2 / 2**12, abs=0.001)
    # With all of its queries it makes up for what the others lose.
    assert sign_flip(values, components, seed=1, component_weight=40) > 0.05


def lopsided():
    """Return differences in which one component of 60 queries stands against 60 single queries."""
    random = np.random.default_rng(2)
    values = np.concatenate([np.full(60, 0.5), random.normal(0.0, 0.2, 60)])
    return values, np.array(["large"] * 60 + [f"c{index:02}" for index in range(60)])


def test_weights_raise_the_effective_number_and_lower_the_detectable_effect():
    values, components = lopsided()
    assert effective_components(values, components, 60) < 2.0
    assert effective_components(values, components, 1) > 20.0
    weighted = mean_interval(values, components, seed=1, component_weight=1)
    plain = mean_interval(values, components, seed=1, component_weight=60)
    assert weighted.mde < 0.3 * plain.mde


def test_the_least_number_of_components_counts_components_and_not_weights():
    values, components = lopsided()
    tested = paired_test(values, components, seed=1, component_weight=1)
    assert (tested.queries, tested.components) == (120, 61)
    assert tested.effect is not None
    enough = paired_test(values[:109], components[:109], seed=1, component_weight=1)
    assert enough.components == 50
    assert enough.effect is not None
    fewer = paired_test(values[:108], components[:108], seed=1, component_weight=1)
    assert (fewer.components, fewer.effect) == (49, None)


def without_weights(components, component_weight):
    return np.ones(len(components))


def test_a_rule_that_ignores_weights_changes_every_result(monkeypatch):
    values, components = lopsided()

    def results():
        return (
            weights_module.weighted_mean(values, components, 10),
            mean_interval(values, components, seed=1, component_weight=10),
            sign_flip(values - 0.1, components, seed=1, component_weight=10),
            effective_components(values, components, 10),
        )

    weighted = results()
    assert weighted[0] == weighted[1].mean
    assert weighted[0] != pytest.approx(values.mean(), abs=0.1)
    monkeypatch.setattr("stages.lib.evaluation.weights.query_weights", without_weights)
    monkeypatch.setattr("stages.lib.analysis.intervals.query_weights", without_weights)
    ignored = results()
    assert ignored[0] == values.mean()
    for index in range(4):
        assert ignored[index] != weighted[index]


def test_the_rule_names_the_weight_and_the_benchmark_does_not():
    assert scoring_rule(10).startswith(SCORING_RULE)
    assert scoring_rule(10) != scoring_rule(11)
    assert "10 queries" not in SCORING_RULE


@pytest.mark.parametrize("value", [0, -1, 1_000_001, 2.5, "10", None])
def test_a_weight_is_a_whole_number_from_1(value):
    for model in (ComponentWeight, EvaluateParams):
        field = model.model_fields["component_weight"]
        assert field.is_required()
    with pytest.raises(ValueError, match="component_weight"):
        ComponentWeight.model_validate({"component_weight": value})


def test_other_keys_of_the_section_belong_to_evaluate():
    assert (
        ComponentWeight.model_validate({"component_weight": 3, "depths": [1]}).component_weight == 3
    )
