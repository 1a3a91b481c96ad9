"""The audit: held-out texts that another split holds too, equal or nearly so. Exact: it misses none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from stages.lib.near import exact_edges
from stages.lib.text import normal_form, shingles

# An id has up to three texts (as collected, as cleaned, as embedded): each may give it away.
Texts = Mapping[str, Sequence[str]]


def equal_groups(*kinds: Texts) -> dict[str, list[str]]:
    """Return normal form to the ids that have it, for forms that several ids share."""
    groups: dict[str, set[str]] = defaultdict(set)
    for texts in kinds:
        for identity, variants in texts.items():
            for variant in variants:
                groups[normal_form(variant)].add(identity)
    return {form: sorted(ids) for form, ids in groups.items() if len(ids) > 1}


def leaks(kinds: Sequence[Texts], split_of: Mapping[str, str], threshold: float) -> list[tuple[str, str]]:
    """Return the pairs of ids in different splits, one of them held out, whose texts are equal or near.

    Equal is compared over all `kinds` together (an anchor may equal a document), near within each kind:
    exact Jaccard of the shingles at or above `threshold`.
    """
    found: set[tuple[str, str]] = set()
    for ids in equal_groups(*kinds).values():
        held = [identity for identity in ids if split_of[identity] in ("validation", "test")]
        found.update((left, right) for left in held for right in ids if split_of[left] != split_of[right])
    for texts in kinds:
        sets = {
            f"{identity} {at}": shingles(variant)
            for identity, variants in texts.items()
            for at, variant in enumerate(dict.fromkeys(variants))
        }
        held_out = {name: items for name, items in sets.items() if split_of[name[:17]] in ("validation", "test")}
        for left, right, _ in exact_edges(held_out, sets, threshold):
            if split_of[left[:17]] != split_of[right[:17]]:
                found.add((left[:17], right[:17]))
    return sorted({(min(pair), max(pair)) for pair in found})
