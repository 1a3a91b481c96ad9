"""The page of `validate`: the verdict, what it rests on, and where to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from stages.lib.charts import separation
from stages.lib.page import Figure, Html, chart, figures, page, paragraph, table
from stages.lib.page import Section as Part
from stages.validate.separation import PANELS


class Gate(NamedTuple):
    """A measured value that must reach (or not exceed) a limit, and what to look at when it does not."""

    name: str
    value: float
    limit: float
    at_least: bool
    advice: str

    @property
    def passed(self) -> bool:
        """Return whether the value is on the right side of the limit."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def wanted(self) -> str:
        """Return the limit in words."""
        return f"{'at least' if self.at_least else 'at most'} {self.limit:g}"


Measured = Mapping[str, float | int | str]


def render(gates: Sequence[Gate], measured: Measured, histogram: pd.DataFrame) -> str:
    """Return the page as one HTML file that opens offline."""
    return page(
        "Is this data worth training on?",
        f"Measured on {measured['queries']} validation queries with the base model. The test split was not opened.",
        [
            Part("Verdict", [*_verdict(gates), *_caution(measured)]),
            Part("The base model", _base(measured)),
            Part("Separation", _separation(measured, histogram)),
        ],
    )


def _verdict(gates: Sequence[Gate]) -> list[Html]:
    failed = [gate for gate in gates if not gate.passed]
    told = [
        paragraph(f"{gate.name} is {gate.value:.4g}, the limit {gate.limit:g}. {gate.advice}", "bad") for gate in failed
    ]
    if failed:
        told.insert(0, paragraph(f"{len(failed)} of {len(gates)} gates failed: training is refused.", "bad"))
    else:
        told.append(paragraph("This data may be trained on: every gate is passed.", "good"))
    rows = [(gate.name, f"{gate.value:.4g}", gate.wanted, "pass" if gate.passed else "fail") for gate in gates]
    return [*told, table(pd.DataFrame(rows, columns=["gate", "measured", "wanted", "verdict"]), "Gates")]


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
    ndcg = Figure("nDCG@10", f"{measured['base.ndcg_at_10']:.3f}", "before any training, full corpus")
    recall = Figure("Recall@100", f"{measured['base.recall_at_100']:.3f}", "within reach of a better ranking")
    return [figures([ndcg, recall])]


def _separation(measured: Measured, histogram: pd.DataFrame) -> list[Html]:
    rows = [(name, measured[f"separation.{name}.gap"], measured[f"separation.{name}.roc_auc"]) for name in PANELS]
    return [
        paragraph(
            "Cosine of validation queries with their answers, and with documents that are none. Random negatives "
            "are easy for any model and show mispaired rows; BM25-hard ones share words with the query; dense-hard "
            "ones are what the base model itself ranks first, so it looks worse on them than it is."
        ),
        chart(
            separation(histogram), "Histograms of the cosines of positives and negatives, for each kind of negative."
        ),
        table(
            pd.DataFrame(rows, columns=["panel", "gap", "ROC AUC"]),
            "Gap: mean positive minus mean negative cosine. ROC AUC: the chance that a positive scores higher.",
        ),
    ]
