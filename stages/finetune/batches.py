"""Batches in which no row brings a relevant document of another row, and their token tensors.

Every document of a batch is a negative for all other rows. So no row may bring a document that is
relevant for another row: the same document, one of its component, or a near-duplicate. On HPO 78 %
of the pairs share a document with another pair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Ids = Sequence[str]


class ConflictIds(NamedTuple):
    """The ids that decide whether two rows may stand in one batch.

    Attributes:
        positive_ids: ids of what is relevant for the anchor of the row.
        in_batch_ids: ids of what the row brings into a batch.
    """

    positive_ids: Ids
    in_batch_ids: Ids


def conflict_ids(rows: pd.DataFrame, shape: str) -> list[ConflictIds]:
    """Return the ids of each row of Tokens. Rows of pairs with scores conflict with none.

    The loss of pairs with scores takes no row as a negative of another.
    """
    if shape == "scores":
        return [ConflictIds((), ())] * len(rows)
    return [
        ConflictIds(positive_ids, in_batch_ids)
        for positive_ids, in_batch_ids in zip(
            rows["positive_ids"], rows["in_batch_ids"], strict=True
        )
    ]


class _Batch:
    """Row indices that do not conflict, with all their ids."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self._positive_ids: set[str] = set()
        self._in_batch_ids: set[str] = set()

    def fits(self, row: ConflictIds) -> bool:
        return self._positive_ids.isdisjoint(row.in_batch_ids) and self._in_batch_ids.isdisjoint(
            row.positive_ids
        )

    def add(self, row_index: int, row: ConflictIds) -> None:
        self.rows.append(row_index)
        self._positive_ids.update(row.positive_ids)
        self._in_batch_ids.update(row.in_batch_ids)


def plan_batches(rows: Sequence[ConflictIds], size: int, epochs: int, seed: int) -> list[list[int]]:
    """Return the batches of all epochs, as row indices. Each row comes once in every epoch.

    No two rows of a batch conflict. There are as few batches as rows and conflicts allow, and they
    are about equally full: if many rows share one document, all batches are smaller, and the last
    ones are not tiny. The order follows from `seed` alone.
    """
    # Each epoch has random numbers of its own, so more epochs leave the first ones as they are.
    batches: list[list[int]] = []
    for epoch in range(epochs):
        batches += _plan_epoch(rows, size, np.random.default_rng([seed, epoch]))
    return batches


def _plan_epoch(
    rows: Sequence[ConflictIds], size: int, random: np.random.Generator
) -> list[list[int]]:
    if not rows:
        return []

    # Rows of one crowd need a batch each, so there are at least as many batches.
    crowd_sizes = _crowd_sizes(rows)
    batch_count = max(-(-len(rows) // size), max(crowd_sizes))
    batches = [_Batch() for _ in range(batch_count)]
    rows_per_batch = -(-len(rows) // batch_count)

    # Rows of large crowds go first, while all batches have room. The others come in any order.
    order = random.permutation(len(rows)).tolist()
    order.sort(key=lambda row_index: 8 * crowd_sizes[row_index] < batch_count)

    # Each row looks for a batch with room, from a random one on.
    open_batches = list(range(batch_count))
    starts = random.random(len(rows)).tolist()
    for row_index in order:
        row = rows[row_index]
        start = int(starts[row_index] * len(open_batches))
        place = _first_open(batches, open_batches, start, row=row)

        # Where none fits, a fuller batch takes the row, or else a new one.
        if place is None:
            number = _first_not_full(batches, size, row)
            if number == len(batches):
                batches.append(_Batch())
            batches[number].add(row_index, row)
            continue

        # A batch without room leaves the list; the last one takes its place.
        batch = batches[open_batches[place]]
        batch.add(row_index, row)
        if len(batch.rows) == rows_per_batch:
            open_batches[place] = open_batches[-1]
            open_batches.pop()

    # The order of the batches is random too.
    batch_order = random.permutation(len(batches)).tolist()
    return [batches[number].rows for number in batch_order if batches[number].rows]


def _crowd_sizes(rows: Sequence[ConflictIds]) -> list[int]:
    """Return for each row how many rows share the most common of its ids, itself included.

    Only an id that a row both brings and has as a positive keeps rows apart from each other.
    """
    # How many rows have each id on both sides.
    row_count_of_id: Counter[str] = Counter()
    for row in rows:
        row_count_of_id.update(set(row.positive_ids).intersection(row.in_batch_ids))

    # The most common id of each row.
    crowd_sizes = []
    for row in rows:
        counts = [row_count_of_id[identity] for identity in row.positive_ids]
        crowd_sizes.append(max(counts, default=0))
    return crowd_sizes


def _first_open(
    batches: Sequence[_Batch], open_batches: Sequence[int], start: int, row: ConflictIds
) -> int | None:
    """Return the index in `open_batches` of the first that fits, from `start` on in a circle."""
    # The start is random, so the first batches do not fill up before the others.
    for step in range(len(open_batches)):
        place = (start + step) % len(open_batches)
        if batches[open_batches[place]].fits(row):
            return place
    return None


def _first_not_full(batches: Sequence[_Batch], size: int, row: ConflictIds) -> int:
    """Return the number of the first batch below `size` that fits; the next number if none does."""
    for number, batch in enumerate(batches):
        if len(batch.rows) < size and batch.fits(row):
            return number
    return len(batches)


def shuffled_batches(row_count: int, size: int, epochs: int, seed: int) -> list[list[int]]:
    """Return batches without regard to conflicts: each epoch is shuffled and cut."""
    # The same seeds as for the plan.
    batches = []
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(row_count).tolist()
        batches += [order[start : start + size] for start in range(0, row_count, size)]
    return batches


def count_conflicts(rows: Sequence[ConflictIds], batches: Sequence[Sequence[int]]) -> int:
    """Return how many rows of `batches` meet a relevant document that another row brings."""
    conflict_count = 0
    for batch in batches:
        # How many rows of the batch bring each id.
        row_count_of_id: Counter[str] = Counter()
        for row_index in batch:
            row_count_of_id.update(set(rows[row_index].in_batch_ids))

        # The row itself does not count, so an id that it brings must be there twice.
        for row_index in batch:
            row = rows[row_index]
            conflict_count += any(
                row_count_of_id[identity] > (identity in row.in_batch_ids)
                for identity in row.positive_ids
            )
    return conflict_count


class PlannedBatchSampler:
    """The planned batches, as the batch sampler that the trainer expects."""

    def __init__(self, batches: list[list[int]]) -> None:
        self._batches = batches
        self.drop_last = False

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)


class TokenCollator:
    """The data collator: look rows up in Tokens, and cut the padding that no row of a batch needs.

    Args:
        tokens: a table of Tokens.
        columns: the names of its text columns.
        scored: whether batches carry the scores of their rows as labels.
    """

    valid_label_columns: tuple[str, ...] = ()

    def __init__(self, tokens: pd.DataFrame, columns: Sequence[str], scored: bool = False) -> None:
        self._scores = tokens["score"].to_numpy(dtype=np.float32) if scored else None

        # Arrays (rows, length) of token ids and masks, by text column.
        self._columns = {
            name: (_stack(tokens[f"{name}_input_ids"]), _stack(tokens[f"{name}_attention_mask"]))
            for name in columns
        }

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """Return each text column as `<column>_input_ids` and `<column>_attention_mask`.

        Both are int64 tensors of shape (rows, longest row). A missing negative is left out and not
        padded: the column is then shorter than the batch, and the loss has one negative less.
        `label` holds the scores, if batches carry them.
        """
        import torch

        indices = np.array([row["row"] for row in rows])
        features: dict[str, Any] = {"return_loss": True}
        if self._scores is not None:
            features["label"] = torch.tensor(self._scores[indices])

        for name, (token_ids, mask) in self._columns.items():
            # Rows that have a text in this column, and the length of the longest one.
            present = indices[mask[indices].any(axis=1)]
            if not len(present):
                continue
            longest = int(mask[present].sum(axis=1).max())
            features[f"{name}_input_ids"] = torch.tensor(
                token_ids[present, :longest], dtype=torch.int64
            )
            features[f"{name}_attention_mask"] = torch.tensor(
                mask[present, :longest], dtype=torch.int64
            )
        return features


def _stack(lists: pd.Series[Any]) -> npt.NDArray[Any]:
    """Return lists of one length as an array (rows, length)."""
    return np.stack(lists.to_list())
