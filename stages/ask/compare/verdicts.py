"""Verdicts: what a difference between two versions is worth, given how many independent questions show it."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from stages.lib.params import Section
from stages.lib.statistics import ALPHA, DETECTABLE, LEAST_COMPONENTS, Effect, holm, resampled, sign_flip

Word = Literal["better", "worse", "equivalent", "no evidence", "not comparable"]


class CompareParams(Section):
    """Section `compare` of params.yaml: from when on a difference counts."""

    section: ClassVar[str] = "compare"
    delta: float = Field(gt=0.0, le=0.5)


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
    name: str, before: pd.Series[float], after: pd.Series[float], components: pd.Series[str], seed: int
) -> Difference:
    """Return the difference of two results (queries,) of one index, with its interval and its p-value."""
    differences = np.asarray(after - before, dtype=np.float64)
    names = components.to_numpy(dtype=str)
    count = len(np.unique(names))
    told = (name, float(before.mean()), float(after.mean()))
    if count < 2:
        return Difference(*told, None, (-np.inf, np.inf), 1.0, len(differences), count)
    means = resampled(differences, names, seed)
    low, lower, upper, high = np.quantile(means, [0.025, 0.05, 0.95, 0.975]).tolist()
    effect = Effect(float(differences.mean()), low, high, float(DETECTABLE * means.std(ddof=1)))
    p = sign_flip(differences, names, seed)
    return Difference(*told, effect, (lower, upper), p, len(differences), count)


def judge(tested: Difference, delta: float, p: float | None = None) -> Verdict:
    """Return the verdict on what was `tested`; `p` is its corrected p-value, where it is one of several.

    Equivalent within `delta` is asked first (two one-sided tests, Schuirmann 1987): what is certainly smaller than
    that is no progress, however certain. Better and worse need both an interval without 0 and the sign-flip test.
    """
    p = tested.p if p is None else p
    effect = tested.effect
    word: Word = "no evidence"
    if effect is not None and tested.components >= LEAST_COMPONENTS:
        if -delta < tested.narrow[0] and tested.narrow[1] < delta:
            word = "equivalent"
        elif p <= ALPHA and effect.low > 0.0:
            word = "better"
        elif p <= ALPHA and effect.high < 0.0:
            word = "worse"
    return Verdict(tested.name, word, tested.before, tested.after, effect, p, tested.queries, tested.components)


def judge_all(tested: list[Difference], delta: float) -> list[Verdict]:
    """Return the verdicts on several differences, corrected for their number (Holm)."""
    corrected = holm([one.p for one in tested])
    return [judge(one, delta, p) for one, p in zip(tested, corrected, strict=True)]
