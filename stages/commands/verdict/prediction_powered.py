"""Labels of people for a few queries, joined with those of a judge for all of them.

A judge is a cross-encoder, a language model, or anything else that labels hits cheaply and makes
mistakes. Its labels alone would be biased. Prediction-powered inference (Angelopoulos et al. 2023)
measures that bias on the queries that people labelled too, and takes it off:

    mean(people) + weight * (mean(judge, all queries) - mean(judge, queries of people))

The weight is the one with the least variance (power tuning of PPI++, Angelopoulos, Duchi and
Zrnic 2023): about 1 for a good judge, and 0 for one that knows nothing. So a bad judge widens the
interval by little. The estimate is unbiased whatever the judge is, if the queries that people
labelled were drawn by chance.

Variances are of whole groups: each group adds what it moves the estimate by (its influence), with
its queries of both kinds. So it does not matter that groups have queries of both kinds. Few groups
are labelled, so intervals are those of Student's t, and variances are corrected for it (HC3 of
MacKinnon and White 1985). They are too narrow for a judge that is seldom wrong, and then always in
favour of one system: 30 queries may show none of its errors.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.commands.verdict.measures import Names, Scores
from stages.lib.evaluation.weights import query_weights

# With fewer labelled groups intervals are too narrow (docs/decisions/0038-verdict.md).
MIN_LABELLED_GROUPS = 20

# Points at which Student's t is integrated.
_T_POINTS = 20_001


class JoinedEstimate(NamedTuple):
    """A mean difference by people and a judge.

    Attributes:
        mean: the mean difference.
        standard_error: its standard error.
        freedom: the degrees of freedom of Student's t.
        judge_weight: how much the judge counts, from 0 to 1.
        people_mean: the mean difference by the labels of people alone.
        people_error: the standard error of that.
        labelled: the number of queries that people labelled.
        labelled_groups: the number of their groups.
    """

    mean: float
    standard_error: float
    freedom: int
    judge_weight: float
    people_mean: float
    people_error: float
    labelled: int
    labelled_groups: int

    def interval(self, share: float) -> tuple[float, float]:
        """Return the interval that holds the true mean with the probability `share`."""
        margin = t_quantile((1 + share) / 2, self.freedom) * self.standard_error
        return self.mean - margin, self.mean + margin

    @property
    def p_value(self) -> float:
        """The two-sided p-value of the hypothesis that the systems are the same."""
        if self.standard_error == 0:
            return 1.0 if self.mean == 0 else 0.0
        return 2 * t_tail(abs(self.mean) / self.standard_error, self.freedom)


def join_labels(
    by_people: Scores,
    by_judge: Scores,
    is_labelled: npt.NDArray[np.bool_],
    groups: Names,
    component_weight: int,
) -> JoinedEstimate:
    """Return the mean difference of two systems, by people and a judge.

    Args:
        by_people: the difference of each query by the labels of people, shape (queries,). It
            counts only where people labelled the query.
        by_judge: the same by the labels of the judge.
        is_labelled: whether people labelled the query.
        groups: the group of each query.
        component_weight: the most queries that a group counts as.

    Raises:
        ValueError: people labelled fewer than four groups.

    >>> by_judge = np.arange(40.0) % 5
    >>> is_labelled = np.arange(40) < 8
    >>> groups = np.arange(40).astype(str)
    >>> joined = join_labels(by_judge + 1, by_judge, is_labelled, groups, 10)
    >>> round(joined.people_mean, 1), round(joined.mean, 1)
    (2.6, 3.0)
    """
    labelled_groups = len(np.unique(groups[is_labelled]))
    if labelled_groups < 4:
        raise ValueError(f"{labelled_groups} labelled groups give no interval")

    # Weights that sum to 1, over all queries and over those of people.
    weights = query_weights(groups, component_weight)
    of_all = weights / weights.sum()
    of_people = np.where(is_labelled, weights, 0.0)
    of_people = of_people / of_people.sum()

    people = np.where(is_labelled, by_people, 0.0)
    people_mean = float(of_people @ people)
    correction = float((of_all - of_people) @ by_judge)
    influence = _influences(people, by_judge, of_all, of_people, groups)

    judge_weight = influence.best_weight()
    joined = influence.joined(judge_weight)
    scale = labelled_groups / (labelled_groups - 1)
    return JoinedEstimate(
        mean=people_mean + judge_weight * correction,
        standard_error=float((joined @ joined / scale) ** 0.5),
        freedom=labelled_groups - 1 - (judge_weight > 0),
        judge_weight=judge_weight,
        people_mean=people_mean,
        people_error=float((scale * (influence.people @ influence.people)) ** 0.5),
        labelled=int(is_labelled.sum()),
        labelled_groups=labelled_groups,
    )


class _Influences(NamedTuple):
    """What each group moves, shape (groups,).

    Attributes:
        people: the mean of people.
        judge: the correction by the judge.
        shares: the share of the group in the weights of people.
    """

    people: Scores
    judge: Scores
    shares: Scores

    def best_weight(self) -> float:
        """Return the weight of the judge with the least variance, from 0 to 1."""
        spread = float(self.judge @ self.judge)
        best = -float(self.people @ self.judge) / spread if spread > 0 else 0.0
        return min(1.0, max(0.0, best))

    def joined(self, judge_weight: float) -> Scores:
        """Return what each group moves the estimate by.

        A labelled group pulls the mean and the weight to itself, so that its influence looks too
        small. Dividing by what it leaves to the others is near a jackknife (HC3).
        """
        leverage = self.shares
        if judge_weight > 0:
            of_weight = self.judge**2 / float(self.judge @ self.judge)
            leverage = np.where(leverage > 0, leverage + of_weight, 0.0)
        influence = self.people + judge_weight * self.judge
        return np.asarray(influence / (1.0 - np.minimum(leverage, 0.9)))


def _influences(
    people: Scores, by_judge: Scores, of_all: Scores, of_people: Scores, groups: Names
) -> _Influences:
    _, group_numbers = np.unique(groups, return_inverse=True)
    moves = of_people * (people - of_people @ people)
    corrections = of_all * (by_judge - of_all @ by_judge)
    corrections = corrections - of_people * (by_judge - of_people @ by_judge)
    return _Influences(
        people=_sums(group_numbers, moves),
        judge=_sums(group_numbers, corrections),
        shares=_sums(group_numbers, of_people),
    )


def _sums(group_numbers: npt.NDArray[np.int64], values: Scores) -> Scores:
    """Return the sum of the values of each group, shape (groups,)."""
    return np.asarray(np.bincount(group_numbers, weights=values), dtype=np.float64)


def t_quantile(share: float, freedom: int) -> float:
    """Return the quantile of Student's t.

    >>> round(t_quantile(0.975, 29), 3)
    2.045
    """
    angles, below = _t_shares(freedom)
    return float(freedom**0.5 * np.tan(np.interp(share, below, angles)))


def t_tail(value: float, freedom: int) -> float:
    """Return the probability that Student's t is above `value`.

    >>> round(t_tail(2.045, 29), 4)
    0.025
    """
    angles, below = _t_shares(freedom)
    return float(1.0 - np.interp(np.arctan(value / freedom**0.5), angles, below))


def _t_shares(freedom: int) -> tuple[Scores, Scores]:
    """Return angles, and the share of Student's t that is below each of them.

    The tangent of an angle, times the root of the degrees of freedom, is a value of t. The density
    over the angles is a power of the cosine.
    """
    angles = np.linspace(-np.pi / 2, np.pi / 2, _T_POINTS)
    density = np.abs(np.cos(angles)) ** (freedom - 1)
    steps = (density[1:] + density[:-1]) / 2
    below = np.concatenate([[0.0], np.cumsum(steps)])
    return angles, below / below[-1]
