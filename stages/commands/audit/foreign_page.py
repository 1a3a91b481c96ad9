"""Write the audit of a data set of others as a page: one HTML file that needs no network."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import pandas as pd

from stages.commands.audit.foreign_audit import BY_ROW, OWN, ForeignAudit
from stages.commands.audit.leaks import KINDS
from stages.commands.audit.lines import MAX_EXAMPLES
from stages.lib.core.terminal import printable
from stages.lib.reporting.charts import GREY, ORANGE, svg_figure
from stages.lib.reporting.html import (
    Html,
    KeyFigure,
    PageSection,
    bullets,
    collapsible,
    html_page,
    html_table,
    key_figures,
    paragraph,
)
from stages.lib.text.overlap import RUN_WORDS, SENTENCE_WORDS

if TYPE_CHECKING:
    import altair

# The longest beginning of a text that is shown, and how far a word fits on a phone.
_SHOWN_CHARACTERS = 240
_WORD = 24
# What each kind of leak means: the held-out pair beside one of another split.
_MEANINGS = {
    "exact anchor": "the same question",
    "normalised anchor": "the same question but for case, spacing and punctuation",
    "near anchor": "nearly the same question",
    "overlapping anchor": "a question with a long passage in common",
    "anchor equals text": "a question that is an answer there, or the other way round",
    "anchor nears text": "a question that is nearly an answer there, or the other way round",
    "anchor overlaps text": "a question and an answer with a long passage in common",
    "shared document": "the same document, by its id",
    "exact text": "the same answer",
    "normalised text": "the same answer but for case, spacing and punctuation",
    "near text": "nearly the same answer",
    "overlapping text": "an answer with a long passage in common",
    "shared group": "an answer of the same group; this alone counts as no leak",
}


def foreign_page(audit: ForeignAudit) -> str:
    """Return the audit as a whole HTML document."""
    sections = [PageSection("Outcome", _outcome_body(audit))]
    sections.append(PageSection("Leaks by kind", _kinds_body(audit)))
    examples = [_examples(audit, kind) for kind in KINDS if audit.leaks[kind]]
    if examples:
        sections.append(PageSection("Examples", examples))
    sections.append(PageSection("How it was compared", _method_body(audit)))

    beside = "the other splits" if audit.against is None else f"the tests in {audit.against.name}"
    lead = f"{audit.path.name}: what its pairs share with {beside}."
    return html_page("What leaks?", lead, sections)


def _outcome_body(audit: ForeignAudit) -> list[Html]:
    leaks = audit.leaked() > 0
    advice = " Scores on them come out too high." if leaks else ""
    figures = [
        KeyFigure("Pairs", f"{len(audit.foreign.split_of_pair):,}", _split_counts(audit)),
        KeyFigure("Held-out pairs that leak", f"{audit.leaked():,}", _share(audit, OWN)),
    ]
    if BY_ROW in audit.leaks_of_name:
        note = f"{_share(audit, BY_ROW)}, same sizes"
        figures.append(KeyFigure("A split by row", f"{audit.leaked(BY_ROW):,}", note))

    sentence = f"{audit.outcome}.{advice}"
    return [paragraph(sentence, "bad" if leaks else "good"), key_figures(figures)]


def _split_counts(audit: ForeignAudit) -> str:
    counts = pd.Series(list(audit.foreign.split_of_pair.values())).value_counts(sort=False)
    return ", ".join(f"{count:,} {split}" for split, count in sorted(counts.items()))


def _share(audit: ForeignAudit, name: str) -> str:
    return f"{audit.leaked(name) / audit.held_out:.1%} of {audit.held_out:,}"


def _kinds_body(audit: ForeignAudit) -> list[Html]:
    """Return the chart and the table of the kinds that leak, and what all kinds mean."""
    names = list(audit.leaks_of_name)
    counts = pd.DataFrame({"kind": KINDS})
    for name, leaks in audit.leaks_of_name.items():
        counts[name] = [len(leaks[kind]) for kind in KINDS]

    # Kinds without a leak would hide the others.
    leaking = counts[counts[names].sum(axis="columns") > 0].reset_index(drop=True)
    meanings = [f"{kind}: {meaning}" for kind, meaning in _MEANINGS.items()]
    legend = collapsible("What the kinds mean", bullets(meanings))
    if not len(leaking):
        return [paragraph(f"None of {len(KINDS)} kinds of leaks."), legend]

    rows = leaking.melt("kind", names, var_name="split", value_name="pairs")
    rows["share"] = rows["pairs"] / audit.held_out
    chart = svg_figure(
        _kinds_chart(rows, names),
        f"bars: share of the held-out pairs that leak, for {len(leaking)} kinds",
        f"Share of the {audit.held_out:,} held-out pairs, by kind.",
    )
    return [chart, _kinds_table(leaking, audit.held_out), legend]


def _kinds_table(counts: pd.DataFrame, held_out: int) -> Html:
    """Return a table of numbers and shares, narrow enough for a phone."""
    cells = {"kind": counts["kind"]}
    for name in (OWN, BY_ROW):
        if name in counts:
            cells[name] = counts[name].map(lambda count: f"{count:,} ({count / held_out:.1%})")
    return html_table(pd.DataFrame(cells), "Held-out pairs that leak, by question and by answer")


def _kinds_chart(rows: pd.DataFrame, names: list[str]) -> altair.Chart:
    import altair as alt

    kinds = [kind for kind in KINDS if kind in set(rows["kind"])]
    # Whole percents would name two ticks alike.
    precision = ".0%" if rows["share"].max() > 0.05 else ".1%"
    axis = alt.Axis(format=precision, tickCount=4, grid=True)
    chart: alt.Chart = (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            x=alt.X("share:Q", title=None, axis=axis),
            y=alt.Y("kind:N", title=None, sort=kinds, scale=alt.Scale(paddingInner=0.35)),
            yOffset=alt.YOffset("split:N", sort=names),
            color=alt.Color(
                "split:N",
                title=None,
                scale=alt.Scale(domain=names, range=[ORANGE, GREY][: len(names)]),
                legend=alt.Legend(orient="top"),
            ),
        )
        .properties(width=220, height=alt.Step(12))
    )
    return chart


def _examples(audit: ForeignAudit, kind: str) -> Html:
    """Return some pairs that leak, each above the pair of the other split."""
    leaks = sorted(audit.leaks[kind].items())
    parts = [f"<h3>{html.escape(kind)}: {min(len(leaks), MAX_EXAMPLES)} of {len(leaks):,}</h3>"]
    for held_out, other in leaks[:MAX_EXAMPLES]:
        parts.append(_pair_box(audit, held_out, "box bad"))
        parts.append(_pair_box(audit, other, "box"))
        parts.append("<br>")

    return Html("\n".join(parts[:-1]))


def _pair_box(audit: ForeignAudit, pair_id: str, css_class: str) -> str:
    """Return the split of a pair, its question and its answer, all as plain text."""
    split = audit.foreign.split_of_pair[pair_id]
    texts = audit.foreign.beginnings(pair_id, length=_SHOWN_CHARACTERS)
    question, answer = map(_breakable, texts)

    return f'<p class="{css_class}"><b>{html.escape(split)}</b> {question}<br>{answer}</p>'


def _breakable(text: str) -> str:
    """Return escaped text whose long words may break, with the codes of marks that turn it around.

    >>> _breakable("a<b " + "x" * 30)
    'a&lt;b xxxxxxxxxxxxxxxxxxxxxxxx<wbr>xxxxxx'
    """
    words = []
    for word in printable(text).split():
        pieces = [word[start : start + _WORD] for start in range(0, len(word), _WORD)]
        words.append("<wbr>".join(map(html.escape, pieces)))
    return " ".join(words)


def _method_body(audit: ForeignAudit) -> list[Html]:
    compared = (
        "Every held-out question and answer is compared with all of the other splits."
        if audit.against is None
        else "Every question and answer of the test sets is compared with all training data."
    )
    lines = [
        paragraph(f"{compared} Nothing is sampled."),
        paragraph(
            f"Near is a Jaccard similarity of {audit.threshold} or more. Overlapping is a run of "
            f"{RUN_WORDS} words or a sentence of {SENTENCE_WORDS} words in common."
        ),
    ]
    if BY_ROW in audit.leaks_of_name:
        lines.append(
            paragraph(
                "A split by row deals the same pairs out by chance, each by itself. It shows what "
                "the usual split of this data would leak."
            )
        )
    return lines
