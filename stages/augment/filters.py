"""The filters that decide which variants are added.

A filter returns the rejected variants by id, with a reason. It never sees held-out texts, only
their hashes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import pandas as pd

from stages.augment.interface import AugmentParams
from stages.augment.lexical_variants import Variant
from stages.augment.paraphrases import (
    Paraphrase,
    ParaphraseScorer,
    rejection_reasons,
)
from stages.lib.core.ids import hash_hex
from stages.lib.text.held_out import match_held_out
from stages.lib.text.normal_form import normal_form

# In the order of the filters. The ledger holds the first reason that applies.
REASONS = (
    "equal_to_known",
    "held_out",
    "near_held_out",
    "contradiction",
    "over_share",
)


class Rejection(NamedTuple):
    """The reason why a variant is not added.

    Attributes:
        reason: one of `REASONS`, or of the reasons of paraphrases.
        partner_id: the row that is the cause, or "".
        score: how similar the two are, or the figure beyond its limit; NaN if there is none.
    """

    reason: str
    partner_id: str = ""
    score: float = float("nan")


# The rejected variants, by id.
Rejections = dict[str, Rejection]


def reject_changed_meaning(
    variants: Sequence[Variant],
    training: pd.DataFrame,
    scorer: ParaphraseScorer,
    *,
    params: AugmentParams,
) -> Rejections:
    """Return the back-translations among `variants` that no longer say what their parent says.

    Args:
        variants: variants of all methods.
        training: the Pairs that they were made from.
        scorer: scores the paraphrases.
        params: the limits of the scores.
    """
    paraphrased = [variant for variant in variants if variant.method == "back_translation"]
    anchor_of_pair = dict(zip(training["pair_id"], training["anchor"], strict=True))
    scores = scorer.score(
        [
            Paraphrase(
                anchor_of_pair[variant.parent_id],
                variant.anchor,
                variant.doc_id,
            )
            for variant in paraphrased
        ]
    )

    rejected: Rejections = {}
    for variant, variant_scores in zip(paraphrased, scores, strict=True):
        # The first reason counts.
        for reason, score in rejection_reasons(variant_scores, params).items():
            rejected.setdefault(variant.pair_id, Rejection(reason, score=score))

    return rejected


def reject_by_text(
    variants: Sequence[Variant],
    known: pd.DataFrame,
    fingerprints: pd.DataFrame,
    *,
    near_threshold: float,
) -> Rejections:
    """Return the variants that are rejected for what they say, by id.

    Args:
        variants: the variants that are left.
        known: the Pairs that are not held out.
        fingerprints: the Fingerprints of held-out texts.
        near_threshold: the Jaccard similarity from which two texts are near-duplicates. The
            comparison is exact.
    """
    # The first filter that rejects a variant gives the reason.
    rejected: Rejections = {}
    for rejections in (
        reject_equal_to_known(variants, known),
        reject_held_out(variants, fingerprints, near_threshold),
        reject_contradictions(variants),
    ):
        rejected = {**rejections, **rejected}

    # Of equal variants that are left, one stays.
    return {
        **rejected,
        **reject_repeated(without_rejected(variants, rejected)),
    }


def without_rejected(variants: Iterable[Variant], rejected: Collection[str]) -> list[Variant]:
    """Return the variants whose ids are not in `rejected`."""
    return [variant for variant in variants if variant.pair_id not in rejected]


def reject_over_share(variants: Iterable[Variant], limit: int) -> Rejections:
    """Return all but `limit` variants of each method, by id.

    The variants whose ids hash smallest stay, whatever the order of `variants`.
    """
    by_hash = sorted(
        variants,
        key=lambda variant: hash_hex("augment.max_share", variant.pair_id),
    )

    # The first `limit` of each method stay.
    count_of_method: Counter[str] = Counter()
    rejected: Rejections = {}
    for variant in by_hash:
        count_of_method[variant.method] += 1
        if count_of_method[variant.method] > limit:
            rejected[variant.pair_id] = Rejection("over_share")

    return rejected


def reject_equal_to_known(variants: Sequence[Variant], known: pd.DataFrame) -> Rejections:
    """Return the variants that repeat an anchor of the Pairs `known`, of any document."""
    id_of_form = _smallest_ids(zip(known["anchor"].map(normal_form), known["pair_id"], strict=True))
    rejected: Rejections = {}
    for variant in variants:
        form = normal_form(variant.anchor)
        if form in id_of_form:
            rejected[variant.pair_id] = Rejection("equal_to_known", id_of_form[form])

    return rejected


def reject_held_out(
    variants: Sequence[Variant], fingerprints: pd.DataFrame, threshold: float
) -> Rejections:
    """Return the variants that equal, near or overlap a held-out text, with the nearest one."""
    anchors = {variant.pair_id: [variant.anchor] for variant in variants}
    rejected: Rejections = {}
    for variant_id, match in match_held_out(anchors, {}, fingerprints, threshold).items():
        if match.kind == "equal":
            rejected[variant_id] = Rejection("held_out", match.row_id)
        else:
            rejected[variant_id] = Rejection("near_held_out", match.row_id, match.similarity)

    return rejected


def reject_contradictions(variants: Sequence[Variant]) -> Rejections:
    """Return the variants whose anchor leads to several documents. All of them are rejected."""
    # The documents that each anchor leads to.
    documents_of_form: dict[str, set[str]] = defaultdict(set)
    for variant in variants:
        documents_of_form[normal_form(variant.anchor)].add(variant.doc_id)

    rejected: Rejections = {}
    for variant in variants:
        other_documents = documents_of_form[normal_form(variant.anchor)] - {variant.doc_id}
        if other_documents:
            rejected[variant.pair_id] = Rejection("contradiction", min(other_documents))

    return rejected


def reject_repeated(variants: Sequence[Variant]) -> Rejections:
    """Return the variants that repeat another one. The one with the smallest id stays."""
    form_of_variant = {variant.pair_id: normal_form(variant.anchor) for variant in variants}
    id_of_form = _smallest_ids((form, pair_id) for pair_id, form in form_of_variant.items())
    rejected: Rejections = {}
    for pair_id, form in form_of_variant.items():
        if id_of_form[form] != pair_id:
            rejected[pair_id] = Rejection("equal_to_known", id_of_form[form])

    return rejected


def _smallest_ids(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the smallest id of each key, from rows of (key, id)."""
    smallest_id: dict[str, str] = {}
    for key, row_id in sorted(rows):
        smallest_id.setdefault(key, row_id)

    return smallest_id
