"""Stars: which document stands for which. What goes has a kept partner of its own, never one over others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from stages.lib.text import hash_hex

Rank = tuple[bool, int, int, int, int, str]


class StandIn(NamedTuple):
    """The document that stands for a dropped one, why, and how similar they are."""

    kept_id: str
    reason: str
    similarity: float


class Edge(NamedTuple):
    """Two texts, by the ids of documents that hold them, of which one can stand for the other."""

    left: str
    right: str
    reason: str
    similarity: float


def ranks(
    documents: pd.DataFrame,
    official: Iterable[str],
    order: Sequence[str],
    noise: Callable[[str], int],
) -> dict[str, Rank]:
    """Return id to rank, the best smallest: authoritative, complete, clean, of a source named early, long, by lot."""
    places = {source: at for at, source in enumerate(order)}
    authoritative = frozenset(official)
    rows = zip(
        *(documents[name] for name in ("doc_id", "source", "title", "topic", "group", "text")),
        strict=True,
    )
    return {
        doc_id: (
            source not in authoritative,
            -sum(map(bool, (title, topic, group))),
            noise(text),
            places.get(source, len(order)),
            -len(text),
            hash_hex(doc_id),
        )
        for doc_id, source, title, topic, group, text in rows
    }


def stand_ins(
    equal: Mapping[str, Sequence[str]], edges: Sequence[Edge], rank: Mapping[str, Rank]
) -> dict[str, StandIn]:
    """Return dropped id to what stands for it.

    `equal` has the documents of each text, by the id that `edges` call it by. Texts are taken best first: each goes
    to the best text that is kept and that an edge joins it to, or is kept itself. Documents of a kept text go to its
    best one. A document of an authoritative source never goes, and so no text that has one.
    """
    best = {name: min(ids, key=lambda doc_id: rank[doc_id]) for name, ids in equal.items()}
    joined: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        joined[edge.left].append(edge)
        joined[edge.right].append(Edge(edge.right, edge.left, edge.reason, edge.similarity))
    kept: set[str] = set()
    found: dict[str, StandIn] = {}
    for name in sorted(equal, key=lambda name: rank[best[name]]):
        partners = [edge for edge in joined[name] if edge.right in kept]
        if partners and rank[best[name]][0]:
            edge = min(partners, key=lambda edge: rank[best[edge.right]])
            told = StandIn(best[edge.right], edge.reason, edge.similarity)
            found |= dict.fromkeys(equal[name], told)
            continue
        kept.add(name)
        copy = StandIn(best[name], "exact_copy", 1.0)
        found |= {
            doc_id: copy for doc_id in equal[name] if doc_id != best[name] and rank[doc_id][0]
        }
    return found
