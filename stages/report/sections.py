"""The page, section by section, from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from stages.lib.reporting.charts import (
    PANEL_TITLES,
    chart_numbers,
    separation_chart,
    separation_numbers,
    svg_figure,
)
from stages.lib.reporting.details import StageDetails
from stages.lib.reporting.difference_charts import change_bins, change_chart, change_numbers
from stages.lib.reporting.html import (
    Html,
    KeyFigure,
    PageSection,
    bullets,
    collapsible,
    html_page,
    html_table,
    invariant_list,
    key_figures,
    paragraph,
)
from stages.lib.schemas.runs import SYSTEMS
from stages.report import charts
from stages.report.advice import advise, check_invariants
from stages.report.measurements import ReportData, RowCounts, ValidationTexts, row_counts
from stages.report.queries import count_changes, paired_results, worst_queries
from stages.report.results import (
    label_errors,
    separation_after_training,
    slice_parts,
)
from stages.report.retrieved import MAX_CHANGED, changed_most, query_details, worst_shown
from stages.report.summary import SPLITS, summary_parts
from stages.report.training_distance import nearness_parts

_METRICS = {
    "ndcg_at_10": "nDCG@10",
    "mrr_at_10": "MRR@10",
    "recall_at_10": "Recall@10",
    "recall_at_100": "Recall@100",
}
_ROW_HEADINGS = {
    "stage": "Stage",
    "rows_in": "Rows in",
    "added": "Added",
    "dropped": "Dropped",
    "rows_out": "Rows out",
    "reasons": "Reasons",
}
_TRAINING_FIGURES = (
    ("Most tokens of a text", "tokenize", "max_tokens", ".0f"),
    ("Texts cut", "tokenize", "truncated_share", ".2%"),
    ("Tokens lost", "tokenize", "tokens_lost_share", ".2%"),
    ("Unknown tokens", "tokenize", "unknown_share", ".2%"),
    ("Negatives per anchor", "mine", "negatives_per_anchor", ".2f"),
)


def write_page(data: ReportData, worst_count: int) -> str:
    """Return the page as one HTML file that opens offline.

    Args:
        data: everything that was measured.
        worst_count: how many of the worst validation queries are shown; 0 for no text of any row.
    """
    metrics = data.metrics
    paired = paired_results(data.validation)
    counts = row_counts(metrics)
    advice = advise(metrics, data.slices, counts)
    # Where queries are confidential, no text of a row is shown.
    row_reasons = _row_reasons(data) if worst_count else []
    most_changed = _most_changed(paired, data.texts) if worst_count else []
    sections = [
        PageSection("Summary", summary_parts(metrics, data.test)),
        PageSection("Can these numbers be trusted?", _invariants(metrics)),
        PageSection("Where to look next", _advice(advice)),
        PageSection("Rows through the stages", [*_row_counts(counts), *row_reasons]),
        PageSection("All systems", _systems(metrics, data.recall)),
        PageSection("The data, seen by the base model", _separation(metrics, data.separation)),
        PageSection("Training", _training(metrics, data.loss)),
        PageSection("Separation after fine-tuning", separation_after_training(metrics)),
        PageSection("By similarity to training", nearness_parts(metrics)),
        PageSection("By slice", slice_parts(data.slices)),
        PageSection("Query by query", [*_changes(paired), *most_changed]),
        PageSection(
            "Worst validation queries", _worst_queries(metrics, paired, data.texts, worst_count)
        ),
        PageSection("Every metric", _all_metrics(metrics)),
    ]
    lead = (
        "One run of the pipeline, from raw text to the fine-tuned model. Choices are made on "
        "validation. The test split confirms them. Its queries are not shown, only sums over them."
    )
    return html_page("Did the data help?", lead, sections)


def _invariants(metrics: StageDetails) -> list[Html]:
    invariants = check_invariants(metrics)
    broken = sum(check.broken > 0 for check in invariants)
    if not broken:
        return [
            paragraph("Each line is a count in the data of this run, and must be 0."),
            invariant_list(invariants),
        ]

    return [
        paragraph(
            f"{broken} of {len(invariants)} invariants are broken. Repair them before you believe "
            "any number on this page.",
            "bad",
        ),
        invariant_list(invariants),
    ]


def _advice(advice: list[str]) -> list[Html]:
    return [bullets(advice) if advice else paragraph("No metric needs attention.")]


def _row_counts(counts: Sequence[RowCounts]) -> list[Html]:
    frame = pd.DataFrame(counts, columns=RowCounts._fields)
    points = [f"{row.stage} {row.rows_in:,} in, {row.rows_out:,} out" for row in counts]
    return [
        paragraph(
            "In every stage, rows in and added equal rows out and dropped. `python -m stages "
            "explain ID` shows the history of one row."
        ),
        svg_figure(
            charts.row_count_chart(frame),
            f"Rows through the stages: {'; '.join(points)}",
            "The number beside a bar is the number of rows out.",
        ),
        html_table(frame.rename(columns=_ROW_HEADINGS), "Row accounting of every stage"),
    ]


def _row_reasons(data: ReportData) -> list[Html]:
    return [
        paragraph(
            "Each line opens to some rows that chance chose. Struck out: what only the old text or "
            "the dropped row has. Underlined: what only the new text or the partner has."
        ),
        *data.reasons,
    ]


def _systems(metrics: StageDetails, recall: pd.DataFrame) -> list[Html]:
    rows = []
    for split in SPLITS:
        for system, name in SYSTEMS.items():
            if metrics.get("evaluate", f"{split}.{system}.ndcg_at_10") is not None:
                rows.append({"Split": split, "System": name, **_scores(metrics, split, system)})

    # What the numbers were measured on.
    documents = int(metrics.require("evaluate", "corpus_documents"))
    validation_queries = int(metrics.require("validate", "queries"))
    test_queries = int(metrics.require("evaluate", "test_queries"))
    caption = (
        f"Every system on the full corpus of {documents:,} documents, with {validation_queries:,} "
        f"validation and {test_queries:,} test queries. Plain: nDCG@10 where each query counts "
        "once. The last column is nDCG@10 with its 95 % interval."
    )
    parts = [html_table(pd.DataFrame(rows), caption)]

    # Systems and splits without a name are not shown.
    is_known = recall["split"].isin(SPLITS) & recall["system"].isin(SYSTEMS)
    if is_known.any():
        description = "Recall among the first k hits, by system, on validation and test"
        parts.append(svg_figure(charts.recall_chart(recall[is_known]), description))
        parts.append(_recall_table(recall[is_known]))
    return parts


def _recall_table(recall: pd.DataFrame) -> Html:
    """Return a line for each split and system, and a column for each k."""
    frame = recall.assign(system=recall["system"].map(SYSTEMS))
    frame = frame.pivot_table(index=["split", "system"], columns="k", values="recall", sort=False)
    frame.columns = [f"first {depth:,}" for depth in frame.columns]
    table = frame.reset_index().rename(columns={"split": "Split", "system": "System"})
    return chart_numbers(table, "Recall among the first k hits")


def _scores(metrics: StageDetails, split: str, system: str) -> dict[str, float | str]:
    """Return the metrics of one system, by heading."""
    scores: dict[str, float | str] = {
        heading: metrics.require("evaluate", f"{split}.{system}.{metric}")
        for metric, heading in _METRICS.items()
    }
    scores["Plain"] = metrics.require("evaluate", f"{split}.plain.{system}.ndcg_at_10")
    scores["Fine-tuned gains"] = _gain_over(metrics, split, system)
    return scores


def _gain_over(metrics: StageDetails, split: str, system: str) -> str:
    """Return the gain of the fine-tuned model over a system with its interval, or nothing."""
    key = f"{split}.gain.over_{system}.ndcg_at_10"
    mean = metrics.get("evaluate", f"{key}.mean")
    low = metrics.get("evaluate", f"{key}.low")
    high = metrics.get("evaluate", f"{key}.high")
    if low is None or math.isnan(low):
        return ""

    mean = math.nan if mean is None else mean
    high = math.nan if high is None else high
    return f"{mean:+z.3f} ({low:+z.3f} to {high:+z.3f})"


def _separation(metrics: StageDetails, bins: pd.DataFrame) -> list[Html]:
    introduction = paragraph(
        "Cosines of validation queries with their positives, and with three kinds of negatives, "
        "by the base model. Random negatives show mispaired rows. BM25-hard negatives share words "
        "with the query. Dense-hard negatives were chosen by this very model, so their overlap is "
        "expected."
    )

    # One line for each kind of negative that was measured.
    rows = []
    for panel, name in PANEL_TITLES.items():
        area = metrics.get("validate", f"separation.{panel}.roc_auc")
        if area is not None:
            gap = metrics.require("validate", f"separation.{panel}.gap")
            rows.append({"Negatives": name, "Gap of the means": gap, "ROC AUC": area})

    # The plot may be empty.
    parts = [introduction]
    known_bins = bins[bins["panel"].isin(PANEL_TITLES)]
    if len(known_bins):
        areas = [f"{row['Negatives']}: ROC AUC {row['ROC AUC']:.3f}" for row in rows]
        description = f"Histograms of cosines, positives and negatives. {'; '.join(areas)}"
        drawing = separation_chart(known_bins).properties(
            title="Cosines of positives and of negatives"
        )
        parts.append(svg_figure(drawing, description))
        shares = {"Positives": ".2%", "Negatives there": ".2%"}
        caption = "Share of the positives and of the negatives in each bin"
        parts.append(chart_numbers(separation_numbers(known_bins), caption, shares))

    frame = pd.DataFrame(rows, columns=["Negatives", "Gap of the means", "ROC AUC"])
    caption = "Separation of positives and negatives. A ROC AUC of 0.5 is none, 1 is complete."
    return [*parts, html_table(frame, caption)]


def _training(metrics: StageDetails, loss: pd.DataFrame) -> list[Html]:
    numbers = []
    for label, stage, key, number_format in _TRAINING_FIGURES:
        numbers.append(KeyFigure(label, format(metrics.require(stage, key), number_format)))

    if loss.empty:
        return [key_figures(numbers), paragraph("No loss was logged.", "note")]

    # The ends of the curve, in words.
    first = loss.iloc[0]
    last = loss.iloc[-1]
    description = (
        f"Training loss from {first['loss']:.3f} at step {loss['step'].iloc[0]} "
        f"to {last['loss']:.3f} at step {loss['step'].iloc[-1]}"
    )
    table = loss.rename(columns={"step": "Step", "loss": "Loss"})
    return [
        key_figures(numbers),
        svg_figure(charts.loss_chart(loss), description),
        chart_numbers(table, "Training loss", {"Loss": ".4f"}),
    ]


def _changes(paired: pd.DataFrame) -> list[Html]:
    better, worse = count_changes(paired)
    same = len(paired) - better - worse
    sentence = (
        f"Of {len(paired):,} validation queries {better:,} did better than with the base model, "
        f"{worse:,} worse and {same:,} the same."
    )

    parts = [paragraph(sentence)]
    bins = change_bins(paired["change"])
    if len(bins):
        description = f"Histogram of the change of each query. {sentence}"
        caption = "Queries without a change are left out."
        drawing = change_chart(
            bins,
            title="Queries by change of nDCG@10",
            axis_title="change of nDCG@10, fine-tuned minus base",
            width=charts.WIDTH,
        )
        parts.append(svg_figure(drawing, description, caption))
        parts.append(change_numbers(bins))
    return parts


def _most_changed(paired: pd.DataFrame, texts: ValidationTexts) -> list[Html]:
    """Return the queries that changed most, each with what the systems retrieved."""
    parts: list[Html] = []
    for title, is_loss in (("Fell most", True), ("Rose most", False)):
        queries = changed_most(paired, texts, MAX_CHANGED, is_loss=is_loss)
        if queries:
            parts += [paragraph(f"{title}:"), *query_details(queries, texts)]
    return parts


def _worst_queries(
    metrics: StageDetails, paired: pd.DataFrame, texts: ValidationTexts, count: int
) -> list[Html]:
    if not count:
        return [paragraph("None are listed, since `report.worst_queries` is 0.")]

    return [
        paragraph(
            "Read these queries. Wrong labels, missing documents and odd wording show here first. "
            f"{label_errors(metrics)}"
        ),
        html_table(
            worst_queries(paired, texts, count),
            "The lowest nDCG@10 of the fine-tuned model comes first. A dash as rank means: not "
            "among the first hundred hits.",
        ),
        paragraph("What each system retrieved for them. A sign marks relevant documents:"),
        *query_details(worst_shown(paired, texts, count), texts),
    ]


def _all_metrics(metrics: StageDetails) -> list[Html]:
    rows = []
    for stage, values in metrics.stages.items():
        for key, value in sorted(values.items()):
            shown = f"{value:,}" if isinstance(value, int | float) else value
            rows.append({"Metric": f"{stage}.{key}", "Value": shown})

    summary = f"{len(rows)} numbers of {len(metrics.stages)} stages"
    return [collapsible(summary, html_table(pd.DataFrame(rows), "The files under metrics/details"))]
