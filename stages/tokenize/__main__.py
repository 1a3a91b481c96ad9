"""Tokenize to a fixed length, and report what truncation costs.

Reads the triplets; writes token ids and attention masks, every list `tokenize.max_tokens` long, ready for
any training loop, with the prompts included. Training cuts each batch to its longest row, since padding
to the full length costs 8 to 24 times the work. Validation queries and the documents that are searched are
measured as well. Where more texts are cut than `tokenize.max_truncated_share` allows, the stage fails.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from stages.lib import tables
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.passages import Passages
from stages.lib.contracts.queries import Queries
from stages.lib.contracts.tokens import text_columns, tokens
from stages.lib.contracts.triplets import Triplets
from stages.lib.errors import Problem
from stages.lib.ledger import Ledger, balance
from stages.lib.models import find_model
from stages.lib.params import Model, Shape, load
from stages.lib.stage import command, write_metrics
from stages.tokenize.encoding import Column, measure, tokenize
from stages.tokenize.params import TokenizeParams
from stages.tokenize.report import by_column, check_truncated, limits, report


def note_cuts(rows: pd.DataFrame, columns: dict[str, Column], max_tokens: int) -> Ledger:
    """Return the ledger: each text that is cut, with how many tokens it loses."""
    ledger = Ledger()
    for name, column in columns.items():
        for at in np.flatnonzero(column.lengths > max_tokens):
            lost = float(column.lengths[at] - max_tokens)
            ledger.note(str(rows["pair_id"].iloc[at]), f"truncated_{name}", score=lost)
    return ledger


def main(
    triplets: Path = Path("data/mine/triplets.parquet"),
    pairs: Path = Path("data/augment/pairs.parquet"),
    queries: Path = Path("data/split/validation/queries.parquet"),
    passages: Path = Path("data/pair/passages.parquet"),
    out_tokens: Path = Path("data/tokenize/tokens.parquet"),
    out_ledger: Path = Path("data/tokenize/ledger.parquet"),
    metrics: Path = Path("metrics/tokenize.json"),
) -> None:
    """Tokenize to a fixed length, and report what truncation costs."""
    from transformers import AutoTokenizer

    params, model, scores = load(TokenizeParams), load(Model), load(Shape).shape == "scores"
    rows = tables.read(triplets, Triplets)
    if not len(rows):
        raise Problem(
            f"{triplets} holds no rows",
            "see metrics/mine.json and metrics/split.json for where they went",
        )
    # Pairs with scores are compared with each other, all others with at least one column of negatives.
    negatives = 0 if scores else max(1, int(rows["negatives"].map(len).max()))
    folder = find_model(model)
    tokenizer = AutoTokenizer.from_pretrained(
        str(folder), local_files_only=True, trust_remote_code=False
    )
    own, most = limits(folder, tokenizer)
    if params.max_tokens > most:
        raise Problem(
            f"params.yaml: tokenize.max_tokens is {params.max_tokens}, but {model.base} reads {most} tokens at most",
            f"lower it to {most}, or choose another model.base",
        )
    columns = tokenize(rows, tokenizer, model, params.max_tokens, negatives)
    asked, searched = tables.read(queries, Queries)["text"], tables.read(passages, Passages)["text"]
    found = {
        **by_column(columns),
        "validation.query": measure([model.anchor_prompt + text for text in asked], tokenizer),
        "corpus.passage": measure([model.document_prompt + text for text in searched], tokenizer),
    }
    check_truncated(found, params, most)
    score_of = tables.read(pairs, Pairs).set_index("pair_id")["score"]
    frame = rows[["pair_id", "component_id"]].assign(
        score=score_of.reindex(rows["pair_id"]).to_numpy(), negatives=rows["negatives"].map(len)
    )
    frame = frame.assign(answer_ids=rows["answer_ids"], shown_ids=rows["shown_ids"])
    for name in text_columns(negatives):
        frame[f"{name}_input_ids"] = list(columns[name].ids)
        frame[f"{name}_attention_mask"] = list(columns[name].mask)
    tables.write(frame, out_tokens, tokens(params.max_tokens, negatives))
    tables.write(note_cuts(rows, columns, params.max_tokens).frame(), out_ledger, LedgerTable)
    balanced = balance(len(rows), len(frame), {}, [])
    write_metrics(
        {**balanced, **report(found, params.max_tokens), "model_max_tokens": own}, metrics
    )


app = command(main, "tables", "model")

if __name__ == "__main__":
    app()
