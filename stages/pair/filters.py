"""The filters that decide which pairs are built, and metrics of what is left.

A filter takes candidates and returns those that it accepts, and the others as exclusions with a
reason. The caps per document, topic and relation come last, over given and synthetic pairs alike.

Effective number: exp of the Shannon entropy, the number of equally frequent values that would be
as diverse (Hill 1973, order 1).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import pandas as pd

from stages.lib.core.ids import hash_hex
from stages.lib.schemas.pairs import is_synthetic
from stages.lib.text.normal_form import words
from stages.lib.text.strict_form import strict_form
from stages.pair.candidates import PairCandidate
from stages.pair.interface import RECIPES, PairParams

REASONS = (
    "judged_wrong",
    "recipe_off",
    "dissimilar",
    "below_positive_grade",
    "not_retrieved",
    "in_positive",
    "already_given",
    "already_made",
    "ambiguous_anchor",
)
KINDS = ("document", "topic", "relation")
CAP_REASONS = tuple(f"over_{kind}_cap" for kind in KINDS)

# The anchors of these recipes are the document's own words, or name several documents. That they
# lead to several documents is no fault.
_SHARED_ANCHOR_RECIPES = ("synonyms", "same_label")
# The anchors of these recipes are cut out of their positive. A heading or title may recur in what
# it names.
_CUT_RECIPES = ("question", "first_sentence", "neighbours")


class Exclusion(NamedTuple):
    """A pair that is not built.

    Attributes:
        pair_id: the pair.
        reason: one of `REASONS` or `CAP_REASONS`.
        partner_id: the document or pair that is the cause, or "".
        score: a figure that explains the reason, or NaN.
    """

    pair_id: str
    reason: str
    partner_id: str = ""
    score: float = float("nan")


class FilterResult(NamedTuple):
    """The candidates that a filter accepts, and the others with the reason."""

    accepted: list[PairCandidate]
    excluded: list[Exclusion]


class GivenPairs(NamedTuple):
    """The pairs that the sources gave.

    Attributes:
        built: the pairs that are built, subject to the caps.
        similar: the pairs whose document is a positive.
        dissimilar: the pairs that score below `pair.positive_from`.
        excluded: the pairs that are not built.
    """

    built: pd.DataFrame
    similar: pd.DataFrame
    dissimilar: pd.DataFrame
    excluded: list[Exclusion]


class CappedPairs(NamedTuple):
    """The pairs within the caps, and the others with the reason."""

    pairs: pd.DataFrame
    excluded: list[Exclusion]


CandidateFilter = Callable[[Sequence[PairCandidate]], FilterResult]


def select_given_pairs(
    pairs: pd.DataFrame, params: PairParams, weak_ids: Collection[str] = ()
) -> GivenPairs:
    """Return which of the given pairs are built.

    With the shape `scores` pairs below `positive_from` are built too. Without the recipe `given`
    no given pair is built, but candidates are still compared with them. The pairs `weak_ids` are
    relevant and below the grade of a positive: they are neither built nor dissimilar.
    """
    is_weak = pairs["pair_id"].isin(set(weak_ids))
    is_similar = pairs["score"] >= params.positive_from
    similar = pairs[is_similar & ~is_weak]
    dissimilar = pairs[~is_similar & ~is_weak]
    if "given" not in params.recipes:
        excluded = [Exclusion(pair_id, "recipe_off") for pair_id in pairs["pair_id"]]
        return GivenPairs(pairs.iloc[:0], similar, dissimilar, excluded=excluded)

    # With scores, a low one is a training signal.
    excluded = [
        Exclusion(pair_id, "below_positive_grade") for pair_id in pairs.loc[is_weak, "pair_id"]
    ]
    if params.shape == "scores":
        return GivenPairs(pairs[~is_weak], similar, dissimilar, excluded=excluded)

    # Else only positives are built.
    rows = zip(dissimilar["pair_id"], dissimilar["score"], strict=True)
    excluded += [Exclusion(pair_id, "dissimilar", score=score) for pair_id, score in rows]

    return GivenPairs(similar, similar, dissimilar, excluded=excluded)


def filter_candidates(
    candidates: Sequence[PairCandidate], filters: Iterable[CandidateFilter]
) -> FilterResult:
    """Return the candidates that all `filters` accept, applied one after the other."""
    accepted = list(candidates)
    excluded: list[Exclusion] = []

    # A later filter sees only what earlier ones accepted.
    for candidate_filter in filters:
        result = candidate_filter(accepted)
        accepted = result.accepted
        excluded += result.excluded

    return FilterResult(accepted, excluded)


def text_filters(given: pd.DataFrame) -> list[CandidateFilter]:
    """Return the filters that compare texts, in the order in which they apply to candidates.

    `given` is a Pairs table: the given pairs that candidates are compared with.
    """
    return [
        exclude_anchor_in_positive,
        partial(exclude_given, given=given),
        exclude_repeated,
        partial(exclude_ambiguous, given=given),
    ]


def exclude_anchor_in_positive(candidates: Sequence[PairCandidate]) -> FilterResult:
    """Exclude pairs whose anchor was cut out of the positive, but stands there a second time."""
    accepted: list[PairCandidate] = []
    excluded: list[Exclusion] = []
    for pair in candidates:
        if pair.recipe in _CUT_RECIPES and contains_words(words(pair.positive), words(pair.anchor)):
            excluded.append(Exclusion(pair.pair_id, "in_positive", partner_id=pair.doc_id))
        else:
            accepted.append(pair)

    return FilterResult(accepted, excluded)


def exclude_given(candidates: Sequence[PairCandidate], given: pd.DataFrame) -> FilterResult:
    """Exclude pairs that repeat the anchor and the document of a given pair.

    The recipe `synonyms` is exempt: its positive is another name, not the document.
    """
    # The given pair of each anchor and document.
    forms = given["anchor"].map(strict_form)
    keys = zip(forms, given["doc_id"], strict=True)
    given_id_of_key = dict(zip(keys, given["pair_id"], strict=True))

    accepted: list[PairCandidate] = []
    excluded: list[Exclusion] = []
    for pair in candidates:
        given_id = given_id_of_key.get((strict_form(pair.anchor), pair.doc_id))
        if given_id and pair.recipe != "synonyms":
            excluded.append(Exclusion(pair.pair_id, "already_given", partner_id=given_id))
        else:
            accepted.append(pair)

    return FilterResult(accepted, excluded)


def exclude_repeated(candidates: Sequence[PairCandidate]) -> FilterResult:
    """Exclude pairs with the anchor and document of another one. The preferred recipe stays."""
    preferred = sorted(candidates, key=lambda pair: (RECIPES.index(pair.recipe), pair.pair_id))

    first_id_of_key: dict[tuple[str, str, str], str] = {}
    accepted: list[PairCandidate] = []
    excluded: list[Exclusion] = []
    for pair in preferred:
        # Two names may both have the same third one as their query. For other recipes the
        # positive does not matter.
        positive_form = strict_form(pair.positive) if pair.recipe == "synonyms" else ""
        key = (strict_form(pair.anchor), pair.doc_id, positive_form)
        first_id = first_id_of_key.setdefault(key, pair.pair_id)
        if first_id != pair.pair_id:
            excluded.append(Exclusion(pair.pair_id, "already_made", partner_id=first_id))
        else:
            accepted.append(pair)

    return FilterResult(accepted, excluded)


def exclude_ambiguous(candidates: Sequence[PairCandidate], given: pd.DataFrame) -> FilterResult:
    """Exclude pairs whose anchor leads to several documents ("Overview").

    All pairs of such an anchor are excluded. The recipes `synonyms` and `same_label` are exempt.
    """
    accepted = [pair for pair in candidates if pair.recipe in _SHARED_ANCHOR_RECIPES]
    checked = [pair for pair in candidates if pair.recipe not in _SHARED_ANCHOR_RECIPES]

    # The documents of each anchor, over given pairs and candidates.
    documents_of_form: dict[str, set[str]] = defaultdict(set)
    for anchor, doc_id in zip(given["anchor"], given["doc_id"], strict=True):
        documents_of_form[strict_form(anchor)].add(doc_id)

    for pair in checked:
        documents_of_form[strict_form(pair.anchor)].add(pair.doc_id)

    excluded: list[Exclusion] = []
    for pair in checked:
        other_documents = documents_of_form[strict_form(pair.anchor)] - {pair.doc_id}
        if not other_documents:
            accepted.append(pair)
            continue

        excluded.append(
            Exclusion(
                pair.pair_id,
                "ambiguous_anchor",
                partner_id=min(other_documents),
                score=float(len(other_documents) + 1),
            )
        )

    return FilterResult(accepted, excluded)


def cap_pairs(
    pairs: pd.DataFrame,
    max_of_kind: Mapping[str, int | None],
    topic_of_document: Mapping[str, str],
) -> CappedPairs:
    """Exclude pairs beyond the caps per document, topic and relation, in this order.

    Given pairs are kept before synthetic ones. Of equals, the pairs whose ids hash smallest are
    kept.

    Args:
        pairs: a Pairs table.
        max_of_kind: the largest number of pairs for each of `KINDS`; None for no cap.
        topic_of_document: the topic of each document. Pairs without a topic are never capped by
            topic.
    """
    excluded: list[Exclusion] = []
    for kind in KINDS:
        limit = max_of_kind[kind]
        if limit is None or not len(pairs):
            continue

        # Rank the pairs of each document, topic or relation: given ones first, then by hash.
        ranked = pairs.assign(
            key=balance_keys(pairs, kind, topic_of_document),
            is_synthetic=is_synthetic(pairs["source"]),
            hash=pairs["pair_id"].map(hash_hex),
        ).sort_values(["key", "is_synthetic", "hash"])
        rank = ranked.groupby("key").cumcount()

        is_over = rank >= limit
        if kind == "topic":
            is_over &= ranked["key"] != ""

        over_ids = set(ranked.loc[is_over, "pair_id"])
        reason = f"over_{kind}_cap"
        excluded += [Exclusion(pair_id, reason, score=float(limit)) for pair_id in sorted(over_ids)]
        pairs = pairs[~pairs["pair_id"].isin(over_ids)]

    return CappedPairs(pairs, excluded)


def balance_keys(
    pairs: pd.DataFrame, kind: str, topic_of_document: Mapping[str, str]
) -> pd.Series[str]:
    """Return the document, the topic of the document, or the relation of each pair, by `kind`."""
    if kind == "relation":
        return pairs["relation"]
    if kind == "document":
        return pairs["doc_id"]

    topics = pairs["doc_id"].map(lambda doc_id: topic_of_document.get(doc_id, ""))

    return topics.astype("str")


def balance_metrics(
    pairs: pd.DataFrame, topic_of_document: Mapping[str, str], when: str
) -> dict[str, float]:
    """Return how skewed the pairs are over documents, topics and relations.

    The metrics are the share of the most frequent value and the effective number of values.
    `when` is part of the metrics' names. Topics are left out where no document has one.
    """
    metrics: dict[str, float] = {}
    for kind in KINDS:
        counts = Counter(balance_keys(pairs, kind, topic_of_document))
        if kind == "topic":
            del counts[""]
        if not counts:
            continue

        # Sorted, so that the sum does not depend on the order of the rows.
        total = counts.total()
        shares = [count / total for _, count in sorted(counts.items())]
        entropy = -sum(share * math.log(share) for share in shares)
        metrics[f"balance.{when}.{kind}.largest_share"] = max(shares)
        metrics[f"balance.{when}.{kind}.effective_number"] = math.exp(entropy)

    return metrics


def contains_words(text_words: Sequence[str], phrase_words: Sequence[str]) -> bool:
    """Return whether a text contains the words of a phrase, one after the other.

    >>> contains_words(["hold", "the", "button"], ["the", "button"])
    True
    """
    return f" {' '.join(phrase_words)} " in f" {' '.join(text_words)} "
