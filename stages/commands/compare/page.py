"""Write a comparison as a page: one HTML file that needs no network."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

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
from stages.commands.verdict.differences import Comparison
from stages.lib.reporting.charts import svg_figure
from stages.lib.reporting.difference_charts import interval_chart
from stages.lib.reporting.html import (
    Html,
    PageSection,
    Tone,
    bullets,
    html_page,
    html_table,
    paragraph,
)

_TONES: dict[str, Tone] = {"better": "good", "worse": "bad", "not comparable": "bad"}
_NAN = float("nan")


class _Row(NamedTuple):
    """One row of the table of differences."""

    metric: str
    before: float
    after: float
    difference: float
    low: float
    high: float
    p: float
    verdict: str


def comparison_page(report: Report) -> str:
    """Return the report as a whole HTML document."""
    primary = report.primary

    # Sections without content are left out.
    sections = [PageSection("Verdict", _outcome_body(report))]
    if report.regressions.worst:
        sections.append(PageSection("Queries that lost", _regressed_body(report.regressions)))
    if report.gravest:
        sections.append(PageSection(GRAVEST_TITLE, [_gravest_table(report.gravest)]))
    for title, changed in (("Parameters", report.params), ("Rows", report.row_counts)):
        if changed:
            sections.append(PageSection(title, [_changes_table(changed)]))

    title = f"{primary.outcome.capitalize()}: {report.before} to {report.after}"
    return html_page(title, describe_basis(report), sections)


def _outcome_body(report: Report) -> list[Html]:
    # The outcome in a coloured box.
    primary = report.primary
    difference = describe_difference(primary).replace("**", "")
    sentence = f"{METRIC_NAMES[primary.name]} of `{report.system}` on {report.split}: {difference}"
    body = [paragraph(sentence, _TONES.get(primary.outcome, "note"))]
    devices = describe_devices(report)
    if devices:
        body.append(paragraph(devices, "bad"))
    if report.test_set_uses is not None:
        body.append(paragraph(str(report.test_set_uses)))

    body += [_differences_table(report), _differences_chart(report)]

    # What the differences do not show.
    if report.slices_too_small:
        body.append(paragraph(describe_small_slices(report.slices_too_small)))
    if report.overlap is not None:
        body.append(paragraph(describe_overlap(report.overlap)))
    if report.missing:
        body.append(paragraph(describe_missing(report.missing)))

    return body


def _regressed_body(regressions: Regressions) -> list[Html]:
    rows = pd.DataFrame(regressions.worst, columns=["query", "text", "change"])
    caption = f"Of {regressions.total:,} that score less than before, those that lost most"
    body = [html_table(rows, caption, {"change": "+z.3f"})]

    # Rules that may have caused it.
    if regressions.new_decisions:
        listed = regressions.new_decisions[:MAX_LISTED]
        body.append(paragraph("What newly touches their answers:"))
        body.append(bullets([describe_decisions(decisions) for decisions in listed]))
    elif regressions.new_decisions is not None:
        body.append(paragraph(NO_NEW_DECISIONS))

    return body


def _gravest_table(listed: list[GraveRow]) -> Html:
    cells = [(row.row_id, row.reason) for row in listed]
    rows = pd.DataFrame(cells, columns=["row", "why"])
    return html_table(rows, f"The gravest first. {GRAVEST_HINT}")


def _changes_table(changed: list[Change]) -> Html:
    cells = [(key, format_value(old), format_value(new)) for key, old, new in changed]
    rows = pd.DataFrame(cells, columns=["key", "before", "after"])
    return html_table(rows, "What differs")


def _differences_table(report: Report) -> Html:
    rows = _rows([report.primary, *report.others])
    # An outcome must not be broken into two lines.
    rows["verdict"] = rows["verdict"].str.replace(" ", "\u00a0")

    formats = dict.fromkeys(["before", "after", "p"], ".4f")
    formats |= dict.fromkeys(["difference", "low", "high"], "+z.4f")

    caption = "95 % intervals over components; p of all but the first corrected (Holm)"
    return html_table(rows, caption, formats)


def _differences_chart(report: Report) -> Html:
    """Return a chart of all differences with an interval; empty if none has one."""
    comparisons = [report.primary, *report.others]
    rows = _rows([comparison for comparison in comparisons if comparison.effect is not None])
    if not len(rows):
        return Html("")

    # The chart shows one metric, so its name need not be repeated.
    rows["name"] = rows["metric"].str.removeprefix("nDCG@10, ")
    drawing = interval_chart(
        rows.rename(columns={"verdict": "outcome"}),
        report.delta,
        title="Differences with their 95 % intervals",
        axis_title="difference, newer minus older",
    )
    caption = f"Grey: smaller than {report.delta:g}."
    return svg_figure(drawing, "Differences with their 95 % intervals.", caption)


def _rows(comparisons: list[Comparison]) -> pd.DataFrame:
    return pd.DataFrame([_row(comparison) for comparison in comparisons], columns=_Row._fields)


def _row(comparison: Comparison) -> _Row:
    effect = comparison.effect
    p_value = comparison.p_value

    # A missing value is not a number, which the table shows as a dash.
    return _Row(
        metric=METRIC_NAMES.get(comparison.name, comparison.name),
        before=comparison.before,
        after=comparison.after,
        difference=effect.mean if effect else _NAN,
        low=effect.low if effect else _NAN,
        high=effect.high if effect else _NAN,
        p=_NAN if p_value is None or effect is None else p_value,
        verdict=comparison.outcome,
    )
