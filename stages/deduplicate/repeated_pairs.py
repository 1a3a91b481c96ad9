"""The pairs that repeat another one: by rule, or as a person said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import pandas as pd

from stages.deduplicate.interface import DeduplicateParams
from stages.deduplicate.representatives import Representative, content_form, ordered
from stages.lib.core.ids import hash_hex
from stages.lib.schemas.reviews import Verdicts
from stages.lib.text.normal_form import similarity
from stages.lib.text.strict_form import strict_form

# The reason of a drop that a person decided.
JUDGED_PAIR = "judged_pair"

NO_VERDICTS = Verdicts()


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


def repoint(pairs: pd.DataFrame, representatives: Mapping[str, Representative]) -> pd.DataFrame:
    """Return `pairs` with the representative in place of each dropped document."""
    kept_of_dropped = {doc_id: target.kept_id for doc_id, target in representatives.items()}

    # Few pairs change, so the others are not read.
    doc_ids = pairs["doc_id"].copy()
    is_dropped = doc_ids.isin(list(kept_of_dropped))
    doc_ids[is_dropped] = doc_ids[is_dropped].map(kept_of_dropped).astype(doc_ids.dtype)
    return pairs.assign(doc_id=doc_ids)


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
    forms = pairs["anchor"].map(content_form).astype("str")
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
    verdicts: Verdicts = NO_VERDICTS,
) -> PairDecisions:
    """Return the pairs with kept documents only, and each pair once.

    Args:
        pairs: a Pairs table.
        representatives: dropped document id to its representative.
        params: the section `deduplicate`.
        grade_of_pair: the grade of each graded pair; of equal pairs the best one stays.
        verdicts: what people decided of two texts.
    """
    repointed = repoint(pairs, representatives)
    graded = repointed.assign(grade=_grades(repointed["pair_id"], grade_of_pair or {}))

    # Pairs that are equal by now.
    excluded = duplicate_pairs(graded)

    # Pairs that are nearly equal, if near-duplicates may go at all.
    if params.near != "link":
        unequal = without_pairs(graded, excluded)
        excluded += near_duplicate_pairs(unequal, params.near_threshold)

    excluded = judged_pairs(graded, excluded, verdicts, params.near_threshold)
    return PairDecisions(repointed, excluded, without_pairs(repointed, excluded))


def _grades(pair_ids: pd.Series, grade_of_pair: Mapping[str, int]) -> pd.Series:
    """Return the grade of each pair; 0 if it has none."""
    grades = pd.Series(0, index=pair_ids.index)
    is_graded = pair_ids.isin(list(grade_of_pair))
    grades[is_graded] = pair_ids[is_graded].map(grade_of_pair).astype("int64")
    return grades


def judged_pairs(
    pairs: pd.DataFrame,
    excluded: Sequence[ExcludedPair],
    verdicts: Verdicts,
    threshold: float,
) -> list[ExcludedPair]:
    """Return the dropped pairs, as people decided. Only pairs of one document can be the same.

    Of pairs that say the same the best one stays, as among pairs that repeat another.

    Args:
        pairs: the Pairs with kept documents, and a column of grades.
        excluded: the pairs that the rules drop.
        verdicts: what people decided of two texts.
        threshold: how similar anchors must still be.
    """
    different = {ordered(left, right) for left, right in verdicts.no}
    dropped = [
        pair
        for pair in excluded
        if pair.reason != "near_pair" or ordered(pair.pair_id, pair.kept_id) not in different
    ]

    # The judged pairs that are left, the best one of each document first.
    judged_ids = {pair_id for ids in verdicts.yes for pair_id in ids}
    left = without_pairs(pairs, dropped)
    candidates = left[left["pair_id"].isin(judged_ids)]
    ranked = _ranked(candidates.assign(form=""))
    same = {ordered(first, second) for first, second in verdicts.yes}

    gone: set[str] = set()
    anchor_of = dict(zip(ranked["pair_id"], ranked["anchor"], strict=True))
    for _, pair_ids in ranked.groupby("doc_id", sort=True)["pair_id"]:
        for kept_id, pair_id in combinations(pair_ids, 2):
            if ordered(kept_id, pair_id) not in same or {kept_id, pair_id} & gone:
                continue
            score = similarity(anchor_of[kept_id], anchor_of[pair_id])
            if score >= threshold:
                dropped.append(ExcludedPair(pair_id, JUDGED_PAIR, kept_id, score))
                gone.add(pair_id)

    return dropped


def without_pairs(pairs: pd.DataFrame, excluded: Sequence[ExcludedPair]) -> pd.DataFrame:
    """Return `pairs` without the excluded ones."""
    excluded_ids = {pair.pair_id for pair in excluded}
    return pairs[~pairs["pair_id"].isin(excluded_ids)]


def _ranked(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return `pairs`, which have a column `form`, grouped by form and document, the best first."""
    grades = pairs["grade"] if "grade" in pairs.columns else 0
    hashed = pairs.assign(grade=grades, id_hash=pairs["pair_id"].map(hash_hex))
    return hashed.sort_values(
        ["form", "doc_id", "score", "grade", "id_hash"],
        ascending=[True, True, False, False, True],
    )
