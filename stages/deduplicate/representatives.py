"""Which document represents which dropped copy.

Every dropped document has a kept one that is similar to itself, never through a third document.
What a person said of two texts outranks the rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from stages.deduplicate.interface import DeduplicateParams
from stages.lib.core.ids import hash_hex
from stages.lib.preprocessing.word_lists import count_noise, without_stopwords
from stages.lib.schemas.reviews import RowIds, Verdicts
from stages.lib.text.capital_names import is_in_capitals
from stages.lib.text.normal_form import containment, similarity
from stages.lib.text.strict_form import strict_form

# The reason of a drop that a person decided.
JUDGED_COPY = "judged_copy"

# Sorts the better of two documents first: see `preference`.
Rank = tuple[bool, int, int, int, int, str]


class Representative(NamedTuple):
    """The document that represents a dropped one, why, and how similar the two are."""

    kept_id: str
    reason: str
    similarity: float


class DuplicateEdge(NamedTuple):
    """Two texts of which one can represent the other, by the ids of documents that hold them."""

    left: str
    right: str
    reason: str
    similarity: float


def preference(
    documents: pd.DataFrame, authoritative: Iterable[str], source_order: Sequence[str]
) -> dict[str, Rank]:
    """Return document id to rank; the smallest rank is the best.

    Authoritative sources come first, then complete documents, then clean text, then sources that
    are named early, then long text. A hash decides between equals.
    """
    position_of_source = {source: index for index, source in enumerate(source_order)}
    authoritative_sources = frozenset(authoritative)
    columns = [documents[name] for name in ("title", "topic", "group")]
    filled_fields = [sum(map(bool, values)) for values in zip(*columns, strict=True)]

    ranks: dict[str, Rank] = {}
    rows = zip(
        documents["doc_id"], documents["source"], documents["text"], filled_fields, strict=True
    )
    for doc_id, source, text, fields in rows:
        ranks[doc_id] = (
            source not in authoritative_sources,
            -fields,
            count_noise(text),
            position_of_source.get(source, len(source_order)),
            -len(text),
            hash_hex(doc_id),
        )

    return ranks


def equal_documents(
    coarse_groups: Mapping[str, Sequence[str]], texts: Mapping[str, str]
) -> dict[str, list[str]]:
    """Return a document of each text to all documents with this text in strict form.

    Args:
        coarse_groups: documents with one coarse form, by any key. Only these may be equal.
        texts: document id to text.
    """
    documents: dict[str, list[str]] = {}
    for doc_ids in coarse_groups.values():
        name_of_form: dict[str, str] = {}
        for doc_id in sorted(doc_ids):
            # A document that is alone needs no form.
            form = strict_form(texts[doc_id]) if len(doc_ids) > 1 else ""
            name = name_of_form.setdefault(form, doc_id)
            documents.setdefault(name, []).append(doc_id)

    return documents


def content_form(text: str) -> str:
    """Return the strict form of `text` without stopwords.

    >>> content_form("Pain in the leg") == content_form("pain in leg")
    True
    """
    form = strict_form(text)

    # In a text in capitals a stopword may be a name.
    return form if is_in_capitals(text) else without_stopwords(form)


def removable_edges(
    edges: Sequence[DuplicateEdge],
    coarse_groups: Mapping[str, Sequence[str]],
    documents_of_text: Mapping[str, Sequence[str]],
    *,
    texts: Mapping[str, str],
    ranks: Mapping[str, Rank],
    near: str,
) -> list[DuplicateEdge]:
    """Return edges between texts of which one may be dropped. Each joins a best text to another.

    Args:
        edges: edges between near-duplicates, by the keys of `coarse_groups`.
        coarse_groups: the documents with one coarse form; such texts have the similarity 1.
        documents_of_text: the documents of each text, by the ids that the result uses.
        texts: document id to text.
        ranks: document id to its rank, as `preference` returns it.
        near: `deduplicate.near` of params.yaml. "drop_empty_difference" allows a drop only where
            the texts differ in stop words alone. "Upper" and "lower extremity hypokinesia" are
            near-duplicates, and different findings.
    """
    if near == "link":
        return []

    # The texts of each coarse form.
    names_of_form: dict[str, list[str]] = {}
    for form, doc_ids in coarse_groups.items():
        names_of_form[form] = [doc_id for doc_id in doc_ids if doc_id in documents_of_text]

    # A text ranks as the best of its documents.
    rank_of_name: dict[str, Rank] = {}
    for name, doc_ids in documents_of_text.items():
        rank_of_name[name] = min(ranks[doc_id] for doc_id in doc_ids)

    # Texts of one coarse form are near-duplicates too.
    same_form = [
        DuplicateEdge(form, form, "near_copy", 1.0)
        for form, names in names_of_form.items()
        if len(names) > 1
    ]
    similarity_of_ends: dict[tuple[str, str], float] = {}
    for edge in (*edges, *same_form):
        # Texts that differ in more than stop words are no reason to drop.
        members: dict[str, set[str]] = defaultdict(set)
        for name in (*names_of_form[edge.left], *names_of_form[edge.right]):
            members["" if near == "drop" else content_form(texts[name])].add(name)

        # The best text of each group may represent all others.
        left_names = frozenset(names_of_form[edge.left])
        for names in members.values():
            best = min(names, key=rank_of_name.__getitem__)
            for name in names - {best}:
                is_same_form = (name in left_names) == (best in left_names)
                score = 1.0 if is_same_form else edge.similarity
                similarity_of_ends[min(best, name), max(best, name)] = score

    return [
        DuplicateEdge(left, right, "near_copy", score)
        for (left, right), score in sorted(similarity_of_ends.items())
    ]


def crowd_edges(
    crowds: Mapping[str, int],
    equal_documents: Mapping[str, Sequence[str]],
    texts: Mapping[str, str],
    ranks: Mapping[str, Rank],
    params: DeduplicateParams,
) -> list[DuplicateEdge]:
    """Return edges between the best text of a group and the others, where a text may be dropped.

    The edges within a crowd are a tree, and a tree need not join a copy to the text that stays.
    So the texts of a crowd that may represent each other are compared with the best one of them.

    Args:
        crowds: the crowd of each text in one.
        equal_documents: the documents of each text, by the id that `crowds` uses for the text.
        texts: document id to text.
        ranks: document id to its rank, as `preference` returns it.
        params: which texts may be dropped.
    """
    if params.near == "link":
        return []

    # Texts that may represent each other: those of a crowd, or those that differ in stop words.
    names_of_group: dict[tuple[int, str], list[str]] = defaultdict(list)
    for name, crowd in crowds.items():
        content = "" if params.near == "drop" else content_form(texts[name])
        names_of_group[crowd, content].append(name)

    compare = similarity if params.measure == "jaccard" else containment
    edges: list[DuplicateEdge] = []
    for names in names_of_group.values():
        best, *others = sorted(names, key=lambda name: _best_rank(equal_documents[name], ranks))
        for name in others:
            score = compare(texts[best], texts[name])
            if score >= params.near_threshold:
                edges.append(DuplicateEdge(best, name, "near_copy", score))

    return edges


def judged_edges(
    edges: Sequence[DuplicateEdge],
    documents_of_text: Mapping[str, Sequence[str]],
    verdicts: Verdicts,
    *,
    texts: Mapping[str, str],
    params: DeduplicateParams,
) -> list[DuplicateEdge]:
    """Return the edges between texts of which one may go, as people decided.

    Texts that a person called different have no edge. Those that say the same have one, unless they
    have changed since, and are no near-duplicates any more.

    Args:
        edges: the edges that the rules found, by the keys of `documents_of_text`.
        documents_of_text: the documents of each text.
        verdicts: what people decided of two documents.
        texts: document id to text.
        params: the section `deduplicate`.
    """
    name_of_document = {
        doc_id: name for name, doc_ids in documents_of_text.items() for doc_id in doc_ids
    }
    different = _text_pairs(verdicts.no, name_of_document)
    same = _text_pairs(verdicts.yes, name_of_document)

    # Where a rule has an edge already, the rule is the reason.
    kept = [edge for edge in edges if ordered(edge.left, edge.right) not in different]
    known = {ordered(edge.left, edge.right) for edge in kept}
    compare = similarity if params.measure == "jaccard" else containment
    for left, right in sorted(same - known):
        score = compare(texts[left], texts[right])
        if score >= params.near_threshold:
            kept.append(DuplicateEdge(left, right, JUDGED_COPY, score))

    return kept


def choose_representatives(
    equal_documents: Mapping[str, Sequence[str]],
    edges: Sequence[DuplicateEdge],
    ranks: Mapping[str, Rank],
) -> dict[str, Representative]:
    """Return dropped document id to its representative.

    Texts are taken best first. A text goes to the best kept text that an edge joins it to. Without
    one it is kept itself. Documents of a kept text go to the best document of that text. A document
    of an authoritative source never goes, and so no text that has one.

    Args:
        equal_documents: the documents of each text, by the id that `edges` use for the text.
        edges: pairs of texts of which one may be dropped.
        ranks: document id to its rank, as `preference` returns it.
    """
    # Each text is represented by the best of its documents.
    best_of_text = {
        name: min(doc_ids, key=lambda doc_id: ranks[doc_id])
        for name, doc_ids in equal_documents.items()
    }

    # Edges are followed in both directions.
    neighbours: dict[str, list[DuplicateEdge]] = defaultdict(list)
    for edge in edges:
        neighbours[edge.left].append(edge)
        neighbours[edge.right].append(edge._replace(left=edge.right, right=edge.left))

    kept_texts: set[str] = set()
    representatives: dict[str, Representative] = {}
    for name in sorted(equal_documents, key=lambda name: ranks[best_of_text[name]]):
        best = best_of_text[name]
        is_authoritative = not ranks[best][0]
        kept_neighbours = [edge for edge in neighbours[name] if edge.right in kept_texts]

        # The text goes, with all its documents.
        if kept_neighbours and not is_authoritative:
            edge = min(kept_neighbours, key=lambda edge: ranks[best_of_text[edge.right]])
            target = Representative(best_of_text[edge.right], edge.reason, edge.similarity)
            representatives |= dict.fromkeys(equal_documents[name], target)
            continue

        # The text stays. Its other documents are exact copies of the best one.
        kept_texts.add(name)
        for doc_id in equal_documents[name]:
            if doc_id != best and ranks[doc_id][0]:
                representatives[doc_id] = Representative(best, "exact_copy", 1.0)

    return representatives


def ordered(left: str, right: str) -> RowIds:
    """Return two ids, the smaller one first."""
    return (left, right) if left < right else (right, left)


def _text_pairs(ids: Iterable[RowIds], name_of_document: Mapping[str, str]) -> set[RowIds]:
    """Return the two texts of each of `ids`, where both documents are known and differ in text."""
    pairs: set[RowIds] = set()
    for left, right in ids:
        if left in name_of_document and right in name_of_document:
            pairs.add(ordered(name_of_document[left], name_of_document[right]))

    return {(left, right) for left, right in pairs if left != right}


def _best_rank(doc_ids: Sequence[str], ranks: Mapping[str, Rank]) -> Rank:
    return min(ranks[doc_id] for doc_id in doc_ids)
