"""Which document represents which dropped copy, and the pairs that follow it.

Every dropped document has a kept one that is similar to itself, never through a third document.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from stages.deduplicate.interface import DeduplicateParams
from stages.lib.core.ids import hash_hex
from stages.lib.preprocessing.word_lists import count_noise, without_stopwords
from stages.lib.text.normal_form import normal_form, shingles, similarity

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


def removable_edges(
    edges: Sequence[DuplicateEdge], texts: Mapping[str, str], near: str
) -> list[DuplicateEdge]:
    """Return the edges between near-duplicates over which a text may be dropped.

    Args:
        edges: edges between near-duplicates.
        texts: document id to text.
        near: `deduplicate.near` of params.yaml. "drop_empty_difference" allows a drop only where
            the texts differ in stop words alone. "Upper" and "lower extremity hypokinesia" are
            near-duplicates, and different findings.
    """
    if near == "link":
        return []
    if near == "drop":
        return list(edges)

    # Stop words do not count as a difference.
    return [edge for edge in edges if _content(texts[edge.left]) == _content(texts[edge.right])]


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
    """Return the pairs that repeat another: the same anchor in normal form, and the same document.

    The pair with the highest score stays. Of equal scores, the pair whose id has the smallest hash.
    """
    # The first pair of each group is the best one.
    ranked = _ranked(pairs.assign(form=pairs["anchor"].map(normal_form)))

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
    forms = pairs["anchor"].map(_content)
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
) -> PairDecisions:
    """Return the pairs with kept documents only, and each pair once."""
    repointed = repoint(pairs, representatives)

    # Pairs that are equal by now.
    excluded = duplicate_pairs(repointed)
    kept = without_pairs(repointed, excluded)

    # Pairs that are nearly equal, if near-duplicates may go at all.
    if params.near != "link":
        near_pairs = near_duplicate_pairs(kept, params.near_threshold)
        kept = without_pairs(kept, near_pairs)
        excluded += near_pairs

    return PairDecisions(repointed, excluded, kept)


def without_pairs(pairs: pd.DataFrame, excluded: Sequence[ExcludedPair]) -> pd.DataFrame:
    """Return `pairs` without the excluded ones."""
    excluded_ids = {pair.pair_id for pair in excluded}
    return pairs[~pairs["pair_id"].isin(excluded_ids)]


def count_violations(
    texts: Mapping[str, str],
    representatives: Mapping[str, Representative],
    pairs_before: pd.DataFrame,
    pairs_after: pd.DataFrame,
    kept_documents: frozenset[str],
    params: DeduplicateParams,
) -> dict[str, int]:
    """Return how often each invariant is broken, counted anew from the results. All must be 0.

    unsupported_drops counts documents whose representative is dropped or is not similar to them.
    dangling_pairs counts pairs whose document is dropped. relabelled_pairs counts pairs whose
    document now says something else, stop words aside.

    Args:
        texts: the texts of all documents that are dropped or represent one.
        representatives: dropped document id to its representative.
        pairs_before: the pairs that the stage read.
        pairs_after: the pairs that the stage writes.
        kept_documents: ids of all documents that stay.
        params: the threshold and the measure of near-duplicates.
    """
    compare = similarity if params.measure == "jaccard" else text_containment

    # Documents that were dropped without a good reason.
    unsupported = 0
    for doc_id, target in representatives.items():
        misplaced = target.kept_id not in kept_documents or doc_id in kept_documents
        if misplaced or not _is_supported(
            texts[doc_id],
            texts[target.kept_id],
            target.reason,
            compare=compare,
            threshold=params.near_threshold,
        ):
            unsupported += 1

    # Pairs that name a document which says something else than before.
    document_before = dict(zip(pairs_before["pair_id"], pairs_before["doc_id"], strict=True))
    relabelled = 0
    for pair_id, after in zip(pairs_after["pair_id"], pairs_after["doc_id"], strict=True):
        before = document_before[pair_id]
        if before != after and _differs(texts.get(before), texts.get(after)):
            relabelled += 1

    return {
        "unsupported_drops": unsupported,
        "dangling_pairs": sum(doc_id not in kept_documents for doc_id in pairs_after["doc_id"]),
        "relabelled_pairs": relabelled,
    }


def text_containment(left: str, right: str) -> float:
    """Return the share of the smaller text's shingles that the other text has.

    Of the kinds of shingles the one with the largest share counts.
    """
    shares = [
        len(left_set & right_set) / min(len(left_set), len(right_set))
        for left_set in shingles(left)
        for right_set in shingles(right)
    ]
    return max(shares)


def _content(text: str) -> str:
    """Return the normal form of `text` without stop words."""
    return without_stopwords(normal_form(text))


def _ranked(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return `pairs`, which have a column `form`, grouped by form and document, the best first."""
    hashed = pairs.assign(id_hash=pairs["pair_id"].map(hash_hex))
    return hashed.sort_values(
        ["form", "doc_id", "score", "id_hash"], ascending=[True, True, False, True]
    )


def _is_supported(
    dropped_text: str,
    kept_text: str,
    reason: str,
    *,
    compare: Callable[[str, str], float],
    threshold: float,
) -> bool:
    """Return whether one text may represent the other for the reason that the ledger gives."""
    if reason == "exact_copy":
        return normal_form(dropped_text) == normal_form(kept_text)
    if reason == "near_copy":
        return compare(dropped_text, kept_text) >= threshold
    return reason == "semantic_copy"


def _differs(before: str | None, after: str | None) -> bool:
    """Return whether two texts say different things. A missing text differs from all others."""
    if before is None or after is None:
        return True
    return _content(before) != _content(after)
