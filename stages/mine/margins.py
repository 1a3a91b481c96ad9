"""What other margins would have given: the plot by which one chooses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.mine.candidates import Candidates
from stages.mine.choose import places, room
from stages.mine.params import MineParams
from stages.mine.rules import Hits, passed, rules_on

MARGINS = tuple(round(0.02 * step, 2) for step in range(16))


class Curve:
    """Counts at each relative margin: anchors with a negative, negatives, and ancestors or descendants among those.

    All rules in force hold, but the margins and the exclusion of relatives, whose work the plot is to show.
    """

    def __init__(self, params: MineParams, with_lineage: bool) -> None:
        self._params, self._with_lineage = params, with_lineage
        self._rules = [rule for rule in rules_on(params) if rule not in ("margin", "relative")]
        self._anchors, self._counts = 0, np.zeros((len(MARGINS), 3), dtype=np.int64)

    def add(
        self, anchors: int, found: Candidates, hits: Hits, weakest: npt.NDArray[np.float64]
    ) -> None:
        """Count the candidates `found` of that many anchors; `weakest` are the scores of their weakest positives."""
        self._anchors += anchors
        fine = passed(hits, self._rules)
        rows, cosines, lineage = found.rows[fine], found.cosines[fine], hits["lineage"][fine]
        for at, margin in enumerate(MARGINS):
            below = cosines <= (weakest - np.abs(weakest) * margin)[rows]
            given = room(rows[below], self._params)
            place = places(rows[below]) - self._params.skip_first
            chosen = (place >= 0) & (place < self._params.negatives)
            self._counts[at] += [
                np.count_nonzero(given),
                given.sum(),
                np.count_nonzero(lineage[below] & chosen),
            ]

    def frame(self) -> pd.DataFrame:
        """Return the plot: margin, measure, value; the hardest are taken, whatever is sampled."""
        rows = []
        for margin, (anchors, negatives, related) in zip(
            MARGINS, self._counts.tolist(), strict=True
        ):
            rows.append((margin, "anchors with a negative", anchors / max(1, self._anchors)))
            rows.append((margin, "negatives per anchor", negatives / max(1, self._anchors)))
            if self._with_lineage:
                rows.append((margin, "related negatives", related / max(1, negatives)))
        return pd.DataFrame(rows, columns=["margin", "measure", "value"]).round({"value": 4})
