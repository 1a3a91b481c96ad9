"""Leaks between splits: equal, near and overlapping texts, shared documents and groups."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from stages.lib.schemas.splits import EVALUATION_SPLITS
from stages.lib.text.matches import TextMatches, TextVersions, match_texts
from stages.split.components import is_pair_id
from stages.split.interface import Unit

ANCHOR_KINDS = ("exact anchor", "normalised anchor", "near anchor", "overlapping anchor")
MIXED_KINDS = ("anchor equals text", "anchor nears text", "anchor overlaps text")
TEXT_KINDS = ("shared document", "exact text", "normalised text", "near text", "overlapping text")
SPLITS = ("train", *EVALUATION_SPLITS)
KINDS = (*ANCHOR_KINDS, *MIXED_KINDS, *TEXT_KINDS, "shared group")
# Kind to (held-out pair to a pair of another split that leaks it).
Leaks = dict[str, dict[str, str]]

_MIXED_KIND_OF = dict(zip(("equal", "near", "overlapping"), MIXED_KINDS, strict=True))


class AuditData(NamedTuple):
    """The pairs that are audited.

    Attributes:
        anchors: the versions of the anchor by pair id.
        document_of_pair: the document of each pair; a pair that is no answer stands for itself.
        texts: the texts by document id that may be trained on.
        group_of_document: the group of each document that has one.
        untrained: document id to its text as collected, where that is another one.
        source_of: the source of each pair and document.
    """

    anchors: TextVersions
    document_of_pair: Mapping[str, str]
    texts: TextVersions
    group_of_document: Mapping[str, str]
    untrained: TextVersions = MappingProxyType({})
    source_of: Mapping[str, str] = MappingProxyType({})

    def matches(self, threshold: float) -> TextMatches:
        """Return all equal, near and overlapping texts, from this Jaccard similarity on."""
        kinds = [self.anchors, self.texts]
        return match_texts(kinds, threshold, untrained=self.untrained, source_of=self.source_of)


class _Roles(NamedTuple):
    """What the rows are in the comparison of one held-out split with others.

    Attributes:
        held_out: the pairs of the split, and their documents.
        other_pair: a row of the other splits to the smallest pair that stands for it.
    """

    held_out: set[str]
    other_pair: dict[str, str]


def enforced_kinds(unit: Unit) -> tuple[str, ...]:
    """Return the kinds of leaks that splits by `unit` may not have.

    >>> enforced_kinds("anchor")
    ('exact anchor', 'normalised anchor', 'near anchor', 'overlapping anchor')
    """
    if unit in ("anchor", "time"):
        return ANCHOR_KINDS

    # Groups are kept apart whatever their texts, so near texts of two groups may leak.
    kinds = (*ANCHOR_KINDS, *MIXED_KINDS, *TEXT_KINDS)
    if unit == "component":
        return kinds
    return tuple(kind for kind in kinds if "near" not in kind and "overlap" not in kind)


def find_leaks(
    data: AuditData,
    matches: TextMatches,
    split_of_pair: Mapping[str, str],
    *,
    held_out: Collection[str] = EVALUATION_SPLITS,
    against: Collection[str] = SPLITS,
) -> Leaks:
    """Return the held-out pairs that leak, by kind.

    A pair counts under the first kind of its anchor, the first kind of its text, and the first kind
    between anchors and texts. A document with pairs in both splits is of the kind "shared document"
    and of no other kind of text.

    Args:
        data: the pairs.
        matches: their equal, near and overlapping texts.
        split_of_pair: the split of each pair; pairs of other splits are left out.
        held_out: the splits whose pairs are checked.
        against: the splits that a pair may leak into, except its own.
    """
    leaks: Leaks = {kind: {} for kind in KINDS}

    for split in held_out:
        others = set(against) - {split}
        pairs = [pair for pair in data.document_of_pair if split_of_pair.get(pair) == split]
        other_pairs = [pair for pair in data.document_of_pair if split_of_pair.get(pair) in others]
        for kind, partner_of_pair in _leaks_of_split(data, matches, sorted(pairs), other_pairs):
            leaks[kind].update(partner_of_pair)

    return leaks


def _leaks_of_split(
    data: AuditData, matches: TextMatches, pairs: list[str], other_pairs: list[str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each kind and its leaks: a pair to the pair that leaks it."""
    documents = sorted({data.document_of_pair[pair] for pair in pairs})
    other_pair_of_document = _smallest((data.document_of_pair[pair], pair) for pair in other_pairs)
    shared = {
        document: other_pair_of_document[document]
        for document in documents
        if document in other_pair_of_document
    }

    # A document on both sides leaks as such. All others are compared by their texts.
    roles = _Roles(
        held_out={*pairs, *documents} - shared.keys(),
        other_pair={**other_pair_of_document, **{pair: pair for pair in other_pairs}},
    )
    partners = {kind: dict[str, str]() for kind in KINDS}
    for kind, row_id, partner in _matching_rows(data, matches, roles):
        known = partners[kind].get(row_id, partner)
        partners[kind][row_id] = min(known, partner)

    partners["shared document"] = shared
    partners["shared group"] = _group_leaks(data, documents, other_pairs)

    # From documents to their pairs, each under its first kind.
    for kinds in (ANCHOR_KINDS, MIXED_KINDS, TEXT_KINDS, ("shared group",)):
        seen: set[str] = set()
        for kind in kinds:
            leaks = _of_pairs(data, pairs, partners[kind])
            yield kind, {pair: other for pair, other in leaks.items() if pair not in seen}
            seen.update(leaks)


def _of_pairs(data: AuditData, pairs: list[str], partners: Mapping[str, str]) -> dict[str, str]:
    """Return pair to partner, for pairs that have one themselves or by their document."""
    leaks: dict[str, str] = {}
    for pair in pairs:
        candidates = (pair, data.document_of_pair[pair])
        known = [partners[row_id] for row_id in candidates if row_id in partners]
        if known:
            leaks[pair] = known[0]

    return leaks


def _matching_rows(
    data: AuditData, matches: TextMatches, roles: _Roles
) -> Iterator[tuple[str, str, str]]:
    """Yield (kind, held-out row, pair of another split) for rows whose texts match."""
    for similarity, left_ids, right_ids in matches.groups():
        for row_ids, other_ids in ((left_ids, right_ids), (right_ids, left_ids)):
            held_out = [row_id for row_id in row_ids if row_id in roles.held_out]
            others = [row_id for row_id in other_ids if row_id in roles.other_pair]
            if held_out and others:
                yield from _kinds_of_group(data, similarity, held_out, others, roles=roles)

            # Within a group of equal or overlapping rows both directions are the same.
            if similarity != "near":
                break


def _kinds_of_group(
    data: AuditData,
    similarity: str,
    held_out: list[str],
    others: list[str],
    *,
    roles: _Roles,
) -> Iterator[tuple[str, str, str]]:
    # The smallest pair that stands for an anchor, and for a text; and those of each raw text.
    first_of_kind = _smallest((other[0], roles.other_pair[other]) for other in others)
    first_of_text: dict[str, str] = {}
    if similarity == "equal":
        first_of_text = _smallest(
            (other[0] + text, roles.other_pair[other])
            for other in others
            for text in _versions(data, other)
        )

    mixed_others = {
        "p": [other for other in others if not is_pair_id(other)],
        "d": list(filter(is_pair_id, others)),
    }
    for row_id in held_out:
        letter = row_id[0]
        name = "anchor" if letter == "p" else "text"
        exact = [
            first_of_text[letter + text]
            for text in _versions(data, row_id)
            if letter + text in first_of_text
        ]
        if exact:
            yield f"exact {name}", row_id, min(exact)
        elif letter in first_of_kind:
            kind = "normalised" if similarity == "equal" else similarity
            yield f"{kind} {name}", row_id, first_of_kind[letter]

        # Anchors against texts, but no anchor against its own document.
        for other in mixed_others[letter]:
            if not _is_own(row_id, other, data.document_of_pair):
                yield _MIXED_KIND_OF[similarity], row_id, roles.other_pair[other]
                break


def _versions(data: AuditData, row_id: str) -> list[str]:
    """Return all texts of a pair or a document."""
    if is_pair_id(row_id):
        return list(data.anchors[row_id])

    return [*data.texts.get(row_id, ()), *data.untrained.get(row_id, ())]


def _is_own(row_id: str, other: str, document_of_pair: Mapping[str, str]) -> bool:
    return document_of_pair.get(row_id) == other or document_of_pair.get(other) == row_id


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


def _smallest(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the smallest id of each key."""
    smallest: dict[str, str] = {}
    for key, identity in pairs:
        smallest[key] = min(identity, smallest.get(key, identity))

    return smallest
