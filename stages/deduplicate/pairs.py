"""Pairs: re-pointed to the kept document, and each said once."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from stages.deduplicate.stars import StandIn
from stages.lib.content import content
from stages.lib.ledger import Ledger
from stages.lib.text import hash_hex, normal_form, similarity

REASONS = ("duplicate_pair", "near_pair")


def repoint(pairs: pd.DataFrame, kept: Mapping[str, StandIn], ledger: Ledger) -> pd.DataFrame:
    """Return `pairs` naming kept documents only, each (anchor in normal form, document) once.

    Of equal pairs the one with the highest score stays, then the one whose id hashes smallest.
    """
    stand_in = {doc_id: told.kept_id for doc_id, told in kept.items()}
    moved = pairs.assign(doc_id=pairs["doc_id"].map(lambda doc_id: stand_in.get(doc_id, doc_id)))
    for pair_id, before, after in zip(
        pairs["pair_id"], pairs["doc_id"], moved["doc_id"], strict=True
    ):
        if before != after:
            ledger.repoint(pair_id, "doc_id", kept[before].reason, before, after)
    ranked = _ranked(moved.assign(form=moved["anchor"].map(normal_form)))
    best = ranked.groupby(["form", "doc_id"])["pair_id"].transform("first")
    for pair_id, partner in zip(ranked["pair_id"], best, strict=True):
        if pair_id != partner:
            ledger.drop(pair_id, "duplicate_pair", partner_id=partner, score=1.0)
    return moved[moved["pair_id"].isin(set(best))]


def drop_near(pairs: pd.DataFrame, threshold: float, ledger: Ledger) -> pd.DataFrame:
    """Return `pairs` without those whose anchor differs from another's of the same document in empty words alone.

    What goes is at or above `threshold` similar to the best of its group, which stays.
    """
    said = pairs["anchor"].map(normal_form).map(content)
    twins = pairs[pairs.assign(form=said).duplicated(["form", "doc_id"], keep=False)]
    ranked = _ranked(twins.assign(form=said[twins.index]))
    gone = set()
    for _, group in ranked.groupby(["form", "doc_id"], sort=False):
        (best, anchor), *others = zip(group["pair_id"], group["anchor"], strict=True)
        for pair_id, other in others:
            score = similarity(anchor, other)
            if score >= threshold:
                ledger.drop(pair_id, "near_pair", partner_id=best, score=score)
                gone.add(pair_id)
    return pairs[~pairs["pair_id"].isin(gone)]


def _ranked(pairs: pd.DataFrame) -> pd.DataFrame:
    lots = pairs.assign(lot=pairs["pair_id"].map(hash_hex))
    return lots.sort_values(["form", "doc_id", "score", "lot"], ascending=[True, True, False, True])
