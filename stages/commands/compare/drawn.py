"""The page of a comparison: one HTML file, nothing to load."""

from __future__ import annotations

import pandas as pd

from stages.commands.compare.report import (
    MOST,
    NAMES,
    UNTOUCHED,
    Report,
    basis,
    difference,
    left_out,
    said,
    shared,
    shown,
    too_small,
)
from stages.commands.compare.verdicts import Verdict
from stages.lib import page
from stages.lib.drawing import BLUE, GREEN, GREY, ORANGE, chart
from stages.lib.page import Html, Section, Tone

_COLUMNS = ["metric", "before", "after", "difference", "low", "high", "p", "verdict"]
_COLOURS = {
    "better": GREEN,
    "worse": ORANGE,
    "equivalent": BLUE,
    "no evidence": GREY,
    "not comparable": GREY,
}
_TONES: dict[str, Tone] = {"better": "good", "worse": "bad", "not comparable": "bad"}


def as_page(report: Report) -> str:
    """Return the report as a whole HTML document."""
    primary = report.primary
    told = f"{NAMES[primary.name]} of `{report.system}` on {report.split}: {difference(primary).replace('**', '')}"
    verdict = [page.paragraph(told, _TONES.get(primary.word, "note"))]
    if report.opened is not None:
        verdict.append(page.paragraph(str(report.opened)))
    verdict += [_found(report), _chart(report)]
    if report.small:
        verdict.append(page.paragraph(too_small(report.small)))
    if report.overlap is not None:
        verdict.append(page.paragraph(shared(report.overlap)))
    if report.missing:
        verdict.append(page.paragraph(left_out(report.missing)))
    sections = [Section("Verdict", verdict)]
    if len(report.lost):
        rows = pd.DataFrame(report.lost, columns=["query", "text", "change"])
        body = [
            page.table(
                rows,
                f"Of {report.losers:,} that score less than before, those that lost most",
                {"change": "+.3f"},
            )
        ]
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
    return page.page(
        f"{primary.word.capitalize()}: {report.before} to {report.after}", basis(report), sections
    )


def _found(report: Report) -> Html:
    rows = pd.DataFrame([_cells(one) for one in [report.primary, *report.others]], columns=_COLUMNS)
    rows["verdict"] = rows["verdict"].str.replace(" ", "\u00a0")  # a verdict stands in one line
    formats = dict.fromkeys(["before", "after", "p"], ".4f") | dict.fromkeys(
        ["difference", "low", "high"], "+.4f"
    )
    return page.table(
        rows, "95 % intervals over components; p of all but the first corrected (Holm)", formats
    )


def _chart(report: Report) -> Html:
    import altair as alt

    told = [one for one in [report.primary, *report.others] if one.effect is not None]
    rows = pd.DataFrame([_cells(one) for one in told], columns=_COLUMNS)
    if not len(rows):
        return Html("")
    rows["metric"] = rows["metric"].str.removeprefix("nDCG@10, ")
    verdicts = alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values()))
    shown = [word for word in _COLOURS if word in set(rows["verdict"])]
    base = alt.Chart(rows).encode(
        y=alt.Y("metric:N", title=None, sort=list(rows["metric"]), axis=alt.Axis(labelLimit=260)),
        color=alt.Color(
            "verdict:N", scale=verdicts, legend=alt.Legend(title=None, orient="top", values=shown)
        ),
    )
    margin = pd.DataFrame({"low": [-report.delta], "high": [report.delta]})
    band = alt.Chart(margin).mark_rect(color=GREY, opacity=0.2).encode(x="low:Q", x2="high:Q")
    interval = base.mark_rule(strokeWidth=3).encode(
        x=alt.X("low:Q", title="difference", axis=alt.Axis(tickCount=6)), x2="high:Q"
    )
    point = base.mark_point(filled=True, opacity=1, size=80).encode(x="difference:Q")
    drawing = (band + interval + point).properties(
        width=480, height=22 * len(rows), padding={"left": 40, "right": 5, "top": 5, "bottom": 5}
    )
    return chart(
        drawing, "Differences with their 95 % intervals.", f"Grey: smaller than {report.delta:g}."
    )


def _cells(one: Verdict) -> tuple[object, ...]:
    nan = float("nan")
    mean, low, high = (
        (one.effect.mean, one.effect.low, one.effect.high) if one.effect else (nan, nan, nan)
    )
    p = nan if one.p is None or one.effect is None else one.p
    return NAMES.get(one.name, one.name), one.before, one.after, mean, low, high, p, one.word
