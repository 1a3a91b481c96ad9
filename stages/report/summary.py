"""The first section of the page: the verdict, the rows, and the gain over the base model."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from stages.lib.reporting.charts import svg_figure
from stages.lib.reporting.details import StageDetails
from stages.lib.reporting.funnel import funnel
from stages.lib.reporting.html import Html, KeyFigure, Tone, html_table, key_figures, paragraph
from stages.lib.reporting.sample import sample_note
from stages.lib.schemas.runs import SYSTEMS
from stages.report import charts
from stages.report.given_split import given_split_and_grades
from stages.report.queries import count_changes, paired_results
from stages.report.results import harm_and_raw_queries
from stages.report.training_distance import split_unit, trained_documents
from stages.report.written_queries import written_queries

SPLITS = ("test", "validation")

# The systems at the top of the page.
_HEADLINE_SYSTEMS = ("bm25", "base", "finetuned")
_GAIN_HEADINGS = {
    "split": "Split",
    "mean": "Gain",
    "plain": "Plain",
    "low": "95 % from",
    "high": "to",
    "mde": "Smallest detectable",
}


class Gain(NamedTuple):
    """The weighted gain over the base model on a split, with its 95 % interval.

    `plain` is the gain in which each query counts once.
    """

    split: str
    mean: float
    plain: float
    low: float
    high: float
    mde: float


def summary_parts(metrics: StageDetails, test: pd.DataFrame) -> list[Html]:
    """Return the parts of the section; `test` holds the results of each test query."""
    # Three numbers to see at once.
    numbers = []
    for system in _HEADLINE_SYSTEMS:
        name = SYSTEMS[system]
        scores = [metrics.require("evaluate", f"{split}.{system}.ndcg_at_10") for split in SPLITS]
        plain_score = metrics.require("evaluate", f"test.plain.{system}.ndcg_at_10")
        label = f"{name[0].upper()}{name[1:]}, test nDCG@10"
        note = f"plain {plain_score:.3f}; validation {scores[1]:.3f}"
        numbers.append(KeyFigure(label, f"{scores[0]:.3f}", note))

    rows = paragraph(f"Rows: {funnel(metrics.stages).line}.")
    parts = [
        *sample_note(metrics.stages["evaluate"]),
        _verdict(metrics, test),
        *written_queries(metrics),
        *given_split_and_grades(metrics),
        rows,
    ]
    parts += [key_figures(numbers), *harm_and_raw_queries(metrics)]
    gains = _gains(metrics)
    if not gains:
        return parts

    # The gain on both splits, as a chart and as a table.
    frame = pd.DataFrame(gains)
    points = [f"{row.split} {row.mean:+z.3f}, {row.low:+z.3f} to {row.high:+z.3f}" for row in gains]
    description = f"Gain over the base in nDCG@10, with 95 % intervals: {'; '.join(points)}"
    caption = (
        "Dot and line: the mean gain and its 95 % interval. Grey band: differences that are too "
        "small for this set to show reliably."
    )
    table_caption = (
        "Gain over the base model, nDCG@10. A true difference of the smallest detectable size is "
        "found in four of five cases. Plain: the gain where each query counts once."
    )
    formats = {"Gain": "+z.3f", "Plain": "+z.3f", "95 % from": "+z.3f", "to": "+z.3f"}
    parts.append(svg_figure(charts.gain_chart(frame), description, caption))
    parts.append(html_table(frame.rename(columns=_GAIN_HEADINGS), table_caption, formats))
    return parts


def _verdict(metrics: StageDetails, test: pd.DataFrame) -> Html:
    count = int(metrics.require("evaluate", "test_queries"))
    gain = next((gain for gain in _gains(metrics) if gain.split == "test"), None)
    worth = trained_documents(metrics, "test")
    if gain is None:
        too_few = f"The {count:,} test queries are of too few components for an interval."
        return paragraph(_in_order(metrics, too_few, worth), "note")

    # How many queries changed.
    paired = paired_results(test)
    components = paired["component_id"].nunique()
    better, worse = count_changes(paired)
    same = len(paired) - better - worse
    gain_text = (
        f"{gain.mean:+z.3f} nDCG@10 (95 % interval {gain.low:+z.3f} to {gain.high:+z.3f}, "
        f"resampled over {components:,} components)"
    )

    # The interval decides what may be claimed.
    tone: Tone = "note"
    claim = f"there is no evidence of a gain. The difference from the base model is {gain_text}"
    if gain.low > 0:
        tone = "good"
        claim = f"the fine-tuned model ranks better than the base model by {gain_text}"
    elif gain.high < 0:
        tone = "bad"
        claim = f"the fine-tuned model ranks worse than the base model by {gain_text}"

    verdict = (
        f"On {count:,} test queries {claim}. Of these queries {better:,} did better, {worse:,} "
        f"worse and {same:,} the same. {_weights(metrics)} the gain is {gain.plain:+z.3f}. "
        f"This set finds a true difference of {gain.mde:.3f} in four of five cases."
    )
    return paragraph(_in_order(metrics, verdict, worth), tone)


def _in_order(metrics: StageDetails, verdict: str, worth: str) -> str:
    """Return both texts. Where splits share documents by design, what that is worth comes first."""
    is_shared = split_unit(metrics) == "anchor"
    return f"{worth} {verdict}" if is_shared else f"{verdict} {worth}"


def _weights(metrics: StageDetails) -> str:
    """Return the rule of the means, and the start of a sentence on the plain ones."""
    weight = int(metrics.require("evaluate", "component_weight"))
    return f"A component counts as at most {weight:,} queries; where each query counts once,"


def _gains(metrics: StageDetails) -> list[Gain]:
    """Return the gain on each split that has one."""
    gains = []
    for split in SPLITS:
        key = f"{split}.gain.over_base.ndcg_at_10"
        mean = metrics.get("evaluate", f"{key}.mean")
        low = metrics.get("evaluate", f"{key}.low")
        high = metrics.get("evaluate", f"{key}.high")
        mde = metrics.get("evaluate", f"{key}.mde")
        if mean is not None and low is not None and high is not None and mde is not None:
            plain = metrics.require("evaluate", f"{key}.plain")
            gains.append(Gain(split, mean, plain, low=low, high=high, mde=mde))

    return gains
