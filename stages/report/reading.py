"""What `evaluate` reads out of the results, as it stands on the page: harm, raw queries, slices, separation, labels."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from stages.lib.charts import PANELS
from stages.lib.drawing import chart
from stages.lib.measured import Metrics
from stages.lib.page import Html, folded, paragraph, table
from stages.lib.statistics import LEAST_COMPONENTS
from stages.report import charts


def beside(metrics: Metrics) -> Iterator[Html]:
    """Say what the headline leaves out: harm outside the domain, and queries as people type them."""
    drop, high = (metrics.find("evaluate", f"out_of_domain.drop.{end}") for end in ("mean", "high"))
    if drop is not None and high is not None:
        harmless = bool(metrics.find("evaluate", "out_of_domain.harmless"))
        yield paragraph(
            f"Outside the domain nDCG@10 changes by {-drop:+.3f}, and drops by {high:.3f} at most (95 %): "
            + ("harmless." if harmless else "that it does no harm is not shown."),
            "good" if harmless else "note",
        )
    raw = metrics.find("evaluate", "validation.raw_queries.finetuned.ndcg_at_10")
    change = metrics.find("evaluate", "validation.raw_queries.change.mean")
    if raw is not None and change is not None:
        yield paragraph(
            f"Asked as people typed them, validation queries score {raw:.3f} ({change:+.3f})."
        )


def separated(metrics: Metrics) -> list[Html]:
    """Return how far positives stand from negatives, before and after fine-tuning."""
    names = {
        **{name: PANELS[name] for name in ("random", "bm25", "dense")},
        "remined": "dense-hard, by the new model",
    }
    rows = [
        {"Negatives": shown}
        | {
            f"{measure}, {when}": metrics.need("evaluate", f"separation.{name}.{when}.{key}")
            for key, measure in (("roc_auc", "ROC area"), ("standardised_gap", "gap in deviations"))
            for when in ("before", "after")
        }
        for name, shown in names.items()
        if metrics.find("evaluate", f"separation.{name}.after.roc_auc") is not None
    ]
    if not rows:
        return [paragraph("Nothing was measured.", "note")]
    said = (
        "Negatives that a model mined are hard for that model above all: those of the base model flatter the "
        "fine-tuned one, those of the fine-tuned model the base."
    )
    return [
        paragraph(said),
        table(pd.DataFrame(rows), "Validation, before and after fine-tuning on the same panels"),
    ]


def slices(found: pd.DataFrame) -> list[Html]:
    """Return the chart of relations, if there are several, and the tables of all slices, small ones folded away."""
    shown = []
    rows = found[found["kind"] == "relation"]
    if len(rows):
        words = "; ".join(
            f"{row.slice} {row.base:.3f} to {row.finetuned:.3f}" for row in rows.itertuples()
        )
        shown.append(
            chart(charts.slices(rows), f"nDCG@10 per relation, base to fine-tuned: {words}")
        )
    small = found["low"].isna()
    caption = "Validation nDCG@10 by slice, and other measures. Each is one question of many, so p is corrected (Holm)"
    shown.append(table(_columns(found[~small]), caption))
    if small.any():
        under = _columns(found[small]).drop(columns=["p", "Finding"])
        note = f"Fewer than {LEAST_COMPONENTS} components: means, and no verdict"
        shown.append(folded(f"Smaller slices: {small.sum():,}", table(under, note)))
    return shown


def _columns(rows: pd.DataFrame) -> pd.DataFrame:
    names = {
        "kind": "Kind",
        "slice": "Slice",
        "queries": "Queries",
        "base": "Base",
        "finetuned": "Fine-tuned",
    }
    bounds = [
        "" if math.isnan(low) else f" ({low:+.3f} to {high:+.3f})"
        for low, high in zip(rows["low"], rows["high"], strict=True)
    ]
    gains = [f"{gain:+.3f}{bound}" for gain, bound in zip(rows["gain"], bounds, strict=True)]
    told = rows[list(names)].rename(columns=names)
    told["Gain (95 %)"], told["p"], told["Finding"] = gains, rows["p"], rows["finding"]
    return told


def label_errors(metrics: Metrics) -> str:
    """Say how many first hits that no label calls an answer are one, as far as people have judged any."""
    rate, low, high = (
        metrics.find("evaluate", f"label_error.{end}") for end in ("rate", "low", "high")
    )
    if rate is None or low is None or high is None:
        return "`python -m stages review` writes out first hits to be judged: some of these errors may be none."
    judged = int(metrics.need("evaluate", "label_error.judged"))
    return (
        f"Of {judged:,} first hits that no label calls an answer people found {rate:.0%} to be one (95 % interval "
        f"{low:.0%} to {high:.0%})."
    )
