"""The split of every row: by component or by date, with frozen ids and protected texts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import pandas as pd

from stages.lib.core.errors import UserError
from stages.lib.schemas.splits import EVALUATION_SPLITS
from stages.lib.text.held_out import HeldOutMatch
from stages.lib.text.matches import TextMatches
from stages.split.columns import column_by_key
from stages.split.component_size import check_component_size
from stages.split.components import (
    Edge,
    connected_components,
    edges_within,
    equal_text_edges,
    name_by_anchor,
    name_by_document_or_anchor,
    name_by_hash,
    sample_components,
    split_of_component,
)
from stages.split.constraints import Constraints, frozen_splits
from stages.split.interface import SplitParams
from stages.split.leakage import enforced_matches, find_leaks, is_violation, match_edges
from stages.split.rows import Assignment, SplitRows, TrainingExclusion

# --- by component


def assign_by_component(
    rows: SplitRows,
    edges: Sequence[Edge],
    matches: TextMatches,
    *,
    frozen: Mapping[str, str],
    params: SplitParams,
) -> Assignment:
    """Return components that share no text with another split, and the split of each.

    All matches that the unit enforces are edges, whichever splits their ends fall into. So other
    rows, the draw and frozen ids change no component.

    Raises:
        UserError: a component is too large, and `split.giants` is "stop".
    """
    # Only rows that the unit splits are connected.
    by_anchor = name_by_anchor(rows.anchors)
    by_document = name_by_document_or_anchor(rows.anchors)
    name = by_document if params.splits_documents else by_anchor
    row_ids = sorted({*rows.anchors, *(rows.texts if params.splits_documents else ())})
    enforced = enforced_matches(matches, params.unit)
    every_edge = sorted({*edges, *match_edges(enforced, rows.document_of_pair)})

    component_of = connected_components(row_ids, [edge.ends for edge in every_edge], name)
    split_of = _draw_splits(component_of, rows, params, frozen=frozen)
    if params.giants == "stop":
        check_component_size(component_of, rows.anchors, every_edge, params)

    return Assignment(component_of, split_of, every_edge, {})


def exclude_protected(
    assignment: Assignment, rows: SplitRows, protected: Mapping[str, HeldOutMatch]
) -> Assignment:
    """Return `assignment` without training components and unpaired documents with protected texts.

    Their split becomes "protected". Held-out components stay.
    """
    component_of = assignment.component_of

    # The row that decides for a component: one of its members, else the document of one of its
    # pairs.
    decider: dict[str, str] = {}
    for row_id in sorted(set(protected) & set(component_of)):
        decider.setdefault(component_of[row_id], row_id)

    for pair_id, doc_id in sorted(rows.document_of_pair.items()):
        if doc_id in protected:
            decider.setdefault(component_of[pair_id], doc_id)

    decider = {
        name: row_id
        for name, row_id in decider.items()
        if assignment.split_of[name] not in (*EVALUATION_SPLITS, "left_out")
    }

    # All pairs of such a component leave.
    excluded: dict[str, TrainingExclusion] = {}
    for pair_id in rows.anchors:
        if component_of[pair_id] in decider:
            row_id = decider[component_of[pair_id]]
            excluded[pair_id] = _protected_exclusion(pair_id, row_id, protected)

    split_of = {**assignment.split_of, **dict.fromkeys(decider, "protected")}
    return assignment._replace(split_of=split_of, excluded={**assignment.excluded, **excluded})


def _draw_splits(
    component_of: Mapping[str, str],
    rows: SplitRows,
    params: SplitParams,
    *,
    frozen: Mapping[str, str],
) -> dict[str, str]:
    """Return component id to split."""
    with_pairs = {component_of[pair_id] for pair_id in rows.anchors}
    split_if_frozen = frozen_splits(component_of, frozen)

    split_of: dict[str, str] = {}
    for name in sorted(set(component_of.values())):
        if name in split_if_frozen:
            split_of[name] = split_if_frozen[name]
        elif name in with_pairs:
            split_of[name] = split_of_component(name, params.train, params.validation)
        else:
            # Documents without pairs are searched, and may become negatives.
            split_of[name] = "corpus"

    return split_of


def _protected_exclusion(
    pair_id: str, row_id: str, protected: Mapping[str, HeldOutMatch]
) -> TrainingExclusion:
    # A row is not named as its own partner.
    partner_id = row_id if row_id != pair_id else ""
    return TrainingExclusion("protected", partner_id, protected[row_id].similarity)


# --- by date


def assign_by_date(
    rows: SplitRows, matches: TextMatches, constraints: Constraints, params: SplitParams
) -> Assignment:
    """Return the split of every pair by its time: training is the oldest part, test the newest.

    Nothing moves across a date. A training pair whose anchor equals or nears a held-out one leaves
    training, and so does one with a protected text. Pairs of one split that share a document or an
    anchor form a component, which intervals resample as a whole.

    Raises:
        UserError: a pair has no time, or ids are frozen.
    """
    if constraints.frozen:
        raise UserError(
            "split.unit is 'time', but data/frozen/splits.csv holds ids: "
            "a date and a frozen list cannot both decide",
            "empty the file down to its header, or choose another split.unit",
        )

    time_of_pair = _times_of_pairs(rows, constraints.time_of)
    split_of = split_by_time(time_of_pair, params.train, params.validation)
    excluded: dict[str, TrainingExclusion] = {}

    # Training anchors that repeat a held-out one.
    for leak in find_leaks(enforced_matches(matches, params.unit), split_of):
        if is_violation(leak, "time", split_of):
            training_id, held_out_id = sorted(
                leak.ends, key=lambda pair_id: split_of[pair_id] != "train"
            )
            exclusion = TrainingExclusion("repeats_held_out", held_out_id, float("nan"))
            excluded.setdefault(training_id, exclusion)

    split_of.update(dict.fromkeys(excluded, "corpus"))

    # Training pairs whose anchor, or else whose document, has a protected text.
    for pair_id, doc_id in sorted(rows.document_of_pair.items()):
        row_id = pair_id if pair_id in constraints.protected else doc_id
        if row_id in constraints.protected and split_of[pair_id] == "train":
            excluded[pair_id] = _protected_exclusion(pair_id, row_id, constraints.protected)
            split_of[pair_id] = "protected"

    component_of = _components_within_splits(rows, split_of)
    split_of_name = {name: split_of[pair_id] for pair_id, name in component_of.items()}
    return Assignment(component_of, split_of_name, [], excluded)


def split_by_time(time_of: Mapping[str, str], train: float, validation: float) -> dict[str, str]:
    """Return the split of each id: the oldest share is train, then validation, then test.

    Equal times stay together, in the split in which the middle one of them falls.

    >>> split_by_time({"a": "2026-01-01", "b": "2026-01-02", "c": "2026-01-03"}, 0.4, 0.3)
    {'a': 'train', 'b': 'validation', 'c': 'test'}
    """
    # The position of a time is that of the middle one of its rows, as a share of all rows.
    count_by_time = Counter(time_of.values())
    split_of_time: dict[str, str] = {}
    earlier = 0
    for time in sorted(count_by_time):
        middle = (earlier + count_by_time[time] / 2) / len(time_of)
        if middle < train:
            split_of_time[time] = "train"
        elif middle < train + validation:
            split_of_time[time] = "validation"
        else:
            split_of_time[time] = "test"

        earlier += count_by_time[time]

    return {row_id: split_of_time[time] for row_id, time in time_of.items()}


def _times_of_pairs(rows: SplitRows, time_of: Mapping[str, str]) -> dict[str, str]:
    # Pairs that were built from a document have the time of that document.
    time_of_pair = {
        pair_id: time_of.get(pair_id) or time_of.get(doc_id, "")
        for pair_id, doc_id in rows.document_of_pair.items()
    }

    missing = sorted(pair_id for pair_id, time in time_of_pair.items() if not time)
    if missing:
        raise UserError(
            f"split.unit is 'time', but {len(missing):,} of {len(time_of_pair):,} pairs "
            f"have no time (first: {missing[0]})",
            "map a column to 'time' under collect.sources in params.yaml, fill it, "
            "or choose another split.unit",
        )

    return time_of_pair


def _components_within_splits(rows: SplitRows, split_of: Mapping[str, str]) -> dict[str, str]:
    """Return pair id to component id: pairs of one split that share a document or an anchor."""
    pairs_of_document: dict[str, list[str]] = defaultdict(list)
    for pair_id, doc_id in sorted(rows.document_of_pair.items()):
        pairs_of_document[f"{doc_id} {split_of[pair_id]}"].append(pair_id)

    # Equal anchors count within a split alone, since nothing moves across a date.
    edges = edges_within(pairs_of_document, "shared document")
    for edge in equal_text_edges([rows.anchors]):
        if split_of[edge.left] == split_of[edge.right]:
            edges.append(edge)

    ends = [edge.ends for edge in edges]
    return connected_components(sorted(rows.anchors), ends, name_by_hash)


# --- the table


def sample_training(
    assignment: Assignment,
    pairs: pd.DataFrame,
    max_pairs: int | None,
    frozen: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return the Splits of all rows. Training components that are not sampled become corpus.

    Args:
        assignment: components and splits.
        pairs: the Pairs that are counted.
        max_pairs: about how many training pairs to keep; None keeps all.
        frozen: id to the split that it keeps; their components are sampled first.
    """
    component_of = assignment.component_of
    split_of = assignment.split_of

    # Sample among the training components that have pairs.
    pair_count = Counter(component_of[pair_id] for pair_id in pairs["pair_id"])
    training_count = {
        name: count for name, count in pair_count.items() if split_of[name] == "train"
    }
    first = set(frozen_splits(component_of, frozen or {}))
    sampled = sample_components(training_count, max_pairs, first)

    # The others are documents to search in.
    sampled_split_of = {
        name: "corpus" if split == "train" and name not in sampled else split
        for name, split in split_of.items()
    }

    row_ids = sorted(component_of)
    component_ids = [component_of[row_id] for row_id in row_ids]
    splits = [sampled_split_of[name] for name in component_ids]
    return pd.DataFrame({"id": row_ids, "component_id": component_ids, "split": splits})


def assign_documents(
    splits: pd.DataFrame, rows: SplitRows, protected: Mapping[str, HeldOutMatch]
) -> pd.DataFrame:
    """Return `splits`, which has pairs alone, with the documents, each in a split of its pairs.

    A document with a training pair is in training, whatever other splits share it. One with
    held-out pairs alone is held out, so that it never becomes a negative. Of the others, a
    document with a protected text is protected, and the rest is corpus.
    """
    if not rows.texts:
        return splits

    # The splits of the pairs of each document.
    split_of_pair = column_by_key(splits, "id", "split")
    splits_of_document: dict[str, set[str]] = defaultdict(set)
    for pair_id, doc_id in rows.document_of_pair.items():
        splits_of_document[doc_id].add(split_of_pair[pair_id])

    # Training comes first, since a document that is trained on is known to the model.
    doc_ids = sorted(rows.texts)
    document_splits: list[str] = []
    for doc_id in doc_ids:
        default = "protected" if doc_id in protected else "corpus"
        candidates = (
            split
            for split in ("train", "test", "validation")
            if split in splits_of_document[doc_id]
        )

        document_splits.append(next(candidates, default))

    documents = pd.DataFrame({"id": doc_ids, "component_id": doc_ids, "split": document_splits})
    return pd.concat([splits, documents], ignore_index=True)
