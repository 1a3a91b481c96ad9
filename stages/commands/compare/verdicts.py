"""Verdicts: what a difference between two versions is worth, given how many independent questions show it."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from stages.commands.compare.sides import MODEL, TRAINED, Side
from stages.lib.params import Section
from stages.lib.statistics import (
    ALPHA,
    DETECTABLE,
    LEAST_COMPONENTS,
    NORMAL,
    Effect,
    holm,
    resampled,
    sign_flip,
    widened,
)

Word = Literal["better", "worse", "equivalent", "no evidence", "not comparable"]
NARROW = 1.645  # standard errors to either end of a 90 % interval


class CompareParams(Section):
    """Section `compare` of params.yaml: from when on a difference counts."""

    section: ClassVar[str] = "compare"
    delta: float = Field(gt=0.0, le=0.5)


def seed_sd(before: Side, after: Side, system: str) -> float:
    """Return by how much the mean of `system` varies with the seed of training: `evaluate.seed_sd`.

    0 where both sides have the same fine-tuned model, or another system was asked for, or nobody has measured it.
    """
    models = [one.content(MODEL) for one in (before, after)]
    if system != TRAINED or models[0] == models[1] is not None:
        return 0.0
    return float(after.params().get("evaluate.seed_sd") or 0.0)


class Verdict(NamedTuple):
    """One difference, after minus before: the word for it, its size, and on how much it stands.

    `p` is that of a sign-flip test by component, corrected where it is one of several; None where nothing was tested.
    """

    name: str
    word: Word
    before: float
    after: float
    effect: Effect | None
    p: float | None
    queries: int
    components: int


class Difference(NamedTuple):
    """A difference before its verdict: `narrow` is its 90 % interval, by which equivalence is judged."""

    name: str
    before: float
    after: float
    effect: Effect | None
    narrow: tuple[float, float]
    p: float
    queries: int
    components: int


def difference(
    name: str,
    before: pd.Series[float],
    after: pd.Series[float],
    components: pd.Series[str],
    seed: int,
    seed_sd: float = 0.0,
) -> Difference:
    """Return the difference of two results (queries,) of one index, with its interval and its p-value.

    Under LEAST_COMPONENTS it has no interval, and p is 1.

    `seed_sd` is how much a mean differs between two trainings that differ in nothing but their seed (standard
    deviation); 0 where both results come from one training, or nobody has measured it. It widens both intervals.
    """
    differences = np.asarray(after - before, dtype=np.float64)
    names = components.to_numpy(dtype=str)
    count = len(np.unique(names))
    told = (name, float(before.mean()), float(after.mean()))
    if count < LEAST_COMPONENTS:
        return Difference(*told, None, (-np.inf, np.inf), 1.0, len(differences), count)
    means = resampled(differences, names, seed)
    low, lower, upper, high = np.quantile(means, [0.025, 0.05, 0.95, 0.975]).tolist()
    mean, mde = float(differences.mean()), float(DETECTABLE * means.std(ddof=1))
    effect = widened(Effect(mean, low, high, mde), seed_sd)
    narrow = widened(Effect(mean, lower, upper, mde), seed_sd * NARROW / NORMAL)
    p = sign_flip(differences, names, seed)
    return Difference(*told, effect, (narrow.low, narrow.high), p, len(differences), count)


def judge(tested: Difference, delta: float, p: float | None = None) -> Verdict:
    """Return the verdict on what was `tested`; `p` is its corrected p-value, where it is one of several.

    Equivalent within `delta` is asked first (two one-sided tests, Schuirmann 1987): what is certainly smaller than
    that is no progress, however certain. Better and worse need both an interval without 0 and the sign-flip test.
    """
    p = tested.p if p is None else p
    effect = tested.effect
    word: Word = "no evidence"
    if effect is not None:
        if -delta < tested.narrow[0] and tested.narrow[1] < delta:
            word = "equivalent"
        elif p <= ALPHA and effect.low > 0.0:
            word = "better"
        elif p <= ALPHA and effect.high < 0.0:
            word = "worse"
    return Verdict(
        tested.name, word, tested.before, tested.after, effect, p, tested.queries, tested.components
    )


def judge_all(tested: list[Difference], delta: float) -> list[Verdict]:
    """Return the verdicts on several differences, corrected for their number (Holm)."""
    corrected = holm([one.p for one in tested])
    return [judge(one, delta, p) for one, p in zip(tested, corrected, strict=True)]
