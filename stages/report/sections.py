"""The page, part by part, from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from stages.lib.charts import PANELS, separation
from stages.lib.contracts.runs import SYSTEMS
from stages.lib.drawing import chart
from stages.lib.measured import Metrics
from stages.lib.page import (
    Figure,
    Html,
    Section,
    Tone,
    bullets,
    checks,
    figures,
    folded,
    page,
    paragraph,
    table,
)
from stages.report import charts
from stages.report.advice import advise, promises
from stages.report.inputs import Book, Held, funnel
from stages.report.reading import beside, label_errors, separated, slices
from stages.report.validation import change_bins, side_by_side, worst

_SPLITS = ("test", "validation")
_SHOWN = {
    system: SYSTEMS[system] for system in ("bm25", "base", "finetuned")
}  # at the top of the page
_GAIN = "{}.gain.over_base.ndcg_at_10.{}"
_GAIN_PARTS = ("mean", "low", "high", "mde")
_MEASURES = {
    "ndcg_at_10": "nDCG@10",
    "mrr_at_10": "MRR@10",
    "recall_at_10": "Recall@10",
    "recall_at_100": "Recall@100",
}


class Evidence(NamedTuple):
    """Everything the page is made from."""

    metrics: Metrics
    validation: pd.DataFrame
    test: pd.DataFrame
    separation: pd.DataFrame
    loss: pd.DataFrame
    recall: pd.DataFrame
    slices: pd.DataFrame
    held: Held


class Gain(NamedTuple):
    """How much better the fine-tuned model ranks a split than the base, with its 95 % interval; nDCG@10."""

    split: str
    mean: float
    low: float
    high: float
    mde: float


def write_page(evidence: Evidence, worst_queries: int) -> str:
    """Return the page."""
    metrics = evidence.metrics
    both = side_by_side(evidence.validation)
    books = funnel(metrics)
    sections = [
        Section("In short", list(_headline(metrics, evidence.test))),
        Section("Can it be trusted?", _trust(metrics)),
        Section("Where to look next", _advice(advise(metrics, evidence.slices, books))),
        Section("Where rows went", _funnel(books)),
        Section("Systems side by side", _systems(metrics, evidence.recall)),
        Section("What the base model sees in the data", _separation(metrics, evidence.separation)),
        Section("Training", _training(metrics, evidence.loss)),
        Section("Separation after fine-tuning", separated(metrics)),
        Section("By slice", slices(evidence.slices)),
        Section("Query by query", _changes(both)),
        Section("Worst validation queries", _worst(metrics, both, evidence.held, worst_queries)),
        Section("Every metric", _every(metrics)),
    ]
    lead = (
        "One run of the pipeline, from raw text to the fine-tuned model. Choices are made on validation; test "
        "confirms them and is shown in sums only."
    )
    return page("Did the data help?", lead, sections)


def _headline(metrics: Metrics, test: pd.DataFrame) -> Iterator[Html]:
    yield _verdict(metrics, test)

    def shown(split: str, system: str) -> str:
        return f"{metrics.need('evaluate', f'{split}.{system}.ndcg_at_10'):.3f}"

    yield figures(
        [
            Figure(
                f"{name[0].upper()}{name[1:]}, test nDCG@10",
                shown("test", system),
                f"validation {shown('validation', system)}",
            )
            for system, name in _SHOWN.items()
        ]
    )
    yield from beside(metrics)
    gains = _gains(metrics)
    if not gains:
        return
    frame = pd.DataFrame(gains)
    yield chart(
        charts.gain(frame),
        "Gain over the base in nDCG@10, with 95 % intervals: "
        + "; ".join(
            f"{row.split} {row.mean:+.3f}, {row.low:+.3f} to {row.high:+.3f}" for row in gains
        ),
        "Dot and line: mean gain and its 95 % interval. Band: differences too small for this set to show reliably.",
    )
    names = {
        "split": "Split",
        "mean": "Gain",
        "low": "95 % from",
        "high": "to",
        "mde": "Smallest detectable",
    }
    yield table(
        frame.rename(columns=names),
        "Gain over the base, nDCG@10. Smallest detectable: the difference that such a set shows four times in five",
        {"Gain": "+.3f", "95 % from": "+.3f", "to": "+.3f"},
    )


def _verdict(metrics: Metrics, test: pd.DataFrame) -> Html:
    count = int(metrics.need("evaluate", "test_queries"))
    gain = next((gain for gain in _gains(metrics) if gain.split == "test"), None)
    if gain is None:
        return paragraph(
            f"The {count:,} test queries are too few, or too entangled, for an interval.", "note"
        )
    both = side_by_side(test)
    components = both["component_id"].nunique()
    better, worse = int((both["change"] > 1e-9).sum()), int((both["change"] < -1e-9).sum())
    measured = (
        f"{gain.mean:+.3f} nDCG@10 (95 % interval {gain.low:+.3f} to {gain.high:+.3f}, resampled over {components:,} "
        "components)"
    )
    tone: Tone = "note"
    said = (
        f"there is no evidence of a gain: the fine-tuned model differs from the base by {measured}"
    )
    if gain.low > 0:
        tone, said = "good", f"the fine-tuned model ranks better than the base by {measured}"
    elif gain.high < 0:
        tone, said = "bad", f"the fine-tuned model ranks worse than the base by {measured}"
    return paragraph(
        f"On {count:,} test queries {said}. {better:,} did better, {worse:,} worse and "
        f"{len(both) - better - worse:,} the same. A true difference of {gain.mde:.3f} would show four times in five.",
        tone,
    )


def _gains(metrics: Metrics) -> list[Gain]:
    rows = []
    for split in _SPLITS:
        mean, low, high, mde = (
            metrics.find("evaluate", _GAIN.format(split, part)) for part in _GAIN_PARTS
        )
        if mean is not None and low is not None and high is not None and mde is not None:
            rows.append(Gain(split, mean, low, high, mde))
    return rows


def _trust(metrics: Metrics) -> list[Html]:
    found = promises(metrics)
    broken = sum(check.broken > 0 for check in found)
    if broken:
        said = f"{broken} of {len(found)} promises are broken. Mend them before believing any number here."
        return [paragraph(said, "bad"), checks(found)]
    return [paragraph("Each of these is counted, not assumed, and must stand at 0."), checks(found)]


def _advice(pieces: list[str]) -> list[Html]:
    return [bullets(pieces) if pieces else paragraph("Nothing in the metrics stands out.")]


def _funnel(books: Sequence[Book]) -> list[Html]:
    rows = pd.DataFrame(books, columns=Book._fields)
    names = {
        "rows_in": "Rows in",
        "added": "Added",
        "dropped": "Dropped",
        "rows_out": "Rows out",
        "why": "Why",
    }
    words = "; ".join(f"{row.stage} {row.rows_in:,} in, {row.rows_out:,} out" for row in books)
    return [
        paragraph(
            "Rows in and added equal rows out and dropped. `python -m stages explain ID` tells one row's story."
        ),
        chart(
            charts.funnel(rows),
            f"Rows through the stages: {words}",
            "The number beside a bar: rows out.",
        ),
        table(rows.rename(columns={"stage": "Stage", **names}), "Row accounting of every stage"),
    ]


def _systems(metrics: Metrics, recall: pd.DataFrame) -> list[Html]:
    rows = [
        {"Split": split, "System": name}
        | {
            shown: metrics.need("evaluate", f"{split}.{system}.{measure}")
            for measure, shown in _MEASURES.items()
        }
        | {"Fine-tuned gains": _over(metrics, split, system)}
        for split in _SPLITS
        for system, name in SYSTEMS.items()
        if metrics.find("evaluate", f"{split}.{system}.ndcg_at_10") is not None
    ]
    documents, queries = (
        int(metrics.need(*key))
        for key in (("evaluate", "corpus_documents"), ("validate", "queries"))
    )
    caption = (
        f"Every system over the full corpus of {documents:,} documents; {queries:,} validation and "
        f"{int(metrics.need('evaluate', 'test_queries')):,} test queries. Last column: nDCG@10, 95 % interval"
    )
    shown = [table(pd.DataFrame(rows), caption)]
    drawn = recall[recall["split"].isin(_SPLITS) & recall["system"].isin(SYSTEMS)]
    if len(drawn):
        shown.append(
            chart(
                charts.recall(drawn),
                "Recall among the first k hits, per system, on validation and test",
            )
        )
    return shown


def _over(metrics: Metrics, split: str, system: str) -> str:
    """Return what the fine-tuned model gains over a system in nDCG@10, with its interval, if that is known."""
    found = [
        metrics.find("evaluate", f"{split}.gain.over_{system}.ndcg_at_10.{end}")
        for end in _GAIN_PARTS[:3]
    ]
    mean, low, high = (math.nan if value is None else value for value in found)
    return "" if math.isnan(low) else f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"


def _separation(metrics: Metrics, bins: pd.DataFrame) -> list[Html]:
    shown = [
        paragraph(
            "Cosine of validation anchors to their positives and to three kinds of negatives, by the base model. "
            "Random negatives show mispaired rows; BM25-hard ones share words with the anchor; dense-hard ones were "
            "chosen by this very model, so their overlap is no alarm."
        )
    ]
    panels = [
        panel
        for panel in PANELS
        if metrics.find("validate", f"separation.{panel}.roc_auc") is not None
    ]
    areas = [
        {
            "Negatives": PANELS[panel],
            "Gap of the means": metrics.need("validate", f"separation.{panel}.gap"),
            "ROC area": metrics.need("validate", f"separation.{panel}.roc_auc"),
        }
        for panel in panels
    ]
    drawn = bins[bins["panel"].isin(PANELS)]
    if len(drawn):
        words = "; ".join(f"{row['Negatives']}: ROC area {row['ROC area']:.3f}" for row in areas)
        shown.append(
            chart(separation(drawn), f"Histograms of cosines, positives against negatives. {words}")
        )
    frame = pd.DataFrame(areas, columns=["Negatives", "Gap of the means", "ROC area"])
    return [*shown, table(frame, "Separation of positives and negatives (0.5: none, 1: complete)")]


def _training(metrics: Metrics, loss: pd.DataFrame) -> list[Html]:
    need = metrics.need
    shown = [
        figures(
            [
                Figure("Tokens at most", f"{need('tokenize', 'max_tokens'):.0f}"),
                Figure("Texts cut", f"{need('tokenize', 'truncated_share'):.2%}"),
                Figure("Tokens lost", f"{need('tokenize', 'tokens_lost_share'):.2%}"),
                Figure("Unknown tokens", f"{need('tokenize', 'unknown_share'):.2%}"),
                Figure("Negatives per anchor", f"{need('mine', 'negatives_per_anchor'):.2f}"),
            ]
        )
    ]
    if loss.empty:
        return [*shown, paragraph("No loss was logged.", "note")]
    first, last = loss["loss"].iloc[0], loss["loss"].iloc[-1]
    words = f"Training loss from {first:.3f} at step {loss['step'].iloc[0]} to {last:.3f} at step {loss['step'].iloc[-1]}"
    return [*shown, chart(charts.loss(loss), words)]


def _changes(both: pd.DataFrame) -> list[Html]:
    bins = change_bins(both)
    better, worse = (
        int(bins.loc[bins["what"] == what, "queries"].sum()) for what in ("better", "worse")
    )
    said = (
        f"Of {len(both):,} validation queries {better:,} did better than with the base, {worse:,} worse and "
        f"{len(both) - better - worse:,} the same."
    )
    shown = [paragraph(said)]
    if len(bins):
        shown.append(
            chart(
                charts.changes(bins),
                f"Histogram of the change per query. {said}",
                "Unchanged ones left out.",
            )
        )
    return shown


def _worst(metrics: Metrics, both: pd.DataFrame, held: Held, count: int) -> list[Html]:
    if not count:
        return [paragraph("None are listed: `report.worst_queries` is 0.")]
    rows = worst(both, held, count)
    caption = (
        "Lowest nDCG@10 of the fine-tuned model first. A dash: not among the first hundred hits"
    )
    return [
        paragraph(
            f"Read these: wrong labels, missing answers and odd wording show here first. {label_errors(metrics)}"
        ),
        table(rows, caption),
    ]


def _every(metrics: Metrics) -> list[Html]:
    rows = [
        {
            "Metric": f"{stage}.{key}",
            "Value": f"{value:,}" if isinstance(value, int | float) else value,
        }
        for stage, values in metrics.stages.items()
        for key, value in sorted(values.items())
    ]
    return [
        folded(
            f"{len(rows)} numbers of {len(metrics.stages)} stages",
            table(pd.DataFrame(rows), "Metrics as in git"),
        )
    ]
