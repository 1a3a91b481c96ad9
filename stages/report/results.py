"""Parts of the page about results of `evaluate`: harm, raw queries, slices, separation, labels."""

from __future__ import annotations

import math

import pandas as pd

from stages.lib.analysis.intervals import MIN_COMPONENTS
from stages.lib.reporting.charts import PANEL_TITLES, svg_figure
from stages.lib.reporting.details import StageDetails
from stages.lib.reporting.html import Html, collapsible, html_table, paragraph
from stages.report.charts import slice_chart

_SLICE_COLUMNS = {
    "kind": "Kind",
    "slice": "Slice",
    "queries": "Queries",
    "base": "Base",
    "finetuned": "Fine-tuned",
}
_SEPARATION_PANELS = {
    **{panel: PANEL_TITLES[panel] for panel in ("random", "bm25", "dense")},
    "remined": "dense-hard, by the new model",
}
_SEPARATION_METRICS = {"roc_auc": "ROC AUC", "standardised_gap": "gap in deviations"}


def harm_and_raw_queries(metrics: StageDetails) -> list[Html]:
    """Return sentences on harm outside the domain, and on queries as people typed them.

    A sentence without data is left out.
    """
    parts: list[Html] = []

    # Harm outside the domain.
    drop = metrics.get("evaluate", "out_of_domain.drop.mean")
    high = metrics.get("evaluate", "out_of_domain.drop.high")
    if drop is not None and high is not None:
        is_harmless = bool(metrics.get("evaluate", "out_of_domain.harmless"))
        meaning = "This is harmless." if is_harmless else "This may be harm."
        bound = (
            f"It drops by {high:.3f} at most" if high > 0 else f"It rises by {-high:.3f} at least"
        )
        sentence = f"Outside the domain nDCG@10 changes by {-drop:+z.3f}. {bound} (95 %). {meaning}"
        parts.append(paragraph(sentence, "good" if is_harmless else "note"))

    # Queries before cleaning.
    score = metrics.get("evaluate", "validation.raw_queries.finetuned.ndcg_at_10")
    change = metrics.get("evaluate", "validation.raw_queries.change.mean")
    if score is not None and change is not None:
        sentence = (
            f"Validation queries as people typed them, before cleaning: nDCG@10 {score:.3f} "
            f"({change:+z.3f})."
        )
        parts.append(paragraph(sentence))

    return parts


def separation_after_training(metrics: StageDetails) -> list[Html]:
    """Return how far positives stand from negatives, before and after fine-tuning."""
    rows = []
    for panel, label in _SEPARATION_PANELS.items():
        if metrics.get("evaluate", f"separation.{panel}.after.roc_auc") is not None:
            rows.append({"Negatives": label, **_before_and_after(metrics, panel)})
    if not rows:
        return [paragraph("Nothing was measured.", "note")]

    return [
        paragraph(
            "Negatives that a model mined are hard for that model above all. So negatives of the "
            "base model make the fine-tuned model look better than it is. Negatives of the "
            "fine-tuned model make the base model look better."
        ),
        html_table(
            pd.DataFrame(rows), "Validation, before and after fine-tuning, on the same negatives"
        ),
    ]


def slice_parts(slices: pd.DataFrame) -> list[Html]:
    """Return a chart of the relations and tables of all slices. Small slices are folded away."""
    parts: list[Html] = []

    # A dot pair for each relation.
    relations = slices[slices["kind"] == "relation"]
    if len(relations):
        points = [
            f"{row.slice} {row.base:.3f} to {row.finetuned:.3f}" for row in relations.itertuples()
        ]
        description = f"nDCG@10 per relation, base to fine-tuned: {'; '.join(points)}"
        parts.append(svg_figure(slice_chart(relations), description))

    # All slices that are large enough for a test.
    is_small = slices["low"].isna()
    caption = (
        "Validation nDCG@10 by slice, and other measures. Many slices are tested, so p is "
        "corrected (Holm)."
    )
    parts.append(html_table(_slice_table(slices[~is_small]), caption))

    # Small slices have means only.
    if is_small.any():
        small = _slice_table(slices[is_small]).drop(columns=["p", "Finding"])
        note = f"Fewer than {MIN_COMPONENTS} components: means only, without a test"
        parts.append(collapsible(f"Smaller slices: {is_small.sum():,}", html_table(small, note)))

    return parts


def label_errors(metrics: StageDetails) -> str:
    """Return a sentence on first hits that are relevant although no label says so."""
    rate = metrics.get("evaluate", "label_error.rate")
    low = metrics.get("evaluate", "label_error.low")
    high = metrics.get("evaluate", "label_error.high")
    if rate is None or low is None or high is None:
        return (
            "Some of these errors may be missing labels. `python -m stages review` writes first "
            "hits to a file, so that a person can label them."
        )

    count = int(metrics.require("evaluate", "label_error.judged"))
    return (
        f"A person read {count:,} first hits without a label, and found {rate:.0%} of them "
        f"relevant (95 % interval {low:.0%} to {high:.0%})."
    )


def _before_and_after(metrics: StageDetails, panel: str) -> dict[str, float]:
    values: dict[str, float] = {}
    for key, name in _SEPARATION_METRICS.items():
        for time in ("before", "after"):
            value = metrics.require("evaluate", f"separation.{panel}.{time}.{key}")
            values[f"{name}, {time}"] = value

    return values


def _slice_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the slices with headings, and gain and interval in one column."""
    frame = rows[list(_SLICE_COLUMNS)].rename(columns=_SLICE_COLUMNS)
    frame["Gain (95 %)"] = [
        _gain_in_words(gain, low, high)
        for gain, low, high in zip(rows["gain"], rows["low"], rows["high"], strict=True)
    ]
    frame["p"] = rows["p"]
    frame["Finding"] = rows["finding"]
    return frame


def _gain_in_words(gain: float, low: float, high: float) -> str:
    interval = "" if math.isnan(low) else f" ({low:+z.3f} to {high:+z.3f})"
    return f"{gain:+z.3f}{interval}"
