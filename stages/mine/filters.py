"""Filters that exclude candidates, each with a name, in the order in which they count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.retrieval.search import Integers
from stages.lib.text.normal_form import hash_of_form, normal_form
from stages.mine.candidates import Candidates, is_labelled
from stages.mine.corpus import MiningCorpus
from stages.mine.interface import MineParams
from stages.mine.relations import KnownRelations, union_of

Mask = npt.NDArray[np.bool_]

# Filter name to a mask of the candidates that it excludes.
FilterMasks = Mapping[str, Mask]

# `margin` compares cosines, `cross_encoder` the scores of that model. `skipped` are the first
# of the candidates that pass all others.
FILTERS = (
    "known_positive",
    "equal_to_anchor",
    "near_positive",
    "relative",
    "margin",
    "cross_encoder",
    "skipped",
)

# Only these exclude what a person found dissimilar. The others guess.
CERTAIN_FILTERS = ("known_positive", "equal_to_anchor")

# Stands for no filter among the numbers of filters.
PASSED = -1


class ExclusionIndex(NamedTuple):
    """What is known to be no negative, for all anchors together, made for fast look-up.

    A set of (anchor, document) is a sorted array of keys: `anchor * documents + document`. A set of
    (anchor, group) is one too: `anchor * group_count + group`.

    Attributes:
        pair_keys: filter name to keys of anchors and documents.
        group_keys: keys of anchors and the groups of their positives.
        group_of_document: the number of the group of each document, or -1, of shape (documents,).
        group_count: the number of groups.
        relatives: for each anchor, the relatives of each of its positives. These sets may be
            large, and anchors share them.
        document_ids: ids of the searched documents.
    """

    pair_keys: Mapping[str, Integers]
    group_keys: Integers
    group_of_document: Integers
    group_count: int
    relatives: Sequence[Sequence[frozenset[str]]]
    document_ids: Sequence[str]

    def mask(self, name: str, candidates: Candidates) -> Mask:
        """Return a mask of the candidates that `name` excludes.

        Args:
            name: known_positive, equal_to_anchor or near_positive; `group` for documents in the
                group of a positive; `hierarchy` for its ancestors and descendants.
            candidates: the candidates.
        """
        if name == "group":
            return self._in_group(candidates)
        if name == "hierarchy":
            return self._in_hierarchy(candidates)

        keys = candidates.anchors * len(self.document_ids) + candidates.documents
        return _is_in(keys, self.pair_keys[name])

    def has_pair(self, name: str, anchor: int, document: int) -> bool:
        """Return whether known_positive, equal_to_anchor or near_positive excludes one document."""
        key = np.array([anchor * len(self.document_ids) + document], dtype=np.int64)
        return bool(_is_in(key, self.pair_keys[name])[0])

    def _in_group(self, candidates: Candidates) -> Mask:
        groups = self.group_of_document[candidates.documents]
        keys = candidates.anchors * self.group_count + groups
        return (groups >= 0) & _is_in(keys, self.group_keys)

    def _in_hierarchy(self, candidates: Candidates) -> Mask:
        mask = np.zeros(len(candidates.anchors), dtype=np.bool_)

        # Most anchors have no positive in the hierarchy.
        anchors = [
            anchor for anchor in np.unique(candidates.anchors).tolist() if self.relatives[anchor]
        ]
        for index in np.flatnonzero(np.isin(candidates.anchors, anchors)).tolist():
            doc_id = self.document_ids[candidates.documents[index]]
            relatives_of_positives = self.relatives[candidates.anchors[index]]
            mask[index] = any(doc_id in relatives for relatives in relatives_of_positives)

        return mask


def build_exclusions(
    forms: Sequence[str],
    pair_ids: Sequence[str],
    corpus: MiningCorpus,
    relations: KnownRelations,
) -> ExclusionIndex:
    """Return what is known to be no negative of each anchor.

    Positives are compared by their texts in normal form, so that a positive with another id is
    excluded too.

    Args:
        forms: normal forms of the anchors.
        pair_ids: pairs of the anchors.
        corpus: the corpus.
        relations: what is known of anchors and documents.
    """
    positives = [sorted(relations.positives[form]) for form in forms]

    # The searched documents that have the text of an anchor or of one of its positives.
    positive_hashes = [
        _hashes_of_positives(form, pair_id, corpus, relations)
        for form, pair_id in zip(forms, pair_ids, strict=True)
    ]

    anchor_hashes = [hash_of_form(form) for form in forms]
    documents_of_hash = _documents_of_hash(corpus, set(anchor_hashes).union(*positive_hashes))
    same_text = [
        set(chain.from_iterable(map(documents_of_hash.__getitem__, hashes)))
        for hashes in positive_hashes
    ]

    near_ids = [union_of(relations.near_duplicates, doc_ids) for doc_ids in positives]
    pair_keys = {
        "known_positive": _sorted_keys(same_text, corpus.searched),
        "equal_to_anchor": _sorted_keys(
            (documents_of_hash[anchor_hash] for anchor_hash in anchor_hashes), corpus.searched
        ),
        "near_positive": _sorted_keys(
            (_searched_positions(doc_ids, corpus) for doc_ids in near_ids), corpus.searched
        ),
    }

    # Groups as numbers, and the groups of each anchor's positives.
    group_names = sorted(set(relations.group_of.values()))
    number_of_group = {name: number for number, name in enumerate(group_names)}
    group_of = {doc_id: number_of_group[name] for doc_id, name in relations.group_of.items()}
    positive_groups = [_groups_of(doc_ids, group_of) for doc_ids in positives]
    searched_ids = corpus.ids[: corpus.searched]
    return ExclusionIndex(
        pair_keys=pair_keys,
        group_keys=_sorted_keys(positive_groups, len(group_names)),
        group_of_document=np.array(
            [group_of.get(doc_id, -1) for doc_id in searched_ids], dtype=np.int64
        ),
        group_count=len(group_names),
        relatives=[_relatives_of(doc_ids, relations) for doc_ids in positives],
        document_ids=searched_ids,
    )


def active_filters(params: MineParams) -> list[str]:
    """Return the names of the filters that are on. Every negative has passed them."""
    is_off = {
        "near_positive": params.near_positives == "keep",
        "relative": params.exclude_relatives == "off",
        "margin": not params.has_margin or params.uses_cross_encoder,
        "cross_encoder": not params.uses_cross_encoder,
        "skipped": params.skip_first == 0,
    }

    return [name for name in FILTERS if not is_off.get(name)]


def apply_filters(
    candidates: Candidates,
    exclusions: ExclusionIndex,
    thresholds: npt.NDArray[np.float64],
    params: MineParams,
) -> FilterMasks:
    """Return the candidates that each filter excludes, whether or not it is on.

    The mask `hierarchy` is no filter: it has the relatives of a positive, whatever the
    parameters say.

    Args:
        candidates: the candidates.
        exclusions: what is known to be no negative.
        thresholds: the highest cosine of a negative, of shape (anchors,).
        params: the section `mine`.
    """
    hierarchy = exclusions.mask("hierarchy", candidates)
    relative = np.zeros_like(hierarchy)
    if params.exclude_relatives in ("hierarchy", "both"):
        relative |= hierarchy
    if params.exclude_relatives in ("family", "both"):
        relative |= exclusions.mask("group", candidates)

    # Filters that guess let pass what a person found dissimilar.
    guessed = ~is_labelled(candidates, params)
    return {
        "known_positive": exclusions.mask("known_positive", candidates),
        "equal_to_anchor": exclusions.mask("equal_to_anchor", candidates),
        "near_positive": exclusions.mask("near_positive", candidates) & guessed,
        "relative": relative & guessed,
        "margin": (candidates.cosines > thresholds[candidates.anchors]) & guessed,
        "hierarchy": hierarchy,
    }


def accepted_by_all(masks: FilterMasks, names: Sequence[str]) -> Mask:
    """Return a mask of the candidates that none of the filters excludes.

    Filters without a mask, such as cross_encoder and skipped, are ignored.
    """
    # All masks have the same shape.
    mask = np.ones(len(masks["margin"]), dtype=np.bool_)
    for name in names:
        if name in masks:
            mask &= ~masks[name]

    return mask


def first_failed_filter(masks: FilterMasks, names: Sequence[str]) -> Integers:
    """Return the number in FILTERS of the first filter that excludes a candidate, else PASSED."""
    # From the last filter to the first, which wins.
    numbers = np.full(len(masks["margin"]), PASSED, dtype=np.int64)
    for name in reversed(names):
        if name in masks:
            numbers[masks[name]] = FILTERS.index(name)

    return numbers


def _hashes_of_positives(
    form: str, pair_id: str, corpus: MiningCorpus, relations: KnownRelations
) -> set[bytes]:
    """Return the hashes of the normal forms of all texts that are positive for one anchor."""
    labels = relations.labels
    doc_ids = set(relations.positives[form])

    # An anchor that asks for a topic has all its documents as positives.
    topic = labels.topic_of_pair.get(pair_id)
    if topic is not None:
        topic_documents = relations.documents_of_topic.get(topic, frozenset())
        doc_ids.update(doc_id for doc_id in topic_documents if doc_id in corpus.position_of)

    positive_hashes: set[bytes] = set()
    for doc_id in doc_ids:
        positive_hashes.update(corpus.hashes[corpus.position_of[doc_id]])

    if pair_id in labels.text_of_pair:
        positive_hashes.add(hash_of_form(normal_form(labels.text_of_pair[pair_id])))

    return positive_hashes


def _documents_of_hash(corpus: MiningCorpus, hashes: set[bytes]) -> Mapping[bytes, list[int]]:
    """Return hash of a form to the positions of the searched documents with it; [] for others."""
    documents_of_hash: dict[bytes, list[int]] = defaultdict(list)
    for document, document_hashes in enumerate(corpus.hashes[: corpus.searched]):
        for form_hash in document_hashes:
            if form_hash in hashes:
                documents_of_hash[form_hash].append(document)

    return documents_of_hash


def _searched_positions(doc_ids: Iterable[str], corpus: MiningCorpus) -> list[int]:
    positions = [corpus.position_of.get(doc_id, corpus.searched) for doc_id in doc_ids]
    return [position for position in positions if position < corpus.searched]


def _relatives_of(doc_ids: Iterable[str], relations: KnownRelations) -> list[frozenset[str]]:
    return [relations.relatives[doc_id] for doc_id in doc_ids if doc_id in relations.relatives]


def _groups_of(doc_ids: Iterable[str], group_of: Mapping[str, int]) -> set[int]:
    return {group_of[doc_id] for doc_id in doc_ids if doc_id in group_of}


def _sorted_keys(values_of_anchor: Iterable[Iterable[int]], width: int) -> Integers:
    """Return the sorted keys `anchor * width + value`."""
    # Pairs of numbers as single ones, which numpy sorts and looks up fast.
    keys: list[int] = []
    for anchor, values in enumerate(values_of_anchor):
        keys.extend(anchor * width + value for value in values)

    return np.sort(np.array(keys, dtype=np.int64))


def _is_in(keys: Integers, sorted_keys: Integers) -> Mask:
    """Return a mask of the keys that are among `sorted_keys`."""
    if not len(sorted_keys):
        return np.zeros(len(keys), dtype=np.bool_)

    # Where each key would be inserted; it is in the array if it is there already.
    places = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    return np.asarray(sorted_keys[places] == keys)
