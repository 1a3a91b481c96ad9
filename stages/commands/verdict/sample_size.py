"""How many more queries would decide: for an even chance, and so that four of five such sets do.

The difference that a set shows is not the true one: it has an error. To count with it as if it were
true promises too little. Here the true difference is as uncertain as the interval says, and the new
queries have an error of their own. The numbers told are the smallest with which the verdict comes
with a probability of 50 % and of 80 % (predictive power: Spiegelhalter, Freedman and Blackburn
1986). They are a range and no forecast: from one and the same set the verdict comes soon or late by
chance (docs/decisions/0049-queries-that-would-decide.md).
"""

from __future__ import annotations

import math

from stages.commands.verdict.differences import Comparison, Difference
from stages.lib.analysis.intervals import DETECTABLE_ERRORS, NORMAL_QUANTILE

# The probabilities with which the numbers of queries decide.
EVEN_CHANCE = 0.5
POWER = 0.8

# Standard errors to either end of a 90 % interval.
_NORMAL_90 = 1.645

# Numbers of queries grow by this factor in the search, up to so many times the set at hand.
_STEP = 1.02
_MAX_GROWTH = 1000.0


def queries_to_decide(
    difference: Difference, comparison: Comparison, delta: float, power: float = POWER
) -> int | None:
    """Return how many more queries would decide with a probability of `power`.

    The result is None if the verdict is there, if there is no interval, or if 1,000 times as many
    queries would not be enough.

    Args:
        difference: the difference with its intervals.
        comparison: its outcome.
        delta: the largest difference that counts as none.
        power: the probability, above 0 and below 1.
    """
    effect = comparison.effect
    if comparison.outcome != "no evidence" or effect is None:
        return None

    error = effect.mde / DETECTABLE_ERRORS
    growth = 1.0
    while growth < _MAX_GROWTH:
        growth *= _STEP
        if deciding_power(effect.mean, error, growth, delta) >= power:
            return max(1, math.ceil(comparison.queries * (growth - 1.0)))
    return None


def deciding_power(mean: float, error: float, growth: float, delta: float) -> float:
    """Return the probability that a set which has grown shows a verdict.

    Args:
        mean: the mean difference at hand.
        error: its standard error.
        growth: how many times as many queries the grown set has, above 1.
        delta: the largest difference that counts as none.

    >>> round(deciding_power(mean=0.02, error=0.02, growth=8.0, delta=0.001), 2)
    0.66
    """
    # The mean of the grown set is around the mean at hand. Its spread holds the error of the true
    # mean and that of the new queries: error^2 (1 - 1 / growth).
    spread = error * math.sqrt(1.0 - 1.0 / growth)
    new_error = error / math.sqrt(growth)
    if spread == 0.0:
        return 1.0

    # Better or worse: the mean is further from 0 than the interval reaches.
    margin = NORMAL_QUANTILE * new_error
    decided = _share_above(margin, mean, spread) + _share_above(margin, -mean, spread)

    # Equivalent: the 90 % interval lies within delta. Both may hold for small differences.
    room = delta - _NORMAL_90 * new_error
    if room > 0.0:
        inner = min(room, margin)
        decided += 1.0 - _share_above(inner, mean, spread) - _share_above(inner, -mean, spread)
    return decided


def _share_above(value: float, mean: float, spread: float) -> float:
    """Return the share of a normal distribution above a value."""
    return 0.5 * math.erfc((value - mean) / (spread * math.sqrt(2.0)))
