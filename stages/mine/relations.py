"""What is known of anchors and documents beside their texts.

These are the known positives of an anchor, near-duplicates, the hierarchy, groups, and labels
of single pairs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from stages.lib.retrieval.search import Vectors
from stages.lib.text.normal_form import normal_form
from stages.lib.text.strict_form import strict_form

# Id to the ids of the rows that are related to it.
Neighbours = Mapping[str, frozenset[str]]


class PairLabels(NamedTuple):
    """What single pairs say beyond "this document is a positive".

    Attributes:
        text_of_pair: pair id to the text that it is trained on, where that is no passage of its
            document.
        topic_of_pair: pair id to the topic of which any document is a positive.
        dissimilar: strict form of an anchor to the documents that a person found dissimilar,
            sorted.
    """

    text_of_pair: Mapping[str, str]
    topic_of_pair: Mapping[str, str]
    dissimilar: Mapping[str, tuple[str, ...]]


NO_LABELS = PairLabels({}, {}, {})


class KnownRelations(NamedTuple):
    """All that is known of anchors and documents beside their texts.

    Attributes:
        positives: normal form of an anchor to its known positives.
        near_duplicates: near-duplicates of documents and of pairs.
        relatives: ancestors and descendants of documents in the hierarchy.
        group_of: document id to its group.
        labels: what single pairs say.
        text_vectors: vectors of the texts in `labels.text_of_pair`.
        documents_of_topic: topic to document ids.
    """

    positives: Mapping[str, frozenset[str]]
    near_duplicates: Neighbours
    relatives: Neighbours
    group_of: Mapping[str, str]
    labels: PairLabels = NO_LABELS
    text_vectors: Mapping[str, Vectors] = {}
    documents_of_topic: Mapping[str, frozenset[str]] = {}

    @classmethod
    def from_tables(
        cls,
        *,
        positives: Mapping[str, frozenset[str]],
        labels: PairLabels,
        documents: pd.DataFrame,
        near_duplicates: pd.DataFrame,
        aliases: pd.DataFrame,
        hierarchy: pd.DataFrame,
        corpus_ids: Iterable[str],
        text_vectors: Mapping[str, Vectors],
    ) -> KnownRelations:
        """Return the relations that the tables name.

        Args:
            positives: known positives, from `known_positives`.
            labels: labels of pairs, from `pair_labels`.
            documents: Documents, for groups and topics.
            near_duplicates: a NearDuplicates table.
            aliases: Aliases, for the documents that stand for dropped ones.
            hierarchy: a Hierarchy table.
            corpus_ids: the documents whose relatives are needed.
            text_vectors: vectors of the texts that pairs are trained on.
        """
        kept_of = dict(zip(aliases["doc_id"], aliases["kept_id"], strict=True))
        topics = documents[documents["topic"] != ""].groupby("topic")["doc_id"]
        return cls(
            positives=positives,
            near_duplicates=near_duplicates_of(near_duplicates, kept_of),
            relatives=hierarchy_relatives(hierarchy, kept_of, corpus_ids),
            group_of=group_of(documents),
            labels=labels,
            text_vectors=text_vectors,
            documents_of_topic={str(topic): frozenset(ids) for topic, ids in topics},
        )


def known_positives(
    pairs: pd.DataFrame, parent_of: Mapping[str, str], trained: Collection[str] | None = None
) -> dict[str, frozenset[str]]:
    """Return normal form of an anchor to the documents that any pair gives it.

    Args:
        pairs: Pairs, trained on or not.
        parent_of: id of a variant to the pair whose anchor it varies; it has the same positives.
        trained: ids of the pairs whose anchors are of interest; None: all.
    """
    # Most anchors are of no interest where a cap leaves few pairs.
    is_needed = pd.Series(True, index=pairs.index)
    if trained is not None:
        parents = {parent_of[pair_id] for pair_id in trained if pair_id in parent_of}
        is_needed = pairs["pair_id"].isin(parents.union(trained))
    needed = pairs[is_needed]
    form_of = dict(zip(needed["pair_id"], needed["anchor"].map(normal_form), strict=True))

    # A pair that is not trained on may have the anchor of one that is.
    documents_of_form: dict[str, set[str]] = {form: set() for form in form_of.values()}
    for pair_id, anchor, doc_id in zip(
        pairs["pair_id"], pairs["anchor"], pairs["doc_id"], strict=True
    ):
        form = form_of[pair_id] if pair_id in form_of else normal_form(anchor)
        if form in documents_of_form:
            documents_of_form[form].add(doc_id)

    # A variant has the positives of its parent too.
    for pair_id, parent_id in parent_of.items():
        if pair_id in form_of:
            documents_of_form[form_of[pair_id]] |= documents_of_form[form_of[parent_id]]

    return {form: frozenset(doc_ids) for form, doc_ids in documents_of_form.items()}


def pair_labels(
    training: pd.DataFrame,
    synthetic_pairs: pd.DataFrame,
    dissimilar: pd.DataFrame,
    *,
    topic_of: Mapping[str, str],
    parent_of: Mapping[str, str],
) -> PairLabels:
    """Return what is known of the training pairs.

    Args:
        training: the Pairs that are trained on.
        synthetic_pairs: a SyntheticPairs table.
        dissimilar: Pairs that a person found dissimilar.
        topic_of: document id to topic, where there is one.
        parent_of: id of a variant to the pair that it varies, whose text and topic it has.
    """
    positive_text = dict(zip(synthetic_pairs["pair_id"], synthetic_pairs["positive"], strict=True))
    text_of_pair: dict[str, str] = {}
    topic_of_pair: dict[str, str] = {}
    for pair_id, doc_id, relation in zip(
        training["pair_id"], training["doc_id"], training["relation"], strict=True
    ):
        parent_id = parent_of.get(pair_id, pair_id)
        text = positive_text.get(parent_id, "")
        if text:
            text_of_pair[pair_id] = text
        # A collected pair may have a relation of that name too. It asks for no topic.
        if relation == "same_label" and parent_id in positive_text:
            topic_of_pair[pair_id] = topic_of[doc_id]

    # Documents that a person found dissimilar, by anchor.
    documents_of_form: dict[str, set[str]] = defaultdict(set)
    for anchor, doc_id in zip(dissimilar["anchor"], dissimilar["doc_id"], strict=True):
        documents_of_form[strict_form(anchor)].add(doc_id)

    sorted_documents = {
        form: tuple(sorted(doc_ids)) for form, doc_ids in sorted(documents_of_form.items())
    }
    return PairLabels(text_of_pair, topic_of_pair, sorted_documents)


def near_duplicates_of(
    edges: pd.DataFrame, kept_of: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """Return the near-duplicates of each document and pair.

    Args:
        edges: a NearDuplicates table.
        kept_of: id of a dropped document to the one that stands for it.
    """
    neighbours: dict[str, set[str]] = defaultdict(set)
    for left_id, right_id in zip(edges["left_id"], edges["right_id"], strict=True):
        left = kept_of.get(left_id, left_id)
        right = kept_of.get(right_id, right_id)
        if left != right:
            neighbours[left].add(right)
            neighbours[right].add(left)

    return {row_id: frozenset(others) for row_id, others in neighbours.items()}


def group_of(documents: pd.DataFrame) -> dict[str, str]:
    """Return document id to its group, for documents with one. A group belongs to one source."""
    groups: dict[str, str] = {}
    for doc_id, source, group in zip(
        documents["doc_id"], documents["source"], documents["group"], strict=True
    ):
        if group:
            groups[doc_id] = f"{source}\n{group}"

    return groups


def hierarchy_relatives(
    edges: pd.DataFrame, kept_of: Mapping[str, str], doc_ids: Iterable[str]
) -> dict[str, frozenset[str]]:
    """Return all ancestors and descendants of those of the documents that are in the hierarchy.

    Args:
        edges: a Hierarchy table. It may have circles.
        kept_of: id of a dropped document to the one that stands for it.
        doc_ids: the documents whose relatives are needed.
    """
    # Edges in both directions, with dropped documents replaced.
    parents: dict[str, set[str]] = defaultdict(set)
    children: dict[str, set[str]] = defaultdict(set)
    for doc_id, parent_id in zip(edges["doc_id"], edges["parent_id"], strict=True):
        child = kept_of.get(doc_id, doc_id)
        parent = kept_of.get(parent_id, parent_id)
        if child != parent:
            parents[child].add(parent)
            children[parent].add(child)

    # Up and down only: siblings and cousins are no relatives.
    relatives: dict[str, frozenset[str]] = {}
    for doc_id in doc_ids:
        if doc_id in parents or doc_id in children:
            related = _reachable(doc_id, parents) | _reachable(doc_id, children)
            relatives[doc_id] = frozenset(related - {doc_id})

    return relatives


def union_of(neighbours: Neighbours, row_ids: Iterable[str]) -> frozenset[str]:
    """Return the neighbours of all of `row_ids` together."""
    return frozenset[str]().union(*(neighbours.get(row_id, frozenset()) for row_id in row_ids))


def _reachable(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    """Return everything that edges lead to from `start`, itself included."""
    reached = {start}
    waiting = [start]
    while waiting:
        for other in edges.get(waiting.pop(), ()):
            if other not in reached:
                reached.add(other)
                waiting.append(other)

    return reached
