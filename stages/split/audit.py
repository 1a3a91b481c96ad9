"""The audit: held-out texts that another split holds too, equal or nearly so. Exact: it misses none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stages.lib.contracts.splits import HELD_OUT
from stages.lib.near import exact_edges
from stages.lib.text import normal_form, shingles
from stages.split.components import Texts, Tie
from stages.split.params import Unit


class Alike(NamedTuple):
    """Ids whose texts are equal in normal form, by form, and the ids of each two forms that are near."""

    equal: dict[str, list[str]]
    near: list[tuple[list[str], list[str]]]


def alike(kinds: Sequence[Texts], threshold: float) -> Alike:
    """Return what is equal over all `kinds` together (an anchor may equal a document), and near within each kind.

    Near is exact Jaccard of the shingles at or above `threshold`.
    """
    near: list[tuple[list[str], list[str]]] = []
    for ids_of in map(_by_form, kinds):
        # A query that was clicked a hundred times is compared once.
        sets = {form: shingles(form) for form in ids_of}
        near.extend(
            (ids_of[left], ids_of[right]) for left, right, _ in exact_edges(sets, sets, threshold)
        )
    return Alike(equal_groups(*kinds), near)


def kept_apart(found: Alike, unit: Unit) -> Alike:
    """Return of what is alike among anchors and documents that which `unit` keeps in one split."""
    if unit == "component":
        return found
    if unit == "group":
        return Alike(found.equal, [])
    anchors = {
        form: [one for one in ids if one.startswith("p")] for form, ids in found.equal.items()
    }
    equal = {form: ids for form, ids in anchors.items() if len(ids) > 1}
    return Alike(equal, [both for both in found.near if both[0][0].startswith("p")])


def equal_groups(*kinds: Texts) -> dict[str, list[str]]:
    """Return normal form to the ids that have it, for forms that several ids share."""
    return {form: ids for form, ids in _by_form(*kinds).items() if len(ids) > 1}


def leaks(found: Alike, split_of: Mapping[str, str]) -> list[Tie]:
    """Return the ids in different splits, one of them held out, whose texts are equal or near, smaller id first."""
    told: dict[tuple[str, str], str] = {}
    sides = [("equal", ids, ids) for ids in found.equal.values()] + [
        ("near", *both) for both in found.near
    ]
    for how, one, other in sides:
        if len({split_of[identity] for identity in (*one, *other)}) == 1:
            continue
        for left in one:
            for right in other:
                if split_of[left] != split_of[right] and {split_of[left], split_of[right]} & set(
                    HELD_OUT
                ):
                    told.setdefault((min(left, right), max(left, right)), how)
    return [
        Tie(left, right, f"{how} {_side(left, right)}")
        for (left, right), how in sorted(told.items())
    ]


def _by_form(*kinds: Texts) -> dict[str, list[str]]:
    groups: dict[str, set[str]] = defaultdict(set)
    for texts in kinds:
        for identity, variants in texts.items():
            for variant in variants:
                groups[normal_form(variant)].add(identity)
    return {form: sorted(ids) for form, ids in groups.items()}


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
    return of_anchors and (
        unit == "anchor" or "train" in (split_of[leak.left], split_of[leak.right])
    )


def tolerated(found: Sequence[Tie], unit: Unit, split_of: Mapping[str, str]) -> list[Tie]:
    """Return the leaks that `unit` allows and that training can meet: in its pairs, or in a document as negative."""
    return [
        leak
        for leak in found
        if not forbidden(leak, unit, split_of)
        and (_met(leak.left, split_of) or _met(leak.right, split_of))
    ]


def _met(identity: str, split_of: Mapping[str, str]) -> bool:
    return split_of[identity] == "train" or (
        split_of[identity] == "corpus" and identity.startswith("d")
    )


def _side(left: str, right: str) -> str:
    return "anchor" if left.startswith("p") and right.startswith("p") else "text"
