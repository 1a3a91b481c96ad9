"""What is wrong with the rows themselves: what other stages counted, and what only the final rows show."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.measured import Metrics
from stages.lib.probe import Names, Rows
from stages.lib.retrieval import Vectors
from stages.lib.separation import NEGATIVES, Panel, roc_auc
from stages.lib.text import normal_form

COUNTED = (
    ("pair", "rows_out"),
    ("pair", "anchor_in_positive_share"),
    ("pair", "no_common_word_share"),
    ("pair", "balance.after.document.largest_share"),
    ("tokenize", "truncated_share"),
)
SHOWN = 10
# A negative this close to its positive may well say the same: of the default data's negatives 1 in 70 is.
SAME = 0.95
_SEED = 20260101  # a constant: the same rows give the same numbers whatever run.seed is


class Suspects(NamedTuple):
    """Ids of training pairs to look at, the most suspicious first."""

    leaked: list[str]
    far_apart: list[str]
    hidden_positives: list[str]
    duplicates: list[str]


def of_neighbours(metrics: Metrics) -> dict[str, float | None]:
    """Return what the stages before counted, under the names of their metrics; None for what nobody did: no 0.

    clean.private_left sums the texts with private data of each kind, unless it was replaced.
    """
    private = _numbers(metrics, "clean", "private.")
    replaced = metrics.find("clean", "edits.private_data")
    return {
        **{f"{stage}.{key}": metrics.find(stage, key) for stage, key in COUNTED},
        **_numbers(metrics, "mine", "false_negatives."),
        "clean.private_left": (0 if replaced else sum(private.values())) if private else None,
    }


def _numbers(metrics: Metrics, stage: str, start: str) -> dict[str, float]:
    found = metrics.stages[stage].items()
    return {
        f"{stage}.{key}": value
        for key, value in found
        if key.startswith(start) and not isinstance(value, str)
    }


def of_rows(
    triplets: pd.DataFrame, rows: Rows, leaked: list[str]
) -> tuple[dict[str, float | None], Suspects]:
    """Return what `triplets` and their vectors, in the same order, show, and which rows show it.

    A hidden positive is a negative that stands closer to its anchor than the positive, or as good as says what
    the positive says. Shares are of negatives and of rows; without any negative there is no share.
    """
    pair_ids = triplets["pair_id"].to_numpy(dtype=str)
    count = len(triplets)
    anchors, positives = rows.anchors[:count], rows.positives[:count]
    cosines = (anchors * positives).sum(axis=1)
    of_anchor = (anchors[rows.owners] * rows.negatives).sum(axis=1)
    of_positive = (positives[rows.owners] * rows.negatives).sum(axis=1)
    over = of_anchor - cosines[rows.owners]
    hidden = (over > 0) | (of_positive >= SAME)
    worst = rows.owners[hidden][np.argsort(-over[hidden], kind="stable")]
    repeated = pd.DataFrame(
        {
            "anchor": triplets["anchor"].map(normal_form),
            "positive": triplets["positive"].map(normal_form),
        }
    ).duplicated()
    random = _cosines_to_others(anchors, positives, rows.positive_components[:count])
    told: dict[str, float | None] = {
        "separation.training.roc_auc": roc_auc(Panel(cosines.astype(np.float64), random))
        if len(random)
        else None,
        "negatives.hidden_positives_share": float(hidden.mean()) if len(hidden) else None,
        "rows.duplicates_share": float(repeated.mean()),
    }
    return told, Suspects(
        leaked,
        pair_ids[np.argsort(cosines, kind="stable")][:SHOWN].tolist(),
        list(dict.fromkeys(pair_ids[worst].tolist()))[:SHOWN],
        pair_ids[repeated.to_numpy()][:SHOWN].tolist(),
    )


def _cosines_to_others(
    anchors: Vectors, positives: Vectors, components: Names
) -> npt.NDArray[np.float64]:
    """Return the cosines of each anchor to the positives of a few rows of other components."""
    count = len(anchors)
    others = np.random.default_rng(_SEED).integers(0, count, size=(count, NEGATIVES))
    rows = np.repeat(np.arange(count), NEGATIVES)
    strange = components[rows] != components[others.ravel()]
    found = (anchors[rows[strange]] * positives[others.ravel()[strange]]).sum(axis=1)
    return np.asarray(found, dtype=np.float64)
