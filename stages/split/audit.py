"""The audit: held-out texts that another split holds too, equal or nearly so. Exact: it misses none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from stages.lib.contracts.splits import HELD_OUT
from stages.lib.near import exact_edges
from stages.lib.text import normal_form, shingles
from stages.split.components import Texts, Tie
from stages.split.params import Unit


def equal_groups(*kinds: Texts) -> dict[str, list[str]]:
    """Return normal form to the ids that have it, for forms that several ids share."""
    groups: dict[str, set[str]] = defaultdict(set)
    for texts in kinds:
        for identity, variants in texts.items():
            for variant in variants:
                groups[normal_form(variant)].add(identity)
    return {form: sorted(ids) for form, ids in groups.items() if len(ids) > 1}


def leaks(kinds: Sequence[Texts], split_of: Mapping[str, str], threshold: float | None) -> list[Tie]:
    """Return the ids in different splits, one of them held out, whose texts are equal or near, smaller id first.

    Equal is compared over all `kinds` together (an anchor may equal a document), near within each kind:
    exact Jaccard of the shingles at or above `threshold`; None leaves near ones out.
    """
    found: dict[tuple[str, str], str] = {}
    for ids in equal_groups(*kinds).values():
        for left in (identity for identity in ids if split_of[identity] in HELD_OUT):
            for right in (identity for identity in ids if split_of[left] != split_of[identity]):
                found[min(left, right), max(left, right)] = "equal"
    for texts in kinds:
        if threshold is None:
            break
        sets = {
            identity: [items for variant in dict.fromkeys(variants) for items in shingles(variant)]
            for identity, variants in texts.items()
        }
        held_out = {identity: items for identity, items in sets.items() if split_of[identity] in HELD_OUT}
        for left, right, _ in exact_edges(held_out, sets, threshold):
            if split_of[left] != split_of[right]:
                found.setdefault((min(left, right), max(left, right)), "near")
    return [Tie(left, right, f"{how} {_side(left, right)}") for (left, right), how in sorted(found.items())]


def forbidden(leak: Tie, unit: Unit, split_of: Mapping[str, str]) -> bool:
    """Return whether splits by `unit` may not have `leak`.

    `group` keeps apart what is equal, not what is near; `anchor` keeps anchors apart and lets documents be
    shared; `time` does so between training and what is held out, since nothing is moved across a date.
    """
    if unit == "component":
        return True
    if unit == "group":
        return leak.kind.startswith("equal")
    of_anchors = leak.left.startswith("p") and leak.right.startswith("p")
    return of_anchors and (unit == "anchor" or "train" in (split_of[leak.left], split_of[leak.right]))


def tolerated(found: Sequence[Tie], unit: Unit, split_of: Mapping[str, str]) -> list[Tie]:
    """Return the leaks that `unit` allows and that training can meet: in its pairs, or in a document as negative."""
    return [
        leak
        for leak in found
        if not forbidden(leak, unit, split_of) and (_met(leak.left, split_of) or _met(leak.right, split_of))
    ]


def _met(identity: str, split_of: Mapping[str, str]) -> bool:
    return split_of[identity] == "train" or (split_of[identity] == "corpus" and identity.startswith("d"))


def _side(left: str, right: str) -> str:
    return "anchor" if left.startswith("p") and right.startswith("p") else "text"
