"""The page of `validate`: the verdict, what it rests on, and where to look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from stages.lib.charts import PANELS, separation
from stages.lib.drawing import chart
from stages.lib.page import Figure, Html, bullets, figures, page, paragraph, table
from stages.lib.page import Section as Part
from stages.validate.charts import clusters, curve
from stages.validate.gates import Gate

Measured = Mapping[str, float | int | str | None]

_TRENDS = {
    "more helps": "More data would help: the last doubling of it raised nDCG@10 by {step}.",
    "levelled off": "It has levelled off: the last doubling of the data changed nDCG@10 by {step}, so look for better "
    "rows, not for more.",
    "unclear": "Whether more data would help cannot be told: the last doubling changed nDCG@10 by {step}.",
}
_GEOMETRY = {
    "alignment": "mean squared distance of queries and answers; lower is closer",
    "uniformity": "log of the mean Gaussian potential of document pairs; lower is better spread",
    "mean_cosine": "mean cosine of two random documents",
    "effective_rank": "how many dimensions the documents use",
    "effective_rank_share": "the same, of the most there could be",
    "hubness": "skewness of how often a document is among the 10 nearest of others; 0 is fair",
}
_HEALTH = {
    "leaked_rows": "training rows that say what a held-out text says",
    "negatives.hidden_positives_share": "hard negatives closer to the anchor than its positive, or nearly equal to it",
    "rows.duplicates_share": "training rows that repeat another word for word",
    "tokenize.truncated_share": "texts that are cut before the model has read them",
    "pair.anchor_in_positive_share": "anchors that stand word for word in their positive",
    "pair.no_common_word_share": "anchors that share no word with their positive",
    "pair.balance.after.document.largest_share": "pairs of the document that has most",
    "clean.private_left": "texts with private data that is not replaced",
}


class Evidence(NamedTuple):
    """Everything the page is made from; `points` and `curve` are the rows of their charts."""

    gates: Sequence[Gate]
    measured: Measured
    histogram: pd.DataFrame
    curve: pd.DataFrame
    points: pd.DataFrame


def render(found: Evidence) -> str:
    """Return the page as one HTML file that opens offline."""
    measured = found.measured
    asked = f"{measured['queries']:,} validation queries"
    if measured["folds"] != 1:
        asked = (
            f"{measured['queries']:,} queries of validation and training, in {measured['folds']} folds, since there "
            "are too few components for validation alone"
        )
    return page(
        "Is this data worth training on?",
        f"Measured on {asked}, with the base model. The test split was not opened.",
        [
            Part("Verdict", [*_verdict(found.gates), *_caution(measured)]),
            Part("Where to look first", _findings(found.gates)),
            Part("What it would teach", list(_probe(found))),
            Part("The base model", _base(measured)),
            Part("Separation", _separation(measured, found.histogram)),
            Part("Geometry", _geometry(measured)),
            Part("The rows", _health(measured)),
            Part("The map", _map(found.points)),
        ],
    )


def _verdict(gates: Sequence[Gate]) -> list[Html]:
    failed = sum(gate.verdict == "fail" for gate in gates)
    warned = sum(gate.verdict == "warn" for gate in gates)
    if failed:
        told = paragraph(f"{failed} of {len(gates)} gates failed: training is refused.", "bad")
    elif warned:
        told = paragraph(
            f"This data may be trained on; {warned} of {len(gates)} gates warn.", "note"
        )
    else:
        told = paragraph("This data may be trained on: no gate failed or warned.", "good")
    rows = [
        (
            gate.name,
            gate.metric,
            None if gate.value is None else f"{gate.value:.4g}",
            gate.wanted,
            gate.verdict,
        )
        for gate in gates
    ]
    columns = ["Gate", "Metric", "Measured", "Wanted", "Verdict"]
    return [told, table(pd.DataFrame(rows, columns=columns), "Gates, the gravest first")]


def _findings(gates: Sequence[Gate]) -> list[Html]:
    # Gates come in the order of what a fault costs, and one that only warns never costs more than one that fails.
    failed = [gate.advice for gate in gates if gate.verdict == "fail"]
    warned = [gate.advice for gate in gates if gate.verdict == "warn"]
    if not failed and not warned:
        return [paragraph("Nothing stands out.")]
    return [
        paragraph(
            "What costs most comes first. `python -m stages explain ID` tells the story of a row."
        ),
        *(paragraph(piece, "bad") for piece in failed),
        *([bullets(warned)] if warned else []),
    ]


def _probe(found: Evidence) -> Iterator[Html]:
    measured = found.measured
    yield paragraph(
        "The probe is a linear adapter on the embeddings, trained in seconds on this very data. Fine-tuning gains "
        "more than that. Which of two training sets is better the probe mostly tells, by how much it does not, and "
        "what hard negatives bring it hardly sees."
    )
    shown = [
        Figure(
            "Probe, nDCG@10",
            f"{measured['probe.ndcg_at_10']:.3f}",
            f"base {measured['base.ndcg_at_10']:.3f}",
        )
    ]
    if "probe.gain" in measured:
        shown += [
            Figure("Gain", f"{measured['probe.gain']:+.3f}", _interval(measured, "probe.gain")),
            Figure(
                "Placebo",
                f"{measured['probe.placebo_gain']:+.3f}",
                _interval(measured, "probe.placebo_gain"),
            ),
            Figure(
                "Smallest detectable", f"{measured['probe.gain_mde']:.3f}", "four times in five"
            ),
        ]
    yield figures(shown)
    if "curve.last_step" in measured:
        step = f"{measured['curve.last_step']:+.3f} (95 % interval {_interval(measured, 'curve.last_step')})"
        yield paragraph(_TRENDS[str(measured["curve.trend"])].format(step=step), "note")
    else:
        yield paragraph("The queries are of one component, which gives no interval.", "note")
    means = found.curve.groupby("fraction")["ndcg_at_10"].mean()
    words = "; ".join(
        f"{fraction:.1%} of the data {score:.3f}" for fraction, score in means.items()
    )
    yield chart(
        curve(found.curve, float(measured["base.ndcg_at_10"] or 0.0)),
        f"Learning curve of the probe, nDCG@10: {words}",
        "A dot per seed; the line joins their means. Dashed: the base model.",
    )


def _interval(measured: Measured, name: str) -> str:
    return f"{measured[f'{name}_low']:+.3f} to {measured[f'{name}_high']:+.3f}"


def _caution(measured: Measured) -> list[Html]:
    if not measured["synthetic_exam"]:
        return []
    return [
        paragraph(
            "No source gives questions, so recipes made the exam as well (`pair.recipes`). It shows whether the model "
            "learns these recipes, not whether it answers what people will ask: collect some real questions before "
            "trusting a gain.",
            "bad",
        )
    ]


def _base(measured: Measured) -> list[Html]:
    ndcg = Figure(
        "nDCG@10", f"{measured['base.ndcg_at_10']:.3f}", "before any training, full corpus"
    )
    recall = Figure(
        "Recall@100", f"{measured['base.recall_at_100']:.3f}", "within reach of a better ranking"
    )
    return [figures([ndcg, recall])]


def _separation(measured: Measured, histogram: pd.DataFrame) -> list[Html]:
    names = {
        "gap": "Gap",
        "standardised_gap": "d'",
        "roc_auc": "ROC AUC",
        "query_auc": "per query",
        "overlap": "Overlap",
        "violations": "Violations",
    }
    rows: list[dict[str, float | int | str | None]] = [
        {
            "Panel": shown,
            **{name: measured.get(f"separation.{panel}.{key}") for key, name in names.items()},
        }
        for panel, shown in PANELS.items()
        if f"separation.{panel}.gap" in measured
    ]
    return [
        paragraph(
            "Cosine of the queries with their answers, and with documents that are none. Random negatives "
            "are easy for any model and show mispaired rows; BM25-hard ones share words with the query; dense-hard "
            "ones are what the base model itself ranks first, so it looks worse on them than it is."
        ),
        chart(
            separation(histogram),
            "Histograms of the cosines of positives and negatives, for each kind of negative.",
        ),
        table(
            pd.DataFrame(rows).astype({name: float for name in names.values()}),
            "Gap: mean positive minus mean negative cosine; d': in standard deviations. ROC AUC: the chance that a "
            "positive scores higher, over all and within a query. Overlap: of the two histograms. Violations: queries "
            "whose hardest negative beats their best answer",
        ),
    ]


def _geometry(measured: Measured) -> list[Html]:
    rows = [
        (name.replace("_", " "), measured[f"geometry.{name}"], says)
        for name, says in _GEOMETRY.items()
    ]
    return [
        table(
            pd.DataFrame(rows, columns=["Measure", "Value", "Meaning"]),
            "How the documents lie on the sphere",
        )
    ]


def _health(measured: Measured) -> list[Html]:
    ends = (".rate", ".low", ".high")
    found = [
        key for key in measured if key.startswith("mine.false_negatives.") and key.endswith(ends)
    ]
    judged = dict.fromkeys(found, "hard negatives judged to be answers")
    rows = []
    for key, says in {**_HEALTH, **judged}.items():
        value = measured.get(key)
        rows.append((key, "not measured" if value is None else f"{value:.4g}", says))
    if not judged:
        rows.append(("mine.false_negatives", "not measured", "hard negatives judged to be answers"))
    return [
        table(
            pd.DataFrame(rows, columns=["Metric", "Measured", "Meaning"]),
            "What is wrong with the rows",
        )
    ]


def _map(points: pd.DataFrame) -> list[Html]:
    counts = "; ".join(
        f"{split} {count:,}" for split, count in points["split"].value_counts().sort_index().items()
    )
    return [
        paragraph(
            "Documents where the base model puts them, on the two axes along which they differ most. Splits should "
            "lie on top of each other; topics that are far apart are easy, topics that are mixed are where training "
            "has work to do. `tensorboard --logdir runs` turns them around in its projector."
        ),
        chart(
            clusters(points), f"Two-dimensional map of documents, by split and by topic: {counts}"
        ),
    ]
