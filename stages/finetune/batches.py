"""Which rows meet in a batch, and how a batch is cut from the stored tokens.

Every other document of a batch serves as a negative, so two rows of one component in a batch would teach
the model that a right answer is wrong. On HPO 78 % of the pairs share a document with another pair.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


def plan(components: Sequence[str], size: int, epochs: int, seed: int) -> list[list[int]]:
    """Return the batches of all epochs, as row numbers; each row comes exactly once in every epoch.

    No batch holds a component twice. Where a component has more rows than there are batches, the last
    batches of the epoch are small: rows are never left out. The order follows from `seed` alone.
    """
    planned: list[list[int]] = []
    for epoch in range(epochs):
        waiting = deque(np.random.default_rng([seed, epoch]).permutation(len(components)).tolist())
        while waiting:
            batch: list[int] = []
            met: set[str] = set()
            postponed: list[int] = []
            while waiting and len(batch) < size:
                row = waiting.popleft()
                if components[row] in met:
                    postponed.append(row)
                else:
                    batch.append(row)
                    met.add(components[row])
            waiting.extendleft(reversed(postponed))
            planned.append(batch)
    return planned


class Planned:
    """The plan as the batch sampler that the trainer wants."""

    def __init__(self, batches: list[list[int]]) -> None:
        self._batches = batches
        self.drop_last = False

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)


class Cutter:
    """The data collator: looks rows up in the stored tokens and cuts the padding that no row needs."""

    valid_label_columns: tuple[str, ...] = ()

    def __init__(self, tokens: pd.DataFrame, columns: Sequence[str]) -> None:
        self._columns = {
            name: (_stack(tokens[f"{name}_input_ids"]), _stack(tokens[f"{name}_attention_mask"])) for name in columns
        }

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """Return each text column as `<column>_input_ids` and `<column>_attention_mask`, int64 tensors.

        Both have shape (rows, longest row). A missing negative is left out, not padded in: the column is
        then shorter than the batch, and the loss has one negative less.
        """
        import torch

        at = np.array([row["row"] for row in rows])
        features: dict[str, Any] = {"return_loss": True}
        for name, (ids, mask) in self._columns.items():
            present = at[mask[at].any(axis=1)]
            if len(present):
                longest = int(mask[present].sum(axis=1).max())
                features[f"{name}_input_ids"] = torch.tensor(ids[present, :longest], dtype=torch.int64)
                features[f"{name}_attention_mask"] = torch.tensor(mask[present, :longest], dtype=torch.int64)
        return features


def _stack(lists: pd.Series[Any]) -> npt.NDArray[Any]:
    return np.stack(lists.to_list())
