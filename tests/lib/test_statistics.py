"""Intervals over components: what they cover, and what makes them wider."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.lib import statistics
from stages.lib.statistics import (
    Effect,
    clustered_share,
    effect,
    effective_components,
    sign_flip,
    widened,
)


def own(count):
    """Return a component of its own for each of `count` queries."""
    return np.array([f"c{at:05}" for at in range(count)])


@pytest.fixture
def draws():
    return np.random.default_rng(7).normal(0.1, 1.0, 400)


def test_a_literal_example():
    # Component a holds 0.1 and 0.3, b holds -0.1, c holds 0.2.
    found = effect(np.array([0.1, 0.3, -0.1, 0.2]), np.array(["a", "a", "b", "c"]), seed=13)
    assert found.mean == pytest.approx(0.125)
    # The halves a, c and ac have a mean of 0.2, b of -0.1, ab of 0.1, bc of 0.05, abc of 0.125; each as often.
    assert found.low == pytest.approx(-0.1)
    assert found.high == pytest.approx(0.2)
    assert found.mde == pytest.approx(
        2.802 * np.std([0.2, 0.2, 0.2, -0.1, 0.1, 0.05, 0.125]), abs=0.004
    )


def test_the_interval_of_many_is_that_of_the_textbook(draws):
    found = effect(draws, own(400), seed=1)
    error = draws.std(ddof=1) / np.sqrt(400)
    assert found.mean == pytest.approx(draws.mean())
    assert found.low == pytest.approx(draws.mean() - 1.96 * error, abs=0.1 * error)
    assert found.high == pytest.approx(draws.mean() + 1.96 * error, abs=0.1 * error)
    assert found.mde == pytest.approx(2.802 * error, rel=0.03)


def test_more_queries_give_a_narrower_interval(draws):
    few, many = effect(draws[:50], own(50), seed=1), effect(draws, own(400), seed=1)
    assert many.high - many.low < 0.6 * (few.high - few.low)
    assert many.mde < 0.6 * few.mde


def test_queries_that_share_their_fate_count_once(draws):
    repeated = np.repeat(draws[:100], 4)
    clustered, naive = (
        effect(repeated, np.repeat(own(100), 4), seed=1),
        effect(repeated, own(400), seed=1),
    )
    once = effect(draws[:100], own(100), seed=1)
    assert clustered.high - clustered.low == pytest.approx(2 * (naive.high - naive.low), rel=0.1)
    assert clustered == pytest.approx(once)


def test_no_difference_gives_an_interval_of_no_width():
    assert effect(np.zeros(10), own(10), seed=1) == (0.0, 0.0, 0.0, 0.0)


def test_the_interval_covers_the_truth_as_often_as_it_says(monkeypatch):
    monkeypatch.setattr(statistics, "RESAMPLES", 400)
    chance = np.random.default_rng(11)
    covered = 0
    for seed in range(200):
        sizes = chance.integers(1, 5, 100)
        components = np.repeat(own(100), sizes)
        shared = np.repeat(
            chance.normal(0.0, 1.0, 100), sizes
        )  # what queries of one component have in common
        found = effect(shared + chance.normal(0.05, 0.5, len(shared)), components, seed)
        covered += found.low <= 0.05 <= found.high
    assert 0.88 <= covered / 200 <= 0.99


def test_an_interval_refutes_what_flipping_signs_refutes(draws):
    # One component of 30 queries among 60 of one each: a bootstrap that draws it twice knows nothing of its sign.
    components = np.repeat(own(61), [30] + [1] * 60)
    differences = np.concatenate([np.full(30, 0.6), draws[:60]])
    found = effect(differences, components, seed=1)
    for end in (found.low, found.high):
        assert sign_flip(differences - end, components, seed=2) == pytest.approx(0.05, abs=0.01)


def test_components_that_weigh_nothing_count_for_nothing():
    assert effective_components(
        np.array([0.5, -0.5, 0.5, -0.5]),
        own(4),
    ) == pytest.approx(4.0)
    # Two that hold all of the variance among ten that hold none.
    assert effective_components(np.array([0.5, -0.5] + [0.0] * 10), own(12)) == pytest.approx(2.0)
    assert effective_components(np.full(12, 0.3), own(12)) == 0.0
    # Deviations of the three components from the mean of 0.25: 1.5, -0.75, -0.75. (2.25 + 2 x 0.5625)^2 / ...
    lopsided = effective_components(
        np.array([1.0, 1.0, -0.5, -0.5]), np.array(["a", "a", "b", "c"])
    )
    assert lopsided == pytest.approx(3.375**2 / (2.25**2 + 2 * 0.5625**2))


@given(
    st.lists(st.floats(-1.0, 1.0, width=16), min_size=4, max_size=40),
    st.integers(2, 6),
    st.floats(-0.5, 0.5, width=16),
)
@settings(max_examples=40, deadline=None)
def test_the_interval_holds_the_mean_and_moves_with_it(values, count, shift):
    differences, components = (
        np.array(values),
        np.array([f"c{at % count}" for at in range(len(values))]),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "RESAMPLES", 500)
        found, moved = (
            effect(differences, components, 3),
            effect(differences + shift, components, 3),
        )
        again = effect(differences[::-1], components[::-1], 3)
    assert found.low - 1e-12 <= found.mean <= found.high + 1e-12
    assert moved == pytest.approx(
        (found.mean + shift, found.low + shift, found.high + shift, found.mde), abs=1e-9
    )
    assert again == pytest.approx(found, abs=1e-9)
    assert effective_components(differences, components) <= min(count, len(values)) + 1e-9


@pytest.mark.parametrize(
    ("differences", "components"), [([], []), ([0.5], ["a"]), ([0.5, 0.7], ["a", "a"])]
)
def test_fewer_than_two_components_give_no_interval(differences, components):
    with pytest.raises(ValueError, match="give no interval"):
        effect(np.array(differences, dtype=float), np.array(components, dtype=str), seed=1)


def test_a_seed_gives_one_result_and_another_seed_another(draws):
    assert effect(draws, own(400), seed=1) == effect(draws, own(400), seed=1)
    assert effect(draws, own(400), seed=1) != effect(draws, own(400), seed=2)


def test_the_names_of_components_do_not_matter(draws):
    renamed = np.array([f"other {name}" for name in own(400)])
    assert effect(draws, renamed, seed=1) == effect(draws, own(400), seed=1)


def test_single_items_give_the_interval_of_wilson():
    found = clustered_share(np.array([1] * 10 + [0] * 9990), np.ones(10_000, dtype=np.int64))
    assert found.rate == 0.001
    assert (found.low, found.high) == pytest.approx((0.000543, 0.001840), abs=2e-6)


def test_items_that_vary_together_give_a_wider_interval_and_none_found_is_not_none_there():
    sizes = np.full(50, 4)
    together, apart = (
        clustered_share(np.array([4] * 5 + [0] * 45), sizes),
        clustered_share(np.array([1] * 20 + [0] * 30), sizes),
    )
    assert together.rate == apart.rate == 0.1
    assert together.high - together.low > 1.7 * (apart.high - apart.low)
    nothing = clustered_share(np.zeros(50, dtype=np.int64), sizes)
    assert (nothing.rate, nothing.low) == (0.0, 0.0)
    assert nothing.high == pytest.approx(0.075, abs=0.002)  # as from 50 items, not from 200
    with pytest.raises(ValueError, match="1 cluster"):
        clustered_share(np.array([1]), np.array([4]))


@pytest.mark.slow
@pytest.mark.parametrize(("clusters", "largest"), [(400, 1), (160, 4)])
@pytest.mark.parametrize("alike", [0.0, 0.3])
@pytest.mark.parametrize("rate", [0.05, 0.12])
def test_the_interval_covers_planted_false_negatives(clusters, largest, alike, rate):
    chance, covered = np.random.default_rng(7), 0
    for _ in range(2000):
        sizes = chance.integers(1, largest + 1, size=clusters)
        scale = 1.0 / alike - 1.0 if alike else 0.0
        own = (
            chance.beta(rate * scale, (1.0 - rate) * scale, size=clusters)
            if alike
            else np.full(clusters, rate)
        )
        found = clustered_share(chance.binomial(sizes, own), sizes)
        covered += found.low <= rate <= found.high
    assert 0.93 <= covered / 2000 <= 0.975


def test_another_seed_widens_an_interval_like_one_more_cause_of_variance() -> None:
    found = Effect(0.10, 0.10 - 1.960 * 0.03, 0.10 + 1.960 * 0.03, 2.802 * 0.03)

    once, twice = widened(found, 0.04, trainings=1), widened(found, 0.04 / 2**0.5)

    assert once == pytest.approx((0.10, 0.10 - 1.960 * 0.05, 0.10 + 1.960 * 0.05, 2.802 * 0.05))
    assert twice == pytest.approx(once)


def test_an_interval_stays_as_it_is_where_nobody_measured_seeds_or_nothing_was_trained() -> None:
    found = Effect(0.10, 0.05, 0.20, 0.08)

    assert widened(found, None) == found
    assert widened(found, 0.0) == found
    assert widened(found, 0.04, trainings=0) == found


def test_each_end_of_a_lopsided_interval_is_widened_from_where_it_stands() -> None:
    _, low, high, _ = widened(Effect(0.0, -0.3, 0.4, 0.5), 0.4 / 1.960, trainings=1)

    assert low == pytest.approx(-0.5)
    assert high == pytest.approx((0.16 + 0.16) ** 0.5)
