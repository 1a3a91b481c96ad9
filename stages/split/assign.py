"""The split of every row, by the unit that params.yaml names."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from stages.lib.text.matches import TextMatches
from stages.split.assignment import (
    assign_by_component,
    assign_by_date,
    assign_documents,
    exclude_protected,
    sample_training,
)
from stages.split.components import Edge
from stages.split.constraints import Constraints
from stages.split.giants import GiantInputs, divide_giants
from stages.split.interface import SplitParams
from stages.split.leakage import enforced_matches, find_leaks
from stages.split.rows import Assignment, SplitRows


def assign(
    rows: SplitRows,
    edges: Sequence[Edge],
    matches: TextMatches,
    *,
    constraints: Constraints,
    params: SplitParams,
) -> Assignment:
    """Return the split of every row that the unit splits: pairs and documents, or pairs alone.

    Args:
        rows: the pairs and documents.
        edges: edges that do not follow from texts.
        matches: equal and near texts among all rows.
        constraints: frozen ids, protected texts, and times for the unit `time`.
        params: the section `split`.

    Raises:
        UserError: a component is too large and `split.giants` is "stop", or the unit is `time` and
            a pair has no time.
    """
    if params.unit == "time":
        return assign_by_date(rows, matches, constraints, params)

    enforced = enforced_matches(matches, params.unit)
    known_edges = list(edges)
    while True:
        assignment = assign_by_component(
            rows, known_edges, matches, frozen=constraints.frozen, params=params
        )
        giant_inputs = GiantInputs(
            rows,
            frozen=constraints.frozen,
            frozen_giants=constraints.frozen_giants,
            params=params,
        )
        assignment = divide_giants(assignment, giant_inputs)

        # A row that is not tied to a match of its own document may straddle once that is cut.
        split_by_row = assignment.split_by_row() if assignment.giants else {}
        leaks = find_leaks(enforced, split_by_row, rows.document_of_pair) if split_by_row else []
        new_edges = sorted(set(leaks) - set(assignment.edges))
        if not new_edges:
            return exclude_protected(assignment, rows, constraints.protected)

        known_edges += new_edges


def sampled_splits(
    assignment: Assignment,
    rows: SplitRows,
    pairs: pd.DataFrame,
    *,
    constraints: Constraints,
    params: SplitParams,
) -> pd.DataFrame:
    """Return the Splits of all rows. Of the training pairs among `pairs` a sample stays."""
    splits = sample_training(assignment, pairs, params.max_train_pairs, constraints.frozen)
    if params.splits_documents:
        return splits

    return assign_documents(splits, rows, constraints.protected)
