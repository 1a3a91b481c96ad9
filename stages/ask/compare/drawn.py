"""The page of a comparison: one HTML file, nothing to load."""

from __future__ import annotations

import pandas as pd

from stages.ask.compare.report import MOST, NAMES, UNTOUCHED, Report, basis, difference, left_out, said, shared, shown
from stages.ask.compare.verdicts import Verdict
from stages.lib import page
from stages.lib.page import Html, Section, Tone

_TONES: dict[str, Tone] = {"better": "good", "worse": "bad", "not comparable": "bad"}


def as_page(report: Report) -> str:
    """Return the report as a whole HTML document."""
    primary = report.primary
    told = f"{NAMES[primary.name]} of `{report.system}` on {report.split}: {difference(primary).replace('**', '')}"
    verdict = [page.paragraph(told, _TONES.get(primary.word, "note"))]
    if report.opened is not None:
        verdict.append(page.paragraph(str(report.opened)))
    verdict.append(_found(report))
    if report.overlap is not None:
        verdict.append(page.paragraph(shared(report.overlap)))
    if report.missing:
        verdict.append(page.paragraph(left_out(report.missing)))
    sections = [Section("Verdict", verdict)]
    if len(report.lost):
        rows = pd.DataFrame(report.lost, columns=["query", "text", "change"])
        body = [page.table(rows, f"The most of {report.losers:,} that score less than before", {"change": "+.3f"})]
        if report.touched:
            body.append(page.paragraph("What newly touches their answers:"))
            body.append(page.bullets([said(one) for one in report.touched[:MOST]]))
        elif report.touched is not None:
            body.append(page.paragraph(UNTOUCHED))
        sections.append(Section("Queries that lost", body))
    for title, found in (("Parameters", report.params), ("Rows", report.funnel)):
        if found:
            rows = pd.DataFrame([(key, shown(old), shown(new)) for key, old, new in found])
            body = [page.table(rows.set_axis(["key", "before", "after"], axis=1), "What differs")]
            sections.append(Section(title, body))
    return page.page(f"{primary.word.capitalize()}: {report.before} to {report.after}", basis(report), sections)


def _found(report: Report) -> Html:
    rows = pd.DataFrame(
        [_cells(one) for one in [report.primary, *report.others]],
        columns=["metric", "before", "after", "difference", "low", "high", "p", "verdict"],
    )
    formats = dict.fromkeys(["before", "after", "p"], ".4f") | dict.fromkeys(["difference", "low", "high"], "+.4f")
    return page.table(rows, "95 % intervals over components; p of all but the first corrected (Holm)", formats)


def _cells(one: Verdict) -> tuple[object, ...]:
    nan = float("nan")
    mean, low, high = (one.effect.mean, one.effect.low, one.effect.high) if one.effect else (nan, nan, nan)
    p = nan if one.p is None else one.p
    return NAMES.get(one.name, one.name), one.before, one.after, mean, low, high, p, one.word
