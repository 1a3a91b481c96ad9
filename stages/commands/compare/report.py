"""Gather what `compare` reports, and write it as Markdown and as JSON."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from stages.commands.compare.alignment import QRELS_COLUMNS, PairedResults
from stages.commands.compare.sentences import (
    describe_basis,
    describe_decisions,
    describe_difference,
    describe_missing,
    describe_overlap,
    describe_small_slices,
)
from stages.commands.compare.verdicts import Comparison, TestSetUses
from stages.commands.compare.versions import Version

MAX_LISTED = 10  # queries and rules
METRIC_NAMES = {"ndcg_at_10": "nDCG@10", "mrr_at_10": "MRR@10", "recall_at_10": "Recall@10"}
NO_NEW_DECISIONS = "No rule of cleaning or deduplication newly touches their answers."

# Keys of details that count rows and edits.
_ROW_COUNTS = ("rows_in", "rows_out", "added.", "dropped.", "edits.", "accepted.", "refused.")

# Stages whose ledgers can explain a lost query, and the columns that make up a decision.
_LEDGER_STAGES = ("clean", "deduplicate")
_DECISION_COLUMNS = ["row_id", "field", "action", "reason", "before", "after"]

Change = tuple[str, Any, Any]  # key, old value, new value
Decision = tuple[str, str, str]  # stage, action, reason


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
        params: parameters that differ.
        row_counts: row counts that differ.
        missing: what is left out, and the reason.
    """

    before: str
    after: str
    split: str
    system: str
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


def markdown_lines(report: Report) -> list[str]:
    """Return the report as Markdown, which reads as plain text too."""
    # The outcome, and what it is based on.
    primary = report.primary
    metric = METRIC_NAMES[primary.name]
    lines = [
        f"## {primary.outcome.capitalize()}: {report.before} -> {report.after}",
        "",
        f"{metric} of `{report.system}` on {report.split}: {describe_difference(primary)}",
        "",
        describe_basis(report),
    ]

    # What limits or explains it.
    if report.test_set_uses is not None:
        lines += ["", str(report.test_set_uses)]
    if report.others:
        lines += [
            "",
            "| | before | after | difference (95 % interval) | p (Holm) | |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_comparison_row(comparison) for comparison in report.others]
    if report.slices_too_small:
        lines += ["", describe_small_slices(report.slices_too_small)]
    if report.overlap is not None:
        lines += ["", describe_overlap(report.overlap)]
    if report.missing:
        lines += ["", describe_missing(report.missing)]

    # What changed, in detail.
    lines += _regressed_lines(report.regressions)
    lines += _change_lines("Parameters", report.params)
    lines += _change_lines("Rows", report.row_counts)
    return lines


def to_json(report: Report) -> str:
    """Return the figures of the report as one JSON object."""
    paired = report.paired
    uses = report.test_set_uses

    # None says that the ledgers were not there.
    touched = None
    if report.regressions.new_decisions is not None:
        touched = [decision._asdict() for decision in report.regressions.new_decisions]

    # These keys are read by scripts, so they keep their names.
    figures = {
        "before": report.before,
        "after": report.after,
        "split": report.split,
        "system": report.system,
        "delta": report.delta,
        "component_weight": report.component_weight,
        "restated": report.restated,
        "same_benchmark": paired.same_benchmark and paired.rescored is None,
        "rescored": paired.rescored is not None,
        "queries_practised": paired.seen_in_training,
        "seed_sd": report.seed_sd,
        "test_openings": None if uses is None else uses._asdict(),
        "in_common": paired.share_in_common,
        "verdict": report.primary.outcome,
        "primary": _figures(report.primary),
        "others": [_figures(comparison) for comparison in report.others],
        "slices_too_small": report.slices_too_small,
        "overlap_at_10": report.overlap,
        "queries_worse": report.regressions.total,
        "missing": report.missing,
        "touched": touched,
        "params": {key: [old, new] for key, old, new in report.params},
        "funnel": {key: [old, new] for key, old, new in report.row_counts},
    }

    return json.dumps(figures, indent=2, sort_keys=True, ensure_ascii=False)


def format_value(value: object) -> str:
    """Return a value as JSON; an empty text if there is none."""
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _decisions(version: Version, stage: str, row_ids: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the ledger lines of these rows, as tuples of _DECISION_COLUMNS."""
    # The dtypes of older ledgers may differ, so rows are compared as tuples.
    ledger = version.table(f"data/{stage}/ledger.parquet", *_DECISION_COLUMNS)
    lines: pd.DataFrame = ledger.loc[ledger["row_id"].isin(sorted(row_ids)), _DECISION_COLUMNS]
    return [tuple(line) for line in lines.to_numpy().tolist()]


def _figures(comparison: Comparison) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "name": comparison.name,
        "word": comparison.outcome,
        "before": comparison.before,
        "after": comparison.after,
        "plain": comparison.plain,
        "p": comparison.p_value,
        "queries": comparison.queries,
        "components": comparison.components,
    }

    # Without queries there is no mean.
    if not comparison.queries:
        figures["before"] = None
        figures["after"] = None
        figures["plain"] = None

    # mean, low, high and mde.
    if comparison.effect:
        figures.update(comparison.effect._asdict())

    return figures


def _comparison_row(comparison: Comparison) -> str:
    name = METRIC_NAMES.get(comparison.name, comparison.name)
    means = f"{comparison.before:.4f} | {comparison.after:.4f}"

    # Without an interval two cells stay empty.
    effect = comparison.effect
    if effect is None or comparison.p_value is None:
        return f"| {name} | {means} | | | {comparison.outcome} |"

    interval = f"{effect.mean:+.4f} ({effect.low:+.4f} to {effect.high:+.4f})"
    return f"| {name} | {means} | {interval} | {comparison.p_value:.4f} | {comparison.outcome} |"


def _regressed_lines(regressions: Regressions) -> list[str]:
    if not regressions.total:
        return []

    lines = [
        "",
        "### Queries that lost",
        "",
        f"{regressions.total:,} queries score less than before; the most:",
        "",
    ]
    for query_id, text, change in regressions.worst:
        lines.append(f"- {change:+.3f} `{query_id}` {text}")

    # Rules that may have caused it.
    if regressions.new_decisions:
        listed = regressions.new_decisions[:MAX_LISTED]
        lines += ["", "What newly touches their answers:", ""]
        lines += [f"- {describe_decisions(decisions)}" for decisions in listed]
    elif regressions.new_decisions is not None:
        lines += ["", NO_NEW_DECISIONS]

    return lines


def _change_lines(title: str, changed: list[Change]) -> list[str]:
    if not changed:
        return []

    lines = ["", f"### {title}", "", "| | before | after |", "|---|---|---|"]
    for key, old, new in changed:
        lines.append(f"| `{key}` | {format_value(old)} | {format_value(new)} |")

    return lines
