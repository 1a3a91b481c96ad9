"""Gather what `compare` reports."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import pandas as pd

from stages.commands.compare.alignment import QRELS_COLUMNS, PairedResults
from stages.commands.compare.verdicts import TestSetUses
from stages.commands.compare.versions import Version
from stages.commands.verdict.differences import Comparison
from stages.lib.core.errors import UserError

if TYPE_CHECKING:
    from stages.commands.compare.gravest import GraveRow

MAX_LISTED = 10  # queries and rules
GRAVEST_TITLE = "Look at these rows first"
GRAVEST_HINT = "The history of a row: `python -m stages explain ID`."
METRIC_NAMES = {"ndcg_at_10": "nDCG@10", "mrr_at_10": "MRR@10", "recall_at_10": "Recall@10"}
NO_NEW_DECISIONS = "No rule of cleaning or deduplication newly touches their answers."

# Rounding errors of a difference of two rounded numbers.
_DECIMALS = 6

# Keys of details that count rows and edits.
_ROW_COUNTS = ("rows_in", "rows_out", "added.", "dropped.", "edits.", "accepted.", "refused.")

# Stages whose ledgers can explain a lost query, and the columns that make up a decision.
_LEDGER_STAGES = ("clean", "deduplicate")
_DECISION_COLUMNS = ["row_id", "field", "action", "reason", "before", "after"]

Change = tuple[str, Any, Any]  # key, old value, new value
Decision = tuple[str, str, str]  # stage, action, reason


Content = TypeVar("Content")


class AvailableTables:
    """Reads tables of DVC if the cache has them, and records what is left out.

    Attributes:
        missing: what is left out, and the reason.
    """

    def __init__(self) -> None:
        self.missing: dict[str, str] = {}

    def read(self, label: str, reader: Callable[[], Content]) -> Content | None:
        """Return the content that `reader` returns; None if its table is missing.

        The reason is then in `missing[label]`.
        """
        try:
            return reader()
        except UserError as problem:
            self.missing[label] = problem.fact
            return None


class NewDecisions(NamedTuple):
    """A rule that changed relevant documents of regressed queries in the newer version only."""

    stage: str
    action: str
    reason: str
    queries: list[str]


class Regressions(NamedTuple):
    """The queries that score less than before.

    Attributes:
        total: how many there are.
        worst: query id, text and change of those that lost most.
        new_decisions: rules that newly changed relevant documents of these queries; None if not
            known.
    """

    total: int
    worst: list[tuple[str, str, float]]
    new_decisions: list[NewDecisions] | None


class Report(NamedTuple):
    """A comparison of two versions.

    Attributes:
        before: name of the older version.
        after: name of the newer version.
        split: validation, or test.
        system: the system whose results are compared.
        devices: the classes of device that the older and the newer version were computed on.
        delta: the smallest difference that counts.
        component_weight: the most queries that a component counts as in a mean.
        restated: versions whose own means follow another rule.
        paired: the results of both versions.
        seed_sd: standard deviation of a mean between training seeds.
        primary: nDCG@10, tested alone.
        others: other metrics and slices, corrected for their number.
        slices_too_small: slices that were not tested.
        test_set_uses: None unless the split is test.
        overlap: mean share of the first ten hits that both versions have.
        regressions: the queries that score less than before.
        gravest: the rows of the change to look at first.
        params: parameters that differ.
        row_counts: row counts that differ.
        missing: what is left out, and the reason.
    """

    before: str
    after: str
    split: str
    system: str
    devices: tuple[str, str]
    delta: float
    component_weight: int
    restated: list[str]
    paired: PairedResults
    seed_sd: float
    primary: Comparison
    others: list[Comparison]
    slices_too_small: int
    test_set_uses: TestSetUses | None
    overlap: float | None
    regressions: Regressions
    gravest: list[GraveRow]
    params: list[Change]
    row_counts: list[Change]
    missing: dict[str, str]


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return the keys whose values differ, with both values; None if a side lacks the key.

    >>> changes({"a": 1, "b": 2}, {"b": 3})
    [('a', 1, None), ('b', 2, 3)]
    """
    differing = []

    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            differing.append((key, before.get(key), after.get(key)))

    return differing


def is_row_count(key: str) -> bool:
    """Return True if a key of details, `<stage>.<key>`, counts rows or edits."""
    return any(f".{name}" in f".{key}" for name in _ROW_COUNTS)


def find_new_decisions(
    before: Version, after: Version, split: str, query_ids: list[str]
) -> list[NewDecisions]:
    """Return the rules that newly changed relevant documents of these queries.

    The rule that affects the most queries comes first.
    """
    # The queries of each relevant document.
    qrels = after.table(f"data/split/{split}/qrels.parquet", *QRELS_COLUMNS)
    regressed = set(query_ids)
    queries_of_document: dict[str, set[str]] = defaultdict(set)
    for query_id, doc_id in zip(qrels["query_id"], qrels["doc_id"], strict=True):
        if query_id in regressed:
            queries_of_document[doc_id].add(query_id)

    # Ledger lines of these documents that the older version does not have.
    queries_of_decision: dict[Decision, set[str]] = defaultdict(set)
    for stage in _LEDGER_STAGES:
        before_lines = set(_decisions(before, stage, queries_of_document))
        for line in _decisions(after, stage, queries_of_document):
            if line not in before_lines:
                row_id, _, action, reason, *_ = line
                queries_of_decision[stage, action, reason] |= queries_of_document[row_id]

    # Most queries first; equal ones by name.
    ordered = sorted(queries_of_decision.items(), key=lambda item: (-len(item[1]), item[0]))
    return [NewDecisions(*decision, sorted(queries)) for decision, queries in ordered]


def format_value(value: object) -> str:
    """Return a value as JSON; an empty text if there is none."""
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def format_difference(old: object, new: object) -> str:
    """Return the difference of two numbers with its sign; "" where one is no number.

    >>> format_difference(100, 90), format_difference(0.1, 0.35), format_difference(None, 3)
    ('-10', '+0.25', '')
    """
    # True is a number to Python, but has no difference to report.
    if isinstance(old, bool) or isinstance(new, bool):
        return ""
    if isinstance(old, int | float) and isinstance(new, int | float):
        return f"{round(new - old, _DECIMALS):+,}"
    return ""


def _decisions(version: Version, stage: str, row_ids: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the ledger lines of these rows, as tuples of _DECISION_COLUMNS."""
    # The dtypes of older ledgers may differ, so rows are compared as tuples.
    ledger = version.table(f"data/{stage}/ledger.parquet", *_DECISION_COLUMNS)
    lines: pd.DataFrame = ledger.loc[ledger["row_id"].isin(sorted(row_ids)), _DECISION_COLUMNS]
    return [tuple(line) for line in lines.to_numpy().tolist()]
