"""The outcome of a difference, on numbers that a reader can check; and how often chance alone gives one."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from stages.commands.compare import verdicts
from stages.commands.compare.verdicts import TestSetUses as Uses
from stages.commands.compare.verdicts import seed_deviation
from stages.commands.verdict.differences import (
    compare_difference,
    compare_differences,
    measure_difference,
)
from stages.lib.analysis.intervals import MeanInterval, holm_correction, sign_flip


def difference_of(
    differences, per_component=1, name="ndcg_at_10", seed_sd=0.0, component_weight=10
):
    """Return the difference of two results that differ so, with so many queries in each component."""
    query_ids = [f"q{index}" for index in range(len(differences))]
    names = [f"c{index // per_component}" for index in range(len(differences))]
    before = pd.Series(0.5, index=query_ids)
    return measure_difference(
        name,
        before,
        before + pd.Series(differences, index=query_ids),
        components=pd.Series(names, index=query_ids),
        component_weight=component_weight,
        seed=0,
        seed_sd=seed_sd,
    )


@pytest.mark.parametrize(
    ("differences", "outcome"),
    [
        ([0.1, 0.1, 0.1, 0.0] * 25, "better"),
        ([-0.1, -0.1, -0.1, 0.0] * 25, "worse"),
        ([0.01, -0.01] * 50, "equivalent"),
        ([0.5, -0.5] * 50, "no evidence"),
        ([0.0] * 100, "equivalent"),
        ([0.005] * 100, "equivalent"),  # certain, and certainly too small to matter
        ([0.1] * 49, "no evidence"),  # too few components for a verdict
        ([0.1] * 50, "better"),
    ],
)
def test_each_difference_has_its_outcome(differences, outcome):
    assert compare_difference(difference_of(differences), delta=0.02).outcome == outcome


def test_many_queries_of_few_components_are_no_evidence():
    comparison = compare_difference(difference_of([0.1] * 490, per_component=10), delta=0.02)
    assert (comparison.outcome, comparison.queries, comparison.components) == (
        "no evidence",
        490,
        49,
    )
    assert comparison.effect is None, "an interval would say more than they do"


def test_both_sides_have_the_same_weights():
    # Of two components the first has 20 queries and counts as 10, the second has 10.
    query_ids = [f"q{index}" for index in range(30)]
    components = pd.Series(["large"] * 20 + ["small"] * 10, index=query_ids)
    before = pd.Series([0.3] * 20 + [0.1] * 10, index=query_ids)
    after = pd.Series([0.9] * 20 + [0.3] * 10, index=query_ids)
    difference = measure_difference(
        "ndcg_at_10", before, after, components=components, component_weight=10, seed=0
    )
    assert (difference.before, difference.after) == (pytest.approx(0.2), pytest.approx(0.6))
    assert difference.plain == pytest.approx((20 * 0.6 + 10 * 0.2) / 30)


def test_one_component_has_no_interval():
    comparison = compare_difference(difference_of([0.1, 0.2], per_component=2), delta=0.02)
    assert (comparison.outcome, comparison.effect) == ("no evidence", None)
    assert (comparison.before, comparison.after) == (0.5, pytest.approx(0.65))


def test_means_interval_and_detectable_difference_are_right():
    comparison = compare_difference(difference_of([0.3, 0.1] * 50), delta=0.02)
    assert (comparison.before, comparison.after) == (0.5, pytest.approx(0.7))
    assert comparison.effect.mean == pytest.approx(0.2)
    assert comparison.effect.low == pytest.approx(0.18, abs=0.002)  # 0.2 - 1.96 * 0.1 / sqrt(100)
    assert comparison.effect.mde == pytest.approx(0.028, abs=0.001)  # 2.8 * 0.1 / sqrt(100)


def test_another_training_seed_widens_every_interval():
    # 0.02 with a standard error of 0.002; two trainings of 0.01 add 0.01 * sqrt(2) to it.
    alone = difference_of([0.04, 0.0] * 50)
    trained = difference_of([0.04, 0.0] * 50, seed_sd=0.01)
    assert (trained.effect.high - 0.02) == pytest.approx(
        1.96 * (0.002**2 + 2 * 0.01**2) ** 0.5, abs=2e-4
    )
    assert (trained.narrow[1] - 0.02) == pytest.approx(
        1.645 * (0.002**2 + 2 * 0.01**2) ** 0.5, abs=2e-4
    )
    assert (
        compare_difference(alone, delta=0.01).outcome,
        compare_difference(trained, delta=0.01).outcome,
    ) == (
        "better",
        "no evidence",
    )


def test_several_differences_are_harder_to_prove_than_one():
    # Alone p is about 0.02; as one of three it is 0.06.
    differences = [0.5] * 36 + [-0.5] * 20
    alone = difference_of(differences)
    noise = difference_of([0.5, -0.5] * 50)
    together = [alone, noise, noise]
    assert compare_difference(alone, delta=0.02).outcome == "better"
    assert compare_differences(together, delta=0.02)[0].outcome == "no evidence"

    loss = difference_of([-value for value in differences])
    assert compare_difference(loss, delta=0.02).outcome == "worse"
    assert compare_differences([loss, noise, noise], delta=0.02)[0].outcome == "no evidence"


@pytest.mark.parametrize(
    ("low", "high", "p_value", "outcome"),
    [
        (0.1, 0.3, 0.05, "better"),
        (0.1, 0.3, 0.051, "no evidence"),
        (-0.3, -0.1, 0.05, "worse"),
        (-0.3, -0.1, 0.051, "no evidence"),
        (0.0, 0.3, 0.01, "no evidence"),
        (-0.3, 0.0, 0.01, "no evidence"),
    ],
)
def test_a_verdict_needs_the_interval_and_the_test(low, high, p_value, outcome):
    effect = MeanInterval((low + high) / 2, low, high, mde=0.1)
    difference = difference_of([0.1] * 50)._replace(
        effect=effect, narrow=(low, high), p_value=p_value
    )
    assert compare_difference(difference, delta=0.02).outcome == outcome


@pytest.mark.parametrize(
    ("narrow", "outcome"),
    [
        ((-0.0199, 0.0199), "equivalent"),
        ((-0.02, 0.01), "no evidence"),
        ((-0.01, 0.02), "no evidence"),
    ],
)
def test_equivalent_is_what_lies_between_both_limits(narrow, outcome):
    effect = MeanInterval(0.0, -0.03, 0.03, mde=0.1)
    difference = difference_of([0.1] * 50)._replace(effect=effect, narrow=narrow, p_value=0.5)
    assert compare_difference(difference, delta=0.02).outcome == outcome


def test_holm_corrects_by_the_number_that_are_left():
    assert holm_correction([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm_correction([0.5, 0.9]) == [1.0, 1.0]
    assert holm_correction([]) == []


def test_signs_are_flipped_by_component():
    # Ten equal differences: 2 of 1,024 ways to sign them are as far from 0. In two components it is 2 of 4.
    apart = np.array([f"c{index}" for index in range(10)])
    together = np.array(["a"] * 5 + ["b"] * 5)
    assert sign_flip(np.ones(10), apart, seed=1, component_weight=10) == pytest.approx(
        2 / 1024, abs=0.001
    )
    assert sign_flip(np.ones(10), together, seed=1, component_weight=10) == pytest.approx(
        0.5, abs=0.02
    )
    assert sign_flip(np.zeros(10), apart, seed=1, component_weight=10) == 1.0


def version_with(model_hash, **params):
    return SimpleNamespace(output_hash=lambda _: model_hash, params=lambda: params)


@pytest.mark.parametrize(
    ("system", "before_hash", "after_hash", "deviation"),
    [
        ("finetuned", "a", "b", 0.004),
        ("finetuned", "a", "a", 0.0),
        ("finetuned", None, None, 0.004),  # nothing says that the models are equal
        ("base", "a", "b", 0.0),
        ("base", "a", "a", 0.0),
    ],
)
def test_only_another_fine_tuned_model_varies_with_the_seed(
    system, before_hash, after_hash, deviation
):
    after = version_with(after_hash, **{"evaluate.seed_sd": 0.004})
    assert seed_deviation(version_with(before_hash), after, system) == deviation
    assert seed_deviation(version_with("a"), version_with("b"), "finetuned") == 0.0


def test_luck_is_that_of_the_best_of_the_versions_of_one_benchmark(monkeypatch):
    def named(name, benchmark="b"):
        return SimpleNamespace(name=name, details=lambda _: {"benchmark": benchmark})

    others = [(named("v1"), "x"), (named("v2"), "x"), (named("v3", "other"), "y")]
    monkeypatch.setattr(verdicts, "file_versions", lambda _: others)
    monkeypatch.setattr(verdicts, "blob_of", lambda *_: "z")
    uses = verdicts.uses_of_test_set(named("now"), error=0.02)
    # Equal results count once. The best of two is 0.5642 deviations above their mean, and a
    # difference has the deviation of one version times the root of two.
    assert uses.versions == ["v1", "now"]
    assert uses.luck == pytest.approx(0.5642 * 0.02 / 2**0.5, abs=1e-6)

    monkeypatch.setattr(verdicts, "blob_of", lambda *_: None)
    assert verdicts.uses_of_test_set(named("now"), error=0.02) == (["v1"], 0.0)


def test_the_uses_of_the_test_set_are_a_sentence():
    once = Uses(["v1"], 0.0)
    assert str(once) == "The test set was opened 1 time on this benchmark."
    assert str(Uses(["v1", "v2"], 0.0123)) == (
        "The test set was opened 2 times on this benchmark: the best of 2 equal versions stands "
        "+0.0123 above their mean by luck alone."
    )
    assert str(Uses([], 0.0)).startswith("The test set was opened 0 times")


@pytest.mark.slow
def test_equal_versions_hardly_ever_get_an_outcome():
    """Components of 1 to 20 queries whose differences correlate, as on real data."""
    random = np.random.default_rng(3)
    sizes = np.minimum(random.geometric(0.35, 120), 20)
    names = np.repeat([f"c{index}" for index in range(120)], sizes)
    query_ids = [f"q{index}" for index in range(len(names))]
    components = pd.Series(names, index=query_ids)
    before = pd.Series(0.5, index=query_ids)
    outcomes = []
    for _ in range(300):
        shared = np.repeat(random.normal(0.0, 0.15, 120), sizes)
        own = random.normal(0.0, 0.2, len(names)) * (random.random(len(names)) < 0.4)
        after = before + shared + own
        difference = measure_difference(
            "ndcg_at_10", before, after, components=components, component_weight=10, seed=0
        )
        outcomes.append(compare_difference(difference, 0.01).outcome)
    # 5 %, and what the chance of 300 draws may add to it.
    assert outcomes.count("better") + outcomes.count("worse") <= 0.08 * 300
