"""Tokenize to a fixed length, and report what truncation costs.

Reads the triplets. Writes token ids and attention masks. Every list is `tokenize.max_tokens` long
and contains the prompts, so that any training loop can read it. Validation queries and the
documents of the corpus are measured as well. The stage fails where more texts are cut than
`tokenize.max_truncated_share` allows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from stages.lib.core.errors import UserError
from stages.lib.core.interface import CheckedTable, Stage, TableFile
from stages.lib.core.model_files import find_base_model
from stages.lib.core.model_loading import loading
from stages.lib.schemas.documents import Passages
from stages.lib.schemas.ledger import LedgerWriter, row_accounting
from stages.lib.schemas.training import text_columns, tokens_schema
from stages.tokenize.encoding import (
    Column,
    check_truncated,
    length_metrics,
    measure,
    token_limits,
    tokenize,
    training_lengths,
)
from stages.tokenize.interface import Inputs, Outputs, Params


def run(inputs: Inputs, params: Params) -> Outputs:
    """Tokenize to a fixed length, and report what truncation costs."""
    from transformers import AutoTokenizer

    triplets = inputs.triplets.frame()
    if not len(triplets):
        raise UserError(
            f"{inputs.triplets.path} holds no rows",
            "see metrics/details/mine.json and metrics/details/split.json for where they went",
        )

    # The tokenizer of the base model, and how many tokens the model can read.
    folder = find_base_model(params.model)
    with loading(folder):
        tokenizer = AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
    if tokenizer.pad_token_id is None:
        raise UserError(
            f"the tokenizer of {params.model.base} has no token for padding",
            "name its pad_token in tokenizer_config.json, or choose another model.base",
        )
    model_tokens, most_tokens = token_limits(folder, tokenizer)
    max_tokens = params.tokenize.max_tokens
    if max_tokens > most_tokens:
        raise UserError(
            f"params.yaml: tokenize.max_tokens is {max_tokens}, "
            f"but {params.model.base} reads {most_tokens} tokens at most",
            f"lower it to {most_tokens}, or choose another model.base",
        )

    # Pairs with scores have no negatives. All other rows have at least one column of them.
    negatives = 0
    if params.pair.shape != "scores":
        negatives = max(1, int(triplets["negatives"].map(len).max()))
    columns = tokenize(
        triplets, tokenizer, params.model, max_tokens=max_tokens, negatives=negatives
    )

    # Validation queries and the corpus are measured, and not written.
    queries = [params.model.anchor_prompt + text for text in inputs.queries.frame()["text"]]
    passages = prompted_passages(inputs.passages, params.model.document_prompt)
    lengths = {
        **training_lengths(columns),
        "validation.query": measure(queries, tokenizer),
        "corpus.passage": measure(passages, tokenizer),
    }
    check_truncated(lengths, params.tokenize, most_tokens)

    frame = token_rows(triplets, columns, inputs.pairs.frame(), negatives=negatives)
    return Outputs(
        tokens=CheckedTable(frame, tokens_schema(max_tokens, negatives)),
        ledger=truncation_ledger(triplets, columns, max_tokens).frame(),
        details={
            **row_accounting(len(triplets), len(frame), dropped={}, reasons=[]),
            **length_metrics(lengths, max_tokens),
            "model_max_tokens": model_tokens,
        },
    )


def prompted_passages(passages: TableFile[Passages], prompt: str) -> Iterator[str]:
    """Yield the text of each passage behind the prompt. The table is read in parts."""
    for part in passages.batches():
        for text in part["text"].tolist():
            yield prompt + text


def token_rows(
    triplets: pd.DataFrame, columns: dict[str, Column], pairs: pd.DataFrame, negatives: int
) -> pd.DataFrame:
    """Return the rows of Tokens: ids, scores, and the token lists of each text column."""
    # Triplets have no scores; those of the pairs are looked up.
    score_of_pair = pairs.set_index("pair_id")["score"]
    frame = triplets[["pair_id", "component_id"]].assign(
        score=score_of_pair.reindex(triplets["pair_id"]).to_numpy(),
        negatives=triplets["negatives"].map(len),
        positive_ids=triplets["positive_ids"],
        in_batch_ids=triplets["in_batch_ids"],
    )

    # Two columns of lists per text column.
    for name in text_columns(negatives):
        frame[f"{name}_input_ids"] = list(columns[name].ids)
        frame[f"{name}_attention_mask"] = list(columns[name].mask)
    return frame


def truncation_ledger(
    triplets: pd.DataFrame, columns: dict[str, Column], max_tokens: int
) -> LedgerWriter:
    """Return a ledger with a line for each text that is cut: how many tokens it loses."""
    ledger = LedgerWriter()
    for name, column in columns.items():
        for row_index in np.flatnonzero(column.lengths > max_tokens):
            pair_id = str(triplets["pair_id"].iloc[row_index])
            lost_tokens = float(column.lengths[row_index] - max_tokens)
            ledger.note(pair_id, f"truncated_{name}", score=lost_tokens)
    return ledger


STAGE = Stage(run, groups=("tables", "model"))
main = STAGE.main
app = STAGE.app

if __name__ == "__main__":
    app()
