"""The training rows that the probe learns from, and their vectors."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stages.lib import benchmark
from stages.lib.embed import Encoder
from stages.lib.params import Model
from stages.lib.probe import Rows


def answers(triplets: pd.DataFrame, pairs: pd.DataFrame, positive_from: float) -> pd.DataFrame:
    """Return the rows of `triplets` whose pair is a positive, with the `source` of the pair.

    A pair of the table Pairs is a positive if it scores `positive_from` or more.

    >>> triplets = pd.DataFrame({"pair_id": ["p1", "p2"]})
    >>> columns = {"pair_id": ["p1", "p2"], "score": [1.0, 0.2], "source": ["faq", "faq"]}
    >>> answers(triplets, pd.DataFrame(columns), positive_from=0.5)
      pair_id source
    0      p1    faq
    """
    positives = benchmark.real(pairs, positive_from)
    source_of_pair = positives.set_index("pair_id")["source"]

    is_positive = triplets["pair_id"].isin(source_of_pair.index)
    positives = triplets[is_positive]
    sources = source_of_pair.reindex(positives["pair_id"])
    return positives.assign(source=sources.to_numpy()).reset_index(drop=True)


def learned(
    triplets: pd.DataFrame,
    lineage: pd.DataFrame,
    splits: pd.DataFrame,
    encoder: Encoder,
    model: Model,
) -> Rows:
    """Return the rows of `triplets` as vectors.

    `splits` (Splits) names the component of each collected pair and document. A pair that
    `augment` added has the component of its parent, which `lineage`, the Ledger of augment,
    names.
    """
    # The parent of each added pair, and the component of each collected pair and document.
    additions = lineage[lineage["action"] == "add"]
    parent_of_pair = additions.set_index("row_id")["partner_id"].to_dict()
    component_of_id = splits.set_index("id")["component_id"].to_dict()

    # One entry for each hard negative: the number of its row, its document, and its text.
    owners: list[int] = []
    negative_ids: list[str] = []
    negative_texts: list[str] = []
    lists_of_rows = zip(triplets["negative_ids"], triplets["negatives"], strict=True)
    for row_number, (doc_ids, texts) in enumerate(lists_of_rows):
        for doc_id, text in zip(doc_ids, texts, strict=True):
            owners.append(row_number)
            negative_ids.append(doc_id)
            negative_texts.append(text)

    # Encode positives and negatives in one call, since a text may be both.
    document_texts = [*triplets["positive"], *negative_texts]
    documents = encoder.encode(document_texts, model.document_prompt, "training documents")
    anchor_texts = list(triplets["anchor"])
    anchors = encoder.encode(anchor_texts, model.anchor_prompt, "training anchors")

    # Name the components.
    original_pairs = [parent_of_pair.get(pair_id, pair_id) for pair_id in triplets["pair_id"]]
    components = [component_of_id[pair_id] for pair_id in original_pairs]
    positive_components = [component_of_id[doc_id] for doc_id in triplets["doc_id"]]
    negative_components = [component_of_id[doc_id] for doc_id in negative_ids]

    return Rows(
        anchors=anchors,
        positives=documents[: len(triplets)],
        components=np.array(components, dtype=np.str_),
        positive_components=np.array(positive_components, dtype=np.str_),
        negatives=documents[len(triplets) :],
        owners=np.array(owners, dtype=np.int64),
        negative_components=np.array(negative_components, dtype=np.str_),
    )
