"""Components: rows that are tied together, directly or over others, and so must share a split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from stages.lib.text import hash_hex, normal_form

# An id has up to three texts (as collected, as cleaned, as embedded): each may give it away.
Texts = Mapping[str, Sequence[str]]
Namer = Callable[[Sequence[str]], str]


class Tie(NamedTuple):
    """Two ids that belong together, and why, in words for a message."""

    left: str
    right: str
    kind: str


def by_document(group: Sequence[str]) -> str:
    """Return the document of `group` whose id hashes smallest; ValueError when it holds none.

    Only documents name components, so that a new anchor for a known document never renames (and never
    moves) anything.
    """
    documents = [identity for identity in group if identity.startswith("d")]
    if not documents:
        raise ValueError(f"component of {min(group)} has no document")
    return by_hash(documents)


def by_hash(group: Sequence[str]) -> str:
    """Return the member of `group` whose id hashes smallest."""
    return min(group, key=lambda identity: (hash_hex("component", identity), identity))


def by_anchor(anchors: Texts) -> Namer:
    """Return what names a component of pairs after its anchors as collected, in normal form.

    So a pair more with a known anchor never renames its component.
    """

    def name(group: Sequence[str]) -> str:
        return "p" + min(
            hash_hex("component", normal_form(anchors[identity][0])) for identity in group
        )

    return name


def tie(
    ids: Iterable[str], edges: Iterable[tuple[str, str]], name: Namer = by_document
) -> dict[str, str]:
    """Return id to component, which `name` calls by its members.

    Union by size with path halving (Tarjan 1975). Raises KeyError on an edge to an unknown id.
    """
    parent = {identity: identity for identity in ids}
    size = dict.fromkeys(parent, 1)

    def root(identity: str) -> str:
        while parent[identity] != identity:
            parent[identity] = parent[parent[identity]]
            identity = parent[identity]
        return identity

    for left, right in edges:
        a, b = root(left), root(right)
        if a != b:
            a, b = (a, b) if size[a] >= size[b] else (b, a)
            parent[b], size[a] = a, size[a] + size[b]
    members: dict[str, list[str]] = defaultdict(list)
    for identity in parent:
        members[root(identity)].append(identity)
    named = {}
    for group in members.values():
        named.update(dict.fromkeys(group, name(group)))
    return named


def star(groups: Mapping[str, Sequence[str]]) -> Iterable[tuple[str, str]]:
    """Yield edges that tie the ids of each group together."""
    for group in groups.values():
        for other in group[1:]:
            yield group[0], other


def assign(component_id: str, train: float, validation: float) -> str:
    """Return the split of a component: a second hash of its name, independent of the first.

    It depends on the name alone: no other row, no seed and no count can move it.
    """
    lot = int(hash_hex("split", component_id), 16) / 2**64
    return "train" if lot < train else "validation" if lot < train + validation else "test"


def sample(pairs_of: Mapping[str, int], most: int | None, first: Collection[str] = ()) -> set[str]:
    """Return the training components that are kept when about `most` pairs are wanted; all for None.

    Components come in the order of a third hash, those in `first` before the others, until the wanted
    number is reached, so a larger sample contains every smaller one. `pairs_of` counts the pairs of each
    training component.
    """
    if most is None:
        return set(pairs_of)
    chosen, count = set(), 0
    for component_id in sorted(
        pairs_of, key=lambda name: (name not in first, hash_hex("sample", name))
    ):
        if count >= most:
            break
        chosen.add(component_id)
        count += pairs_of[component_id]
    return chosen
