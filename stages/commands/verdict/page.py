"""A verdict as an HTML page: one file, nothing to load, every text escaped."""

from __future__ import annotations

import pandas as pd

from stages.commands.verdict.differences import Comparison
from stages.commands.verdict.pairs import RunPair
from stages.commands.verdict.text import (
    Verdict,
    indistinct_runs,
    joined_sentences,
    notes,
    outcome_name,
    pair_sentence,
    size_sentence,
    small_slice_sentences,
)
from stages.lib.reporting.charts import svg_figure
from stages.lib.reporting.difference_charts import (
    TOLERANCE,
    change_bins,
    change_chart,
    change_numbers,
    interval_chart,
)
from stages.lib.reporting.html import (
    Html,
    KeyFigure,
    PageSection,
    Tone,
    collapsible,
    html_page,
    html_table,
    key_figures,
    paragraph,
)

# Queries that changed most, in each direction.
_MAX_QUERIES = 20

# Lines of a chart of intervals.
_MAX_CHART_LINES = 40

_TONES: dict[str, Tone] = {"better": "good", "worse": "bad"}


def verdict_page(verdict: Verdict) -> str:
    """Return the page of a verdict."""
    measure = verdict.measure.name
    sections = [
        PageSection("Verdict", _verdict_parts(verdict)),
        PageSection("Runs", [_run_table(verdict)]),
    ]
    if len(verdict.pairs) > 1:
        caption = f"Difference in {measure}, second minus first, with 95 % intervals"
        comparisons = [pair.comparison for pair in verdict.pairs]
        names = [f"{pair.second} against {pair.first}" for pair in verdict.pairs]
        parts = _comparison_parts(names, comparisons, caption, verdict)
        sections.append(PageSection("Pairs", parts))
    if verdict.slices.comparisons or verdict.slices.too_small:
        sections.append(PageSection("Slices", _slice_parts(verdict)))
    sections.append(PageSection("Queries", _query_parts(verdict)))
    sections.append(PageSection("Limits", [paragraph(note) for note in notes(verdict)]))

    lead = f"{measure} over {verdict.queries:,} queries in {verdict.groups:,} groups."
    return html_page("Verdict on retrieval runs", lead, sections)


def _verdict_parts(verdict: Verdict) -> list[Html]:
    """Return the outcome of the last run against the first, and its numbers."""
    pair = verdict.last_against_first
    comparison = pair.comparison
    tone = _TONES.get(comparison.outcome, "note")
    parts = [paragraph(f"{_plain(pair_sentence(pair))}.", tone)]

    figures = [
        KeyFigure(pair.first, f"{verdict.means[pair.first]:.4f}", verdict.measure.name),
        KeyFigure(pair.second, f"{verdict.means[pair.second]:.4f}", verdict.measure.name),
    ]
    effect = comparison.effect
    if effect is not None:
        interval = f"95 % interval {effect.low:+z.4f} to {effect.high:+z.4f}"
        figures.append(KeyFigure("Difference", f"{effect.mean:+z.4f}", interval))
        figures.append(
            KeyFigure("Smallest difference", f"{effect.mde:.4f}", "that these queries could show")
        )
    parts.append(key_figures(figures))

    # Pairs of more than two runs have a section of their own.
    if effect is not None and len(verdict.pairs) == 1:
        names = [f"{pair.second} against {pair.first}"]
        parts.append(_interval_figure(names, [comparison], verdict))
    if size_sentence(pair):
        parts.append(paragraph(size_sentence(pair)))
    if pair.joined is not None:
        parts += [paragraph(sentence) for sentence in joined_sentences(pair.joined)]
    return parts


def _run_table(verdict: Verdict) -> Html:
    """Return the runs, the best first, with what they hold."""
    neighbours = indistinct_runs(verdict)
    rows = []
    for name, same in neighbours.items():
        facts = verdict.facts[name]
        rows.append(
            {
                "run": name,
                verdict.measure.name: verdict.means[name],
                "not told apart from": ", ".join(same) or None,
                "unjudged": facts.unjudged,
                "queries with ties": facts.tied,
                "queries without hits": facts.missing,
            }
        )
    formats = {verdict.measure.name: ".4f", "unjudged": ".1%", "queries with ties": ".1%"}
    caption = f"The runs, the best first; unjudged among the first {verdict.measure.depth} hits"
    return html_table(pd.DataFrame(rows), caption, formats)


def _comparison_parts(
    names: list[str], comparisons: list[Comparison], caption: str, verdict: Verdict
) -> list[Html]:
    """Return comparisons as a chart and as a table."""
    figure = _interval_figure(names, comparisons, verdict)
    return [figure, _comparison_table(names, comparisons, caption)]


def _interval_figure(names: list[str], comparisons: list[Comparison], verdict: Verdict) -> Html:
    """Return a chart of the intervals; empty where no comparison has one."""
    rows = []
    for name, comparison in zip(names, comparisons, strict=True):
        effect = comparison.effect
        if effect is not None:
            rows.append((name, comparison.outcome, effect.mean, effect.low, effect.high))
    if not rows:
        return Html("")

    shown = rows[:_MAX_CHART_LINES]
    frame = pd.DataFrame(shown, columns=["name", "outcome", "difference", "low", "high"])
    measure = verdict.measure.name
    drawing = interval_chart(
        frame,
        verdict.delta,
        title="Differences with their 95 % intervals",
        axis_title=f"difference in {measure}, second run minus first",
    )
    points = [f"{row[0]} {row[2]:+z.4f}, {row[3]:+z.4f} to {row[4]:+z.4f}" for row in shown]
    caption = f"Grey: smaller than {verdict.delta:g}, which counts as no difference."
    if len(shown) < len(rows):
        caption += f" The first {len(shown)} of {len(rows):,}: the table holds all."
    return svg_figure(drawing, f"Differences in {measure}: {'; '.join(points)}", caption)


def _comparison_table(names: list[str], comparisons: list[Comparison], caption: str) -> Html:
    rows = []
    for name, comparison in zip(names, comparisons, strict=True):
        effect = comparison.effect
        rows.append(
            {
                "name": name,
                "outcome": outcome_name(comparison),
                "difference": comparison.after - comparison.before,
                "from": effect.low if effect else None,
                "to": effect.high if effect else None,
                "p": comparison.p_value if effect else None,
                "queries": comparison.queries,
                "groups": comparison.components,
            }
        )
    formats = {"difference": "+z.4f", "from": "+z.4f", "to": "+z.4f", "p": ".4f"}
    return html_table(pd.DataFrame(rows), caption, formats)


def _slice_parts(verdict: Verdict) -> list[Html]:
    pair = verdict.last_against_first
    comparisons = list(verdict.slices.comparisons)
    names = [comparison.name for comparison in comparisons]
    caption = f"{pair.second} against {pair.first}; p-values corrected for the number of slices"
    parts = _comparison_parts(names, comparisons, caption, verdict)
    return [*parts, *map(paragraph, small_slice_sentences(verdict))]


def _query_parts(verdict: Verdict) -> list[Html]:
    """Return how many queries changed by how much, and those that changed most."""
    pair = verdict.last_against_first
    changes = list(pair.changes.items())
    return [*_change_parts(pair, verdict.measure.name), *_changed_queries(changes)]


def _change_parts(pair: RunPair, measure: str) -> list[Html]:
    """Return how many queries rose and fell, in words and as a histogram."""
    changes = list(pair.changes.values())
    rose = sum(change > TOLERANCE for change in changes)
    fell = sum(change < -TOLERANCE for change in changes)
    same = len(changes) - rose - fell
    by_judge = " By the labels of the judge:" if pair.joined is not None else ""
    sentence = f"{by_judge} {rose:,} queries rose, {fell:,} fell and {same:,} stayed.".strip()
    bins = change_bins(changes)
    if not len(bins):
        return [paragraph(sentence)]

    drawing = change_chart(
        bins,
        title=f"Queries by change of {measure}",
        axis_title=f"change of {measure}, last run minus first",
        width=560,
    )
    caption = "Queries without a change are left out."
    figure = svg_figure(drawing, f"Histogram of the change of each query. {sentence}", caption)
    return [paragraph(sentence), figure, change_numbers(bins)]


def _changed_queries(changes: list[tuple[str, float]]) -> list[Html]:
    """Return the queries that changed most, in both directions."""
    falls = [(query, change) for query, change in changes[:_MAX_QUERIES] if change < 0]
    rises = [(query, change) for query, change in changes[: -_MAX_QUERIES - 1 : -1] if change > 0]
    parts = []
    for title, items in (("Queries that fell most", falls), ("Queries that rose most", rises)):
        rows = pd.DataFrame(items, columns=["query", "change"])
        parts.append(collapsible(title, html_table(rows, title, {"change": "+z.4f"})))
    return parts


def _plain(text: str) -> str:
    """Return a text in which no name of a file makes code."""
    return text.replace("`", "'")
