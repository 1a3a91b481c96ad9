"""The page of `validate`: whether training may start, the reasons, and where to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from stages.lib.reporting.charts import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PANEL_TITLES,
    PURPLE,
    SOFT,
    separation_chart,
    svg_figure,
)
from stages.lib.reporting.html import (
    Html,
    KeyFigure,
    PageSection,
    bullets,
    html_page,
    html_table,
    key_figures,
    paragraph,
)
from stages.validate.gates import Gate

if TYPE_CHECKING:
    import altair

Measurements = Mapping[str, float | int | str | None]

_TRENDS = {
    "more helps": "More data would help. The last doubling of the data changed nDCG@10 by {step}.",
    "levelled off": "More data would hardly help. The last doubling of the data changed nDCG@10 by "
    "{step}. Look for better rows, not for more rows.",
    "unclear": "It is unclear whether more data would help. The last doubling of the data changed "
    "nDCG@10 by {step}.",
}
_GEOMETRY = {
    "alignment": "Mean squared distance of queries and relevant documents. Lower is closer.",
    "uniformity": "Log of the mean Gaussian potential of two documents. Lower is better spread.",
    "mean_cosine": "Mean cosine of two random documents.",
    "effective_rank": "How many dimensions the documents use.",
    "effective_rank_share": "The effective rank as a share of its largest possible value.",
    "hubness": "Skewness of how often a document is among the 10 nearest of others. 0 is fair.",
}
_ROWS = {
    "leaked_rows": "Training rows that match a held-out text.",
    "negatives.hidden_positives_share": "Hard negatives that are closer to the anchor than its "
    "positive, or nearly equal to it.",
    "rows.duplicates_share": "Training rows that repeat another row.",
    "tokenize.truncated_share": "Texts that are cut before the model has read all of them.",
    "pair.anchor_in_positive_share": "Anchors whose words stand in their positive, in this order.",
    "pair.no_common_word_share": "Anchors that share no word with their positive.",
    "pair.balance.after.document.largest_share": "Share of pairs of the most frequent document.",
    "clean.private_left": "Texts with private data that is not replaced.",
}
_FALSE_NEGATIVES = "Hard negatives that are relevant after all, as the stage mine estimates."
_PANEL_COLUMNS = {
    "gap": "Gap",
    "standardised_gap": "d'",
    "roc_auc": "ROC AUC",
    "query_auc": "AUC per query",
    "overlap": "Overlap",
    "violations": "Violations",
}
_SPLIT_COLOURS = {"train": BLUE, "validation": ORANGE, "corpus": GREY}
_TOPIC_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, "#b8860b", "#56b4e9")


class PageData(NamedTuple):
    """Everything that the page shows.

    Attributes: gates: the gates, the most expensive fault first. measurements: metric to value.
        histogram: cosines of positives and negatives, as `embedding_quality.histogram` returns
        them. learning_curve: the rows of the learning curve. map_points: the documents of the map:
        x, y, split and topic.
    """

    gates: Sequence[Gate]
    measurements: Measurements
    histogram: pd.DataFrame
    learning_curve: pd.DataFrame
    map_points: pd.DataFrame


def render(data: PageData) -> str:
    """Return the page as one HTML file that opens offline."""
    measurements = data.measurements
    queries = f"{measurements['queries']:,} validation queries"
    reason = ""
    if measurements["folds"] != 1:
        queries = (
            f"{measurements['queries']:,} queries of validation and training, "
            f"in {measurements['folds']} folds"
        )
        reason = " There are too few components for validation alone."

    sections = [
        PageSection("Verdict", [*_verdict(data.gates), *_synthetic_warning(measurements)]),
        PageSection("Where to look first", _findings(data.gates)),
        PageSection("What a model would learn", _probe(data)),
        PageSection("The base model", _base_model(measurements)),
        PageSection("Separation", _separation(measurements, data.histogram)),
        PageSection("Geometry", _geometry(measurements)),
        PageSection("The training rows", _rows(measurements)),
        PageSection("Map of the documents", _map(data.map_points)),
    ]
    lead = f"Measured on {queries}, with the base model.{reason} The test split was not opened."
    return html_page("Is this data worth training on?", lead, sections)


def _verdict(gates: Sequence[Gate]) -> list[Html]:
    failed = sum(gate.status == "fail" for gate in gates)
    warned = sum(gate.status == "warn" for gate in gates)

    # One sentence first.
    if failed:
        summary = paragraph(f"{failed} of {len(gates)} gates failed: training is refused.", "bad")
    elif warned:
        summary = paragraph(f"Training may start. {warned} of {len(gates)} gates warn.", "note")
    else:
        summary = paragraph("Training may start. No gate failed or warned.", "good")

    rows = []
    for gate in gates:
        value = None if gate.value is None else f"{gate.value:.4g}"
        rows.append((gate.name, gate.metric, value, gate.requirement, gate.status))

    frame = pd.DataFrame(rows, columns=["Gate", "Metric", "Measured", "Limit", "Status"])
    return [summary, html_table(frame, "Gates, the most expensive fault first")]


def _synthetic_warning(measurements: Measurements) -> list[Html]:
    if not measurements["synthetic_exam"]:
        return []

    return [
        paragraph(
            "No source gives queries. So recipes wrote the evaluation set too (`pair.recipes`). "
            "It shows whether the model learns these recipes. It does not show whether the model "
            "answers what people will ask. Collect some real queries before you trust a gain.",
            "bad",
        )
    ]


def _findings(gates: Sequence[Gate]) -> list[Html]:
    # Gates come in the order of their cost. No warning costs more than a failure.
    failed = [gate.advice for gate in gates if gate.status == "fail"]
    warned = [gate.advice for gate in gates if gate.status == "warn"]
    if not failed and not warned:
        return [paragraph("All measured gates passed.")]

    parts = [
        paragraph(
            "The most expensive fault comes first. `python -m stages explain ID` shows the history "
            "of a row."
        )
    ]
    parts += [paragraph(advice, "bad") for advice in failed]
    if warned:
        parts.append(bullets(warned))
    return parts


def _probe(data: PageData) -> list[Html]:
    measurements = data.measurements
    introduction = paragraph(
        "The probe is a linear adapter on the embeddings of the base model. It learns from this "
        "data in seconds. Fine-tuning gains more. The probe mostly shows which of two training "
        "sets is better, but not by how much. It hardly shows the effect of hard negatives."
    )

    # The placebo learns from shuffled pairs, so it must not gain.
    score = f"{measurements['probe.ndcg_at_10']:.3f}"
    base = f"base model {measurements['base.ndcg_at_10']:.3f}"
    numbers = [KeyFigure("Probe, nDCG@10", score, base)]
    if "probe.gain" in measurements:
        smallest = f"{measurements['probe.gain_mde']:.3f}"
        numbers += [
            _difference("Gain", measurements, "probe.gain"),
            _difference("Placebo", measurements, "probe.placebo_gain"),
            KeyFigure("Smallest detectable gain", smallest, "found in four of five cases"),
        ]

    # The trend, in one sentence.
    trend = "All queries are of one component, so there is no interval."
    if "curve.last_step" in measurements:
        interval = _interval(measurements, "curve.last_step")
        step = f"{measurements['curve.last_step']:+.3f} (95 % interval {interval})"
        trend = _TRENDS[str(measurements["curve.trend"])].format(step=step)

    means = data.learning_curve.groupby("fraction")["ndcg_at_10"].mean()
    points = [f"{fraction:.1%} of the data {score:.3f}" for fraction, score in means.items()]
    base_score = float(measurements["base.ndcg_at_10"] or 0.0)
    return [
        introduction,
        key_figures(numbers),
        paragraph(trend, "note"),
        svg_figure(
            draw_learning_curve(data.learning_curve, base_score),
            f"Learning curve of the probe, nDCG@10: {'; '.join(points)}",
            "A dot for each seed. The line connects the means. The dashed line is the base model.",
        ),
    ]


def _difference(label: str, measurements: Measurements, name: str) -> KeyFigure:
    return KeyFigure(label, f"{measurements[name]:+.3f}", _interval(measurements, name))


def _interval(measurements: Measurements, name: str) -> str:
    return f"{measurements[f'{name}_low']:+.3f} to {measurements[f'{name}_high']:+.3f}"


def _base_model(measurements: Measurements) -> list[Html]:
    ndcg = f"{measurements['base.ndcg_at_10']:.3f}"
    recall = f"{measurements['base.recall_at_100']:.3f}"
    return [
        key_figures(
            [
                KeyFigure("nDCG@10", ndcg, "before any training, on the full corpus"),
                KeyFigure("Recall@100", recall, "found, so a better order can bring it up"),
            ]
        )
    ]


def _separation(measurements: Measurements, histogram: pd.DataFrame) -> list[Html]:
    rows = []
    for panel, label in PANEL_TITLES.items():
        if f"separation.{panel}.gap" in measurements:
            values = {
                column: measurements.get(f"separation.{panel}.{key}")
                for key, column in _PANEL_COLUMNS.items()
            }
            rows.append({"Negatives": label, **values})
    frame = pd.DataFrame(rows).astype({column: float for column in _PANEL_COLUMNS.values()})

    drawing = separation_chart(histogram).properties(title="Cosines of positives and of negatives")
    return [
        paragraph(
            "Cosines of queries with their relevant documents, and with negatives. Random "
            "negatives are easy for any model. They show mispaired rows. BM25-hard negatives "
            "share words with the query. Dense-hard negatives are what the base model itself "
            "ranks first, so it looks worse on them than it is."
        ),
        svg_figure(
            drawing,
            "Histograms of the cosines of positives and negatives, for each kind of negative.",
        ),
        html_table(
            frame,
            "Gap: mean cosine of positives minus mean cosine of negatives. d': the gap in "
            "standard deviations. ROC AUC: the chance that a positive scores higher than a "
            "negative, over all queries and within a query. Overlap: of the two histograms. "
            "Violations: queries whose hardest negative scores at least as high as their best "
            "positive.",
        ),
    ]


def _geometry(measurements: Measurements) -> list[Html]:
    rows = []
    for name, meaning in _GEOMETRY.items():
        rows.append((name.replace("_", " "), measurements[f"geometry.{name}"], meaning))

    frame = pd.DataFrame(rows, columns=["Metric", "Value", "Meaning"])
    return [html_table(frame, "How the documents lie on the sphere")]


def _rows(measurements: Measurements) -> list[Html]:
    estimates = [
        key
        for key in measurements
        if key.startswith("mine.false_negatives.") and key.endswith((".rate", ".low", ".high"))
    ]
    meanings = {**_ROWS, **dict.fromkeys(estimates, _FALSE_NEGATIVES)}
    if not estimates:
        meanings["mine.false_negatives"] = _FALSE_NEGATIVES

    rows = []
    for key, meaning in meanings.items():
        value = measurements.get(key)
        rows.append((key, "not measured" if value is None else f"{value:.4g}", meaning))

    frame = pd.DataFrame(rows, columns=["Metric", "Measured", "Meaning"])
    return [html_table(frame, "What is wrong with the training rows")]


def _map(points: pd.DataFrame) -> list[Html]:
    counts = points["split"].value_counts().sort_index()
    numbers = "; ".join(f"{split} {count:,}" for split, count in counts.items())
    return [
        paragraph(
            "Documents as the base model embeds them, on the two axes along which they differ "
            "most. The splits should cover the same area. Topics that lie apart are easy. Topics "
            "that are mixed are where training has work to do. `tensorboard --logdir runs` shows "
            "the same documents in three dimensions."
        ),
        svg_figure(
            draw_map(points),
            f"Two-dimensional map of documents, by split and by topic: {numbers}",
        ),
    ]


def draw_learning_curve(rows: pd.DataFrame, base: float) -> altair.LayerChart:
    """Return a chart of nDCG@10 over the components that the probe learned from.

    Args:
        rows: columns fraction, components and ndcg_at_10; a row for each share and seed.
        base: nDCG@10 of the base model, a dashed line.
    """
    import altair as alt

    training_points = rows[rows["fraction"] > 0]
    x_axis = alt.X("components:Q", title="components in the training data")
    y_axis = alt.Y("ndcg_at_10:Q", title="nDCG@10", scale=alt.Scale(zero=False))

    # A dot for each seed.
    dots = alt.Chart(training_points).mark_point(color=BLUE, opacity=0.7, size=50)
    dots = dots.encode(x=x_axis, y=y_axis)

    # A line through the means.
    means = training_points.groupby("fraction", as_index=False)[["components", "ndcg_at_10"]].mean()
    line = alt.Chart(means).mark_line(color=BLUE).encode(x=x_axis, y=y_axis)

    # The base model.
    base_frame = pd.DataFrame({"base": [round(base, 6)]})
    rule = alt.Chart(base_frame).mark_rule(color=SOFT, strokeDash=[4, 4]).encode(y="base:Q")

    drawing: altair.LayerChart = (rule + line + dots).properties(
        title="Learning curve of the probe", width=560, height=260
    )
    return drawing


def draw_map(rows: pd.DataFrame) -> altair.HConcatChart:
    """Return two charts of the documents, coloured by split and by topic.

    Args:
        rows: columns x, y, split and topic.
    """
    import altair as alt

    # The most frequent topic has the first colour, and all rare topics are grey.
    named = rows.loc[rows["topic"] != "other", "topic"].value_counts().index
    topic_scale = alt.Scale(domain=[*named, "other"], range=[*_TOPIC_COLOURS[: len(named)], GREY])
    topic_legend = alt.Legend(columns=2, labelLimit=190)
    split_scale = alt.Scale(domain=list(_SPLIT_COLOURS), range=list(_SPLIT_COLOURS.values()))

    # The numbers on the axes have no meaning, so they are not shown.
    axis = alt.Axis(labels=False, ticks=False, grid=False)
    base = (
        alt.Chart(rows)
        .mark_circle(size=14, opacity=0.6)
        .encode(
            x=alt.X("x:Q", title="first principal component", axis=axis),
            y=alt.Y("y:Q", title="second principal component", axis=axis),
        )
        .properties(width=380, height=340)
    )
    by_split = base.encode(color=alt.Color("split:N", title=None, scale=split_scale))
    by_topic = base.encode(
        color=alt.Color("topic:N", title=None, scale=topic_scale, legend=topic_legend)
    )
    drawing: altair.HConcatChart = alt.hconcat(
        by_split.properties(title="Documents by split"),
        by_topic.properties(title="Documents by topic"),
    ).resolve_scale(color="independent")
    return drawing
