"""Confidence intervals and tests in which whole connected components are resampled.

Queries about the same document are not independent. Resampling single queries makes
intervals too narrow (on HPO by 40 %), so a component is in a resample as a whole or not at all.
Means are weighted: with weights w (see `stages.lib.evaluation.weights`) the mean is
sum(w x) / sum(w), of all queries and of each half.

Sources: Hartigan 1969 (intervals from random halves), Fisher 1935 (sign-flip test), Wilson 1927
(intervals of shares), Kish 1965 (design effect), Korn and Graubard 1998 (degrees of freedom).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.evaluation.weights import query_weights, weighted_mean

RESAMPLES = 10_000

# For a statistic that has to be computed anew from the rows of each resample.
FEW_RESAMPLES = 1_000

# With fewer components there is neither an interval nor a test: too few independent observations.
MIN_COMPONENTS = 50
ALPHA = 0.05

# Resamples that are computed in one block. It bounds the memory.
_BLOCK_RESAMPLES = 500

# Standard errors of the smallest detectable difference, at a two-sided error of 5 % and a power
# of 80 %: 1.960 + 0.842.
DETECTABLE_ERRORS = 2.802

# Standard errors from the mean to either end of a 95 % interval.
NORMAL_QUANTILE = 1.960

# One value per query or component, and the name of the component of each query or row.
_Values = npt.NDArray[np.float64]
_Components = npt.NDArray[np.str_]


class MeanInterval(NamedTuple):
    """A weighted mean difference with its 95 % interval.

    `mde` is the minimal detectable effect: 80 % of such query sets would show a difference of
    this size.
    """

    mean: float
    low: float
    high: float
    mde: float


def mean_interval(
    differences: _Values,
    components: _Components,
    seed: int,
    *,
    component_weight: int,
) -> MeanInterval:
    """Return the weighted mean of per-query `differences` with its interval over random halves.

    `differences` and `components` have shape (queries,). `components` names the component of
    each query, and a component counts as at most `component_weight` queries.

    Raises ValueError if there are no queries or fewer than two components.

    >>> differences = np.array([0.1, 0.3, -0.1, 0.2])
    >>> components = np.array(["a", "a", "b", "c"])
    >>> result = mean_interval(differences, components, seed=13, component_weight=10)
    >>> [round(value, 3) for value in result[:3]]
    [0.125, -0.1, 0.2]
    """
    means = random_half_means(differences, components, seed, component_weight=component_weight)
    low, high = np.quantile(means, [0.025, 0.975])
    standard_error = means.std(ddof=1)
    return MeanInterval(
        mean=weighted_mean(differences, components, component_weight),
        low=float(low),
        high=float(high),
        mde=float(DETECTABLE_ERRORS * standard_error),
    )


class PairedTest(NamedTuple):
    """A weighted mean difference with its interval, its p-value, and the size of the sample.

    `plain` is the mean in which each query counts once. `effect` and `p` are None with fewer than
    MIN_COMPONENTS components.
    """

    mean: float
    plain: float
    effect: MeanInterval | None
    p: float | None
    queries: int
    components: int


Significance = Literal["better", "worse", "no evidence", "too few components"]


def paired_test(
    differences: _Values,
    components: _Components,
    seed: int,
    *,
    component_weight: int,
    seed_sd: float | None = None,
    trainings: int = 0,
) -> PairedTest:
    """Return the weighted mean of per-query `differences`, its interval and its sign-flip test.

    `differences` and `components` have shape (queries,), with at least one query. A component
    counts as at most `component_weight` queries. `seed_sd` and `trainings` are those of
    `add_seed_variance`.

    >>> components = np.array(["a", "a", "b"])
    >>> paired_test(np.array([0.0, 0.0, 0.75]), components, seed=1, component_weight=1)
    PairedTest(mean=0.375, plain=0.25, effect=None, p=None, queries=3, components=2)
    """
    mean = weighted_mean(differences, components, component_weight)
    plain = float(differences.mean())
    query_count = len(differences)
    component_count = len(np.unique(components))

    # Too few components give a mean and nothing else.
    if component_count < MIN_COMPONENTS:
        return PairedTest(
            mean=mean,
            plain=plain,
            effect=None,
            p=None,
            queries=query_count,
            components=component_count,
        )

    # The interval covers the seed of training too. The test is of the queries alone.
    interval_of_mean = mean_interval(
        differences, components, seed, component_weight=component_weight
    )
    return PairedTest(
        mean=mean,
        plain=plain,
        effect=add_seed_variance(interval_of_mean, seed_sd, trainings),
        p=sign_flip(differences, components, seed, component_weight=component_weight),
        queries=query_count,
        components=component_count,
    )


def significance(difference: PairedTest, corrected_p: float | None = None) -> Significance:
    """Return the conclusion that `difference` allows.

    `corrected_p` replaces its p-value if it is one of several tests (see `holm_correction`).
    Better and worse need both a small p-value and an interval without 0, because the seed of
    training widens the interval alone.

    >>> effect = MeanInterval(0.2, 0.1, 0.3, 0.15)
    >>> significance(PairedTest(0.2, 0.2, effect, p=0.001, queries=90, components=60))
    'better'
    """
    p_value = difference.p if corrected_p is None else corrected_p
    if difference.effect is None or p_value is None:
        return "too few components"

    contains_zero = difference.effect.low <= 0.0 <= difference.effect.high
    if p_value > ALPHA or contains_zero:
        return "no evidence"
    return "better" if difference.effect.low > 0.0 else "worse"


def add_seed_variance(
    estimate: MeanInterval, seed_sd: float | None, trainings: int = 2
) -> MeanInterval:
    """Return `estimate` with the variance of the training seed added to its interval and `mde`.

    `seed_sd` is the standard deviation of the mean over fine-tunings that differ in their seed
    alone. Nothing is added if it is None: nobody has measured it. `trainings` is the number of
    compared systems that were fine-tuned: 2 for two versions, 1 for a fine-tuned and a base
    model, 0 for two base models.

    Variances of independent causes add up (Bouthillier et al. 2021, for data and seeds). Each
    end of the interval keeps its own distance from the mean.

    >>> interval = MeanInterval(0.0, -0.3, 0.3, 0.4)
    >>> wider = add_seed_variance(interval, seed_sd=0.4 / NORMAL_QUANTILE, trainings=1)
    >>> round(wider.low, 3), round(wider.high, 3)
    (-0.5, 0.5)
    """
    seed_variance = trainings * (seed_sd or 0.0) ** 2
    if not seed_variance:
        return estimate

    mean, low, high, mde = estimate
    squared_margin = NORMAL_QUANTILE**2 * seed_variance
    return MeanInterval(
        mean=mean,
        low=mean - ((mean - low) ** 2 + squared_margin) ** 0.5,
        high=mean + ((high - mean) ** 2 + squared_margin) ** 0.5,
        mde=(mde**2 + DETECTABLE_ERRORS**2 * seed_variance) ** 0.5,
    )


def random_half_means(
    differences: _Values,
    components: _Components,
    seed: int,
    *,
    component_weight: int,
) -> _Values:
    """Return the weighted mean of `differences` in RESAMPLES random halves, shape (RESAMPLES,).

    `differences` and `components` have shape (queries,), and a component counts as at most
    `component_weight` queries. A coin decides for each component whether it is in a half. Empty
    halves are drawn again.

    A value with a share p of the halves beyond it is one that `sign_flip` rejects at 2 p. So the
    quantiles bound exactly the means that the test does not reject (Hartigan 1969). They have
    their nominal coverage for components of any size. A bootstrap is too narrow as soon as one
    component holds much of the variance.

    Raises ValueError if there are no queries or fewer than two components.

    >>> components = np.array(["a", "b"])
    >>> means = random_half_means(np.array([0.0, 1.0]), components, seed=1, component_weight=10)
    >>> means.shape, sorted(set(means.tolist()))
    ((10000,), [0.0, 0.5, 1.0])
    """
    sums, sizes = _by_component(differences, components, component_weight)
    random = np.random.default_rng(seed)
    blocks: list[_Values] = []
    mean_count = 0

    while mean_count < RESAMPLES:
        # Draw a block of halves: 1 where a component is in, shape (draws, components).
        draws = min(_BLOCK_RESAMPLES, RESAMPLES - mean_count)
        halves = _random_signs(random, draws, len(sums))
        weight_in_half = halves @ sizes
        sum_in_half = halves @ sums

        # Keep the halves that have a query.
        is_filled = weight_in_half > 0
        block = sum_in_half[is_filled] / weight_in_half[is_filled]
        blocks.append(block)
        mean_count += len(block)

    return np.concatenate(blocks)


def sign_flip(
    differences: _Values,
    components: _Components,
    seed: int,
    *,
    component_weight: int,
) -> float:
    """Return the two-sided p-value of the hypothesis that two systems are the same.

    It is the share of random sign flips with a weighted mean at least as far from 0. If the systems
    are the same, the difference of each component could have had the other sign, whatever its size
    and weight (Fisher 1935; Smucker, Allan and Carterette 2007). Shapes and errors are those of
    `random_half_means`.

    >>> components = np.array([str(number) for number in range(20)])
    >>> sign_flip(np.full(20, 0.1), components, seed=1, component_weight=10) < 0.001
    True
    """
    sums, _ = _by_component(differences, components, component_weight)
    random = np.random.default_rng(seed)
    # A flip that gives the same sum must count, also after rounding.
    observed = abs(float(sums.sum())) - 1e-9
    extreme_count = 0

    for start in range(0, RESAMPLES, _BLOCK_RESAMPLES):
        # A block of signs, -1 or 1, shape (draws, components).
        draws = min(_BLOCK_RESAMPLES, RESAMPLES - start)
        signs = _random_signs(random, draws, len(sums)) * 2.0 - 1.0
        flipped_sums = np.abs(signs @ sums)
        extreme_count += int((flipped_sums >= observed).sum())

    # The observed signs count as one of the flips, so that no p-value is 0.
    return (1 + extreme_count) / (1 + RESAMPLES)


def _random_signs(random: np.random.Generator, draws: int, count: int) -> _Values:
    coins = random.integers(0, 2, size=(draws, count), dtype=np.uint8)
    return coins.astype(np.float64)


def effective_components(
    differences: _Values,
    components: _Components,
    component_weight: int,
) -> float:
    """Return the number of equal components that would vary as much as these do.

    It is the participation ratio of the squared deviations of the components' weighted sums. It is
    1 if one component holds all of the variance, the number of components if all hold the same (a
    third of it if they deviate as a normal variable does), and 0 if nothing varies. Shapes and
    errors are those of `random_half_means`.

    >>> effective_components(np.array([0.5, -0.5, 0.0, 0.0]), np.array(list("abcd")), 10)
    2.0
    """
    sums, sizes = _by_component(differences, components, component_weight)

    # What each component adds to the variance of the mean.
    mean = sums.sum() / sizes.sum()
    squares = (sums - mean * sizes) ** 2

    total = squares.sum()
    if total > 1e-18:
        return float(total**2 / (squares**2).sum())
    return 0.0


def holm_correction(values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979), in the order of `values`.

    >>> holm_correction([0.04, 0.01])
    [0.04, 0.02]
    """
    order = sorted(range(len(values)), key=lambda index: values[index])
    corrected = [0.0] * len(values)
    largest = 0.0

    # From the smallest p-value on. A corrected value is never below one of a smaller p-value.
    for place, index in enumerate(order):
        scaled = min(1.0, (len(values) - place) * values[index])
        largest = max(largest, scaled)
        corrected[index] = largest
    return corrected


def _by_component(
    differences: _Values,
    components: _Components,
    component_weight: int,
) -> tuple[_Values, _Values]:
    """Return the weighted sum of the differences and the sum of the weights of each component."""
    names, component_numbers = np.unique(components, return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"{len(names)} component(s) give no interval")

    weights = query_weights(components, component_weight)
    sums = np.bincount(component_numbers, weights=weights * differences, minlength=len(names))
    sizes = np.bincount(component_numbers, weights=weights, minlength=len(names))
    return sums.astype(np.float64), sizes.astype(np.float64)


class Interval(NamedTuple):
    """The two ends of a 95 % interval."""

    low: float
    high: float


def bootstrap_interval(
    statistic: Callable[[npt.NDArray[np.int64]], float | None],
    components: _Components,
    seed: int,
) -> Interval | None:
    """Return the percentile interval of a `statistic` over resampled `components`.

    For a statistic that is no mean, such as a correlation. It gets row numbers and returns None
    if it does not exist for these rows. `components` has shape (rows,). The result is None with
    fewer than two components, or if the statistic does not exist in half of the resamples.

    >>> values = np.array([1.0, 2.0, 3.0, 4.0])
    >>> median = lambda rows: float(np.median(values[rows]))
    >>> bootstrap_interval(median, np.array(["a", "b", "c", "d"]), seed=1)
    Interval(low=1.0, high=4.0)
    """
    names, component_numbers = np.unique(components, return_inverse=True)
    if len(names) < 2:
        return None
    rows_of_component = [
        np.flatnonzero(component_numbers == number) for number in range(len(names))
    ]

    # Bootstrap: draw as many components as there are, with replacement.
    random = np.random.default_rng(seed)
    values: list[float] = []
    for _ in range(FEW_RESAMPLES):
        random_numbers = random.integers(0, len(names), size=len(names))
        rows = np.concatenate([rows_of_component[number] for number in random_numbers])
        value = statistic(rows)
        if value is not None:
            values.append(value)

    if len(values) < FEW_RESAMPLES / 2:
        return None
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(low), float(high))
