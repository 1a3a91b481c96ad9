"""Gather what the page shows from the tables, and place the documents by one model or more."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from stages.explore.clusters import regions
from stages.explore.interface import Inputs, Params
from stages.explore.layout import lay_out, nearest_neighbours, turned_towards
from stages.explore.page_rows import ModelMap, PageRows
from stages.explore.shown import (
    SHOWN_SPLITS,
    choose_documents,
    near_links,
    numbers_of,
    queries_of_documents,
    training_rows,
)
from stages.explore.story import pipeline_story
from stages.lib.retrieval.encoder import Encoder


def gather(inputs: Inputs, params: Params, encoders: Mapping[str, Encoder]) -> PageRows:
    """Return what the page shows.

    Args:
        inputs: the tables.
        params: the sections of the stage.
        encoders: the models that place the documents, by the name that the page gives them.
    """
    splits = inputs.splits.frame()
    documents = choose_documents(inputs.documents.frame(), splits, params.explore.points)
    numbers = numbers_of(list(documents["doc_id"]))

    # Rows of other splits are not named, also where they stand beside a shown document.
    is_visible = splits["split"].isin(SHOWN_SPLITS)
    visible = int((is_visible & splits["id"].str.startswith("d")).sum())
    ledgers = {
        "clean": inputs.clean_ledger.batches(),
        "deduplicate": inputs.deduplicate_ledger.batches(),
    }
    return PageRows(
        documents=documents,
        maps=_maps(documents, inputs, params, encoders),
        queries=queries_of_documents(inputs.pairs.frame(), splits, numbers),
        training=training_rows(inputs.triplets.frame(), numbers),
        near=near_links(inputs.near_duplicates.frame(), numbers),
        story=pipeline_story(ledgers, numbers, set(splits.loc[~is_visible, "id"])),
        left_out=visible - len(documents),
    )


def _maps(
    documents: pd.DataFrame, inputs: Inputs, params: Params, encoders: Mapping[str, Encoder]
) -> list[ModelMap]:
    """Return a map by each model. Later ones are turned so that documents move little."""
    passages = inputs.passages.frame()
    first_passages = passages.drop_duplicates("doc_id").set_index("doc_id")["text"]
    texts = list(first_passages.reindex(documents["doc_id"]))

    # A document is called by its title, or by its text where it has none.
    has_title = documents["title"] != ""
    names = list(documents["title"].where(has_title, documents["text"]))

    maps: list[ModelMap] = []
    for model, encoder in encoders.items():
        label = f"documents of the map, {model}"
        vectors = encoder.encode(texts, params.model.document_prompt, label)
        neighbours = nearest_neighbours(vectors)
        positions = lay_out(vectors, neighbours)
        if maps:
            positions = turned_towards(positions, maps[0].positions)
        maps.append(ModelMap(model, positions, neighbours, regions(positions, names, texts)))
    return maps
