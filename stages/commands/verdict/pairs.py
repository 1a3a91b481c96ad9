"""Compare each two runs, and say what each comparison is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.commands.verdict.differences import (
    Comparison,
    Difference,
    compare_differences,
    measure_difference,
)
from stages.commands.verdict.measures import Names, Scores
from stages.commands.verdict.prediction_powered import (
    MIN_LABELLED_GROUPS,
    JoinedEstimate,
    join_labels,
)
from stages.commands.verdict.sample_size import EVEN_CHANCE, queries_to_decide
from stages.lib.analysis.intervals import DETECTABLE_ERRORS, MeanInterval

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
        queries_to_decide: how many more queries like these would decide in 4 of 5 cases; None if
            these decide, or if no number would.
        changes: query to its difference, the largest loss first.
        joined: how labels of people and of a judge were joined; None with labels of one kind.
        queries_for_even_chance: as `queries_to_decide`, in 1 of 2 cases.
    """

    first: str
    second: str
    comparison: Comparison
    queries_to_decide: int | None
    changes: dict[str, float]
    joined: JoinedEstimate | None = None
    queries_for_even_chance: int | None = None


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
        compared.append(
            RunPair(
                first,
                second,
                comparison,
                queries_to_decide(difference, comparison, delta),
                _sorted_changes(scores_of_run[second] - scores_of_run[first], query_ids),
                queries_for_even_chance=queries_to_decide(
                    difference, comparison, delta, EVEN_CHANCE
                ),
            )
        )
    return compared


def _sorted_changes(changes: Scores, query_ids: Sequence[str]) -> dict[str, float]:
    """Return query to its difference, the largest loss first."""
    order = np.argsort(changes, kind="stable")
    return {query_ids[row]: float(changes[row]) for row in order}


class JointScores(NamedTuple):
    """The measures of runs by a judge for all queries, and by people for some.

    Attributes:
        by_people: name of the run to the measure of each query, shape (queries,). It counts only
            where people labelled the query.
        by_judge: the same by the labels of the judge.
        is_labelled: whether people labelled the query, shape (queries,).
    """

    by_people: Mapping[str, Scores]
    by_judge: Mapping[str, Scores]
    is_labelled: npt.NDArray[np.bool_]

    def of_rows(self, rows: npt.NDArray[np.int64]) -> JointScores:
        """Return the measures of some of the queries."""
        return JointScores(
            {name: scores[rows] for name, scores in self.by_people.items()},
            {name: scores[rows] for name, scores in self.by_judge.items()},
            self.is_labelled[rows],
        )

    def labelled_groups(self, groups: Names) -> int:
        """Return the number of groups with a query that people labelled."""
        return len(np.unique(groups[self.is_labelled]))

    def join(self, second: str, first: str | None, groups: Names) -> JoinedEstimate:
        """Return the estimate of the mean of a run, minus that of another one if it is named."""
        by_people = self.by_people[second]
        by_judge = self.by_judge[second]
        if first is not None:
            by_people = by_people - self.by_people[first]
            by_judge = by_judge - self.by_judge[first]
        return join_labels(by_people, by_judge, self.is_labelled, groups, GROUP_WEIGHT)


def compare_joint_runs(
    scores: JointScores,
    query_ids: Sequence[str],
    groups: Names,
    *,
    name: str,
    delta: float,
) -> list[RunPair]:
    """Return all pairs of runs by labels of people and a judge, corrected for their number.

    Args:
        scores: the measures.
        query_ids: the queries, in their order.
        groups: the group of each query, shape (queries,).
        name: the name of the measure.
        delta: the largest difference that counts as none.
    """
    pairs = list(combinations(scores.by_judge, 2))
    estimates = [scores.join(second, first, groups) for first, second in pairs]
    differences = []
    for (first, _), estimate in zip(pairs, estimates, strict=True):
        before = scores.join(first, None, groups).mean
        differences.append(joint_difference(estimate, before, name))

    compared = []
    comparisons = compare_differences(differences, delta)
    for (first, second), comparison, estimate in zip(pairs, comparisons, estimates, strict=True):
        changes = scores.by_judge[second] - scores.by_judge[first]
        sorted_changes = _sorted_changes(changes, query_ids)
        compared.append(RunPair(first, second, comparison, None, sorted_changes, estimate))
    return compared


def joint_difference(estimate: JoinedEstimate, before: float, name: str) -> Difference:
    """Return the difference of two runs by labels of people and a judge.

    Args:
        estimate: the difference.
        before: the mean of the one run, by both kinds of labels.
        name: the name of the measure or slice.
    """
    effect = None
    if estimate.labelled_groups >= MIN_LABELLED_GROUPS:
        low, high = estimate.interval(0.95)
        mde = DETECTABLE_ERRORS * estimate.standard_error
        effect = MeanInterval(estimate.mean, low, high, mde)
    return Difference(
        name=name,
        before=before,
        after=before + estimate.mean,
        plain=estimate.people_mean,
        effect=effect,
        narrow=estimate.interval(0.90),
        p_value=estimate.p_value if effect is not None else 1.0,
        queries=estimate.labelled,
        components=estimate.labelled_groups,
    )


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


def indistinct(pairs: list[RunPair], names: list[str]) -> dict[str, list[str]]:
    """Return the runs that each run cannot be told apart from, in the order of `names`."""
    neighbours: dict[str, list[str]] = {name: [] for name in names}
    for pair in pairs:
        if pair.comparison.outcome not in ("better", "worse"):
            neighbours[pair.first].append(pair.second)
            neighbours[pair.second].append(pair.first)
    return {name: sorted(neighbours[name], key=names.index) for name in names}
