"""Batch conflicts: rows of training that must not be in one batch.

In a batch the positive and the negatives of every row are negatives of all others. So no row
may bring what is positive for another: the same document, one of its component, a
near-duplicate, a positive of an equal or near anchor, or, where the anchor asks for any
document of a topic, one of that topic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from stages.mine.relations import Neighbours, union_of


@dataclass(frozen=True)
class BatchConflicts:
    """What decides which rows conflict.

    Attributes:
        component_of: id of a pair or document to its component.
        parent_of: id of a variant to the pair that it varies.
        document_of_pair: pair id to document id, for all pairs that have a near-duplicate.
        near_duplicates: near-duplicates of pairs and of documents.
        topic_of_pair: pair id to the topic of which any document is a positive.
        topic_of_document: document id to topic, where there is one.
    """

    component_of: Mapping[str, str]
    parent_of: Mapping[str, str] = field(default_factory=dict)
    document_of_pair: Mapping[str, str] = field(default_factory=dict)
    near_duplicates: Neighbours = field(default_factory=dict)
    topic_of_pair: Mapping[str, str] = field(default_factory=dict)
    topic_of_document: Mapping[str, str] = field(default_factory=dict)

    def component(self, pair_id: str, doc_id: str) -> str:
        """Return the component of a pair, of the parent of a variant, or else of the document."""
        parent_id = self.parent_of.get(pair_id, pair_id)
        return self.component_of.get(parent_id) or self.component_of[doc_id]

    def positive_ids(self, pair_id: str, doc_id: str, positives: frozenset[str]) -> list[str]:
        """Return the documents, components and topics that are positive for a pair, sorted.

        Args:
            pair_id: the pair.
            doc_id: its document.
            positives: the known positives of its anchor.
        """
        # Positives of near anchors, and near-duplicates of positives, are positives too.
        parent_id = self.parent_of.get(pair_id, pair_id)
        near_pairs = self.near_duplicates.get(parent_id, frozenset())
        near_positives = {
            self.document_of_pair[other] for other in near_pairs if other in self.document_of_pair
        }
        documents = {doc_id, *positives, *near_positives}
        documents |= union_of(self.near_duplicates, documents)

        # A pair that asks for a topic has all its documents as positives.
        topics: set[str] = set()
        if pair_id in self.topic_of_pair:
            topics.add(_topic_name(self.topic_of_pair[pair_id]))

        component = self.component(pair_id, doc_id)
        return sorted({component, *documents, *self._components(documents), *topics})

    def in_batch_ids(self, pair_id: str, doc_id: str, negative_ids: Sequence[str]) -> list[str]:
        """Return the documents, components and topics that a pair brings into a batch, sorted.

        Args:
            pair_id: the pair.
            doc_id: its document.
            negative_ids: its negatives.
        """
        documents = {doc_id, *negative_ids}
        # Topics matter only where some pair asks for them.
        topics = {
            _topic_name(self.topic_of_document[document])
            for document in documents
            if self.topic_of_document.get(document) in self._query_topics
        }

        component = self.component(pair_id, doc_id)
        return sorted({component, *documents, *self._components(documents), *topics})

    @cached_property
    def _query_topics(self) -> set[str]:
        """The topics that some pair asks for."""
        return set(self.topic_of_pair.values())

    def _components(self, doc_ids: set[str]) -> set[str]:
        names = {self.component_of.get(doc_id, "") for doc_id in doc_ids}
        return names - {""}


def add_conflict_ids(
    rows: pd.DataFrame, conflicts: BatchConflicts, positives: Sequence[frozenset[str]]
) -> pd.DataFrame:
    """Return `rows` with the columns component_id, positive_ids and in_batch_ids.

    Two rows conflict where the in_batch_ids of one meet the positive_ids of the other.

    Args:
        rows: triplets without these columns.
        conflicts: what decides which rows conflict.
        positives: the known positives of the anchor of each row.
    """
    components: list[str] = []
    positive_ids: list[list[str]] = []
    in_batch_ids: list[list[str]] = []
    for pair_id, doc_id, negative_ids, row_positives in zip(
        rows["pair_id"], rows["doc_id"], rows["negative_ids"], positives, strict=True
    ):
        components.append(conflicts.component(pair_id, doc_id))
        positive_ids.append(conflicts.positive_ids(pair_id, doc_id, row_positives))
        in_batch_ids.append(conflicts.in_batch_ids(pair_id, doc_id, negative_ids))

    return rows.assign(
        component_id=components,
        positive_ids=pd.Series(positive_ids, index=rows.index, dtype=object),
        in_batch_ids=pd.Series(in_batch_ids, index=rows.index, dtype=object),
    )


def _topic_name(topic: str) -> str:
    """Return a name of a topic that no id can be, since ids have no blank."""
    return f"topic {topic}"
