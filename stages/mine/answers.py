"""What answers an anchor, and what is near or related to that: documents that are no negatives, or poor ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import pandas as pd

from stages.lib.text import normal_form

Neighbours = Mapping[str, frozenset[str]]


def known_positives(pairs: pd.DataFrame, parents: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Return normal form of an anchor to the ids of every document that any pair gives it.

    `parents` maps a made pair to the pair whose anchor it varies: what answers that one answers it too.
    """
    by_form: dict[str, set[str]] = defaultdict(set)
    form_of = dict(zip(pairs["pair_id"], pairs["anchor"].map(normal_form), strict=True))
    for pair_id, doc_id in zip(pairs["pair_id"], pairs["doc_id"], strict=True):
        by_form[form_of[pair_id]].add(doc_id)
    for pair_id, parent_id in parents.items():
        if pair_id in form_of:
            by_form[form_of[pair_id]] |= by_form[form_of[parent_id]]
    return {form: frozenset(ids) for form, ids in by_form.items()}


def neighbours(edges: pd.DataFrame, kept: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Return the near-duplicates of each document and pair of the Near table `edges`.

    `kept` maps a document that was dropped to the one that stands for it.
    """
    return _both_ways(zip(edges["left_id"], edges["right_id"], strict=True), kept)


def families(documents: pd.DataFrame) -> dict[str, str]:
    """Return the group of each document that has one, named with its source, whose it is."""
    rows = zip(documents["doc_id"], documents["source"], documents["group"], strict=True)
    return {doc_id: f"{source}\n{group}" for doc_id, source, group in rows if group}


def lines(
    edges: pd.DataFrame, kept: Mapping[str, str], wanted: Iterable[str]
) -> dict[str, frozenset[str]]:
    """Return all ancestors and descendants of each of the documents `wanted` that stands in the Hierarchy `edges`.

    `kept` maps a document that was dropped to the one that stands for it. Circles end.
    """
    up: dict[str, set[str]] = defaultdict(set)
    down: dict[str, set[str]] = defaultdict(set)
    for doc_id, parent_id in zip(edges["doc_id"], edges["parent_id"], strict=True):
        low, high = kept.get(doc_id, doc_id), kept.get(parent_id, parent_id)
        if low != high:
            up[low].add(high)
            down[high].add(low)
    return {
        doc_id: frozenset((_reach(doc_id, up) | _reach(doc_id, down)) - {doc_id})
        for doc_id in wanted
        if doc_id in up or doc_id in down
    }


def joined(neighbours: Neighbours, doc_ids: Iterable[str]) -> frozenset[str]:
    """Return everything that `neighbours` put beside one of `doc_ids`."""
    return frozenset[str]().union(*(neighbours.get(doc_id, frozenset()) for doc_id in doc_ids))


def _reach(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    met, waiting = {start}, [start]
    while waiting:
        for other in edges.get(waiting.pop(), ()):
            if other not in met:
                met.add(other)
                waiting.append(other)
    return met


def _both_ways(
    edges: Iterable[tuple[str, str]], kept: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for one, other in edges:
        left, right = kept.get(one, one), kept.get(other, other)
        if left != right:
            found[left].add(right)
            found[right].add(left)
    return {identity: frozenset(others) for identity, others in found.items()}
