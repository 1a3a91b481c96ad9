"""What this data would teach: the gain of the probe, and what a placebo gains."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stages.lib.passes import side_by_side
from stages.lib.probe import Rows, shuffled
from stages.lib.statistics import Effect, effect
from stages.validate.exam import Exam, Scores

SEEDS = 3


class Probed(NamedTuple):
    """nDCG@10 of each query under the probe, mean over SEEDS seeds, and what probe and placebo gain over the base.

    An effect is None where the queries are of a single component, which gives no interval.
    """

    scores: Scores
    gain: Effect | None
    placebo: Effect | None

    def measured(self) -> dict[str, float]:
        """Return the metrics: what has no interval is left out."""
        told = {"probe.ndcg_at_10": float(self.scores.mean())}
        if self.gain and self.placebo:
            told |= {"probe.gain": self.gain.mean, "probe.gain_low": self.gain.low, "probe.gain_high": self.gain.high}
            told |= {"probe.gain_mde": self.gain.mde, "probe.placebo_gain": self.placebo.mean}
            told |= {"probe.placebo_gain_low": self.placebo.low, "probe.placebo_gain_high": self.placebo.high}
        return told


def probe(exam: Exam, base: Scores, seed: int) -> Probed:
    """Return what `exam.rows` teach, and what they teach when every answer is given to another question.

    `base` has nDCG@10 of each query before any training.
    """
    tasks: list[tuple[Rows, int]] = [(exam.rows, seed + at) for at in range(SEEDS)]
    *real, placebo = side_by_side(lambda task: exam.scored(*task), [*tasks, (shuffled(exam.rows, seed), seed)], "probe")
    scores = np.mean(real, axis=0)
    return Probed(scores, gained(exam, scores - base, seed), gained(exam, placebo - base, seed))


def gained(exam: Exam, differences: Scores, seed: int) -> Effect | None:
    """Return the mean of per-query `differences` with its interval over components, if there is one."""
    components = exam.components
    return effect(differences, components, seed) if len(np.unique(components)) > 1 else None
