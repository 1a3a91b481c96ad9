"""Compare each two runs, and say what each comparison is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from stages.commands.verdict.differences import (
    Comparison,
    Difference,
    compare_differences,
    measure_difference,
)
from stages.commands.verdict.measures import Names, Scores

_SEED = 20260101

# A group counts as at most this many queries. Else one large group decides alone, and intervals
# hold the truth too rarely (docs/decisions/0038-verdict.md).
GROUP_WEIGHT = 10


class RunPair(NamedTuple):
    """Two runs with their comparison.

    Attributes:
        first: the name of the one run, the base of the difference.
        second: the name of the other one.
        comparison: the difference, second minus first, with its outcome.
        queries_to_decide: how many more queries like these would decide; None if they do.
        changes: query to its difference, the largest loss first.
    """

    first: str
    second: str
    comparison: Comparison
    queries_to_decide: int | None
    changes: dict[str, float]


def compare_runs(
    scores_of_run: Mapping[str, Scores],
    query_ids: Sequence[str],
    groups: Names,
    *,
    name: str,
    delta: float,
) -> list[RunPair]:
    """Return all pairs of runs, their p-values corrected for the number of pairs (Holm 1979).

    Args:
        scores_of_run: name of the run to the measure of each query, shape (queries,).
        query_ids: the queries, in this order.
        groups: the group of each query, shape (queries,). Intervals resample groups.
        name: the name of the measure.
        delta: the largest difference that counts as none.
    """
    pairs = list(combinations(scores_of_run, 2))

    differences = [
        run_difference(scores_of_run[first], scores_of_run[second], groups, name)
        for first, second in pairs
    ]
    comparisons = compare_differences(differences, delta)

    compared = []
    for (first, second), difference, comparison in zip(
        pairs, differences, comparisons, strict=True
    ):
        changes = scores_of_run[second] - scores_of_run[first]
        order = np.argsort(changes, kind="stable")
        compared.append(
            RunPair(
                first,
                second,
                comparison,
                queries_to_decide(difference, comparison, delta),
                {query_ids[row]: float(changes[row]) for row in order},
            )
        )
    return compared


def run_difference(before: Scores, after: Scores, groups: Names, name: str) -> Difference:
    """Return the difference of two runs, in which a group counts as at most GROUP_WEIGHT queries.

    Args:
        before: the measure of each query in the one run, shape (queries,).
        after: that in the other run.
        groups: the group of each query.
        name: the name of the measure or slice.
    """
    return measure_difference(
        name, before, after, components=groups, component_weight=GROUP_WEIGHT, seed=_SEED
    )


def queries_to_decide(difference: Difference, comparison: Comparison, delta: float) -> int | None:
    """Return how many more queries would decide, if the difference stays as it is.

    The width of an interval falls with the root of the number of queries. A difference larger than
    `delta` is decided when the set could show it (with a power of 80 %). A smaller one is decided
    when its 90 % interval lies within `delta`.
    """
    effect = comparison.effect
    if comparison.outcome != "no evidence" or effect is None:
        return None

    size = abs(effect.mean)
    low, high = difference.narrow
    half_width = (high - low) / 2
    needed = []
    if size > 0:
        needed.append(comparison.queries * (effect.mde / size) ** 2)
    if size < delta:
        needed.append(comparison.queries * (half_width / (delta - size)) ** 2)
    more = min(needed) - comparison.queries
    return max(1, math.ceil(more))


def indistinct(pairs: list[RunPair], names: list[str]) -> dict[str, list[str]]:
    """Return the runs that each run cannot be told apart from, in the order of `names`."""
    neighbours: dict[str, list[str]] = {name: [] for name in names}
    for pair in pairs:
        if pair.comparison.outcome not in ("better", "worse"):
            neighbours[pair.first].append(pair.second)
            neighbours[pair.second].append(pair.first)
    return {name: sorted(neighbours[name], key=names.index) for name in names}
