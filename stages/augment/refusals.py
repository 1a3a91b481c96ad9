"""Refusals: which variants may not be added, and on account of what."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from stages.augment.variants import Variant
from stages.lib.near import exact_edges, known_readings
from stages.lib.text import hash_hex, hash_shingles, normal_form, shingles

# In the order in which they are asked; the first that applies is the one told.
REASONS = ("equal_to_known", "held_out", "near_held_out", "contradiction", "over_share")


class Refusal(NamedTuple):
    """Why a variant is not added, on account of which row, and how alike the two are."""

    reason: str
    partner_id: str = ""
    score: float = float("nan")


def refuse(
    variants: list[Variant], known: pd.DataFrame, held_out: pd.DataFrame, near_threshold: float
) -> dict[str, Refusal]:
    """Return why variants are refused, by id; those that may stay are missing.

    `known` are pairs whose anchors may be seen, `held_out` are Fingerprints. Near is exact: every
    fingerprint is compared whose Jaccard similarity could reach `near_threshold`.
    """
    refused: dict[str, Refusal] = {}
    for found in (
        _equal_to_known(variants, known),
        _held_out(variants, held_out),
        _near_held_out(variants, held_out, near_threshold),
        _contradictions(variants),
    ):
        refused = {**found, **refused}  # the rule that was asked first is told
    return {
        **_repeated([variant for variant in variants if variant.pair_id not in refused]),
        **refused,
    }


def beyond_share(variants: Iterable[Variant], limit: int) -> dict[str, Refusal]:
    """Return the refusals of all but `limit` variants of each method, chosen by a hash of the id, not by row order."""
    taken: Counter[str] = Counter()
    refused = {}
    for variant in sorted(
        variants, key=lambda variant: hash_hex("augment.max_share", variant.pair_id)
    ):
        taken[variant.method] += 1
        if taken[variant.method] > limit:
            refused[variant.pair_id] = Refusal("over_share")
    return refused


def _equal_to_known(variants: list[Variant], known: pd.DataFrame) -> dict[str, Refusal]:
    first = _first(zip(known["anchor"].map(normal_form), known["pair_id"], strict=True))
    forms = {variant.pair_id: normal_form(variant.anchor) for variant in variants}
    return {
        identity: Refusal("equal_to_known", first[form])
        for identity, form in forms.items()
        if form in first
    }


def _held_out(variants: list[Variant], held_out: pd.DataFrame) -> dict[str, Refusal]:
    first = _first(zip(held_out["normal_hash"], held_out["id"], strict=True))
    hashes = {variant.pair_id: hash_hex(normal_form(variant.anchor)) for variant in variants}
    return {
        identity: Refusal("held_out", first[form])
        for identity, form in hashes.items()
        if form in first
    }


def _near_held_out(
    variants: list[Variant], held_out: pd.DataFrame, threshold: float
) -> dict[str, Refusal]:
    mine = {variant.pair_id: hash_shingles(shingles(variant.anchor)) for variant in variants}
    refused: dict[str, Refusal] = {}
    for identity, other, similarity in exact_edges(mine, known_readings(held_out), threshold):
        if identity not in refused or similarity > refused[identity].score:
            refused[identity] = Refusal("near_held_out", other, similarity)
    return refused


def _contradictions(variants: list[Variant]) -> dict[str, Refusal]:
    documents: dict[str, set[str]] = defaultdict(set)
    for variant in variants:
        documents[normal_form(variant.anchor)].add(variant.doc_id)
    refused = {}
    for variant in variants:
        others = sorted(documents[normal_form(variant.anchor)] - {variant.doc_id})
        if others:
            refused[variant.pair_id] = Refusal("contradiction", others[0])
    return refused


def _repeated(variants: list[Variant]) -> dict[str, Refusal]:
    """Refuse what says the same as another variant; the smallest id stays."""
    forms = {variant.pair_id: normal_form(variant.anchor) for variant in variants}
    first = _first((form, identity) for identity, form in forms.items())
    return {
        identity: Refusal("equal_to_known", first[form])
        for identity, form in forms.items()
        if first[form] != identity
    }


def _first(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the smallest id of each key."""
    smallest: dict[str, str] = {}
    for key, identity in sorted(rows):
        smallest.setdefault(key, identity)
    return smallest
