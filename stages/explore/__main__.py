"""Draw the documents as a map and list them in a table, in one page that opens offline.

Reads the documents, their passages, anchors, splits, near-duplicates and hard negatives. Nothing
of the test split is shown. The base model places each document by its first passage.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from stages.explore.clusters import regions
from stages.explore.interface import Inputs, Outputs, Params
from stages.explore.layout import kept_neighbours, lay_out, nearest_neighbours
from stages.explore.page import PageRows, render
from stages.explore.shown import (
    SHOWN_SPLITS,
    choose_documents,
    near_links,
    numbers_of,
    queries_of_documents,
    training_rows,
)
from stages.lib.core.device import choose_device
from stages.lib.core.interface import Stage
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import sample_mark
from stages.lib.retrieval.encoder import Encoder


def run(inputs: Inputs, params: Params) -> Outputs:
    """Draw the documents as a map and list them in a table, in one page that opens offline."""
    splits = inputs.splits.frame()
    documents = choose_documents(inputs.documents.frame(), splits, params.explore.points)
    numbers = numbers_of(list(documents["doc_id"]))

    # The first passage of each document that is shown.
    passages = inputs.passages.frame()
    first_passages = passages.drop_duplicates("doc_id").set_index("doc_id")["text"]
    texts = list(first_passages.reindex(documents["doc_id"]))
    encoder = Encoder(find_base_model(params.model), choose_device(params.run))
    vectors = encoder.encode(texts, params.model.document_prompt, "documents of the map")

    # Where each document lies, and which ones are nearest to it.
    neighbours = nearest_neighbours(vectors)
    positions = lay_out(vectors, neighbours)
    kept = kept_neighbours(positions, neighbours)

    is_visible = splits["split"].isin(SHOWN_SPLITS)
    visible = int((is_visible & splits["id"].str.startswith("d")).sum())
    rows = PageRows(
        documents=documents,
        positions=positions,
        neighbours=neighbours,
        queries=queries_of_documents(inputs.pairs.frame(), splits, numbers),
        training=training_rows(inputs.triplets.frame(), numbers),
        near=near_links(inputs.near_duplicates.frame(), numbers),
        regions=regions(positions, _names(documents)),
        left_out=visible - len(documents),
    )
    details = {
        **sample_mark(params.run.sample),
        "documents": len(documents),
        "left_out": rows.left_out,
    }
    if not np.isnan(kept):
        details["kept_neighbours"] = round(kept, 3)
    return Outputs(page=render(rows), details=details)


def _names(documents: pd.DataFrame) -> list[str]:
    """Return the title of each document, or its text where it has none."""
    has_title = documents["title"] != ""
    return list(documents["title"].where(has_title, documents["text"]))


STAGE = Stage(run, groups=("tables", "model"))
main = STAGE.main
app = STAGE.app

if __name__ == "__main__":
    app()
