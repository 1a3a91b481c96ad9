"""Which slices of the queries differ: a verdict for each, corrected for their number.

A file gives each query a value in one column or more, such as its language or its source. All
queries of one value are a slice. Slices with too few groups have no verdict, and are counted. With
labels of people and of a judge each slice is estimated from its own labels of both.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stages.commands.verdict.differences import Comparison, Difference, compare_differences
from stages.commands.verdict.groups import read_utf8
from stages.commands.verdict.measures import Names, Scores
from stages.commands.verdict.pairs import JointScores, joint_difference, run_difference
from stages.commands.verdict.prediction_powered import MIN_LABELLED_GROUPS
from stages.commands.verdict.run_files import QUERY_COLUMNS, json_objects
from stages.lib.analysis.intervals import MIN_COMPONENTS
from stages.lib.core.errors import UserError

# Column to query to the name of its slice; a query may lack one.
SliceNames = Mapping[str, Mapping[str, str]]

Rows = npt.NDArray[np.int64]


class SliceVerdicts(NamedTuple):
    """The slices that have enough groups, and the number of the others.

    Attributes:
        comparisons: the comparison of each slice, named COLUMN=VALUE, with its p-value corrected.
        too_small: the number of slices with fewer than MIN_COMPONENTS groups; with labels of a
            judge, with fewer than MIN_LABELLED_GROUPS groups that people labelled.
    """

    comparisons: Sequence[Comparison] = ()
    too_small: int = 0


def compare_slices(
    before: Scores,
    after: Scores,
    query_ids: Sequence[str],
    groups: Names,
    *,
    slice_names: SliceNames,
    delta: float,
) -> SliceVerdicts:
    """Return the verdict on each slice, their p-values corrected for their number (Holm 1979).

    Args:
        before: the measure of each query in the one run, shape (queries,).
        after: that in the other run.
        query_ids: the queries, in this order.
        groups: the group of each query, shape (queries,).
        slice_names: column to query to the name of its slice.
        delta: the largest difference that counts as none.
    """

    def measured(rows: Rows, label: str) -> Difference | None:
        if len(np.unique(groups[rows])) < MIN_COMPONENTS:
            return None
        return run_difference(before[rows], after[rows], groups[rows], label)

    return _compare(measured, query_ids, slice_names, delta)


def compare_joint_slices(
    scores: JointScores,
    query_ids: Sequence[str],
    groups: Names,
    *,
    slice_names: SliceNames,
    delta: float,
) -> SliceVerdicts:
    """Return the verdict on each slice by labels of people and a judge, corrected as above.

    Args:
        scores: the measures of two runs or more; the last is compared with the first.
        query_ids: the queries, in their order.
        groups: the group of each query, shape (queries,).
        slice_names: column to query to the name of its slice.
        delta: the largest difference that counts as none.
    """
    first, *_, last = scores.by_judge

    def measured(rows: Rows, label: str) -> Difference | None:
        of_slice = scores.of_rows(rows)
        of_rows = groups[rows]
        if of_slice.labelled_groups(of_rows) < MIN_LABELLED_GROUPS:
            return None
        before = of_slice.join(first, None, of_rows).mean
        return joint_difference(of_slice.join(last, first, of_rows), before, label)

    return _compare(measured, query_ids, slice_names, delta)


def _compare(
    measured: Callable[[Rows, str], Difference | None],
    query_ids: Sequence[str],
    slice_names: SliceNames,
    delta: float,
) -> SliceVerdicts:
    """Return the verdict on each slice; `measured` is None for one that is too small."""
    differences = []
    too_small = 0
    for column, name_of_query in slice_names.items():
        # The rows of the queries of each slice.
        rows_of_slice: dict[str, list[int]] = defaultdict(list)
        for row, query_id in enumerate(query_ids):
            if name_of_query.get(query_id):
                rows_of_slice[name_of_query[query_id]].append(row)

        for name in sorted(rows_of_slice):
            difference = measured(np.array(rows_of_slice[name]), f"{column}={name}")
            if difference is None:
                too_small += 1
            else:
                differences.append(difference)

    return SliceVerdicts(compare_differences(differences, delta), too_small)


def read_slices(path: Path, query_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return column to query to the name of its slice, from JSONL, or CSV or TSV with a header.

    Raises:
        UserError: the file cannot be read, has no column of queries or no other one, has a query
            twice, or lacks one.
    """
    is_json = path.suffix == ".jsonl"
    rows = json_objects(path, read_utf8(path)) if is_json else _csv_rows(path)
    slices: dict[str, dict[str, str]] = {}
    known: set[str] = set()
    for place, row in rows:
        key = next((name for name in (*QUERY_COLUMNS, "_id") if name in row), None)
        columns = [name for name in row if name != key]
        if key is None or not columns:
            raise UserError(
                f"{path}, {place}: there is no column query_id beside others; found "
                f"{', '.join(row)[:200]}",
                "name the columns query_id and, for example, source",
            )
        query_id = str(row[key])
        if query_id in known:
            raise UserError(
                f"{path}, {place}: query {query_id[:40]!r} stands there a second time",
                "keep one line a query",
            )
        known.add(query_id)
        for column in columns:
            value = row[column]
            text = "" if value is None else str(value).strip()
            slices.setdefault(column, {})[query_id] = text

    missing = [query_id for query_id in query_ids if query_id not in known]
    if missing:
        raise UserError(
            f"{path}: {len(missing):,} queries have no line, such as {missing[0][:40]!r}",
            "add a line for each; an empty cell is no slice",
        )
    return slices


def _csv_rows(path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    text = read_utf8(path)
    first_line = text.partition("\n")[0]
    delimiter = max(",;\t", key=first_line.count)
    try:
        lines = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UserError(f"{path} is no CSV file: {error}", "write CSV, TSV or JSONL") from None
    if not lines:
        raise UserError(f"{path} is empty", "name a file with a header")

    header = [name.strip() for name in lines[0]]
    rows: list[tuple[str, Mapping[str, Any]]] = []
    for number, cells in enumerate(lines[1:], start=2):
        if not cells:
            continue
        if len(cells) != len(header):
            raise UserError(
                f"{path}, row {number} has {len(cells)} cells, and the header {len(header)}",
                "correct the row",
            )
        rows.append((f"row {number}", dict(zip(header, cells, strict=True))))
    return rows
