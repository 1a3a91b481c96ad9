"""Intervals over components: their coverage, and what makes them wider."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.analysis import intervals
from stages.lib.analysis.intervals import (
    MeanInterval,
    PairedTest,
    add_seed_variance,
    bootstrap_interval,
    effective_components,
    mean_interval,
    sign_flip,
    significance,
)
from stages.lib.schemas.reviews import clustered_share
from tests.properties import examples


def component_names(count):
    """Return one component name for each of `count` queries."""
    return np.array([f"c{number:05}" for number in range(count)])


@pytest.fixture
def differences():
    return np.random.default_rng(7).normal(0.1, 1.0, 400)


def test_effect_on_literals():
    # Component a holds 0.1 and 0.3, b holds -0.1, c holds 0.2.
    components = np.array(["a", "a", "b", "c"])
    result = mean_interval(
        np.array([0.1, 0.3, -0.1, 0.2]), components, seed=13, component_weight=10
    )
    assert result.mean == pytest.approx(0.125)

    # The halves a, c and ac have a mean of 0.2, b of -0.1, ab of 0.1, bc of 0.05, abc of 0.125.
    # Each is as frequent as the others.
    assert result.low == pytest.approx(-0.1)
    assert result.high == pytest.approx(0.2)
    deviation = np.std([0.2, 0.2, 0.2, -0.1, 0.1, 0.05, 0.125])
    assert result.mde == pytest.approx(2.802 * deviation, abs=0.004)


def test_interval_of_many_queries_is_the_normal_one(differences):
    result = mean_interval(differences, component_names(400), seed=1, component_weight=10)
    mean = differences.mean()
    error = differences.std(ddof=1) / np.sqrt(400)
    assert result.mean == pytest.approx(mean)
    assert result.low == pytest.approx(mean - 1.96 * error, abs=0.1 * error)
    assert result.high == pytest.approx(mean + 1.96 * error, abs=0.1 * error)
    assert result.mde == pytest.approx(2.802 * error, rel=0.03)


def test_more_queries_give_a_narrower_interval(differences):
    few = mean_interval(differences[:50], component_names(50), seed=1, component_weight=10)
    many = mean_interval(differences, component_names(400), seed=1, component_weight=10)
    assert many.high - many.low < 0.6 * (few.high - few.low)
    assert many.mde < 0.6 * few.mde


def test_equal_queries_of_a_component_count_once(differences):
    repeated = np.repeat(differences[:100], 4)
    clustered = mean_interval(
        repeated, np.repeat(component_names(100), 4), seed=1, component_weight=10
    )
    naive = mean_interval(repeated, component_names(400), seed=1, component_weight=10)
    single = mean_interval(differences[:100], component_names(100), seed=1, component_weight=10)
    assert clustered.high - clustered.low == pytest.approx(2 * (naive.high - naive.low), rel=0.1)
    assert clustered == pytest.approx(single)


def test_no_difference_gives_an_interval_of_no_width():
    assert mean_interval(np.zeros(10), component_names(10), seed=1, component_weight=10) == (
        0.0,
        0.0,
        0.0,
        0.0,
    )


def test_interval_has_its_nominal_coverage(monkeypatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 400)
    random = np.random.default_rng(11)
    covered = 0
    for seed in range(200):
        # Queries of one component have a part of their difference in common.
        sizes = random.integers(1, 5, 100)
        components = np.repeat(component_names(100), sizes)
        shared = np.repeat(random.normal(0.0, 1.0, 100), sizes)
        values = shared + random.normal(0.05, 0.5, len(shared))

        result = mean_interval(values, components, seed, component_weight=10)
        covered += result.low <= 0.05 <= result.high
    assert 0.88 <= covered / 200 <= 0.99


def test_interval_excludes_what_sign_flips_reject(differences):
    # One component of 30 queries among 60 of one query each. A bootstrap that draws the large
    # one twice knows nothing of its sign.
    components = np.repeat(component_names(61), [30] + [1] * 60)
    lopsided = np.concatenate([np.full(30, 0.6), differences[:60]])
    result = mean_interval(lopsided, components, seed=1, component_weight=100)
    for end in (result.low, result.high):
        p_value = sign_flip(lopsided - end, components, seed=2, component_weight=100)
        assert p_value == pytest.approx(0.05, abs=0.01)


def test_components_without_variance_do_not_count():
    equal = effective_components(np.array([0.5, -0.5, 0.5, -0.5]), component_names(4), 100)
    assert equal == pytest.approx(4.0)

    # Two that hold all of the variance among ten that hold none.
    two = effective_components(np.array([0.5, -0.5] + [0.0] * 10), component_names(12), 100)
    assert two == pytest.approx(2.0)
    assert effective_components(np.full(12, 0.3), component_names(12), 100) == 0.0

    # Deviations of the three components from the mean of 0.25: 1.5, -0.75, -0.75.
    # (2.25 + 2 x 0.5625)^2 / ...
    components = np.array(["a", "a", "b", "c"])
    lopsided = effective_components(np.array([1.0, 1.0, -0.5, -0.5]), components, 100)
    assert lopsided == pytest.approx(3.375**2 / (2.25**2 + 2 * 0.5625**2))


@given(
    st.lists(st.floats(-1.0, 1.0, width=16), min_size=4, max_size=40),
    st.integers(2, 6),
    st.floats(-0.5, 0.5, width=16),
)
@examples(40)
def test_interval_holds_the_mean_and_moves_with_it(values, count, shift):
    values = np.array(values)
    components = np.array([f"c{index % count}" for index in range(len(values))])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, "RESAMPLES", 500)
        result = mean_interval(values, components, 3, component_weight=10)
        moved = mean_interval(values + shift, components, 3, component_weight=10)
        reversed_rows = mean_interval(values[::-1], components[::-1], 3, component_weight=10)

    assert result.low - 1e-12 <= result.mean <= result.high + 1e-12
    expected = (result.mean + shift, result.low + shift, result.high + shift, result.mde)
    assert moved == pytest.approx(expected, abs=1e-9)
    assert reversed_rows == pytest.approx(result, abs=1e-9)
    assert effective_components(values, components, 100) <= min(count, len(values)) + 1e-9


@pytest.mark.parametrize(
    ("values", "components"),
    [([], []), ([0.5], ["a"]), ([0.5, 0.7], ["a", "a"])],
)
def test_fewer_than_two_components_give_no_interval(values, components):
    with pytest.raises(ValueError, match="give no interval"):
        mean_interval(
            np.array(values, dtype=float),
            np.array(components, dtype=str),
            seed=1,
            component_weight=10,
        )


@pytest.mark.parametrize(
    ("components", "interval"),
    [(["a", "a", "a"], None), (["a", "a", "b"], (0.0, 2.0)), (["a", "b", "c"], (0.0, 2.0))],
)
def test_a_statistic_of_two_components_has_an_interval(components, interval):
    """The first row has the value 0, and the last one 2: resamples may hold either alone."""
    values = np.array([0.0, 0.0, 2.0])
    if len(set(components)) == 3:
        values[1] = 1.0
    found = bootstrap_interval(lambda rows: float(values[rows].mean()), np.array(components), 1)
    assert found == interval


def test_result_depends_on_the_seed_alone(differences):
    components = component_names(400)
    first = mean_interval(differences, components, seed=1, component_weight=10)
    assert first == mean_interval(differences, components, seed=1, component_weight=10)
    assert first != mean_interval(differences, components, seed=2, component_weight=10)


def test_names_of_components_do_not_matter(differences):
    renamed = np.array([f"other {name}" for name in component_names(400)])
    original = mean_interval(differences, component_names(400), seed=1, component_weight=10)
    assert mean_interval(differences, renamed, seed=1, component_weight=10) == original


def test_single_items_give_the_interval_of_wilson():
    share = clustered_share(np.array([1] * 10 + [0] * 9990), np.ones(10_000, dtype=np.int64))
    assert share.rate == 0.001
    assert (share.low, share.high) == pytest.approx((0.000543, 0.001840), abs=2e-6)


def test_clusters_of_equal_items_give_a_wider_interval():
    sizes = np.full(50, 4)
    alike = clustered_share(np.array([4] * 5 + [0] * 45), sizes)
    mixed = clustered_share(np.array([1] * 20 + [0] * 30), sizes)
    assert alike.rate == mixed.rate == 0.1
    assert alike.high - alike.low > 1.7 * (mixed.high - mixed.low)


def test_no_hits_do_not_mean_a_share_of_0():
    nothing = clustered_share(np.zeros(50, dtype=np.int64), np.full(50, 4))
    assert (nothing.rate, nothing.low) == (0.0, 0.0)
    # As from 50 items, not from 200.
    assert nothing.high == pytest.approx(0.075, abs=0.002)


def test_a_share_needs_two_clusters():
    with pytest.raises(ValueError, match="1 cluster"):
        clustered_share(np.array([1]), np.array([4]))


@pytest.mark.slow
@pytest.mark.parametrize(("clusters", "largest"), [(400, 1), (160, 4)])
@pytest.mark.parametrize("alike", [0.0, 0.3])
@pytest.mark.parametrize("rate", [0.05, 0.12])
def test_interval_covers_planted_false_negatives(clusters, largest, alike, rate):
    random = np.random.default_rng(7)
    covered = 0
    for _ in range(2000):
        sizes = random.integers(1, largest + 1, size=clusters)
        # The rate of each cluster: the more alike its items, the further from the common rate.
        if alike:
            scale = 1.0 / alike - 1.0
            cluster_rates = random.beta(rate * scale, (1.0 - rate) * scale, size=clusters)
        else:
            cluster_rates = np.full(clusters, rate)

        share = clustered_share(random.binomial(sizes, cluster_rates), sizes)
        covered += share.low <= rate <= share.high
    assert 0.93 <= covered / 2000 <= 0.975


def test_training_seed_adds_its_variance():
    plain = MeanInterval(0.10, 0.10 - 1.960 * 0.03, 0.10 + 1.960 * 0.03, 2.802 * 0.03)

    one_training = add_seed_variance(plain, 0.04, trainings=1)
    two_trainings = add_seed_variance(plain, 0.04 / 2**0.5)

    expected = (0.10, 0.10 - 1.960 * 0.05, 0.10 + 1.960 * 0.05, 2.802 * 0.05)
    assert one_training == pytest.approx(expected)
    assert two_trainings == pytest.approx(one_training)


def test_nothing_is_added_without_seeds_or_training():
    plain = MeanInterval(0.10, 0.05, 0.20, 0.08)

    assert add_seed_variance(plain, None) == plain
    assert add_seed_variance(plain, 0.0) == plain
    assert add_seed_variance(plain, 0.04, trainings=0) == plain


def test_each_end_is_widened_from_its_own_distance():
    _, low, high, _ = add_seed_variance(MeanInterval(0.0, -0.3, 0.4, 0.5), 0.4 / 1.960, trainings=1)

    assert low == pytest.approx(-0.5)
    assert high == pytest.approx((0.16 + 0.16) ** 0.5)


@pytest.mark.parametrize(
    ("low", "high", "p", "outcome"),
    [
        (0.1, 0.3, 0.05, "better"),
        (0.1, 0.3, 0.051, "no evidence"),
        (-0.3, -0.1, 0.05, "worse"),
        (-0.3, -0.1, 0.051, "no evidence"),
        (0.0, 0.3, 0.01, "no evidence"),
        (-0.3, 0.0, 0.01, "no evidence"),
        (-0.1, 0.3, 0.01, "no evidence"),
        (0.1, 0.3, None, "too few components"),
    ],
)
def test_a_conclusion_needs_the_interval_and_the_test(low, high, p, outcome):
    effect = MeanInterval((low + high) / 2, low, high, mde=0.1)
    assert significance(PairedTest(0.2, 0.2, effect, p, queries=90, components=60)) == outcome


def test_a_corrected_p_value_replaces_the_own_one():
    effect = MeanInterval(0.2, 0.1, 0.3, mde=0.1)
    difference = PairedTest(0.2, 0.2, effect, 0.01, queries=90, components=60)
    assert significance(difference, 0.06) == "no evidence"
    assert significance(difference._replace(p=0.06), 0.01) == "better"
