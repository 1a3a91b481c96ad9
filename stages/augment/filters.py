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
from stages.lib.schemas.reviews import RowIds
from stages.lib.text.held_out import HeldOutHashes, match_held_out
from stages.lib.text.normal_form import normal_form

# In the order of the filters. The ledger holds the first reason that applies.
REASONS = (
    "equal_to_known",
    "held_out",
    "near_held_out",
    "contradiction",
    "over_share",
    "judged_wrong",
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

    # A text that loses one of the documents of its anchor is rejected for all of them.
    return reject_groups(paraphrased, rejected)


def reject_by_text(
    variants: Sequence[Variant],
    known: pd.DataFrame,
    held_out: HeldOutHashes,
    *,
    near_threshold: float,
) -> Rejections:
    """Return the variants that are rejected for what they say, by id.

    Args:
        variants: the variants that are left.
        known: the Pairs that are not held out.
        held_out: the fingerprints of held-out texts.
        near_threshold: the Jaccard similarity from which two texts are near-duplicates. The
            comparison is exact.
    """
    # The first filter that rejects a variant gives the reason.
    rejected: Rejections = {}
    for rejections in (
        reject_equal_to_known(variants, known),
        reject_held_out(variants, held_out, near_threshold),
        reject_contradictions(variants),
    ):
        rejected = {**rejections, **rejected}

    # Of equal variants that are left, one stays.
    return {
        **rejected,
        **reject_repeated(without_rejected(variants, rejected)),
    }


def reject_groups(variants: Sequence[Variant], rejected: Rejections) -> Rejections:
    """Return `rejected` with all variants of a group of which one is rejected.

    A variant with some of the documents of its anchor would say that the others are none.
    """
    # The rejection of the smallest id stands for the group.
    rejection_of_group: dict[tuple[str, str, str], Rejection] = {}
    for variant in sorted(variants):
        if variant.pair_id in rejected:
            rejection_of_group.setdefault(variant.group, rejected[variant.pair_id])

    result = dict(rejected)
    for variant in variants:
        if variant.group in rejection_of_group:
            result.setdefault(variant.pair_id, rejection_of_group[variant.group])

    return result


def without_rejected(variants: Iterable[Variant], rejected: Collection[str]) -> list[Variant]:
    """Return the variants whose ids are not in `rejected`."""
    return [variant for variant in variants if variant.pair_id not in rejected]


def reject_over_share(variants: Iterable[Variant], limit: int) -> Rejections:
    """Return the variants beyond the first `limit` of each method, by id.

    Groups come in the order of a hash of their smallest id, whatever the order of `variants`. The
    first that would exceed the limit, and all after it, are rejected as a whole.
    """
    members_of_group: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for variant in sorted(variants):
        members_of_group[variant.group].append(variant.pair_id)

    # By hash, and one method after the other.
    by_hash = sorted(
        members_of_group.items(),
        key=lambda item: hash_hex("augment.max_share", item[1][0]),
    )
    count_of_method: Counter[str] = Counter()
    rejected: Rejections = {}
    for (_, method, _), pair_ids in by_hash:
        count_of_method[method] += len(pair_ids)
        if count_of_method[method] > limit:
            rejected.update(dict.fromkeys(pair_ids, Rejection("over_share")))

    return rejected


def reject_judged_wrong(variants: Sequence[Variant], wrong: Collection[RowIds]) -> Rejections:
    """Return the variants that a person judged wrong, each with all documents of its anchor.

    Args:
        variants: the variants that are left.
        wrong: the parent and the id of each variant that is wrong.
    """
    rejected = {
        variant.pair_id: Rejection("judged_wrong", variant.parent_id)
        for variant in variants
        if (variant.parent_id, variant.pair_id) in wrong
    }
    return reject_groups(variants, rejected)


def without_judged_right(
    variants: Sequence[Variant], rejected: Rejections, right: Collection[RowIds]
) -> Rejections:
    """Return `rejected` without the variants that a person judged right, with any document.

    Args:
        variants: variants of all methods.
        rejected: those that scores reject.
        right: the parent and the id of each variant that is right.
    """
    right_groups = {
        variant.group for variant in variants if (variant.parent_id, variant.pair_id) in right
    }
    kept_ids = {variant.pair_id for variant in variants if variant.group in right_groups}
    return {name: reason for name, reason in rejected.items() if name not in kept_ids}


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
    variants: Sequence[Variant], held_out: HeldOutHashes, threshold: float
) -> Rejections:
    """Return the variants that equal, near or overlap a held-out text, with the nearest one."""
    anchors = {variant.pair_id: [variant.anchor] for variant in variants}
    rejected: Rejections = {}
    for variant_id, match in match_held_out(anchors, {}, held_out, threshold).items():
        if match.kind == "equal":
            rejected[variant_id] = Rejection("held_out", match.row_id)
        else:
            rejected[variant_id] = Rejection("near_held_out", match.row_id, match.similarity)

    return rejected


def reject_contradictions(variants: Sequence[Variant]) -> Rejections:
    """Return the variants whose text comes from anchors with different documents. All are rejected.

    One anchor may have several documents, and so has its variant.
    """
    # The documents that each anchor gives to a text.
    documents_of_anchor: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for variant in variants:
        documents_of_anchor[normal_form(variant.anchor)][variant.first_id].add(variant.doc_id)

    rejected: Rejections = {}
    for variant in variants:
        documents = documents_of_anchor[normal_form(variant.anchor)]
        own_documents = documents[variant.first_id]
        other_documents = set().union(*documents.values()) - own_documents
        for others in documents.values():
            other_documents |= own_documents - others
        if other_documents:
            rejected[variant.pair_id] = Rejection("contradiction", min(other_documents))

    return rejected


def reject_repeated(variants: Sequence[Variant]) -> Rejections:
    """Return the variants that repeat another one, after `reject_contradictions`.

    Of the groups with one normal form, that with the smallest id stays, with each document once.
    """
    group_of_form: dict[str, tuple[str, str, str]] = {}
    id_of_text: dict[tuple[str, str], str] = {}
    rejected: Rejections = {}
    for variant in sorted(variants):
        form = normal_form(variant.anchor)
        is_first_group = group_of_form.setdefault(form, variant.group) == variant.group
        kept_id = id_of_text.setdefault((form, variant.doc_id), variant.pair_id)
        if not is_first_group or kept_id != variant.pair_id:
            rejected[variant.pair_id] = Rejection("equal_to_known", kept_id)

    return rejected


def _smallest_ids(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the smallest id of each key, from rows of (key, id)."""
    smallest_id: dict[str, str] = {}
    for key, row_id in sorted(rows):
        smallest_id.setdefault(key, row_id)

    return smallest_id
