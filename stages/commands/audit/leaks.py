"""Held-out pairs that another split gives away, counted kind by kind: one function for every split of pairs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from stages.lib.contracts.splits import HELD_OUT
from stages.lib.near import exact_edges
from stages.lib.text import normal_form, shingles
from stages.split.components import TextVersions
from stages.split.interface import Unit

ANCHOR = ("exact anchor", "normalised anchor", "near anchor")
TEXT = ("shared document", "exact text", "normalised text", "near text")
KINDS = (*ANCHOR, *TEXT, "shared group")
SPLITS = ("train", *HELD_OUT)

Leaks = dict[
    str, dict[str, str]
]  # kind to (held-out pair to one pair elsewhere that gives it away)


class World(NamedTuple):
    """The pairs that are audited: anchors of each, document of each, texts and group of each document."""

    anchors: TextVersions
    answers: Mapping[str, str]
    texts: TextVersions
    group_of: Mapping[str, str]


def judged(unit: Unit) -> tuple[str, ...]:
    """Return the kinds of leaks of text that splits by `unit` may not have."""
    if unit in ("anchor", "time"):
        return ANCHOR
    return tuple(
        kind for kind in (*ANCHOR, *TEXT) if unit == "component" or not kind.startswith("near")
    )


def audit(
    world: World,
    split_of: Mapping[str, str],
    threshold: float,
    held_out: Collection[str] = HELD_OUT,
    against: Collection[str] = SPLITS,
) -> Leaks:
    """Return the held-out pairs that leak, by kind, each under the first kind of its anchor and of its text.

    A pair of a `held_out` split leaks into every other split of `against`; pairs in none of these are left out.
    Texts of different documents are compared; a document on both sides is the kind "shared document" and no
    other kind of text. Near is exact Jaccard at or above `threshold`.
    """
    found: Leaks = {kind: {} for kind in KINDS}
    for held in held_out:
        mine = sorted(pair_id for pair_id in world.answers if split_of.get(pair_id) == held)
        theirs = sorted(
            p for p in world.answers if (where := split_of.get(p)) in against and where != held
        )
        for kind, hits in _anchors(world, mine, theirs, threshold) + _texts(
            world, mine, theirs, threshold
        ):
            found[kind].update(hits)
    return found


def _anchors(
    world: World, mine: list[str], theirs: list[str], threshold: float
) -> list[tuple[str, dict[str, str]]]:
    own, other = ({pair_id: world.anchors[pair_id] for pair_id in ids} for ids in (mine, theirs))
    return list(zip(ANCHOR, _alike(own, other, threshold), strict=True))


def _texts(
    world: World, mine: list[str], theirs: list[str], threshold: float
) -> list[tuple[str, dict[str, str]]]:
    first = _first((world.answers[pair_id], pair_id) for pair_id in theirs)
    own = sorted({world.answers[pair_id] for pair_id in mine})
    told = [
        {doc_id: first[doc_id] for doc_id in own if doc_id in first},
        *(
            {doc_id: first[other] for doc_id, other in hits.items()}
            for hits in _alike(
                {doc_id: world.texts[doc_id] for doc_id in own if doc_id not in first},
                {doc_id: world.texts[doc_id] for doc_id in first},
                threshold,
            )
        ),
    ]
    groups = _first(
        (group, pair) for pair in theirs if (group := world.group_of.get(world.answers[pair], ""))
    )
    by_group = {
        doc_id: groups[group]
        for doc_id in own
        if (group := world.group_of.get(doc_id, "")) in groups
    }
    return [
        (
            kind,
            {
                pair_id: hits[doc_id]
                for pair_id in mine
                if (doc_id := world.answers[pair_id]) in hits
            },
        )
        for kind, hits in zip((*TEXT, "shared group"), [*told, by_group], strict=True)
    ]


def _alike(own: TextVersions, other: TextVersions, threshold: float) -> list[dict[str, str]]:
    """Return the ids of `own` with a partner in `other`: by equal texts, else by normal forms, else near ones."""
    exact, normal = _first(_each(other)), _first((normal_form(text), i) for text, i in _each(other))
    found: list[dict[str, str]] = [{}, {}, {}]
    for text, identity in _each(own):
        if text in exact:
            found[0].setdefault(identity, exact[text])
    for text, identity in _each(own):
        if identity not in found[0] and (form := normal_form(text)) in normal:
            found[1].setdefault(identity, normal[form])
    mine = _readings(
        {i: texts for i, texts in own.items() if i not in found[0] and i not in found[1]}
    )
    for left, right, _ in exact_edges(mine, _readings(other) if mine else {}, threshold):
        found[2].setdefault(left, right)
    return found


def _readings(texts: TextVersions) -> dict[str, list[frozenset[str]]]:
    return {
        identity: [items for text in variants for items in shingles(text)]
        for identity, variants in texts.items()
    }


def _each(texts: TextVersions) -> list[tuple[str, str]]:
    return [(text, identity) for identity in sorted(texts) for text in texts[identity]]


def _first(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the smallest id of each key."""
    smallest: dict[str, str] = {}
    for key, identity in rows:
        smallest[key] = min(identity, smallest.get(key, identity))
    return smallest
