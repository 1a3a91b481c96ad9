"""The page of `validate`: whether training may start, the reasons, and where to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from stages.lib.reporting.charts import (
    PANEL_TITLES,
    chart_numbers,
    separation_chart,
    separation_numbers,
    svg_figure,
)
from stages.lib.reporting.funnel import Funnel
from stages.lib.reporting.html import (
    Html,
    KeyFigure,
    PageSection,
    Tone,
    bullets,
    html_page,
    html_table,
    key_figures,
    paragraph,
)
from stages.lib.reporting.sample import sample_note, sample_sentences
from stages.lib.reporting.worth import trained_documents_sentence
from stages.validate.charts import draw_learning_curve
from stages.validate.gates import Gate
from stages.validate.measured_tables import geometry_table, row_quality_table

Measurements = Mapping[str, float | int | str | None]

_TRENDS = {
    "more helps": "More data would help. The last doubling of the data changed nDCG@10 by {step}.",
    "levelled off": "More data would hardly help. The last doubling of the data changed nDCG@10 by "
    "{step}. Look for better rows, not for more rows.",
    "unclear": "It is unclear whether more data would help. The last doubling of the data changed "
    "nDCG@10 by {step}.",
}
_PANEL_COLUMNS = {
    "gap": "Gap",
    "standardised_gap": "d'",
    "roc_auc": "ROC AUC",
    "query_auc": "AUC per query",
    "overlap": "Overlap",
    "violations": "Violations",
}
_CURVE_HEADINGS = {
    "fraction": "Share",
    "components": "Components",
    "rows": "Rows",
    "seed": "Seed",
    "ndcg_at_10": "nDCG@10",
}
_SYSTEMS = {"bm25": "BM25", "base": "base model", "probe": "probe"}
_METRICS = {
    "ndcg_at_10": "nDCG@10",
    "mrr_at_10": "MRR@10",
    "recall_at_10": "Recall@10",
    "recall_at_100": "Recall@100",
}


class PageData(NamedTuple):
    """Everything that the page shows.

    Attributes: gates: the gates, the most expensive fault first. measurements: metric to value.
        histogram: cosines of positives and negatives, as `embedding_quality.histogram` returns
        them. learning_curve: the rows of the learning curve. funnel: rows in, and those that were
        left out. reasons: a part for each reason of the ledgers.
    """

    gates: Sequence[Gate]
    measurements: Measurements
    histogram: pd.DataFrame
    learning_curve: pd.DataFrame
    funnel: Funnel
    reasons: Sequence[Html] = ()


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
        PageSection(
            "Verdict",
            [*sample_note(measurements), *_verdict(data), *_synthetic_warning(measurements)],
        ),
        PageSection("Where to look first", _findings(data.gates)),
        PageSection("What happened to the rows", _row_reasons(data)),
        PageSection("What a model would learn", _probe(data)),
        PageSection("BM25, the base model and the probe", _systems(measurements)),
        PageSection("Separation", _separation(measurements, data.histogram)),
        PageSection("Geometry", geometry_table(measurements)),
        PageSection("The training rows", row_quality_table(measurements)),
        PageSection("The documents", [_documents()]),
    ]
    lead = f"Measured on {queries}, with the base model.{reason} The test split was not opened."
    return html_page("Is this data worth training on?", lead, sections)


def summary_lines(data: PageData) -> list[str]:
    """Return what the terminal shows at the end of the stage: the verdict, and where rows went."""
    systems = [f"BM25 {data.measurements['bm25.ndcg_at_10']:.3f}"]
    systems.append(f"base {data.measurements['base.ndcg_at_10']:.3f}")
    systems.append(f"probe {data.measurements['probe.ndcg_at_10']:.3f}")
    lines = [
        *sample_sentences(data.measurements),
        f"{verdict_of(data.gates)} nDCG@10: {', '.join(systems)}.",
        f"Rows: {data.funnel.line}.",
        worth_sentence(data.measurements),
    ]

    # Labels are named whatever the unit is.
    if data.measurements["labels.documents"]:
        lines.append(labels_sentence(data.measurements))

    tripped = [gate for gate in data.gates if gate.status in ("fail", "warn")]
    lines += [f"{gate.status}: {gate.advice.replace('`', '')}" for gate in tripped]
    return lines


def verdict_of(gates: Sequence[Gate]) -> str:
    """Return one sentence: whether training may start."""
    failed = sum(gate.status == "fail" for gate in gates)
    warned = sum(gate.status == "warn" for gate in gates)
    if failed:
        return f"{failed} of {len(gates)} gates failed: training is refused."
    if warned:
        return f"Training may start. {warned} of {len(gates)} gates warn."
    return "Training may start. No gate failed or warned."


def worth_sentence(measurements: Measurements) -> str:
    """Return one sentence: how many validation queries ask for a document that was trained on."""
    share = float(measurements["trained_documents_share"] or 0.0)
    return trained_documents_sentence(share, "validation queries", str(measurements["split_unit"]))


def labels_sentence(measurements: Measurements) -> str:
    """Return one sentence on documents that are labels, and on the unit that measures there."""
    sentence = (
        f"The {measurements['labels.documents']:,} documents have "
        f"{measurements['labels.anchors_per_document']:,.0f} anchors each, as labels, intents or "
        "categories do."
    )
    if measurements["split_unit"] in ("anchor", "time"):
        return f"{sentence} The unit of the split, `{measurements['split_unit']}`, suits them."
    return (
        f"{sentence} The unit `{measurements['split_unit']}` holds out whole labels. The unit that "
        "measures new questions for known labels is `split.unit: anchor`."
    )


def _verdict(data: PageData) -> list[Html]:
    gates = data.gates
    tone: Tone = "good"
    if any(gate.status == "fail" for gate in gates):
        tone = "bad"
    elif any(gate.status == "warn" for gate in gates):
        tone = "note"

    # What the split is worth comes first where splits share documents by design.
    sentences = [verdict_of(gates), worth_sentence(data.measurements)]
    if data.measurements["split_unit"] == "anchor":
        sentences.reverse()

    # One box first, then where the rows went.
    parts = [paragraph(" ".join(sentences), tone), paragraph(f"Rows: {data.funnel.line}.")]
    if data.measurements["labels.documents"]:
        parts.append(paragraph(labels_sentence(data.measurements), "note"))

    rows = []
    for gate in gates:
        value = None if gate.value is None else f"{gate.value:.4g}"
        rows.append((gate.name, gate.metric, value, gate.requirement, gate.status))

    frame = pd.DataFrame(rows, columns=["Gate", "Metric", "Measured", "Limit", "Status"])
    return [*parts, html_table(frame, "Gates, the most expensive fault first")]


def _synthetic_warning(measurements: Measurements) -> list[Html]:
    if not measurements["synthetic_exam"]:
        return []

    return [
        paragraph(
            "No source gives queries. So recipes wrote the evaluation set too (`pair.recipes`). "
            "It shows whether the model learns these recipes. It does not show whether the model "
            "answers what people will ask. Collect some real queries before you trust a gain, or "
            "write some for passages that `python -m stages queries` draws.",
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


def _row_reasons(data: PageData) -> list[Html]:
    return [
        paragraph(
            "Each line opens to some rows that chance chose. Struck out: what only the old text or "
            "the dropped row has. Underlined: what only the new text or the partner has. Nothing "
            "of the test split is shown."
        ),
        *data.reasons,
    ]


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
    lexical = f"BM25 {measurements['bm25.ndcg_at_10']:.3f}"
    numbers = [KeyFigure("Probe, nDCG@10", score, f"{base}, {lexical}")]
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
        step = f"{measurements['curve.last_step']:+z.3f} (95 % interval {interval})"
        trend = _TRENDS[str(measurements["curve.trend"])].format(step=step)

    means = data.learning_curve.groupby("fraction")["ndcg_at_10"].mean()
    points = [f"{fraction:.1%} of the data {score:.3f}" for fraction, score in means.items()]
    base_score = float(measurements["base.ndcg_at_10"] or 0.0)
    return [
        introduction,
        key_figures(numbers),
        paragraph(_plain_means(measurements)),
        paragraph(trend, "note"),
        svg_figure(
            draw_learning_curve(data.learning_curve, base_score),
            f"Learning curve of the probe, nDCG@10: {'; '.join(points)}",
            "A dot for each seed. The line connects the means. The dashed line is the base model.",
        ),
        chart_numbers(
            data.learning_curve.rename(columns=_CURVE_HEADINGS),
            "nDCG@10 of the probe, by share of the training data and seed",
            {"Share": ".1%", "nDCG@10": ".4f"},
        ),
    ]


def _plain_means(measurements: Measurements) -> str:
    """Return a sentence on how queries are weighted, with the plain means."""
    probe = f"{measurements['plain.probe.ndcg_at_10']:.3f}"
    base = f"{measurements['plain.base.ndcg_at_10']:.3f}"
    gain = f"{measurements['plain.probe.gain']:+z.3f}"
    return (
        f"In all means a component counts as at most {measurements['component_weight']:,} queries. "
        f"Where each query counts once, the probe has {probe}, the base model {base}, and the "
        f"gain is {gain}."
    )


def _difference(label: str, measurements: Measurements, name: str) -> KeyFigure:
    return KeyFigure(label, f"{measurements[name]:+z.3f}", _interval(measurements, name))


def _interval(measurements: Measurements, name: str) -> str:
    return f"{measurements[f'{name}_low']:+z.3f} to {measurements[f'{name}_high']:+z.3f}"


def _systems(measurements: Measurements) -> list[Html]:
    rows = []
    for system, label in _SYSTEMS.items():
        values = {
            heading: measurements.get(f"{system}.{metric}") for metric, heading in _METRICS.items()
        }
        rows.append({"System": label, **values})

    frame = pd.DataFrame(rows).astype({heading: float for heading in _METRICS.values()})
    return [
        html_table(
            frame,
            "Before any training, on the full corpus. The probe has nDCG@10 alone. A better order "
            "can bring up what is among the first 100.",
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
        chart_numbers(
            separation_numbers(histogram),
            "Share of the positives and of the negatives in each bin, by the middle of the bin",
            {"Positives": ".2%", "Negatives there": ".2%"},
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


def _documents() -> Html:
    return paragraph(
        "`dvc repro explore` writes data/explore/index.html: a map and a table of the documents, "
        "with search. `tensorboard --logdir runs` shows some of them in three dimensions."
    )
