"""The steps of a history: each version with its result, and its verdict against the one before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.commands.compare.common import ground
from stages.commands.compare.report import changes, shown
from stages.commands.compare.sides import METRICS, Side, subject
from stages.commands.compare.verdicts import Verdict, difference, judge, seed_sd
from stages.lib.errors import Problem
from stages.lib.statistics import LEAST_COMPONENTS, effect

PRIMARY = "ndcg_at_10"
MOST = 3  # parameters of an experiment that are told


class Asked(NamedTuple):
    """What is asked of every version: the split and the system, and from when on a difference counts."""

    split: str
    system: str
    delta: float


class Step(NamedTuple):
    """One version: the mean of its results with a 95 % interval, and what it is against the one before.

    `start` is the commit that an experiment started from, and is compared with. `problem` says why there is no verdict,
    where there is none but for the first.
    """

    side: Side
    subject: str
    mean: float
    low: float
    high: float
    verdict: Verdict | None
    problem: Problem | None = None
    start: str = ""

    @property
    def word(self) -> str:
        """Return the verdict in a word; empty where there is nothing to compare with."""
        if self.verdict is None:
            return "not comparable" if self.problem else ""
        return self.verdict.word


def steps(sides: Sequence[Side], asked: Asked) -> list[Step]:
    """Return a step for every version that has results, and other ones than the version before."""
    found: list[Step] = []
    last: tuple[Side, pd.DataFrame] | None = None
    for one in sides:
        results = results_of(one, asked)
        if results is None or (last is not None and results.equals(last[1])):
            continue
        made = step(one, last[0] if last else None, subject(one), asked)
        if made is not None:
            found.append(made)
            last = one, results
    return found


def results_of(one: Side, asked: Asked) -> pd.DataFrame | None:
    """Return the METRICS of one version by query id, in order; None where it has none."""
    try:
        return one.results(asked.split, asked.system)[list(METRICS)].sort_index()
    except Problem:
        return None


def tries(experiments: Sequence[tuple[Side, Side]], asked: Asked) -> list[Step]:
    """Return a step for every experiment that has results, against the commit it started from."""
    found = []
    for one, start in experiments:
        edits = changes(start.params(), one.params())
        told = [f"{key} {shown(old)} -> {shown(new)}" for key, old, new in edits[:MOST]]
        more = [f"{len(edits) - MOST} more"] if len(edits) > MOST else []
        made = step(one, start, ", ".join([*told, *more]), asked)
        if made is not None:
            found.append(made._replace(start=start.name))
    return found


def step(one: Side, before: Side | None, what: str, asked: Asked) -> Step | None:
    """Return one version as a step from the one `before`; None where it has no results."""
    try:
        results = one.results(asked.split, asked.system)
    except Problem:
        return None
    values = results[PRIMARY].to_numpy(dtype=np.float64)
    names = results["component_id"].to_numpy(dtype=str)
    mean, low, high = float(values.mean()), float("nan"), float("nan")
    if len(np.unique(names)) >= LEAST_COMPONENTS:
        _, low, high, _ = effect(values, names, seed=0)
    try:
        verdict = None if before is None else against(before, one, asked)
    except Problem as problem:
        return Step(one, what, mean, low, high, None, problem)
    return Step(one, what, mean, low, high, verdict)


def against(before: Side, after: Side, asked: Asked) -> Verdict:
    """Return the verdict on the primary metric. Raises Problem where what is needed is not at hand."""
    found = ground(before, after, asked.split, asked.system)
    old, new, components = found.before[PRIMARY], found.after[PRIMARY], found.after["component_id"]
    tested = difference(
        PRIMARY, old, new, components, seed=0, seed_sd=seed_sd(before, after, asked.system)
    )
    verdict = judge(tested, asked.delta)
    return verdict if found.comparable else verdict._replace(word="not comparable")
