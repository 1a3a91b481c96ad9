"""Tokenize to a fixed length, and report what truncation costs.

Reads the triplets; writes token ids and attention masks, every list `tokenize.max_tokens` long, ready for
any training loop, with the prompts included. Training cuts each batch to its longest row, since padding
to the full length costs 8 to 24 times the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from stages.lib import tables
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.tokens import text_columns, tokens
from stages.lib.contracts.triplets import Triplets
from stages.lib.errors import Problem
from stages.lib.ledger import Ledger, balance
from stages.lib.models import find_model
from stages.lib.params import Model, Section, load
from stages.lib.stage import command, write_metrics


class TokenizeParams(Section):
    """How many tokens a text may have."""

    section: ClassVar[str] = "tokenize"
    max_tokens: int = Field(ge=8, le=512)


class Column(NamedTuple):
    """One text column as tokens: ids and mask of shape (texts, max_tokens), and each text's true length."""

    ids: npt.NDArray[np.int32]
    mask: npt.NDArray[np.int8]
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
    wanted = [texts[at] for at in present]
    whole = tokenizer(wanted, truncation=False, padding=False, verbose=False)["input_ids"]
    cut = tokenizer(wanted, truncation=True, max_length=max_tokens, padding=False)["input_ids"]
    for at, full, short in zip(present, whole, cut, strict=True):
        ids[at, : len(short)], mask[at, : len(short)], lengths[at] = short, 1, len(full)
    unknown = sum(full.count(tokenizer.unk_token_id) for full in whole)
    return Column(ids, mask, lengths, unknown)


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
            model.document_prompt + row[number] if number < len(row) else None for row in triplets["negatives"]
        ]
    return {name: encode(texts, tokenizer, max_tokens) for name, texts in columns.items()}


def report(columns: dict[str, Column], max_tokens: int) -> dict[str, float | int]:
    """Return what truncation costs, over all texts and by column.

    truncated_share counts texts, tokens_lost_share tokens, unknown_share tokens that the vocabulary lacks.
    """
    lengths = {name: column.lengths[column.lengths > 0] for name, column in columns.items()}
    every = np.concatenate(list(lengths.values()))
    told: dict[str, float | int] = {
        "max_tokens": max_tokens,
        "longest": int(every.max(initial=0)),
        "truncated_share": float((every > max_tokens).mean()),
        "tokens_lost_share": float(np.maximum(every - max_tokens, 0).sum() / every.sum()),
        "unknown_share": sum(column.unknown for column in columns.values()) / float(every.sum()),
    }
    for name in ("anchor", "positive"):
        for percent in (50, 95, 99):
            told[f"{name}.p{percent}"] = int(np.percentile(lengths[name], percent, method="higher"))
    return told


def main(
    triplets: Path = Path("data/mine/triplets.parquet"),
    out_tokens: Path = Path("data/tokenize/tokens.parquet"),
    out_ledger: Path = Path("data/tokenize/ledger.parquet"),
    metrics: Path = Path("metrics/tokenize.json"),
) -> None:
    """Tokenize to a fixed length, and report what truncation costs."""
    from transformers import AutoTokenizer

    params, model = load(TokenizeParams), load(Model)
    rows = tables.read(triplets, Triplets)
    if not len(rows):
        raise Problem(f"{triplets} holds no rows", "see metrics/mine.json and metrics/split.json for where they went")
    negatives = max(1, int(rows["negatives"].map(len).max()))
    tokenizer = AutoTokenizer.from_pretrained(str(find_model(model)), local_files_only=True, trust_remote_code=False)
    columns = tokenize(rows, tokenizer, model, params.max_tokens, negatives)
    ledger = Ledger()
    for name, column in columns.items():
        for at in np.flatnonzero(column.lengths > params.max_tokens):
            ledger.note(
                str(rows["pair_id"].iloc[at]), f"truncated_{name}", score=float(column.lengths[at] - params.max_tokens)
            )
    frame = rows[["pair_id", "component_id"]].assign(negatives=rows["negatives"].map(len))
    frame = frame.assign(answer_ids=rows["answer_ids"], shown_ids=rows["shown_ids"])
    for name in text_columns(negatives):
        frame[f"{name}_input_ids"] = list(columns[name].ids)
        frame[f"{name}_attention_mask"] = list(columns[name].mask)
    tables.write(frame, out_tokens, tokens(params.max_tokens, negatives))
    tables.write(ledger.frame(), out_ledger, LedgerTable)
    write_metrics({**balance(len(rows), len(frame), {}, []), **report(columns, params.max_tokens)}, metrics)


app = command(main, "tables", "model")

if __name__ == "__main__":
    app()
