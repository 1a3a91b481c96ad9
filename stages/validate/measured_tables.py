"""Tables of the page: measurements, each with what it means."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from stages.lib.reporting.html import Html, html_table

Measurements = Mapping[str, float | int | str | None]

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
    "negatives.hidden_positives_share": "Mined negatives that are closer to the anchor than its "
    "positive, or nearly equal to it.",
    "negatives.labelled_positives_share": "Labelled negatives that nearly equal the positive.",
    "negatives.labelled_closer_share": "Labelled negatives that are closer to the anchor than the "
    "positive. No margin holds them back, and they are no fault.",
    "rows.duplicates_share": "Training rows that repeat another row.",
    "tokenize.truncated_share": "Texts that are cut before the model has read all of them.",
    "pair.anchor_in_positive_share": "Anchors whose words stand in their positive, in this order.",
    "pair.no_common_word_share": "Anchors that share no word with their positive.",
    "pair.balance.after.document.largest_share": "Share of pairs of the most frequent document.",
    "clean.private_left": "Texts with private data that is not replaced.",
}
_FALSE_NEGATIVES = "Hard negatives that are relevant after all, as the stage mine estimates."


def geometry_table(measurements: Measurements) -> list[Html]:
    """Return how the documents lie on the sphere, with what each number means."""
    rows = []
    for name, meaning in _GEOMETRY.items():
        rows.append((name.replace("_", " "), measurements[f"geometry.{name}"], meaning))

    frame = pd.DataFrame(rows, columns=["Metric", "Value", "Meaning"])
    return [html_table(frame, "How the documents lie on the sphere")]


def row_quality_table(measurements: Measurements) -> list[Html]:
    """Return what is wrong with the training rows, with what each number means."""
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
