"""What given splits mean for documents, and in figures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from stages.lib.schemas.queries_from_pairs import query_id_of
from stages.lib.schemas.splits import EVALUATION_SPLITS
from stages.split.assignment import assign_documents, sample_training
from stages.split.columns import column_by_key
from stages.split.components import is_pair_id
from stages.split.constraints import Constraints
from stages.split.given import GivenRows, SplitTask, repeated_anchors
from stages.split.interface import SplitParams
from stages.split.rows import Assignment, SplitRows

# Of several splits a document is in the first one: what is trained on is known to the model.
_DOCUMENT_PRECEDENCE = ("train", "test", "validation")


def place_rows(
    assignment: Assignment,
    task: SplitTask,
    given: GivenRows,
    *,
    constraints: Constraints,
    params: SplitParams,
) -> pd.DataFrame:
    """Return the Splits of all rows, with a sample of the training pairs.

    Args:
        assignment: components and splits before sampling.
        task: rows, edges and matches.
        given: the given splits, and the pairs that may be trained on.
        constraints: frozen ids, which are sampled first, and protected documents.
        params: the section `split`.
    """
    built_pairs = pd.DataFrame({"pair_id": sorted(given.built)})
    splits = sample_training(assignment, built_pairs, params.max_train_pairs, constraints.frozen)

    # Documents that no component places are where their pairs are.
    if params.splits_documents:
        return place_given_documents(splits, task, given)
    return assign_documents(splits, task.without(given.irrelevant).rows, constraints.protected)


def place_given_documents(splits: pd.DataFrame, task: SplitTask, given: GivenRows) -> pd.DataFrame:
    """Return `splits` in which documents of given pairs alone are where these pairs are.

    A held-out document is then no negative. A document that other rows place stays there.

    Args:
        splits: the Splits of all rows.
        task: rows, edges and matches.
        given: the given splits.
    """
    if not given.split_of:
        return splits

    split_of = column_by_key(splits, "id", "split")
    splits_of_document: dict[str, set[str]] = defaultdict(set)
    for pair_id in given.split_of.keys() - given.irrelevant:
        doc_id = task.rows.document_of_pair[pair_id]
        for name in {doc_id, task.kept_of.get(doc_id, doc_id)}:
            splits_of_document[name].add(split_of[pair_id])

    # Only the corpus is free: other splits were decided by other rows.
    placed: list[str] = []
    for row_id, split in zip(splits["id"], splits["split"], strict=True):
        options = splits_of_document.get(row_id, set()) if split == "corpus" else set()
        candidates = (name for name in _DOCUMENT_PRECEDENCE if name in options)
        placed.append(next(candidates, split))

    return splits.assign(split=pd.Series(placed, index=splits.index, dtype=splits["split"].dtype))


def given_documents(
    splits: pd.DataFrame, assignment: Assignment, rows: SplitRows, given: GivenRows
) -> frozenset[str]:
    """Return the held-out documents that are held out by given pairs alone."""
    if not given.split_of:
        return frozenset()

    split_of = column_by_key(splits, "id", "split")
    held_out = {row_id for row_id, split in split_of.items() if split in EVALUATION_SPLITS}
    documents = {row_id for row_id in held_out if not is_pair_id(row_id)}

    # Documents of held-out components, and of held-out pairs that are not given.
    split_before = assignment.split_by_row()
    others = {doc_id for doc_id in documents if split_before.get(doc_id) in EVALUATION_SPLITS}
    for pair_id, doc_id in rows.document_of_pair.items():
        if pair_id in held_out and pair_id not in given.apart:
            others.add(doc_id)

    return frozenset(documents - others)


def given_query_ids(pairs: pd.DataFrame, given: GivenRows) -> frozenset[str]:
    """Return the ids of the queries that the given splits hold out; `pairs` are as collected."""
    held_out = pairs[pairs["pair_id"].isin(given.held_out)]
    return frozenset(map(query_id_of, held_out["anchor"]))


def given_metrics(
    task: SplitTask,
    given: GivenRows,
    split_of: Mapping[str, str],
    *,
    excluded: Iterable[str],
) -> dict[str, float | int]:
    """Return the figures of the given splits, by keys that begin with "given."; {} without any.

    Args:
        task: rows, edges and matches.
        given: the given splits.
        split_of: row id to final split.
        excluded: the pairs that left training.
    """
    if not given.split_of:
        return {}

    # The queries of each split, and their relevant documents.
    documents_of_query = _documents_of_queries(task, given)
    queries: dict[str, set[str]] = {split: set() for split in EVALUATION_SPLITS}
    for pair_id in given.held_out:
        query_id = query_id_of(task.rows.anchors[pair_id][0])
        queries[given.split_of[pair_id]].add(query_id)

    answered = Counter(split for split, _ in documents_of_query)

    # What training shares with them.
    trained_documents = {
        task.kept_of.get(doc_id, doc_id)
        for pair_id, doc_id in task.rows.document_of_pair.items()
        if pair_id in given.built and split_of.get(pair_id) == "train"
    }
    sharing = [
        query for query, documents in documents_of_query.items() if documents & trained_documents
    ]
    held_out_documents = frozenset[str]().union(*documents_of_query.values())
    repeats = repeated_anchors(task, given).keys() & given.built

    return {
        "given.train_pairs": sum(split == "train" for split in given.split_of.values()),
        **{f"given.{split}_queries": answered[split] for split in EVALUATION_SPLITS},
        "given.queries_without_answers": sum(map(len, queries.values())) - answered.total(),
        "given.queries_in_both": len(queries["validation"] & queries["test"]),
        "given.repeated_pairs": len(repeats),
        "given.left_out": len(repeats & set(excluded)),
        "given.near_queries": _near_queries(task, given, split_of),
        "given.shared_documents": len(held_out_documents & trained_documents),
        "given.shared_document_queries": len(sharing),
        "given.shared_document_share": len(sharing) / max(1, answered.total()),
    }


def _documents_of_queries(
    task: SplitTask, given: GivenRows
) -> dict[tuple[str, str], frozenset[str]]:
    """Return (split, query id) to the relevant documents of each given held-out query."""
    documents: dict[tuple[str, str], set[str]] = defaultdict(set)
    for pair_id in given.held_out - given.irrelevant:
        doc_id = task.rows.document_of_pair[pair_id]
        query = (given.split_of[pair_id], query_id_of(task.rows.anchors[pair_id][0]))
        documents[query].add(task.kept_of.get(doc_id, doc_id))

    return {query: frozenset(doc_ids) for query, doc_ids in documents.items()}


def _near_queries(task: SplitTask, given: GivenRows, split_of: Mapping[str, str]) -> int:
    """Return the number of given held-out queries whose anchor is near to a training one."""
    held_out = given.held_out
    near: set[str] = set()
    for left_ids, right_ids in task.matches.near:
        for own_ids, other_ids in ((left_ids, right_ids), (right_ids, left_ids)):
            if _has_training_pair(other_ids, split_of):
                anchors = (task.rows.anchors[row_id][0] for row_id in own_ids if row_id in held_out)
                near.update(query_id_of(anchor) for anchor in anchors)

    return len(near)


def _has_training_pair(row_ids: Sequence[str], split_of: Mapping[str, str]) -> bool:
    return any(is_pair_id(row_id) and split_of[row_id] == "train" for row_id in row_ids)
