"""Parts of the page about what the split is worth: trained documents, and the gain by nearness."""

from __future__ import annotations

import pandas as pd

from stages.lib.reporting.details import StageDetails
from stages.lib.reporting.html import Html, html_table, paragraph
from stages.lib.reporting.worth import trained_documents_sentence

_KINDS = {
    "trained_query": "the nearest trained query",
    "trained_document": "the nearest trained document",
}
_SPLITS = ("validation", "test")


def split_unit(metrics: StageDetails) -> str:
    """Return the unit of the split, as `validate` noted it."""
    return str(metrics.stages["validate"].get("split_unit", ""))


def trained_documents(metrics: StageDetails, split: str) -> str:
    """Return one sentence: how many queries of a split ask for a document that was trained on."""
    share = metrics.require("evaluate", f"{split}.trained_documents_share")
    return trained_documents_sentence(share, f"{split} queries", split_unit(metrics))


def nearness_parts(metrics: StageDetails) -> list[Html]:
    """Return the gain by similarity to training: a sentence and a table for each kind."""
    parts: list[Html] = []
    for kind, name in _KINDS.items():
        rows = _tenths(metrics, kind)
        if not rows:
            continue

        parts.append(paragraph(_halves(metrics, kind, name)))
        caption = f"Gain over the base model in nDCG@10, by cosine to {name}, farthest tenths first"
        parts.append(html_table(pd.DataFrame(rows), caption))

    if not parts:
        return [paragraph("Nothing was measured.", "note")]

    introduction = paragraph(
        f"{_audited(metrics)} Similarity is the cosine of the base model: of a query to trained "
        "queries, and of its relevant documents to trained documents. A gain that holds for the "
        "farthest tenths is no memory of training."
    )
    return [introduction, *parts]


def _audited(metrics: StageDetails) -> str:
    """Return a sentence on what the audit of the split found, and on what it cannot see."""
    if metrics.require("split", "leaked_texts"):
        return "The audit of the split found leaks: see the invariants."

    shares = [metrics.require("evaluate", f"{split}.trained_documents_share") for split in _SPLITS]
    if any(shares):
        return "Training shares documents with held-out queries, as the unit of the split allows."
    return (
        "The audit found no held-out text in training, to the letter or nearly. A text may be "
        "close to training all the same."
    )


def _halves(metrics: StageDetails, kind: str, name: str) -> str:
    """Return a sentence on the gain of the far half and of the near half, by held-out split."""
    sentences = []
    for split in _SPLITS:
        far = _gain(metrics, f"{split}.nearness.{kind}.far")
        near = _gain(metrics, f"{split}.nearness.{kind}.near")
        if far and near:
            sentences.append(
                f"The half of the {split} queries that is farthest from {name} gains {far}, the "
                f"nearest half {near}."
            )

    return " ".join(sentences)


def _tenths(metrics: StageDetails, kind: str) -> list[dict[str, str]]:
    """Return a row for each tenth, with the columns of both held-out splits."""
    rows: list[dict[str, str]] = []
    for number in range(1, 11):
        row: dict[str, str] = {"Tenth": str(number)}
        for split in _SPLITS:
            prefix = f"{split}.nearness.{kind}.tenth_{number:02}"
            low = metrics.get("evaluate", f"{prefix}.cosine_from")
            high = metrics.get("evaluate", f"{prefix}.cosine_to")
            if low is not None and high is not None:
                row[f"Cosine, {split}"] = f"{low:.2f} to {high:.2f}"
                row[f"Gain, {split}"] = _gain(metrics, prefix)

        if len(row) > 1:
            rows.append(row)

    return rows


def _gain(metrics: StageDetails, prefix: str) -> str:
    """Return a gain with its interval, such as "+0.112 (+0.083 to +0.137)"; empty without one."""
    gain = metrics.get("evaluate", f"{prefix}.gain")
    low = metrics.get("evaluate", f"{prefix}.gain_low")
    high = metrics.get("evaluate", f"{prefix}.gain_high")
    if gain is None:
        return ""
    if low is None or high is None:
        return f"{gain:+z.3f}"
    return f"{gain:+z.3f} ({low:+z.3f} to {high:+z.3f})"
