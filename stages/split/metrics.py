"""Metrics of a split: shares, sizes, leaks, shared documents, and differences in topics."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain

import pandas as pd

from stages.lib.schemas.splits import EVALUATION_SPLITS
from stages.split.columns import column_by_key
from stages.split.component_size import EDGE_KINDS
from stages.split.components import Edge, connected_components
from stages.split.leakage import is_across
from stages.split.rows import Assignment

# With fewer components, the metrics of a split depend on the draw more than on the data.
FEW_COMPONENTS = 300


def split_metrics(
    assignment: Assignment,
    edges: Sequence[Edge],
    splits: pd.DataFrame,
    *,
    every_pair: pd.DataFrame,
    built_pairs: pd.DataFrame,
) -> dict[str, float | int]:
    """Return shares of the pairs before sampling, the pairs in each split, sizes, and leaks.

    leaked_components counts the components that an edge leaves, into another split, one of the two
    being held out. It is counted from the edges, so it shows an error in joining them.

    Args:
        assignment: components and splits before sampling.
        edges: edges that do not follow from texts.
        splits: the Splits after sampling.
        every_pair: all Pairs, collected and built.
        built_pairs: the Pairs that may be trained on.
    """
    component_of = assignment.component_of
    split_of = column_by_key(splits, "id", "split")

    # Pairs by split: all of them before sampling, and the built ones after it.
    unsampled_splits = every_pair["pair_id"].map(assignment.split_by_row())
    shares = unsampled_splits.value_counts(normalize=True)
    counts = built_pairs["pair_id"].map(split_of).value_counts()

    # Components: their sizes in pairs, and those that an edge leaves.
    sizes = Counter(component_of[pair_id] for pair_id in every_pair["pair_id"])
    leaked = {component_of[edge.left] for edge in edges if is_across(*edge.ends, split_of)}

    names = ("train", *EVALUATION_SPLITS)
    return {
        **{f"{name}_share": float(shares.get(name, 0.0)) for name in names},
        **{f"{name}_pairs": int(counts.get(name, 0)) for name in names},
        "components": len(sizes),
        "few_components": len(sizes) < FEW_COMPONENTS,
        "largest_component_share": max(sizes.values()) / len(every_pair),
        **largest_component_ties(component_of, sizes, assignment.edges, every_pair),
        "leaked_components": len(leaked),
        "shared_documents": shared_documents(every_pair, split_of),
        **edge_metrics(assignment.edges),
    }


def edge_metrics(edges: Sequence[Edge]) -> dict[str, int]:
    """Return the number of edges of each kind, every kind always."""
    counts = Counter(edge.kind for edge in edges)
    return {f"edges.{kind.replace(' ', '_')}": counts[kind] for kind in EDGE_KINDS}


def largest_component_ties(
    component_of: Mapping[str, str],
    sizes: Mapping[str, int],
    edges: Sequence[Edge],
    pairs: pd.DataFrame,
) -> dict[str, int]:
    """Return what holds the largest component together, as largest_component.without.<kind>.

    The value is the size in pairs of its largest piece without the edges of this kind.
    largest_component.pairs is its size as a whole.

    Args:
        component_of: row id to component.
        sizes: component to its number of pairs.
        edges: the edges that formed the components.
        pairs: all Pairs.
    """
    name = max(sizes, key=lambda name: (sizes[name], name))
    members = pairs[pairs["pair_id"].map(component_of) == name].sort_values("pair_id")
    inside = [edge for edge in edges if component_of.get(edge.left) == name]

    # A component of one pair, or of rows that nothing of this kind joins, has no cause.
    without: dict[str, int] = {"largest_component.pairs": len(members)}
    row_ids = sorted({*chain.from_iterable(edge.ends for edge in inside), *members["pair_id"]})
    for kind in sorted({edge.kind for edge in inside}):
        ends = [edge.ends for edge in inside if edge.kind != kind]
        pieces = connected_components(row_ids, ends, min)
        counts = Counter(pieces[pair_id] for pair_id in members["pair_id"])
        if max(counts.values()) < len(members):
            key = f"largest_component.without.{kind.replace(' ', '_')}"
            without[key] = max(counts.values())

    return without


def shared_documents(pairs: pd.DataFrame, split_of: Mapping[str, str]) -> int:
    """Return the number of documents that have a training pair and a held-out one."""
    splits_of_document: dict[str, set[str]] = defaultdict(set)
    for pair_id, doc_id in zip(pairs["pair_id"], pairs["doc_id"], strict=True):
        splits_of_document[doc_id].add(split_of[pair_id])

    return sum(
        "train" in splits and not splits.isdisjoint(EVALUATION_SPLITS)
        for splits in splits_of_document.values()
    )


def topic_metrics(
    pairs: pd.DataFrame, documents: pd.DataFrame, split_of: Mapping[str, str]
) -> dict[str, float]:
    """Return how the topics of held-out pairs differ from those of training pairs.

    The topic of a pair is that of its document. topic_skew is the total variation distance (0:
    the same shares, 1: no topic in common). sibling_share is the share of held-out pairs whose
    topic has training pairs. Pairs without a topic are left out, and so are metrics without
    pairs.
    """
    topic_of = column_by_key(documents, "doc_id", "topic")
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for pair_id, doc_id in zip(pairs["pair_id"], pairs["doc_id"], strict=True):
        topic = topic_of.get(doc_id, "")
        if topic:
            counts[split_of[pair_id]][topic] += 1

    # The distance of each held-out split to training.
    train = counts["train"]
    metrics: dict[str, float] = {}
    for name in EVALUATION_SPLITS:
        if train and counts[name]:
            metrics[f"topic_skew.{name}"] = total_variation(train, counts[name])

    # Held-out pairs whose topic training knows.
    held_out = sum((counts[name] for name in EVALUATION_SPLITS), Counter[str]())
    if held_out:
        siblings = sum(count for topic, count in held_out.items() if topic in train)
        metrics["sibling_share"] = siblings / held_out.total()

    return metrics


def total_variation(left: Counter[str], right: Counter[str]) -> float:
    """Return half the summed differences of two distributions, given as counts that are not all 0.

    >>> total_variation(Counter("xxxy"), Counter("xyyy"))
    0.5
    """
    differences = [
        abs(left[topic] / left.total() - right[topic] / right.total())
        for topic in sorted({*left, *right})
    ]

    return sum(differences) / 2
