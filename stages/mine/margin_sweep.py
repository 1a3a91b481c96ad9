"""The negatives at other relative margins: the plot by which a margin is chosen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.mine.candidates import Candidates
from stages.mine.filters import FilterMasks, accepted_by_all, active_filters
from stages.mine.interface import MineParams
from stages.mine.selection import capacity, rank_in_anchor

MARGINS = tuple(round(0.02 * step, 2) for step in range(16))


class MarginSweep:
    """Counts at each margin: anchors with a negative, negatives, and relatives among those.

    All filters that are on hold, except margins and relatives: the plot shows what these do.
    """

    def __init__(self, params: MineParams, has_hierarchy: bool) -> None:
        """Start with counts of 0.

        Args:
            params: the section `mine`.
            has_hierarchy: whether relatives are counted.
        """
        self._params = params
        self._has_hierarchy = has_hierarchy
        self._filters = [
            name for name in active_filters(params) if name not in ("margin", "relative")
        ]
        self._anchor_count = 0
        # Of shape (margins, 3): anchors with a negative, negatives, relatives.
        self._counts = np.zeros((len(MARGINS), 3), dtype=np.int64)

    def add(
        self,
        anchor_count: int,
        candidates: Candidates,
        masks: FilterMasks,
        weakest: npt.NDArray[np.float64],
    ) -> None:
        """Count the candidates of some anchors.

        Args:
            anchor_count: the number of these anchors.
            candidates: their candidates.
            masks: the candidates that each filter excludes.
            weakest: the lowest cosine of a positive of each anchor, of shape (all anchors,).
        """
        self._anchor_count += anchor_count
        passed = accepted_by_all(masks, self._filters)
        anchors = candidates.anchors[passed]
        cosines = candidates.cosines[passed]
        is_relative = masks["hierarchy"][passed]

        for index, margin in enumerate(MARGINS):
            # The margin is a share of the absolute score, as in training.
            threshold = weakest - np.abs(weakest) * margin
            below = cosines <= threshold[anchors]
            negatives = capacity(anchors[below], self._params)
            # The hardest are taken, whatever `mine.sampling` says.
            rank = rank_in_anchor(anchors[below]) - self._params.skip_first
            is_chosen = (rank >= 0) & (rank < self._params.negatives)
            self._counts[index] += [
                np.count_nonzero(negatives),
                negatives.sum(),
                np.count_nonzero(is_relative[below] & is_chosen),
            ]

    def frame(self) -> pd.DataFrame:
        """Return the plot with the columns margin, measure and value, for the hardest negatives."""
        # Counts become shares; without anchors they are 0.
        anchor_count = max(1, self._anchor_count)
        rows: list[tuple[float, str, float]] = []
        for margin, counts in zip(MARGINS, self._counts.tolist(), strict=True):
            with_negative, negatives, relatives = counts
            rows.append((margin, "anchors with a negative", with_negative / anchor_count))
            rows.append((margin, "negatives per anchor", negatives / anchor_count))
            if self._has_hierarchy:
                rows.append((margin, "related negatives", relatives / max(1, negatives)))

        return pd.DataFrame(rows, columns=["margin", "measure", "value"]).round({"value": 4})
