"""Texts as tokens of the model's own tokenizer, at a fixed length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.params import Model


class Column(NamedTuple):
    """One text column as tokens: ids and mask of shape (texts, max_tokens), and each text's true length."""

    ids: npt.NDArray[np.int32]
    mask: npt.NDArray[np.int8]
    lengths: npt.NDArray[np.int64]
    unknown: int


class Lengths(NamedTuple):
    """How long texts are, in tokens before truncation and with special ones, and how many tokens are unknown."""

    lengths: npt.NDArray[np.int64]
    unknown: int


def encode(texts: Sequence[str | None], tokenizer: Any, max_tokens: int) -> Column:
    """Return `texts` as tokens, padded to `max_tokens`; None gives a row of padding with an empty mask.

    Lengths count special tokens, before truncation. Truncation keeps the closing special token.
    """
    present = [at for at, text in enumerate(texts) if text is not None]
    ids = np.full((len(texts), max_tokens), tokenizer.pad_token_id, dtype=np.int32)
    mask = np.zeros((len(texts), max_tokens), dtype=np.int8)
    lengths = np.zeros(len(texts), dtype=np.int64)
    if not present:
        return Column(ids, mask, lengths, 0)
    wanted = [text for text in texts if text is not None]
    cut = tokenizer(wanted, truncation=True, max_length=max_tokens, padding=False)["input_ids"]
    for at, short in zip(present, cut, strict=True):
        ids[at, : len(short)], mask[at, : len(short)] = short, 1
    lengths[present], unknown = measure(wanted, tokenizer)
    return Column(ids, mask, lengths, unknown)


def measure(texts: Sequence[str], tokenizer: Any) -> Lengths:
    """Return the length of each text in tokens, special ones included, uncut."""
    whole = (
        tokenizer(list(texts), truncation=False, padding=False, verbose=False)["input_ids"]
        if len(texts)
        else []
    )
    unknown = sum(full.count(tokenizer.unk_token_id) for full in whole)
    return Lengths(np.array([len(full) for full in whole], dtype=np.int64), unknown)


def tokenize(
    triplets: pd.DataFrame, tokenizer: Any, model: Model, max_tokens: int, negatives: int
) -> dict[str, Column]:
    """Return each text column of `triplets` as tokens, with the prompt of its side before it."""
    columns = {
        "anchor": [model.anchor_prompt + text for text in triplets["anchor"]],
        "positive": [model.document_prompt + text for text in triplets["positive"]],
    }
    for number in range(negatives):
        columns[f"negative_{number + 1}"] = [
            model.document_prompt + row[number] if number < len(row) else None
            for row in triplets["negatives"]
        ]
    return {name: encode(texts, tokenizer, max_tokens) for name, texts in columns.items()}
