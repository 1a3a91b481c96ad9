"""How often the test set was opened, and what choosing the best of so many tries is worth."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from stages.commands.compare.sides import Side, blob_of, contents

TEST = "metrics/queries/test.tsv"


class Openings(NamedTuple):
    """The versions that wrote new test results on one benchmark, and the luck of the best of them."""

    versions: list[str]
    luck: float

    def __str__(self) -> str:
        """Say it in a sentence."""
        count = len(self.versions)
        told = f"The test set was opened {count} time{'s' * (count != 1)} on this benchmark"
        if count < 2:
            return f"{told}."
        return f"{told}: the best of {count} equal versions stands {self.luck:+.4f} above their mean by luck alone."


def openings(now: Side, error: float) -> Openings:
    """Return the versions whose test results differ from all before, on the benchmark of `now`, itself among them.

    Every commit of every branch and every experiment counts: a try that was given up was a try. `error` is the standard
    error of a difference between two versions. The luck is how far the best of so many equal versions stands above
    their mean, on average.
    """
    benchmark = now.metrics("evaluate").get("benchmark")
    tries = [
        (one.name, blob)
        for one, blob in contents(TEST)
        if one.metrics("evaluate").get("benchmark") == benchmark
    ]
    if (own := blob_of(now, TEST)) is not None:
        tries.append((now.name, own))
    first: dict[str, str] = {}
    for name, blob in tries:
        first.setdefault(blob, name)
    # A difference has the errors of two versions in it.
    return Openings(list(first.values()), best_of(len(first)) * error / 2**0.5)


def best_of(count: int) -> float:
    """Return the mean of the largest of `count` standard normal draws: 0 for one, 1.03 for four, 1.54 for ten."""
    if count < 2:
        return 0.0
    at = np.linspace(-10.0, 10.0, 20_001)
    below = np.array([(1.0 + math.erf(value / 2**0.5)) / 2.0 for value in at])
    # The density of the largest of n draws is n times that of one, times the chance that the others lie below.
    density = count * np.exp(-(at**2) / 2.0) / (2.0 * math.pi) ** 0.5 * below ** (count - 1)
    return float(np.trapezoid(at * density, at))
