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
        sections.append(PageSection("Pairs", [_comparison_table(names, comparisons, caption)]))
    if verdict.slices.comparisons or verdict.slices.too_small:
        sections.append(PageSection("Slices", _slice_parts(verdict)))
    sections.append(PageSection("Queries", _query_parts(verdict.last_against_first)))
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
        interval = f"95 % interval {effect.low:+.4f} to {effect.high:+.4f}"
        figures.append(KeyFigure("Difference", f"{effect.mean:+.4f}", interval))
        figures.append(
            KeyFigure("Smallest difference", f"{effect.mde:.4f}", "that these queries could show")
        )
    if pair.queries_to_decide is not None:
        more = f"{pair.queries_to_decide:,}"
        figures.append(KeyFigure("More queries", more, "would decide, in 4 of 5 cases"))
    parts.append(key_figures(figures))

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
    formats = {"difference": "+.4f", "from": "+.4f", "to": "+.4f", "p": ".4f"}
    return html_table(pd.DataFrame(rows), caption, formats)


def _slice_parts(verdict: Verdict) -> list[Html]:
    pair = verdict.last_against_first
    comparisons = list(verdict.slices.comparisons)
    names = [comparison.name for comparison in comparisons]
    caption = f"{pair.second} against {pair.first}; p-values corrected for the number of slices"
    parts = [_comparison_table(names, comparisons, caption)]
    if verdict.slices.too_small:
        count = f"{verdict.slices.too_small:,}"
        parts.append(paragraph(f"{count} slices have too few groups, and no verdict."))
    return parts


def _query_parts(pair: RunPair) -> list[Html]:
    """Return the queries that changed most, in both directions."""
    changes = list(pair.changes.items())
    falls = [(query, change) for query, change in changes[:_MAX_QUERIES] if change < 0]
    rises = [(query, change) for query, change in changes[: -_MAX_QUERIES - 1 : -1] if change > 0]
    parts = []
    for title, items in (("Queries that fell most", falls), ("Queries that rose most", rises)):
        rows = pd.DataFrame(items, columns=["query", "change"])
        parts.append(collapsible(title, html_table(rows, title, {"change": "+.4f"})))
    return parts


def _plain(text: str) -> str:
    """Return a text in which no name of a file makes code."""
    return text.replace("`", "'")
