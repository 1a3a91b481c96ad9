"""The probe and its learning curve: what this data teaches, and whether more of it would help.

Halves of the data are halves of its components, not of its rows: another question about a known document
teaches less than one about a new one. Which components are in follows from a hash of their name and the
seed, so that each part contains the smaller ones.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from stages.lib.passes import side_by_side
from stages.lib.probe import Rows, shuffled
from stages.lib.statistics import Effect, effect
from stages.lib.text import hash_hex
from stages.validate.exam import Exam, Scores

FRACTIONS = (0.125, 0.25, 0.5, 1.0)
SEEDS = 3
# Twice the data for less than a hundredth of nDCG@10 is not worth collecting.
LEVEL = 0.01

Trend = Literal["more helps", "levelled off", "unclear"]


class Point(NamedTuple):
    """nDCG@10 of a probe of some of the data."""

    fraction: float
    components: int
    rows: int
    seed: int
    ndcg_at_10: float


class Probed(NamedTuple):
    """What the data teaches: nDCG@10 of each query, mean over seeds, under all of it and under half of it.

    Effects are differences of nDCG@10: of all data to none, of the placebo to none, of all data to half. They
    are None where the queries are of a single component, which gives no interval.
    """

    scores: Scores
    gain: Effect | None
    placebo: Effect | None
    last_step: Effect | None
    points: list[Point]

    @property
    def trend(self) -> Trend:
        """Return what twice the data would do, going by what the last doubling did."""
        if self.last_step is None:
            return "unclear"
        if self.last_step.high < LEVEL:
            return "levelled off"
        return "more helps" if self.last_step.low > 0 else "unclear"

    def measured(self) -> dict[str, float | int | str]:
        """Return the metrics; what has no interval is left out."""
        told: dict[str, float | int | str] = {
            "probe.ndcg_at_10": float(self.scores.mean()),
            "curve.trend": self.trend,
        }
        for name, found in (("probe.gain", self.gain), ("probe.placebo_gain", self.placebo)):
            if found:
                told |= {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
        if self.gain:
            told["probe.gain_mde"] = self.gain.mde
        if self.last_step:
            step = self.last_step
            told |= {
                "curve.last_step": step.mean,
                "curve.last_step_low": step.low,
                "curve.last_step_high": step.high,
            }
        return told


def probe(exam: Exam, base: Scores, seed: int) -> Probed:
    """Return what `exam.rows` teach, in parts and as a placebo. `base` has nDCG@10 of each query before training."""
    parts = [
        (part(exam.rows, fraction, at), fraction, at)
        for at in range(SEEDS)
        for fraction in FRACTIONS
    ]
    tasks = [*((rows, seed + at) for rows, _, at in parts), (shuffled(exam.rows, seed), seed)]
    # The longest first, or one of them would run alone at the end.
    order = sorted(range(len(tasks)), key=lambda at: -len(tasks[at][0].anchors))
    done = side_by_side(lambda at: exam.scored(*tasks[at]), order, "probe")
    found = dict(zip(order, done, strict=True))
    scores = [found[at] for at in range(len(tasks))]

    def mean(wanted: float) -> Scores:
        chosen = [
            score
            for score, (_, fraction, _) in zip(scores, parts, strict=False)
            if fraction == wanted
        ]
        return np.asarray(np.mean(chosen, axis=0))

    full, half = mean(1.0), mean(0.5)
    points = [
        Point(fraction, len(np.unique(rows.components)), len(rows.anchors), at, float(score.mean()))
        for score, (rows, fraction, at) in zip(scores, parts, strict=False)
    ]
    return Probed(
        full,
        _effect(exam, full - base, seed),
        _effect(exam, scores[-1] - base, seed),
        _effect(exam, full - half, seed),
        points,
    )


def part(rows: Rows, fraction: float, seed: int) -> Rows:
    """Return the rows of that share of the components, at least one; another seed draws others."""
    names = sorted(
        np.unique(rows.components).tolist(), key=lambda name: hash_hex("curve", str(seed), name)
    )
    kept = names[: max(1, math.ceil(fraction * len(names)))]
    return rows.take(np.isin(rows.components, kept))


def table(points: list[Point], base: float) -> pd.DataFrame:
    """Return the plot's rows: fraction, components, rows, seed, ndcg_at_10; each seed begins at the base model."""
    starts = [Point(0.0, 0, 0, seed, base) for seed in sorted({point.seed for point in points})]
    frame = pd.DataFrame([*starts, *points], columns=Point._fields).round({"ndcg_at_10": 6})
    return frame.sort_values(["seed", "fraction"], ignore_index=True)


def _effect(exam: Exam, differences: Scores, seed: int) -> Effect | None:
    components = exam.components
    return effect(differences, components, seed) if len(np.unique(components)) > 1 else None
