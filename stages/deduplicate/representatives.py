"""Which document represents which dropped copy, and the pairs that follow it.

Every dropped document has a kept one that is similar to itself, never through a third document.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from stages.deduplicate.interface import DeduplicateParams
from stages.lib.core.ids import hash_hex
from stages.lib.preprocessing.word_lists import count_noise, without_stopwords
from stages.lib.text.capital_names import is_in_capitals
from stages.lib.text.normal_form import containment, similarity
from stages.lib.text.strict_form import strict_form

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


class ExcludedPair(NamedTuple):
    """A pair that is dropped, why, the pair that stays instead, and how similar the anchors are."""

    pair_id: str
    reason: str
    kept_id: str
    similarity: float


class PairDecisions(NamedTuple):
    """The pairs after each of two steps, and the pairs that are dropped.

    Attributes:
        repointed: all pairs, each with a kept document.
        excluded: the pairs that are dropped.
        kept: the pairs that stay.
    """

    repointed: pd.DataFrame
    excluded: list[ExcludedPair]
    kept: pd.DataFrame


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
            members["" if near == "drop" else _content(texts[name])].add(name)

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
        content = "" if params.near == "drop" else _content(texts[name])
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


def repoint(pairs: pd.DataFrame, representatives: Mapping[str, Representative]) -> pd.DataFrame:
    """Return `pairs` with the representative in place of each dropped document."""
    kept_of_dropped = {doc_id: target.kept_id for doc_id, target in representatives.items()}
    doc_ids = [kept_of_dropped.get(doc_id, doc_id) for doc_id in pairs["doc_id"]]
    return pairs.assign(doc_id=pd.Series(doc_ids, index=pairs.index, dtype=pairs["doc_id"].dtype))


def duplicate_pairs(pairs: pd.DataFrame) -> list[ExcludedPair]:
    """Return the pairs that repeat another: the same anchor in strict form, and the same document.

    The pair with the highest score stays, and of equal scores the one with the highest grade, if
    there is a column of grades. Then the pair stays whose id has the smallest hash.
    """
    # Only documents with several pairs matter. The first pair of each group is the best one.
    repeated = pairs[pairs.duplicated("doc_id", keep=False)]
    ranked = _ranked(repeated.assign(form=repeated["anchor"].map(strict_form).astype("str")))

    kept_ids = ranked.groupby(["form", "doc_id"])["pair_id"].transform("first")
    return [
        ExcludedPair(pair_id, "duplicate_pair", kept_id, 1.0)
        for pair_id, kept_id in zip(ranked["pair_id"], kept_ids, strict=True)
        if pair_id != kept_id
    ]


def near_duplicate_pairs(pairs: pd.DataFrame, threshold: float) -> list[ExcludedPair]:
    """Return the pairs whose anchor differs in stop words alone from one of the same document.

    They are at least `threshold` similar to the best pair of their group. That one stays.
    """
    # Only groups of two or more pairs matter.
    pairs = pairs[pairs.duplicated("doc_id", keep=False)]
    forms = pairs["anchor"].map(_content).astype("str")
    repeated = pairs.assign(form=forms).duplicated(["form", "doc_id"], keep=False)
    ranked = _ranked(pairs[repeated].assign(form=forms[repeated]))

    excluded: list[ExcludedPair] = []
    for _, group in ranked.groupby(["form", "doc_id"], sort=False):
        pair_ids = group["pair_id"].to_list()
        anchors = group["anchor"].to_list()

        # All others are compared with the best pair of the group.
        for pair_id, anchor in zip(pair_ids[1:], anchors[1:], strict=True):
            score = similarity(anchors[0], anchor)
            if score >= threshold:
                excluded.append(ExcludedPair(pair_id, "near_pair", pair_ids[0], score))

    return excluded


def deduplicate_pairs(
    pairs: pd.DataFrame,
    representatives: Mapping[str, Representative],
    params: DeduplicateParams,
    *,
    grade_of_pair: Mapping[str, int] | None = None,
) -> PairDecisions:
    """Return the pairs with kept documents only, and each pair once.

    Args:
        pairs: a Pairs table.
        representatives: dropped document id to its representative.
        params: the section `deduplicate`.
        grade_of_pair: the grade of each graded pair; of equal pairs the best one stays.
    """
    repointed = repoint(pairs, representatives)
    grades = [(grade_of_pair or {}).get(pair_id, 0) for pair_id in repointed["pair_id"]]
    graded = repointed.assign(grade=grades)

    # Pairs that are equal by now.
    excluded = duplicate_pairs(graded)

    # Pairs that are nearly equal, if near-duplicates may go at all.
    if params.near != "link":
        unequal = without_pairs(graded, excluded)
        excluded += near_duplicate_pairs(unequal, params.near_threshold)

    return PairDecisions(repointed, excluded, without_pairs(repointed, excluded))


def without_pairs(pairs: pd.DataFrame, excluded: Sequence[ExcludedPair]) -> pd.DataFrame:
    """Return `pairs` without the excluded ones."""
    excluded_ids = {pair.pair_id for pair in excluded}
    return pairs[~pairs["pair_id"].isin(excluded_ids)]


def _best_rank(doc_ids: Sequence[str], ranks: Mapping[str, Rank]) -> Rank:
    return min(ranks[doc_id] for doc_id in doc_ids)


def _content(text: str) -> str:
    """Return the strict form of `text` without stopwords."""
    form = strict_form(text)

    # In a text in capitals a stopword may be a name.
    return form if is_in_capitals(text) else without_stopwords(form)


def _ranked(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return `pairs`, which have a column `form`, grouped by form and document, the best first."""
    grades = pairs["grade"] if "grade" in pairs.columns else 0
    hashed = pairs.assign(grade=grades, id_hash=pairs["pair_id"].map(hash_hex))
    return hashed.sort_values(
        ["form", "doc_id", "score", "grade", "id_hash"],
        ascending=[True, True, False, False, True],
    )
