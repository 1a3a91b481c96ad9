"""What is measured of a split: shares, sizes, what leaks, what is shared, and how far topics differ."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import pandas as pd

from stages.lib.contracts.splits import HELD_OUT
from stages.split.assignment import Assignment
from stages.split.components import Tie

FEW = 300  # components; below it a split says more about the draw than about the data


def measure(
    assigned: Assignment,
    ties: Sequence[Tie],
    splits: pd.DataFrame,
    every_pair: pd.DataFrame,
    built: pd.DataFrame,
) -> dict[str, float | int]:
    """Return the metrics: shares of all pairs before sampling, the built pairs in each split, what leaks.

    leaked_components is counted from the ties themselves, so a fault in joining them would show: components
    that a tie leads out of, into another split, from or to a held-out one.
    """
    component_of, split_of = assigned.component_of, assigned.split_of
    where = dict(zip(splits["id"], splits["split"], strict=True))
    torn = {
        component_of[one.left]
        for one in ties
        if where[one.left] != where[one.right]
        and {where[one.left], where[one.right]} & set(HELD_OUT)
    }
    shares = (
        every_pair["pair_id"]
        .map(lambda pair_id: split_of[component_of[pair_id]])
        .value_counts(normalize=True)
    )
    pairs = built["pair_id"].map(where).value_counts()
    sizes = Counter(component_of[pair_id] for pair_id in every_pair["pair_id"])
    return {
        **{f"{name}_share": float(shares.get(name, 0.0)) for name in ("train", *HELD_OUT)},
        **{f"{name}_pairs": int(pairs.get(name, 0)) for name in ("train", *HELD_OUT)},
        "components": len(sizes),
        "few_components": len(sizes) < FEW,
        "largest_component_share": max(sizes.values()) / len(every_pair),
        "leaked_components": len(torn),
        "shared_documents": shared_documents(every_pair, where),
        "tied_by_audit": len(assigned.added),
    }


def shared_documents(pairs: pd.DataFrame, where: Mapping[str, str]) -> int:
    """Return how many documents answer a training pair and a held-out one."""
    found: dict[str, set[str]] = defaultdict(set)
    for pair_id, doc_id in zip(pairs["pair_id"], pairs["doc_id"], strict=True):
        found[doc_id].add(where[pair_id])
    return sum("train" in splits and bool(splits & set(HELD_OUT)) for splits in found.values())


def of_topics(
    pairs: pd.DataFrame, documents: pd.DataFrame, where: Mapping[str, str]
) -> dict[str, float]:
    """Return how the topics of held-out pairs differ from those of training pairs, by their documents' topics.

    topic_skew is the total variation distance (0: the same shares, 1: no topic in common); sibling_share the
    share of held-out pairs whose topic training knows. Pairs without a topic count for neither, and a
    metric without pairs is left out.
    """
    topic_of = dict(zip(documents["doc_id"], documents["topic"], strict=True))
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for pair_id, doc_id in zip(pairs["pair_id"], pairs["doc_id"], strict=True):
        if topic := topic_of.get(doc_id, ""):
            counts[where[pair_id]][topic] += 1
    train = counts["train"]
    measured = {
        f"topic_skew.{name}": total_variation(train, counts[name])
        for name in HELD_OUT
        if train and counts[name]
    }
    held = sum((counts[name] for name in HELD_OUT), Counter[str]())
    if held:
        measured["sibling_share"] = (
            sum(count for topic, count in held.items() if topic in train) / held.total()
        )
    return measured


def total_variation(one: Counter[str], other: Counter[str]) -> float:
    """Return half the summed differences of two distributions, given as counts that are not all 0."""
    differences = (
        abs(one[topic] / one.total() - other[topic] / other.total())
        for topic in sorted({*one, *other})
    )
    return sum(differences) / 2
