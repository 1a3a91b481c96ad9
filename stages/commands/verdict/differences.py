"""The difference of two systems on the same queries, and what it is worth.

The unit of evidence is the component: components are independent, queries are not. This file needs
NumPy alone, so that `verdict` can be installed without the pipeline. `compare` uses it too.

Sources: Schuirmann 1987 (two one-sided tests), Holm 1979 (several tests).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.analysis.intervals import (
    ALPHA,
    DETECTABLE_ERRORS,
    MIN_COMPONENTS,
    NORMAL_QUANTILE,
    MeanInterval,
    add_seed_variance,
    holm_correction,
    random_half_means,
    sign_flip,
)
from stages.lib.evaluation.weights import weighted_mean

Outcome = Literal["better", "worse", "equivalent", "no evidence", "not comparable"]

# Standard errors to either end of a 90 % interval.
_NORMAL_90 = 1.645


class Difference(NamedTuple):
    """The difference of two versions in one metric, newer minus older, before it has an outcome.

    Attributes:
        name: the metric or slice.
        before: weighted mean of the older version.
        after: weighted mean of the newer version.
        plain: difference of the means in which each query counts once.
        effect: mean difference with its 95 % interval; None under MIN_COMPONENTS.
        narrow: the 90 % interval, which decides on equivalence.
        p_value: of a sign-flip test by component; 1 under MIN_COMPONENTS.
        queries: number of queries.
        components: number of components.
    """

    name: str
    before: float
    after: float
    plain: float
    effect: MeanInterval | None
    narrow: tuple[float, float]
    p_value: float
    queries: int
    components: int


class Comparison(NamedTuple):
    """A difference with its outcome.

    Attributes:
        name: the metric or slice.
        outcome: better, worse, equivalent, no evidence, or not comparable.
        before: weighted mean of the older version.
        after: weighted mean of the newer version.
        plain: difference of the means in which each query counts once.
        effect: mean difference with its 95 % interval; None under MIN_COMPONENTS.
        p_value: corrected if it is one of several.
        queries: number of queries.
        components: number of components.
    """

    name: str
    outcome: Outcome
    before: float
    after: float
    plain: float
    effect: MeanInterval | None
    p_value: float | None
    queries: int
    components: int


def measure_difference(
    name: str,
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    *,
    components: npt.ArrayLike,
    component_weight: int,
    seed: int,
    seed_sd: float = 0.0,
) -> Difference:
    """Return the difference of two results with its intervals and its p-value.

    Both sides have the same weights, those of the components of the queries that are compared.

    Args:
        name: the metric or slice.
        before: scores of the older version, shape (queries,).
        after: scores of the newer version, for the same queries in the same order.
        components: the component of each query, in this order.
        component_weight: the most queries that a component counts as.
        seed: of the random halves and sign flips.
        seed_sd: standard deviation of a mean over trainings that differ only in their seed. It
            widens both intervals. 0 if both results come from one training.
    """
    before_scores = np.asarray(before, dtype=np.float64)
    after_scores = np.asarray(after, dtype=np.float64)
    differences = after_scores - before_scores
    component_ids = np.asarray(components, dtype=str)
    count = len(np.unique(component_ids))

    # Means without an interval: all that too few components give.
    difference = Difference(
        name=name,
        before=_mean(before_scores, component_ids, component_weight),
        after=_mean(after_scores, component_ids, component_weight),
        plain=float(differences.mean()) if count else float("nan"),
        effect=None,
        narrow=(-np.inf, np.inf),
        p_value=1.0,
        queries=len(differences),
        components=count,
    )
    if count < MIN_COMPONENTS:
        return difference

    # Both intervals come from the same random halves.
    means = random_half_means(differences, component_ids, seed, component_weight=component_weight)
    low, low_90, high_90, high = np.quantile(means, [0.025, 0.05, 0.95, 0.975]).tolist()
    mean = weighted_mean(differences, component_ids, component_weight)
    mde = float(DETECTABLE_ERRORS * means.std(ddof=1))

    # Another training seed could have moved both ends of both intervals.
    narrow = add_seed_variance(
        MeanInterval(mean, low_90, high_90, mde), seed_sd * _NORMAL_90 / NORMAL_QUANTILE
    )
    return difference._replace(
        effect=add_seed_variance(MeanInterval(mean, low, high, mde), seed_sd),
        narrow=(narrow.low, narrow.high),
        p_value=sign_flip(differences, component_ids, seed, component_weight=component_weight),
    )


def _mean(
    scores: npt.NDArray[np.float64], components: npt.NDArray[np.str_], component_weight: int
) -> float:
    """Return the weighted mean; NaN without queries."""
    return weighted_mean(scores, components, component_weight) if len(scores) else float("nan")


def compare_difference(
    difference: Difference, delta: float, p_value: float | None = None
) -> Comparison:
    """Return the outcome of a difference; `p_value` replaces its own if it is one of several.

    Equivalence is tested first (two one-sided tests, Schuirmann 1987). A difference that is
    certainly smaller than `delta` is no progress, even if it is certainly not 0. Better and worse
    need an interval without 0 and a significant sign-flip test.
    """
    if p_value is None:
        p_value = difference.p_value
    effect = difference.effect

    # Without an interval, or with a wide one, there is no evidence either way.
    outcome: Outcome = "no evidence"
    if effect is not None:
        low, high = difference.narrow
        if -delta < low and high < delta:
            outcome = "equivalent"
        elif p_value <= ALPHA and effect.low > 0.0:
            outcome = "better"
        elif p_value <= ALPHA and effect.high < 0.0:
            outcome = "worse"

    return Comparison(
        name=difference.name,
        outcome=outcome,
        before=difference.before,
        after=difference.after,
        plain=difference.plain,
        effect=effect,
        p_value=p_value,
        queries=difference.queries,
        components=difference.components,
    )


def compare_differences(differences: list[Difference], delta: float) -> list[Comparison]:
    """Return the outcomes of several differences, corrected for their number (Holm 1979)."""
    corrected = holm_correction([difference.p_value for difference in differences])
    return [
        compare_difference(difference, delta, p_value)
        for difference, p_value in zip(differences, corrected, strict=True)
    ]
