"""What the page shows, as values: `page.py` writes them, and `gather.py` makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from stages.explore.clusters import Region
from stages.explore.layout import Neighbours, Positions
from stages.explore.shown import ShownRow, SimilarDocument
from stages.explore.story import PipelineStory


class ModelMap(NamedTuple):
    """Where a model places the documents.

    Attributes:
        model: its name, such as "base model".
        positions: shape (n, 2).
        neighbours: the nearest documents of each, by their vectors.
        regions: parts of the map that have a name, the largest first.
    """

    model: str
    positions: Positions
    neighbours: Neighbours
    regions: Sequence[Region]


class GoneDocument(NamedTuple):
    """A document that an older version showed, and the data at hand has no more.

    The reason is that of the ledger, and "" where no ledger has one.
    """

    doc_id: str
    title: str
    reason: str


class DocumentChanges(NamedTuple):
    """How the documents differ from those of an older version.

    Attributes:
        revision: the name of the older version.
        states: what became of each shown document, in the order of the documents.
        old_splits: the former split of those that moved, by number.
        old_texts: the former title and text of those that were edited, by number.
        gone: what is gone and may be shown, in ascending order of id.
        hidden: how many were shown then, and may not be shown now.
    """

    revision: str
    states: Sequence[str]
    old_splits: Mapping[int, str]
    old_texts: Mapping[int, tuple[str, str]]
    gone: Sequence[GoneDocument]
    hidden: int


class PageRows(NamedTuple):
    """What the page shows.

    Attributes:
        documents: n rows with the columns doc_id, title, text, topic, source and split.
        maps: a map by each model, that of the base model first.
        queries: anchors of validation by the number of their document.
        training: rows of training by the number of their document.
        near: near-duplicates by the number of the document.
        story: what the pipeline did to the documents.
        left_out: documents that could be shown, and are too many.
        changes: how the documents differ from an older version; None if none is asked for.
    """

    documents: pd.DataFrame
    maps: Sequence[ModelMap]
    queries: Mapping[int, Sequence[str]]
    training: Mapping[int, Sequence[ShownRow]]
    near: Mapping[int, Sequence[SimilarDocument]]
    story: PipelineStory
    left_out: int
    changes: DocumentChanges | None = None
