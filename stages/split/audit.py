"""The audit of the final splits: every match across splits, and what it means for the unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from stages.split.components import Edge, is_pair_id
from stages.split.given import GivenRows, SplitTask
from stages.split.interface import SplitParams
from stages.split.leakage import (
    find_leaks,
    is_violation,
    meets_training,
    tolerated_leaks,
)


class Audit(NamedTuple):
    """The leaks of the final splits: how many are violations, and those that training may see."""

    violations: int
    tolerated: list[Edge]

    def metrics(self) -> dict[str, int]:
        """Return the number of both."""
        return {"leaked_texts": self.violations, "tolerated_texts": len(self.tolerated)}


class SortedLeaks(NamedTuple):
    """Leaks that given held-out rows have no part in, and those of given rows.

    Attributes:
        others: leaks of rows that are split as ever.
        violations: training anchors that equal a given held-out one.
        tolerated: allowed matches of given held-out rows that training sees.
    """

    others: list[Edge]
    violations: list[Edge]
    tolerated: list[Edge]


def audit_result(
    task: SplitTask,
    split_of: Mapping[str, str],
    given: GivenRows,
    *,
    documents: frozenset[str],
    params: SplitParams,
) -> Audit:
    """Return the leaks of the final splits, counted anew from all matches.

    Args:
        task: the rows that are in use, and their matches.
        split_of: row id to split.
        given: the given splits.
        documents: the documents that are held out by given pairs alone.
        params: the section `split`.
    """
    unit = params.unit
    every_leak = find_leaks(task.matches, split_of, task.rows.document_of_pair)
    leaks = sort_leaks(every_leak, split_of, given, documents=documents, mode=params.given)
    violations = sum(is_violation(leak, unit, split_of) for leak in leaks.others)
    tolerated = tolerated_leaks(leaks.others, unit, split_of) + leaks.tolerated
    return Audit(violations + len(leaks.violations), tolerated)


def sort_leaks(
    leaks: Iterable[Edge],
    split_of: Mapping[str, str],
    given: GivenRows,
    *,
    documents: frozenset[str],
    mode: str,
) -> SortedLeaks:
    """Return the leaks by what they mean for the given splits.

    The anchor of a training pair must not equal a given held-out one; with `trust` that of a given
    training pair may. Near anchors and shared or similar documents are allowed: public sets have
    them by design.

    Args:
        leaks: matches across splits of which one is held out.
        split_of: row id to split.
        given: the given splits.
        documents: the documents that are held out by given pairs alone.
        mode: `split.given`.
    """
    held_out = given.held_out | documents
    sorted_leaks = SortedLeaks([], [], [])
    for leak in leaks:
        ends = set(leak.ends)
        if not ends & held_out:
            sorted_leaks.others.append(leak)
            continue

        # The other end is in training or held out too.
        training = {row_id for row_id in ends if split_of[row_id] == "train"}
        is_equal_anchor = leak.kind.startswith("equal") and all(map(is_pair_id, ends))
        is_trusted = mode == "trust" and training <= given.split_of.keys()
        if training and is_equal_anchor and not is_trusted:
            sorted_leaks.violations.append(leak)
        elif meets_training(leak, split_of):
            sorted_leaks.tolerated.append(leak)

    return sorted_leaks
