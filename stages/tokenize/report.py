"""What truncation costs: lengths, texts cut, tokens lost and unknown, by split and column; and a length that fits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stages.lib.errors import Problem
from stages.tokenize.encoding import Column, Lengths
from stages.tokenize.interface import TokenizeParams

# What lies under "train." was encoded for training; validation and the corpus are only measured.
TRAINING = "train."
_STEP = 8  # lengths are padded to multiples of it
_PERCENTS = (50, 95, 99)


def by_column(columns: Mapping[str, Column]) -> dict[str, Lengths]:
    """Return the lengths of the training columns; all hard negatives are one, missing texts count for none."""
    negatives = [column for name, column in columns.items() if name.startswith("negative_")]
    grouped = {
        "anchor": [columns["anchor"]],
        "positive": [columns["positive"]],
        "negative": negatives,
    }
    return {
        f"{TRAINING}{name}": Lengths(
            np.concatenate([column.lengths[column.lengths > 0] for column in group]),
            sum(column.unknown for column in group),
        )
        for name, group in grouped.items()
        if any(column.lengths.any() for column in group)
    }


def report(found: Mapping[str, Lengths], max_tokens: int) -> dict[str, float | int]:
    """Return what cutting at `max_tokens` costs, by split and column ("train.anchor"), and over training as a whole.

    truncated_share counts texts, tokens_lost_share tokens, unknown_share tokens that the vocabulary lacks.
    recommended_tokens is the smallest multiple of 8 that cuts at most one text in a hundred of any column.
    """
    training = [one for name, one in found.items() if name.startswith(TRAINING)]
    every = Lengths(
        np.concatenate([one.lengths for one in training]), sum(one.unknown for one in training)
    )
    told: dict[str, float | int] = {
        "max_tokens": max_tokens,
        "longest": int(every.lengths.max(initial=0)),
    }
    told |= _costs(every, max_tokens)
    for name, one in found.items():
        told |= {f"{name}.{key}": value for key, value in _costs(one, max_tokens).items()}
        told |= {f"{name}.p{percent}": _percentile(one, percent) for percent in _PERCENTS}
    told["recommended_tokens"] = recommended(found)
    return told


def recommended(found: Mapping[str, Lengths]) -> int:
    """Return the smallest multiple of 8 that holds 99 of 100 texts of every column."""
    longest = max(_percentile(one, 99) for one in found.values())
    return max(_STEP, -(-longest // _STEP) * _STEP)


def _costs(one: Lengths, max_tokens: int) -> dict[str, float]:
    total = float(one.lengths.sum())
    return {
        "truncated_share": float((one.lengths > max_tokens).mean()),
        "tokens_lost_share": float(np.maximum(one.lengths - max_tokens, 0).sum()) / total,
        "unknown_share": one.unknown / total,
    }


def _percentile(one: Lengths, percent: int) -> int:
    return int(np.percentile(one.lengths, percent, method="higher"))


def check_truncated(found: Mapping[str, Lengths], params: TokenizeParams, limit: int) -> None:
    """Refuse a column of which more is cut than params.yaml allows; `limit` is the most that the model reads.

    Raises Problem, which names the columns and the length that would fit.
    """
    shares = {name: float((one.lengths > params.max_tokens).mean()) for name, one in found.items()}
    over = {name: share for name, share in shares.items() if share > params.max_truncated_share}
    if not over:
        return
    wanted = recommended(found)
    told = ", ".join(
        f"{name} {share:.1%}" for name, share in sorted(over.items(), key=lambda item: -item[1])
    )
    length = (
        f"tokenize.max_tokens to {wanted}"
        if wanted <= limit
        else f"tokenize.max_tokens to {limit} at most"
    )
    raise Problem(
        f"more texts than tokenize.max_truncated_share ({params.max_truncated_share:g}) are cut at "
        f"{params.max_tokens} tokens: {told}",
        f"raise {length}, lower clean.passage_tokens so that documents become shorter passages, or shorten the "
        "prompts; if what is cut does not matter, raise tokenize.max_truncated_share",
    )


def limits(folder: Path, tokenizer: Any) -> tuple[int, int]:
    """Return how many tokens the model in `folder` is set to read, and how many it can read at all.

    The first is what sentence-transformers cuts at, the second the number of its positions; models with relative
    positions name none, and can read what their tokenizer says.
    """
    config = _json(folder / "config.json")
    positions = int(config.get("max_position_embeddings") or tokenizer.model_max_length)
    # RoBERTa and its kin count positions from behind the padding token's id.
    if config.get("model_type") in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        positions -= int(config.get("pad_token_id") or 1) + 1
    most = min(positions, int(tokenizer.model_max_length))
    own = _json(folder / "sentence_bert_config.json").get("max_seq_length")
    return min(int(own or most), most), most


def _json(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text("utf-8"))) if file.is_file() else {}
