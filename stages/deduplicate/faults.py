"""Faults: the counts that must stand at 0, computed anew from the results."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from stages.deduplicate.stars import StandIn
from stages.lib.content import content
from stages.lib.text import normal_form, shingles


def is_supported(
    gone: str, kept: str, told: StandIn, similarity: Callable[[str, str], float], threshold: float
) -> bool:
    """Return whether the text `kept` may stand for the text `gone` for the reason that was told."""
    if told.reason == "exact_copy":
        return normal_form(gone) == normal_form(kept)
    if told.reason == "near_copy":
        return similarity(gone, kept) >= threshold
    return told.reason == "semantic_copy"


def count_faults(
    texts: Mapping[str, str],
    kept: Mapping[str, StandIn],
    before: pd.DataFrame,
    after: pd.DataFrame,
    standing: frozenset[str],
    similarity: Callable[[str, str], float],
    threshold: float,
) -> dict[str, int]:
    """Return unsupported_drops, dangling_pairs and relabelled_pairs.

    unsupported_drops: documents whose stand-in is gone or not the like of them. dangling_pairs: pairs whose document
    is not among `standing`. relabelled_pairs: pairs whose answer now says something else, empty words aside. `texts`
    has the texts of all documents that were dropped or stand for one.
    """
    unsupported = sum(
        told.kept_id not in standing
        or doc_id in standing
        or not is_supported(texts[doc_id], texts[told.kept_id], told, similarity, threshold)
        for doc_id, told in kept.items()
    )
    was = dict(zip(before["pair_id"], before["doc_id"], strict=True))
    moved = [
        (was[pair_id], doc_id)
        for pair_id, doc_id in zip(after["pair_id"], after["doc_id"], strict=True)
        if was[pair_id] != doc_id
    ]
    said = {
        doc_id: content(normal_form(texts[doc_id]))
        for move in moved
        for doc_id in move
        if doc_id in texts
    }
    return {
        "unsupported_drops": unsupported,
        "dangling_pairs": sum(doc_id not in standing for doc_id in after["doc_id"]),
        "relabelled_pairs": sum(said.get(old) != said.get(new, "") for old, new in moved),
    }


def containment_of_texts(left: str, right: str) -> float:
    """Return which share of the smaller text's shingles the other has, in the reading where it is largest."""
    return max(
        len(mine & theirs) / min(len(mine), len(theirs))
        for mine in shingles(left)
        for theirs in shingles(right)
    )
