"""Texts as tokens of the model's own tokenizer, at a fixed length, and what truncation costs.

The costs are given by split and column: lengths, cut texts, lost tokens, unknown tokens, and a
length that would fit. Names that begin with "train." are texts that were encoded for training.
Validation queries and the corpus are only measured.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.core.errors import UserError
from stages.lib.core.params import ModelParams
from stages.tokenize.interface import TokenizeParams

TRAINING = "train."
BLOCK_TEXTS = 1024
LENGTH_STEP = 8  # the recommended length is a multiple of it
_PERCENTILES = (50, 95, 99)
# Models of the RoBERTa family count positions from behind the id of the padding token.
_ROBERTA_FAMILY = ("roberta", "xlm-roberta", "camembert", "mpnet")


class Column(NamedTuple):
    """One text column as tokens.

    Attributes:
        ids: token ids, shape (texts, max_tokens).
        mask: 1 for a token and 0 for padding, shape (texts, max_tokens).
        lengths: the tokens of each text before truncation, with special tokens, shape (texts,).
        unknown: how many tokens are not in the vocabulary, before truncation.
        special: how many tokens the tokenizer adds around the texts, before truncation.
    """

    ids: npt.NDArray[np.int32]
    mask: npt.NDArray[np.int8]
    lengths: npt.NDArray[np.int64]
    unknown: int
    special: int


class Lengths(NamedTuple):
    """The lengths of texts in tokens, before truncation.

    Attributes:
        lengths: the tokens of each text, with special tokens, shape (texts,).
        unknown: how many tokens are not in the vocabulary.
        special: how many tokens the tokenizer adds around the texts.
    """

    lengths: npt.NDArray[np.int64]
    unknown: int
    special: int


def tokenize(
    triplets: pd.DataFrame,
    tokenizer: Any,
    model: ModelParams,
    *,
    max_tokens: int,
    negatives: int,
) -> dict[str, Column]:
    """Return column name to tokens: anchor, positive, and `negatives` columns of negatives.

    The prompt of the model goes before each text. A row with fewer negatives has missing texts.
    """
    anchors = [model.anchor_prompt + text for text in triplets["anchor"]]
    positives = [model.document_prompt + text for text in triplets["positive"]]

    columns = {
        "anchor": encode(anchors, tokenizer, max_tokens),
        "positive": encode(positives, tokenizer, max_tokens),
    }

    # The negatives by rank: the first of each row, then the second, and so on.
    for index in range(negatives):
        texts = [
            model.document_prompt + row[index] if index < len(row) else None
            for row in triplets["negatives"]
        ]
        columns[f"negative_{index + 1}"] = encode(texts, tokenizer, max_tokens)
    return columns


def encode(texts: Sequence[str | None], tokenizer: Any, max_tokens: int) -> Column:
    """Return `texts` as tokens, padded to `max_tokens`.

    None gives a row of padding with an empty mask. Truncation keeps the closing special token.
    """
    token_ids = np.full((len(texts), max_tokens), tokenizer.pad_token_id, dtype=np.int32)
    mask = np.zeros((len(texts), max_tokens), dtype=np.int8)
    lengths = np.zeros(len(texts), dtype=np.int64)

    unknown = 0

    # The tokens before truncation. Those of a short text are kept.
    row_indices = [index for index, text in enumerate(texts) if text is not None]
    present_texts = [text for text in texts if text is not None]
    for row_index, ids in zip(row_indices, _token_ids(present_texts, tokenizer), strict=True):
        lengths[row_index] = len(ids)
        unknown += ids.count(tokenizer.unk_token_id)
        if len(ids) <= max_tokens:
            token_ids[row_index, : len(ids)] = ids
            mask[row_index, : len(ids)] = 1

    # Long texts are cut by the tokenizer, which knows its closing token.
    long_rows = np.flatnonzero(lengths > max_tokens).tolist()
    long_texts = [str(texts[row_index]) for row_index in long_rows]
    truncated = _token_ids(long_texts, tokenizer, truncation=True, max_length=max_tokens)
    for row_index, ids in zip(long_rows, truncated, strict=True):
        token_ids[row_index, : len(ids)] = ids
        mask[row_index, : len(ids)] = 1

    special = len(row_indices) * tokenizer.num_special_tokens_to_add(pair=False)
    return Column(ids=token_ids, mask=mask, lengths=lengths, unknown=unknown, special=special)


def measure(texts: Iterable[str], tokenizer: Any) -> Lengths:
    """Return the length of each text in tokens, with special tokens, before truncation."""
    lengths = array("q")
    unknown = 0
    for ids in _token_ids(texts, tokenizer):
        lengths.append(len(ids))
        unknown += ids.count(tokenizer.unk_token_id)

    return Lengths(
        lengths=np.array(lengths, dtype=np.int64),
        unknown=unknown,
        special=len(lengths) * tokenizer.num_special_tokens_to_add(pair=False),
    )


def _token_ids(texts: Iterable[str], tokenizer: Any, **settings: Any) -> Iterator[list[int]]:
    """Yield the token ids of each text; `settings` say how the tokenizer cuts, if it does.

    A text takes a hundred times the memory while it is tokenized, so a block of texts is at a time.
    """
    iterator = iter(texts)
    while block := list(islice(iterator, BLOCK_TEXTS)):
        yield from tokenizer(block, padding=False, verbose=False, **settings)["input_ids"]


def training_lengths(columns: Mapping[str, Column]) -> dict[str, Lengths]:
    """Return the lengths of the training columns, keys "train.anchor", "train.positive", ...

    All hard negatives are one column. Missing texts do not count; an empty column is left out.
    """
    negatives = [column for name, column in columns.items() if name.startswith("negative_")]
    groups = {
        "anchor": [columns["anchor"]],
        "positive": [columns["positive"]],
        "negative": negatives,
    }

    lengths_by_name = {}
    for name, group in groups.items():
        # A missing text has the length 0.
        lengths = [column.lengths[column.lengths > 0] for column in group]
        if not any(map(len, lengths)):
            continue
        lengths_by_name[f"{TRAINING}{name}"] = Lengths(
            lengths=np.concatenate(lengths),
            unknown=sum(column.unknown for column in group),
            special=sum(column.special for column in group),
        )
    return lengths_by_name


def length_metrics(
    lengths_by_name: Mapping[str, Lengths], max_tokens: int
) -> dict[str, float | int]:
    """Return what truncation at `max_tokens` costs, by name, and over training as a whole.

    truncated_share counts texts, tokens_lost_share tokens, and unknown_share tokens that are not in
    the vocabulary, without the special tokens: a text of unknown words alone is 1.0.
    recommended_tokens is the smallest multiple of 8 that cuts at most one text in a hundred of any
    column.
    """
    # All texts of training.
    training = [lengths for name, lengths in lengths_by_name.items() if name.startswith(TRAINING)]
    all_training = Lengths(
        lengths=np.concatenate([part.lengths for part in training]),
        unknown=sum(part.unknown for part in training),
        special=sum(part.special for part in training),
    )
    metrics: dict[str, float | int] = {
        "max_tokens": max_tokens,
        "longest": int(all_training.lengths.max(initial=0)),
        **_costs(all_training, max_tokens),
    }

    # Each split and column.
    for name, lengths in lengths_by_name.items():
        for key, value in _costs(lengths, max_tokens).items():
            metrics[f"{name}.{key}"] = value
        for percent in _PERCENTILES:
            metrics[f"{name}.p{percent}"] = _percentile(lengths, percent)
    metrics["recommended_tokens"] = recommended_tokens(lengths_by_name)
    return metrics


def recommended_tokens(lengths_by_name: Mapping[str, Lengths]) -> int:
    """Return the smallest multiple of 8 that holds 99 of 100 texts of every column.

    >>> recommended_tokens({"train.anchor": Lengths(np.array([5, 9]), 0, 4)})
    16
    """
    longest = max(_percentile(lengths, 99) for lengths in lengths_by_name.values())
    steps = -(-longest // LENGTH_STEP)
    return max(LENGTH_STEP, steps * LENGTH_STEP)


def _costs(lengths: Lengths, max_tokens: int) -> dict[str, float]:
    token_count = float(lengths.lengths.sum())
    # Tokens at the ends of a text stand for none of its words. Empty texts have no others.
    word_count = token_count - lengths.special
    lost_count = float(np.maximum(lengths.lengths - max_tokens, 0).sum())
    return {
        "truncated_share": _truncated_share(lengths, max_tokens),
        "tokens_lost_share": lost_count / token_count,
        "unknown_share": lengths.unknown / word_count if word_count else 0.0,
    }


def _truncated_share(lengths: Lengths, max_tokens: int) -> float:
    return float((lengths.lengths > max_tokens).mean())


def _percentile(lengths: Lengths, percent: int) -> int:
    return int(np.percentile(lengths.lengths, percent, method="higher"))


def check_truncated(
    lengths_by_name: Mapping[str, Lengths], params: TokenizeParams, most_tokens: int
) -> None:
    """Refuse columns of which more texts are cut than params.yaml allows.

    Args:
        lengths_by_name: the lengths of each column.
        params: the limits.
        most_tokens: the most tokens that the model reads.

    Raises:
        UserError: the columns, the worst first, and the length that would fit.
    """
    # The columns over the limit.
    share_by_name = {}
    for name, lengths in lengths_by_name.items():
        share = _truncated_share(lengths, params.max_tokens)
        if share > params.max_truncated_share:
            share_by_name[name] = share
    if not share_by_name:
        return

    # A length that the model cannot read is no remedy.
    remedy = f"tokenize.max_tokens to {recommended_tokens(lengths_by_name)}"
    if recommended_tokens(lengths_by_name) > most_tokens:
        remedy = f"tokenize.max_tokens to {most_tokens} at most"

    worst_first = sorted(share_by_name.items(), key=lambda item: -item[1])
    listed = ", ".join(f"{name} {share:.1%}" for name, share in worst_first)
    raise UserError(
        f"more texts than tokenize.max_truncated_share ({params.max_truncated_share:g}) are cut at "
        f"{params.max_tokens} tokens: {listed}",
        f"raise {remedy}, lower clean.passage_tokens so that documents become shorter passages, "
        "or shorten the prompts; if what is cut does not matter, "
        "raise tokenize.max_truncated_share",
    )


def token_limits(folder: Path, tokenizer: Any) -> tuple[int, int]:
    """Return how many tokens the model in `folder` is set to read, and how many it can read at all.

    sentence-transformers cuts at the first number. The second is the number of positions of the
    model; a model with relative positions has none, and reads what its tokenizer allows.
    """
    config = _read_json(folder / "config.json")
    positions = int(config.get("max_position_embeddings") or tokenizer.model_max_length)
    if config.get("model_type") in _ROBERTA_FAMILY:
        positions -= int(config.get("pad_token_id") or 1) + 1

    # The tokenizer may allow fewer tokens than there are positions.
    most_tokens = min(positions, int(tokenizer.model_max_length))

    own_limit = _read_json(folder / "sentence_bert_config.json").get("max_seq_length")
    return min(int(own_limit or most_tokens), most_tokens), most_tokens


def _read_json(file: Path) -> dict[str, Any]:
    """Return the object in a JSON file; an empty one if there is no file."""
    return dict(json.loads(file.read_text("utf-8"))) if file.is_file() else {}
