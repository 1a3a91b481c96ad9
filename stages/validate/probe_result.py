"""What the data teaches the probe: gains with their intervals, and the points of the curve."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.analysis.intervals import MeanInterval

# Twice the data for less than a hundredth of nDCG@10 is not worth collecting.
MIN_STEP = 0.01

Scores = npt.NDArray[np.float64]
Trend = Literal["more helps", "levelled off", "unclear"]


class CurvePoint(NamedTuple):
    """nDCG@10 of a probe that learned a share of the data."""

    fraction: float
    components: int
    rows: int
    seed: int
    ndcg_at_10: float


class ProbeResult(NamedTuple):
    """What the data teaches a probe.

    An effect is a difference of nDCG@10 with its interval. It is None where all queries are of one
    component.

    Attributes:
        scores: shape (queries,), nDCG@10 of each query under all data, the mean over seeds.
        mean: the weighted mean of `scores`.
        plain_gain: the gain in which each query counts once.
        gain: all data compared with the base model.
        placebo: shuffled data compared with the base model.
        last_step: all data compared with half of it.
        points: the learning curve.
    """

    scores: Scores
    mean: float
    plain_gain: float
    gain: MeanInterval | None
    placebo: MeanInterval | None
    last_step: MeanInterval | None
    points: list[CurvePoint]

    @property
    def trend(self) -> Trend:
        """Return what twice the data would likely do. The last doubling decides."""
        if self.last_step is None:
            return "unclear"
        if self.last_step.high < MIN_STEP:
            return "levelled off"
        return "more helps" if self.last_step.low > 0 else "unclear"

    def metrics(self) -> dict[str, float | int | str]:
        """Return the metrics. Effects without an interval are left out."""
        metrics: dict[str, float | int | str] = {
            "probe.ndcg_at_10": self.mean,
            "plain.probe.ndcg_at_10": float(self.scores.mean()),
            "plain.probe.gain": self.plain_gain,
            "curve.trend": self.trend,
        }
        effects = {
            "probe.gain": self.gain,
            "probe.placebo_gain": self.placebo,
            "curve.last_step": self.last_step,
        }
        for name, difference in effects.items():
            if difference:
                metrics[name] = difference.mean
                metrics[f"{name}_low"] = difference.low
                metrics[f"{name}_high"] = difference.high

        # The smallest gain that this evaluation set would show four times in five.
        if self.gain:
            metrics["probe.gain_mde"] = self.gain.mde

        return metrics


def curve_table(points: list[CurvePoint], base: float) -> pd.DataFrame:
    """Return the rows of the plot, columns as in CurvePoint. Each seed begins at the base model."""
    seeds = sorted({point.seed for point in points})
    starts = [CurvePoint(0.0, 0, 0, seed=seed, ndcg_at_10=base) for seed in seeds]
    frame = pd.DataFrame([*starts, *points], columns=CurvePoint._fields)
    frame = frame.round({"ndcg_at_10": 6})
    return frame.sort_values(["seed", "fraction"], ignore_index=True)
