"""Which rows meet in a batch, and how a batch is cut from the stored tokens.

Every document of a batch serves as a negative for all other rows, so no row may bring one that answers another: the
same document, one of its component, a near-duplicate. On HPO 78 % of the pairs share a document with another pair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Ids = Sequence[str]


class Row(NamedTuple):
    """What decides whether two rows may meet: ids that answer its anchor, and ids that it shows to the others."""

    answers: Ids
    shown: Ids


class _Batch:
    """Rows that do not conflict, with all that they are answered by and all that they show."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self._answers: set[str] = set()
        self._shown: set[str] = set()

    def fits(self, row: Row) -> bool:
        return self._answers.isdisjoint(row.shown) and self._shown.isdisjoint(row.answers)

    def add(self, at: int, row: Row) -> None:
        self.rows.append(at)
        self._answers.update(row.answers)
        self._shown.update(row.shown)


def plan(rows: Sequence[Row], size: int, epochs: int, seed: int) -> list[list[int]]:
    """Return the batches of all epochs, as row numbers; each row comes exactly once in every epoch.

    No two rows of a batch conflict. There are as few batches as rows and conflicts allow, about equally full: where
    many rows share one document, all batches are smaller rather than the last ones tiny. The order follows from
    `seed` alone.
    """
    return [
        batch
        for epoch in range(epochs)
        for batch in _epoch(rows, size, np.random.default_rng([seed, epoch]))
    ]


def _epoch(rows: Sequence[Row], size: int, random: np.random.Generator) -> list[list[int]]:
    if not rows:
        return []
    # As many rows answer to one id, so many batches are needed.
    met = Counter(identity for row in rows for identity in set(row.answers).intersection(row.shown))
    crowds = [max((met[identity] for identity in row.answers), default=0) for row in rows]
    count = max(-(-len(rows) // size), max(crowds))
    room = -(-len(rows) // count)
    batches = [_Batch() for _ in range(count)]
    # Rows of large crowds first, while there is room everywhere; the others in any order.
    shuffled = random.permutation(len(rows)).tolist()
    shuffled.sort(key=lambda at: 8 * crowds[at] < count)
    open_ = list(range(count))
    starts = random.random(len(rows)).tolist()
    for at in shuffled:
        place = _first_fit(batches, open_, int(starts[at] * len(open_)), rows[at])
        if place is None:  # only fuller ones, or a new one, can take it
            wider = [number for number, batch in enumerate(batches) if len(batch.rows) < size]
            found = next(
                (number for number in wider if batches[number].fits(rows[at])), len(batches)
            )
            if found == len(batches):
                batches.append(_Batch())
            batches[found].add(at, rows[at])
            continue
        batch = batches[open_[place]]
        batch.add(at, rows[at])
        if len(batch.rows) == room:
            open_[place] = open_[-1]
            open_.pop()
    order = random.permutation(len(batches)).tolist()
    return [batches[number].rows for number in order if batches[number].rows]


def _first_fit(batches: Sequence[_Batch], open_: Sequence[int], start: int, row: Row) -> int | None:
    """Return where in `open_` stands the first batch from `start` on, in a circle, that can take `row`."""
    for step in range(len(open_)):
        place = (start + step) % len(open_)
        if batches[open_[place]].fits(row):
            return place
    return None


def shuffled(rows: int, size: int, epochs: int, seed: int) -> list[list[int]]:
    """Return the batches that there would be without looking: each epoch shuffled and cut."""
    orders = [
        np.random.default_rng([seed, epoch]).permutation(rows).tolist() for epoch in range(epochs)
    ]
    return [order[start : start + size] for order in orders for start in range(0, rows, size)]


def conflicts(rows: Sequence[Row], batches: Sequence[Sequence[int]]) -> int:
    """Return how often in `batches` a row is shown what answers it by another row."""
    count = 0
    for batch in batches:
        shown_by = Counter(identity for at in batch for identity in set(rows[at].shown))
        count += sum(
            any(shown_by[identity] > (identity in rows[at].shown) for identity in rows[at].answers)
            for at in batch
        )
    return count


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

    def __init__(self, tokens: pd.DataFrame, columns: Sequence[str], scored: bool = False) -> None:
        self._scores = tokens["score"].to_numpy(dtype=np.float32) if scored else None
        self._columns = {
            name: (_stack(tokens[f"{name}_input_ids"]), _stack(tokens[f"{name}_attention_mask"]))
            for name in columns
        }

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """Return each text column as `<column>_input_ids` and `<column>_attention_mask`, int64 tensors.

        Both have shape (rows, longest row). A missing negative is left out, not padded in: the column is
        then shorter than the batch, and the loss has one negative less. `label` has the scores, if they are wanted.
        """
        import torch

        at = np.array([row["row"] for row in rows])
        features: dict[str, Any] = {"return_loss": True}
        if self._scores is not None:
            features["label"] = torch.tensor(self._scores[at])
        for name, (ids, mask) in self._columns.items():
            present = at[mask[at].any(axis=1)]
            if len(present):
                longest = int(mask[present].sum(axis=1).max())
                features[f"{name}_input_ids"] = torch.tensor(
                    ids[present, :longest], dtype=torch.int64
                )
                features[f"{name}_attention_mask"] = torch.tensor(
                    mask[present, :longest], dtype=torch.int64
                )
        return features


def _stack(lists: pd.Series[Any]) -> npt.NDArray[Any]:
    return np.stack(lists.to_list())
