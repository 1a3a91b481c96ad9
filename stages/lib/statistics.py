"""Intervals and detectable effects, with the component as the unit that is resampled.

Queries about the same document are not independent: resampling queries makes intervals too narrow (on
HPO by 40 %). Sources: Hartigan 1969 (intervals from random halves), Fisher 1935 (flipping signs); for shares Wilson
1927, with the design effect of Kish 1965 and the degrees of freedom of Korn and Graubard 1998.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

RESAMPLES = 10_000
FEW_RESAMPLES = 1_000  # of a statistic that is computed anew each time
# Fewer components give no interval and no verdict: what they have in common with others is anybody's guess.
LEAST_COMPONENTS = 50
ALPHA = 0.05
_DRAWN_AT_ONCE = 500  # bounds the memory
# Two-sided 5 % error, 80 % power, in standard errors: 1.960 + 0.842.
DETECTABLE = 2.802
NORMAL = 1.960  # standard errors to either end of a 95 % interval


class Effect(NamedTuple):
    """A mean difference, its 95 % interval, and the smallest difference that 80 % of such sets would show."""

    mean: float
    low: float
    high: float
    mde: float


def effect(
    differences: npt.NDArray[np.float64], components: npt.NDArray[np.str_], seed: int
) -> Effect:
    """Return the mean of per-query `differences` with an interval over random halves of `components`.

    Both have shape (queries,). Raises ValueError when there are none, or fewer than two components.
    """
    means = resampled(differences, components, seed)
    low, high = np.quantile(means, [0.025, 0.975])
    return Effect(
        float(differences.mean()), float(low), float(high), float(DETECTABLE * means.std(ddof=1))
    )


class Tested(NamedTuple):
    """A mean difference and on how much it stands; under LEAST_COMPONENTS it has neither an interval nor a p-value."""

    mean: float
    effect: Effect | None
    p: float | None
    queries: int
    components: int


Finding = Literal["better", "worse", "no evidence", "too few components"]


def tested(
    differences: npt.NDArray[np.float64],
    components: npt.NDArray[np.str_],
    seed: int,
    seed_sd: float | None = None,
    trainings: int = 0,
) -> Tested:
    """Return the mean of per-query `differences` (one or more), with its interval and sign-flip test by `components`.

    Both have shape (queries,); `seed_sd` and `trainings` as for `widened`.
    """
    count, mean = len(np.unique(components)), float(differences.mean())
    if count < LEAST_COMPONENTS:
        return Tested(mean, None, None, len(differences), count)
    found = widened(effect(differences, components, seed), seed_sd, trainings)
    return Tested(mean, found, sign_flip(differences, components, seed), len(differences), count)


def finding(found: Tested, p: float | None = None) -> Finding:
    """Say what `found` shows; `p` is its corrected p-value, where it is one of several.

    Better and worse need both an interval without 0 and the test: seeds widen the interval alone.
    """
    p = found.p if p is None else p
    if found.effect is None or p is None:
        return "too few components"
    if p > ALPHA or found.effect.low <= 0.0 <= found.effect.high:
        return "no evidence"
    return "better" if found.effect.low > 0.0 else "worse"


def widened(effect: Effect, seed_sd: float | None, trainings: int = 2) -> Effect:
    """Return `effect` with what another seed of training would have changed added to its interval and its `mde`.

    `seed_sd` is the standard deviation of a mean over fine-tunes that differ in nothing but their seed; None where
    nobody has measured it, and then nothing is added. `trainings` says how many of the two that are compared were
    fine-tuned: both of two versions, one where a base model is the other, none of two base models. Variances of
    independent causes add up (Bouthillier et al. 2021 add those of data and seeds); each end keeps its own distance.
    """
    added = trainings * (seed_sd or 0.0) ** 2
    if not added:
        return effect
    mean, low, high, mde = effect
    end = NORMAL**2 * added
    return Effect(
        mean,
        mean - ((mean - low) ** 2 + end) ** 0.5,
        mean + ((high - mean) ** 2 + end) ** 0.5,
        (mde**2 + DETECTABLE**2 * added) ** 0.5,
    )


def resampled(
    differences: npt.NDArray[np.float64], components: npt.NDArray[np.str_], seed: int
) -> npt.NDArray[np.float64]:
    """Return the mean of per-query `differences` in RESAMPLES random halves of `components`, shape (RESAMPLES,).

    Each component is in a half or not as a coin falls; empty halves are drawn again. A value that a share p of the
    halves lies beyond is one that `sign_flip` would refute at 2 p, so the quantiles bound exactly the means that it
    would not (Hartigan 1969); they cover what they say whatever the sizes of components, where those of a bootstrap are
    too narrow as soon as one component holds much of the variance. Both have shape (queries,). Raises ValueError when
    there are none, or fewer than two components.
    """
    sums, sizes = _by_component(differences, components)
    random, found = np.random.default_rng(seed), list[npt.NDArray[np.float64]]()
    while (count := sum(map(len, found))) < RESAMPLES:
        half = _coins(random, min(_DRAWN_AT_ONCE, RESAMPLES - count), len(sums))
        drawn = half @ sizes
        found.append((half @ sums)[drawn > 0] / drawn[drawn > 0])
    return np.concatenate(found)


def sign_flip(
    differences: npt.NDArray[np.float64], components: npt.NDArray[np.str_], seed: int
) -> float:
    """Return how often chance alone gives a mean as far from 0 as that of `differences`: a two-sided p-value.

    If two systems are the same, each component could as well have differed the other way round, whatever its size
    (Fisher 1935; Smucker, Allan and Carterette 2007). Shapes and errors as for `resampled`.
    """
    sums, _ = _by_component(differences, components)
    random = np.random.default_rng(seed)
    reached, seen = 0, abs(float(sums.sum())) - 1e-9
    for start in range(0, RESAMPLES, _DRAWN_AT_ONCE):
        signs = _coins(random, min(_DRAWN_AT_ONCE, RESAMPLES - start), len(sums)) * 2.0 - 1.0
        reached += int((np.abs(signs @ sums) >= seen).sum())
    return (1 + reached) / (1 + RESAMPLES)


def _coins(random: np.random.Generator, draws: int, count: int) -> npt.NDArray[np.float64]:
    return random.integers(0, 2, size=(draws, count), dtype=np.uint8).astype(np.float64)


def effective_components(
    differences: npt.NDArray[np.float64], components: npt.NDArray[np.str_]
) -> float:
    """Return how many components of equal weight would vary as much as these do together.

    The participation ratio of what each adds to the variance of the mean, its squared sum of deviations from it: 1
    where one component holds all of it, their number where they all hold the same (a third of it where they deviate as
    a normal variable does), 0 where nothing varies. Shapes and errors as for `resampled`.
    """
    sums, sizes = _by_component(differences, components)
    held = (sums - sums.sum() / sizes.sum() * sizes) ** 2
    return float(held.sum() ** 2 / (held**2).sum()) if held.sum() > 1e-18 else 0.0


def holm(values: Sequence[float]) -> list[float]:
    """Return p-values corrected for there being several of them (Holm 1979), in their order."""
    order = sorted(range(len(values)), key=lambda at: values[at])
    corrected, most = [0.0] * len(values), 0.0
    for place, at in enumerate(order):
        most = max(most, min(1.0, (len(values) - place) * values[at]))
        corrected[at] = most
    return corrected


def _by_component(
    differences: npt.NDArray[np.float64], components: npt.NDArray[np.str_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    names, inverse = np.unique(components, return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"{len(names)} component(s) give no interval")
    sums: npt.NDArray[np.float64] = np.bincount(
        inverse, weights=differences, minlength=len(names)
    ).astype(np.float64)
    return sums, np.bincount(inverse, minlength=len(names)).astype(np.float64)


class Share(NamedTuple):
    """A share and its 95 % interval."""

    rate: float
    low: float
    high: float


def clustered_share(hits: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> Share:
    """Return the share of hits among items that were drawn in clusters: of `sizes` (clusters,) items `hits` are hits.

    A Wilson interval, with the number of items divided by the design effect: how much more the clusters vary than
    single items would. It is never below 1, and that of clusters in which all are alike where all items are hits or
    none is. Covers 93 to 97 % from about ten hits on; with fewer, all in a few clusters, 91 %. Raises ValueError when
    there are fewer than two clusters.
    """
    from scipy import stats

    clusters, items = len(sizes), float(sizes.sum())
    if clusters < 2:
        raise ValueError(f"{clusters} cluster(s) give no interval")
    rate = float(hits.sum()) / items
    if 0.0 < rate < 1.0:
        variance = clusters / (clusters - 1) * float(((hits - rate * sizes) ** 2).sum()) / items**2
        effect_of_design = max(1.0, variance * items / (rate * (1.0 - rate)))
    else:
        effect_of_design = float((sizes.astype(np.float64) ** 2).sum()) / items
    effective = items / effect_of_design
    bound = float(stats.t.ppf(0.975, clusters - 1))
    weight = 1.0 + bound**2 / effective
    centre = (rate + bound**2 / (2.0 * effective)) / weight
    half = (
        bound * ((rate * (1.0 - rate) + bound**2 / (4.0 * effective)) / effective) ** 0.5 / weight
    )
    return Share(rate, max(0.0, centre - half), min(1.0, centre + half))


class Interval(NamedTuple):
    """The two ends of a 95 % interval."""

    low: float
    high: float


def interval(
    statistic: Callable[[npt.NDArray[np.int64]], float | None],
    components: npt.NDArray[np.str_],
    seed: int,
) -> Interval | None:
    """Return the percentile interval of a `statistic` of rows, given as their numbers, over resampled `components`.

    For what is no mean (a correlation, say). Draws in which the statistic does not exist are left out; None where
    there are fewer than two components, or it hardly ever exists.
    """
    names, inverse = np.unique(components, return_inverse=True)
    members = [np.flatnonzero(inverse == at) for at in range(len(names))]
    random = np.random.default_rng(seed)
    drawn = (
        random.integers(0, len(names), size=len(names))
        for _ in range(FEW_RESAMPLES if len(names) > 1 else 0)
    )
    found = [
        value
        for draw in drawn
        if (value := statistic(np.concatenate([members[at] for at in draw]))) is not None
    ]
    if len(found) < FEW_RESAMPLES / 2:
        return None
    low, high = np.quantile(found, [0.025, 0.975])
    return Interval(float(low), float(high))
