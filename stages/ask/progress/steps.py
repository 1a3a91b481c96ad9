"""The steps of a history: each version with its result, and its verdict against the one before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np

from stages.ask.compare.common import ground
from stages.ask.compare.sides import Side, subject
from stages.ask.compare.verdicts import Verdict, difference, judge
from stages.lib.errors import Problem
from stages.lib.statistics import LEAST_COMPONENTS, effect

PRIMARY = "ndcg_at_10"
SETTLED = 3  # so many changes that are all equivalent say that iterating pays no more


class Step(NamedTuple):
    """One version: the mean of its results with a 95 % interval, and what it is against the one before.

    `reason` says why there is no verdict, where there is none but for the first.
    """

    name: str
    subject: str
    mean: float
    low: float
    high: float
    verdict: Verdict | None
    reason: str = ""


def steps(sides: Sequence[Side], split: str, system: str, delta: float) -> list[Step]:
    """Return a step for every version that has results and differs from the one before."""
    found: list[Step] = []
    last, path = cast("Side | None", None), f"metrics/queries/{split}.tsv"
    for one in sides:
        try:
            results = one.results(split, system)
            if last is not None and one.text(path) == last.text(path):
                continue
        except Problem:
            continue
        values = results[PRIMARY].to_numpy(dtype=np.float64)
        names = results["component_id"].to_numpy(dtype=str)
        mean, low, high = float(values.mean()), float("nan"), float("nan")
        if len(np.unique(names)) >= LEAST_COMPONENTS:
            _, low, high, _ = effect(values, names, seed=0)
        verdict, reason = (None, "") if last is None else _against(last, one, split, system, delta)
        found.append(Step(one.name, subject(one), mean, low, high, verdict, reason))
        last = one
    return found


def _against(before: Side, after: Side, split: str, system: str, delta: float) -> tuple[Verdict | None, str]:
    try:
        found = ground(before, after, split, system)
    except Problem as problem:
        return None, problem.fact
    tested = difference(PRIMARY, found.before[PRIMARY], found.after[PRIMARY], found.after["component_id"], seed=0)
    verdict = judge(tested, delta)
    return (verdict if found.comparable else verdict._replace(word="not comparable")), ""


def advice(found: Sequence[Step], delta: float) -> str:
    """Say in a sentence whether iterating still pays."""
    words = [step.verdict.word if step.verdict else "not comparable" for step in found[1:]]
    if not words:
        return "There is one version. Change something, run `make repro`, and ask again."
    if len(words) >= SETTLED and set(words[-SETTLED:]) == {"equivalent"}:
        return (
            f"The last {SETTLED} changes are equivalent within {delta:g}: these data are worth what they are worth. "
            "Fine-tune longer or on more of them, or bring new data."
        )
    told = {
        "better": "The last change helped: go on.",
        "worse": "The last change did harm: take it back.",
        "equivalent": f"The last change is equivalent within {delta:g}: try something larger.",
        "no evidence": "The last change could not be told from chance: a larger one could, or more queries.",
        "not comparable": "The last change cannot be compared with what was before: ask `python -m stages compare`.",
    }
    return told[words[-1]]
