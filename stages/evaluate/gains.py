"""What fine-tuning gains over the other systems on each set, and that it does no harm outside the domain.

nDCG@10 over the base on validation is the one question that was asked beforehand, so it is tested alone; every other
measure and slice is one of many (see slices.py). No harm is shown by non-inferiority: not that no drop was found, but
that the upper bound of the drop is small (Piaggio et al. 2012).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.evaluate.results import present
from stages.lib.statistics import Tested, effective_components, tested

PRIMARY = "ndcg_at_10"
BASE, TUNED = "base", "finetuned"


class Chance(NamedTuple):
    """What intervals are made of: `seed` draws them, `seed_sd` is how much training varies; None where unknown."""

    seed: int
    seed_sd: float | None


class Paired(NamedTuple):
    """The fine-tuned model and another system on the same queries, in order of query id: each (queries,)."""

    query_ids: npt.NDArray[np.str_]
    other: npt.NDArray[np.float64]
    tuned: npt.NDArray[np.float64]
    components: npt.NDArray[np.str_]

    def at(self, chosen: npt.NDArray[np.bool_]) -> Paired:
        """Return the `chosen` queries alone."""
        return Paired(
            self.query_ids[chosen], self.other[chosen], self.tuned[chosen], self.components[chosen]
        )

    def gain(self, chance: Chance) -> Tested:
        """Return the gain of the fine-tuned model, of which there is one training."""
        return tested(self.tuned - self.other, self.components, *chance, trainings=1)


def paired(results: pd.DataFrame, measure: str, against: str = BASE) -> Paired:
    """Return one `measure` of QueryResults that hold both systems on the same queries of one split."""
    other, tuned = (
        results[results["system"] == system].sort_values("query_id", ignore_index=True)
        for system in (against, TUNED)
    )
    assert other["query_id"].equals(tuned["query_id"])
    ids, components = (other[name].to_numpy(dtype=str) for name in ("query_id", "component_id"))
    values = (frame[measure].to_numpy(dtype=np.float64) for frame in (other, tuned))
    return Paired(ids, next(values), next(values), components)


def gains(results: pd.DataFrame, split: str, chance: Chance) -> dict[str, float | int]:
    """Return what fine-tuning gains over every other system of one split.

    With interval and detectable effect, and over the base a p-value, where there are enough components.
    """
    told: dict[str, float | int] = {f"{split}.components": int(results["component_id"].nunique())}
    for system in (system for system in present(results) if system != TUNED):
        both, prefix = paired(results, PRIMARY, system), f"{split}.gain.over_{system}.{PRIMARY}"
        found = both.gain(chance)
        told[f"{prefix}.mean"] = found.mean
        if found.effect and found.p is not None:
            told |= {f"{prefix}.{name}": value for name, value in found.effect._asdict().items()}
            told |= {f"{prefix}.p": found.p} if system == BASE else {}
        if system == BASE and found.components > 1:
            told[f"{split}.effective_components"] = effective_components(
                both.tuned - both.other, both.components
            )
    return told


def harm(gained: dict[str, float | int], max_harm: float) -> dict[str, float | bool]:
    """Return how much the fine-tuned model drops outside the domain, by what `gains` told of it.

    `harmless` only where the upper bound of the drop is at most `max_harm`; without an interval there is no verdict.
    """
    prefix = f"out_of_domain.gain.over_base.{PRIMARY}"
    if f"{prefix}.mean" not in gained:
        return {}
    told: dict[str, float | bool] = {"out_of_domain.drop.mean": -gained[f"{prefix}.mean"]}
    if (low := gained.get(f"{prefix}.low")) is not None:
        told |= {"out_of_domain.drop.high": -low, "out_of_domain.harmless": -low <= max_harm}
    return told
