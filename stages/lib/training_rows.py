"""The training rows as a probe sees them: which of them are examples of answers, and their vectors."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stages.lib import benchmark
from stages.lib.embed import Encoder
from stages.lib.params import Model
from stages.lib.probe import Rows


def answers(triplets: pd.DataFrame, pairs: pd.DataFrame, positive_from: float) -> pd.DataFrame:
    """Return the `triplets` whose pair, of the table Pairs, scores `positive_from` or more; with its source."""
    right = benchmark.real(pairs, positive_from).set_index("pair_id")["source"]
    found = triplets[triplets["pair_id"].isin(right.index)]
    return found.assign(source=right.reindex(found["pair_id"]).to_numpy()).reset_index(drop=True)


def learned(
    triplets: pd.DataFrame,
    lineage: pd.DataFrame,
    splits: pd.DataFrame,
    encoder: Encoder,
    model: Model,
) -> Rows:
    """Return the rows of `triplets` as vectors.

    `splits` (Splits) name the component of each collected pair and document; a pair that `lineage`, the Ledger of
    augment, says was made is of its parent's.
    """
    made = lineage[lineage["action"] == "add"]
    parents = dict(zip(made["row_id"], made["partner_id"], strict=True))
    component_of = dict(zip(splits["id"], splits["component_id"], strict=True))
    negatives = [
        (row, doc_id, text)
        for row, (ids, texts) in enumerate(
            zip(triplets["negative_ids"], triplets["negatives"], strict=True)
        )
        for doc_id, text in zip(ids, texts, strict=True)
    ]
    texts = [*triplets["positive"], *(text for _, _, text in negatives)]
    documents = encoder.encode(texts, model.document_prompt, "training documents")
    return Rows(
        encoder.encode(list(triplets["anchor"]), model.anchor_prompt, "training anchors"),
        documents[: len(triplets)],
        np.array(
            [component_of[parents.get(pair_id, pair_id)] for pair_id in triplets["pair_id"]],
            dtype=np.str_,
        ),
        np.array([component_of[doc_id] for doc_id in triplets["doc_id"]], dtype=np.str_),
        documents[len(triplets) :],
        np.array([row for row, _, _ in negatives], dtype=np.int64),
        np.array([component_of[doc_id] for _, doc_id, _ in negatives], dtype=np.str_),
    )
