"""The progress as Markdown and as a page: a table of versions and a chart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stages.commands.progress.history import NOT_A_NUMBER, VersionResult
from stages.lib.reporting.charts import BLUE, HOVER, ORANGE, chart_numbers, svg_figure
from stages.lib.reporting.html import Html, PageSection, html_page, html_table, paragraph

_TABLE_HEAD = [
    "| version | | nDCG@10 (95 % interval) | plain | difference | |",
    "|---|---|---|---|---|---|",
]
_PAGE_COLUMNS = ["version", "change", "nDCG@10", "plain", "difference", "low", "high", "verdict"]
_PAGE_FORMATS = {
    "nDCG@10": ".4f",
    "plain": ".4f",
    "difference": "+z.4f",
    "low": "+z.4f",
    "high": "+z.4f",
}


def markdown_lines(
    history: Sequence[VersionResult],
    tried: Sequence[VersionResult],
    sentences: Sequence[str],
) -> list[str]:
    """Return the progress as Markdown, which reads as plain text too."""
    lines = [sentences[0], "", *_TABLE_HEAD, *map(_markdown_row, history)]
    if tried:
        lines += ["", "Experiments, each against the version it started from:", ""]
        lines += [*_TABLE_HEAD, *map(_markdown_row, tried)]

    # The first sentence stands at the top.
    for sentence in sentences[1:]:
        lines += ["", sentence]

    return lines


def progress_page(
    history: Sequence[VersionResult],
    tried: Sequence[VersionResult],
    sentences: Sequence[str],
    *,
    split: str,
) -> str:
    """Return the progress as a whole HTML document that needs no network."""
    versions = html_table(_page_rows(history), "Each against the one before it", _PAGE_FORMATS)
    shown = [*history, *tried]
    drawn = [_chart(shown, split), _chart_table(shown, split)]
    sections = [PageSection("Versions", [*drawn, versions])]
    if tried:
        caption = "Each against the version it started from"
        table = html_table(_page_rows(tried), caption, _PAGE_FORMATS)
        sections.append(PageSection("Experiments", [table]))

    # The first sentence stands under the title.
    paragraphs = [paragraph(sentence) for sentence in sentences[1:]]
    sections.append(PageSection("What to make of it", paragraphs))
    return html_page("Progress", sentences[0], sections)


def _markdown_row(result: VersionResult) -> str:
    difference = ""
    if result.effect:
        low = f"{result.effect.low:+z.4f}"
        high = f"{result.effect.high:+z.4f}"
        difference = f"{result.effect.mean:+z.4f} ({low} to {high})"

    # A bar in a commit message would end the cell.
    name = f"`{result.version.name}`"
    if result.start:
        name += f", from `{result.start}`"
    subject = result.description.replace("|", "\\|")
    mean = _mean(result)
    return f"| {name} | {subject} | {mean} | {result.plain:.4f} | {difference} | {result.outcome} |"


def _page_rows(results: Sequence[VersionResult]) -> pd.DataFrame:
    rows = []

    for result in results:
        # A missing value is not a number, which the table shows as a dash.
        mean, low, high, _ = result.effect or (
            NOT_A_NUMBER,
            NOT_A_NUMBER,
            NOT_A_NUMBER,
            NOT_A_NUMBER,
        )
        # An outcome must not be broken into two lines.
        outcome = (result.outcome or "first").replace(" ", "\u00a0")
        row = (
            result.label,
            result.description,
            result.mean,
            result.plain,
            mean,
            low,
            high,
            outcome,
        )
        rows.append(row)

    return pd.DataFrame(rows, columns=_PAGE_COLUMNS)


def _chart(results: Sequence[VersionResult], split: str) -> Html:
    """Return a chart of the mean of each version, with its interval.

    Both show in words where the pointer rests on a version.
    """
    import altair as alt

    rows = pd.DataFrame(
        {
            "version": [result.version.name for result in results],
            "kind": ["experiment" if result.start else "version" for result in results],
            "mean": [result.mean for result in results],
            "low": [result.low for result in results],
            "high": [result.high for result in results],
            "hover": [_hover(result) for result in results],
        }
    )

    # Without experiments one colour needs no legend.
    has_experiments = (rows["kind"] == "experiment").any()
    legend = alt.Legend(title=None, orient="top") if has_experiments else None
    colours = alt.Scale(domain=["version", "experiment"], range=[BLUE, ORANGE])
    axis = alt.Axis(labelAngle=-35, labelLimit=130)
    base = alt.Chart(rows).encode(
        x=alt.X("version:N", title=None, sort=list(rows["version"]), axis=axis),
        color=alt.Color("kind:N", scale=colours, legend=legend),
        description="hover:N",
    )

    # A line with a point for each version.
    scale = alt.Scale(zero=False)
    interval = base.mark_rule(strokeWidth=3, **HOVER).encode(
        y=alt.Y("low:Q", title=f"nDCG@10 on {split}", scale=scale),
        y2="high:Q",
    )
    point = base.mark_point(filled=True, opacity=1, size=110, **HOVER)
    layers = interval + point.encode(y=alt.Y("mean:Q", scale=scale))
    drawing = layers.properties(width=max(480, 70 * len(rows)), height=280)
    return svg_figure(drawing, f"Mean nDCG@10 on {split} of each version, with its 95 % interval.")


def _hover(result: VersionResult) -> str:
    """Return what a version was worth, in words."""
    text = f"{result.label}: {_mean(result)}"
    return f"{text}, {result.outcome}" if result.outcome else text


def _mean(result: VersionResult) -> str:
    """Return the mean with its interval. Without enough components there is none."""
    mean = f"{result.mean:.4f}"
    if np.isnan(result.low):
        return mean
    return f"{mean} ({result.low:.4f} to {result.high:.4f})"


def _chart_table(results: Sequence[VersionResult], split: str) -> Html:
    """Return the numbers of the chart, which open behind a line."""
    rows = [(result.label, result.mean, result.low, result.high) for result in results]
    table = pd.DataFrame(rows, columns=["version", "nDCG@10", "low", "high"])
    formats = {"nDCG@10": ".4f", "low": ".4f", "high": ".4f"}
    return chart_numbers(table, f"nDCG@10 on {split} with its 95 % interval", formats)
