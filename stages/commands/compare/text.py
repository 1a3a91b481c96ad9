"""The report of `compare` as Markdown and as JSON."""

from __future__ import annotations

from typing import Any

from stages.collect.markdown_text import markdown_cell, markdown_text
from stages.commands.compare.gravest import GraveRow
from stages.commands.compare.report import (
    GRAVEST_HINT,
    GRAVEST_TITLE,
    MAX_LISTED,
    METRIC_NAMES,
    NO_NEW_DECISIONS,
    Change,
    Regressions,
    Report,
    format_difference,
    format_value,
)
from stages.commands.compare.sentences import (
    describe_basis,
    describe_decisions,
    describe_devices,
    describe_difference,
    describe_missing,
    describe_overlap,
    describe_small_slices,
)
from stages.commands.compare.verdicts import PRIMARY
from stages.commands.json_output import json_text
from stages.commands.verdict.differences import Comparison


def markdown_lines(report: Report) -> list[str]:
    """Return the report as Markdown, which reads as plain text too."""
    # The outcome, and what it is based on.
    primary = report.primary
    metric = METRIC_NAMES[primary.name]
    before = markdown_text(report.before)
    after = markdown_text(report.after)
    lines = [
        f"## {primary.outcome.capitalize()}: {before} -> {after}",
        "",
        f"{metric} of `{report.system}` on {report.split}: {describe_difference(primary)}",
        "",
        describe_basis(report),
    ]

    # What limits or explains it.
    devices = describe_devices(report)
    if devices:
        lines += ["", devices]
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
    lines += _gravest_lines(report.gravest)
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
        "devices": report.devices,
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
        "gravest": [row._asdict() for row in report.gravest],
        "missing": report.missing,
        "touched": touched,
        "params": {key: [old, new] for key, old, new in report.params},
        "funnel": {key: [old, new] for key, old, new in report.row_counts},
    }

    return json_text(figures)


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
    name = markdown_cell(METRIC_NAMES.get(comparison.name, comparison.name))
    means = f"{comparison.before:.4f} | {comparison.after:.4f}"

    # Without an interval two cells stay empty.
    effect = comparison.effect
    if effect is None or comparison.p_value is None:
        return f"| {name} | {means} | | | {comparison.outcome} |"

    interval = f"{effect.mean:+z.4f} ({effect.low:+z.4f} to {effect.high:+z.4f})"
    return f"| {name} | {means} | {interval} | {comparison.p_value:.4f} | {comparison.outcome} |"


def _gravest_lines(rows: list[GraveRow]) -> list[str]:
    if not rows:
        return []

    lines = ["", f"### {GRAVEST_TITLE}", "", "| row | why |", "|---|---|"]
    for row in rows:
        name = f"`{row.row_id}`" if row.row_id else ""
        lines.append(f"| {name} | {markdown_cell(row.reason)} |")
    return [*lines, "", f"A query loses {METRIC_NAMES[PRIMARY]}. {GRAVEST_HINT}"]


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
        lines.append(f"- {change:+z.3f} `{query_id}` {markdown_text(text)}".rstrip())

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

    lines = ["", f"### {title}", "", "| | before | after | change |", "|---|---|---|---|"]
    for key, old, new in changed:
        values = [markdown_cell(format_value(value)) for value in (old, new)]
        lines.append(f"| `{key}` | {values[0]} | {values[1]} | {format_difference(old, new)} |")

    return lines
