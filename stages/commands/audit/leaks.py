"""Search for leaks between splits: equal and near texts, shared documents and groups."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from stages.lib.schemas.splits import EVALUATION_SPLITS
from stages.lib.text.normal_form import normal_form, shingles
from stages.lib.text.similarity_join import similarity_join
from stages.split.components import TextVersions
from stages.split.interface import Unit

ANCHOR_KINDS = ("exact anchor", "normalised anchor", "near anchor")
TEXT_KINDS = ("shared document", "exact text", "normalised text", "near text")
SPLITS = ("train", *EVALUATION_SPLITS)
KINDS = (*ANCHOR_KINDS, *TEXT_KINDS, "shared group")
# Kind to (held-out pair to a pair of another split that leaks it).
Leaks = dict[str, dict[str, str]]


class AuditData(NamedTuple):
    """The pairs that are audited.

    Attributes:
        anchors: the versions of the anchor by pair id.
        document_of_pair: the document of each pair.
        texts: the versions of the text by document id.
        group_of_document: the group of each document that has one.
    """

    anchors: TextVersions
    document_of_pair: Mapping[str, str]
    texts: TextVersions
    group_of_document: Mapping[str, str]


def enforced_kinds(unit: Unit) -> tuple[str, ...]:
    """Return the kinds of leaks that splits by `unit` may not have.

    >>> enforced_kinds("anchor")
    ('exact anchor', 'normalised anchor', 'near anchor')
    """
    if unit in ("anchor", "time"):
        return ANCHOR_KINDS

    # Groups are kept apart whatever their texts, so near texts of two groups may leak.
    kinds = (*ANCHOR_KINDS, *TEXT_KINDS)
    if unit == "component":
        return kinds
    return tuple(kind for kind in kinds if not kind.startswith("near"))


def find_leaks(
    data: AuditData,
    split_of_pair: Mapping[str, str],
    threshold: float,
    *,
    held_out: Collection[str] = EVALUATION_SPLITS,
    against: Collection[str] = SPLITS,
) -> Leaks:
    """Return the held-out pairs that leak, by kind.

    A pair counts under the first kind of its anchor and the first kind of its text. A document with
    pairs in both splits is of the kind "shared document" and of no other kind of text.

    Args:
        data: the pairs.
        split_of_pair: the split of each pair; pairs of other splits are left out.
        threshold: Jaccard similarity from which on two texts are near.
        held_out: the splits whose pairs are checked.
        against: the splits that a pair may leak into, except its own.
    """
    leaks: Leaks = {kind: {} for kind in KINDS}

    for split in held_out:
        others = set(against) - {split}
        pairs = [pair for pair in data.document_of_pair if split_of_pair.get(pair) == split]
        other_pairs = [pair for pair in data.document_of_pair if split_of_pair.get(pair) in others]
        pairs.sort()

        by_kind = _anchor_leaks(data, pairs, other_pairs, threshold=threshold)
        by_kind |= _text_leaks(data, pairs, other_pairs, threshold=threshold)
        for kind, partner_of_pair in by_kind.items():
            leaks[kind].update(partner_of_pair)

    return leaks


def _anchor_leaks(
    data: AuditData, pairs: list[str], other_pairs: list[str], *, threshold: float
) -> Leaks:
    anchors = {pair: data.anchors[pair] for pair in pairs}
    other_anchors = {pair: data.anchors[pair] for pair in other_pairs}
    matches = _match_texts(anchors, other_anchors, threshold)

    return dict(zip(ANCHOR_KINDS, matches, strict=True))


def _text_leaks(
    data: AuditData, pairs: list[str], other_pairs: list[str], *, threshold: float
) -> Leaks:
    # The documents of both sides, each with a pair that stands for it.
    documents = sorted({data.document_of_pair[pair] for pair in pairs})
    other_pair_of_document = _smallest((data.document_of_pair[pair], pair) for pair in other_pairs)

    # A document on both sides leaks as such. All others are compared by their texts.
    shared = {}
    texts = {}
    for document in documents:
        if document in other_pair_of_document:
            shared[document] = other_pair_of_document[document]
        else:
            texts[document] = data.texts[document]
    other_texts = {document: data.texts[document] for document in other_pair_of_document}

    partner_of_document: list[dict[str, str]] = [shared]
    for matches in _match_texts(texts, other_texts, threshold):
        partners = {document: other_pair_of_document[other] for document, other in matches.items()}
        partner_of_document.append(partners)
    partner_of_document.append(_group_leaks(data, documents, other_pairs))

    # From documents to their pairs.
    leaks: Leaks = {}
    kinds = (*TEXT_KINDS, "shared group")
    for kind, partners in zip(kinds, partner_of_document, strict=True):
        leaks[kind] = {}
        for pair in pairs:
            document = data.document_of_pair[pair]
            if document in partners:
                leaks[kind][pair] = partners[document]
    return leaks


def _group_leaks(data: AuditData, documents: list[str], other_pairs: list[str]) -> dict[str, str]:
    """Return the documents whose group has a pair among `other_pairs`, with that pair."""
    groups = []
    for pair in other_pairs:
        group = data.group_of_document.get(data.document_of_pair[pair], "")
        if group:
            groups.append((group, pair))
    pair_of_group = _smallest(groups)

    partners = {}
    for document in documents:
        group = data.group_of_document.get(document, "")
        if group in pair_of_group:
            partners[document] = pair_of_group[group]
    return partners


def _match_texts(
    texts: TextVersions, others: TextVersions, threshold: float
) -> list[dict[str, str]]:
    """Return id to matching id of `others`, by kind of match.

    Equal texts come first, then equal normal forms, then near texts.
    """
    other_texts = list(_pairs_of(others))
    id_of_text = _smallest(other_texts)
    id_of_form = _smallest((normal_form(text), identity) for text, identity in other_texts)

    equal: dict[str, str] = {}
    for text, identity in _pairs_of(texts):
        if text in id_of_text:
            equal.setdefault(identity, id_of_text[text])

    # Each id counts under its first kind only.
    normalised: dict[str, str] = {}
    for text, identity in _pairs_of(texts):
        form = normal_form(text)
        if identity not in equal and form in id_of_form:
            normalised.setdefault(identity, id_of_form[form])

    rest = {
        identity: texts[identity] for identity in texts.keys() - equal.keys() - normalised.keys()
    }
    near: dict[str, str] = {}
    other_shingles = _shingle_sets(others) if rest else {}
    for identity, other, _ in similarity_join(_shingle_sets(rest), other_shingles, threshold):
        near.setdefault(identity, other)
    return [equal, normalised, near]


def _shingle_sets(texts: TextVersions) -> dict[str, list[frozenset[str]]]:
    sets_of_id: dict[str, list[frozenset[str]]] = {}
    for identity in sorted(texts):
        sets_of_id[identity] = []
        for text in texts[identity]:
            sets_of_id[identity] += shingles(text)

    return sets_of_id


def _pairs_of(texts: TextVersions) -> Iterable[tuple[str, str]]:
    """Yield each text with its id, sorted by id."""
    for identity in sorted(texts):
        for text in texts[identity]:
            yield text, identity


def _smallest(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the smallest id of each key."""
    smallest: dict[str, str] = {}
    for key, identity in pairs:
        smallest[key] = min(identity, smallest.get(key, identity))

    return smallest
