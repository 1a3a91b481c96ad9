"""How often the test set was opened, and what choosing the best of so many tries is worth."""

from __future__ import annotations

from typing import NamedTuple

from stages.ask.compare.sides import Side, history
from stages.lib.errors import Problem


class Openings(NamedTuple):
    """The commits that wrote new test results on one benchmark, and the luck of the best of them."""

    commits: list[str]
    luck: float


def openings(now: Side, error: float) -> Openings:
    """Return the commits whose test results differ from those before, on the benchmark of `now`.

    `error` is the standard error of a difference between two versions. The luck is how far the best of so many equal
    versions stands above their mean, on average.
    """
    benchmark = now.metrics("evaluate").get("benchmark")
    seen, commits = set(), []
    for one in history("metrics/queries/test.tsv"):
        try:
            table = one.text("metrics/queries/test.tsv")
        except Problem:
            continue
        if one.metrics("evaluate").get("benchmark") == benchmark and table not in seen:
            seen.add(table)
            commits.append(one.name)
    # A difference has the errors of two versions in it.
    return Openings(commits, best_of(len(commits)) * error / 2**0.5)


def best_of(count: int) -> float:
    """Return the mean of the largest of `count` standard normal draws: 0 for one, 1.03 for four, 1.54 for ten."""
    if count < 2:
        return 0.0
    from scipy import integrate, stats

    # The density of the largest of n draws is n times that of one, times the chance that the others lie below.
    found, _ = integrate.quad(
        lambda at: count * at * stats.norm.pdf(at) * stats.norm.cdf(at) ** (count - 1), -10.0, 10.0
    )
    return float(found)
