"""The gain of the fine-tuned model on each slice of the queries, and by each further metric.

A slice is one of many questions to the same queries, so its p-value is corrected for their number
(Holm 1979). A slice with too few components has means and no verdict. Means are weighted by the
components of the slice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.evaluate.results import (
    PRIMARY_METRIC,
    IntervalSettings,
    PairedScores,
    paired_scores,
)
from stages.lib.analysis.intervals import PairedTest, holm_correction, significance
from stages.lib.core.git_texts import label_id
from stages.lib.evaluation.evaluation_set import EvaluationSet
from stages.lib.evaluation.ranking_metrics import METRICS
from stages.lib.evaluation.weights import weighted_mean
from stages.lib.schemas.pairs import is_synthetic

SLICE_COLUMNS = (
    *("split", "kind", "slice", "queries", "components"),
    *("base", "finetuned", "gain", "low", "high", "p", "finding"),
)
NO_NAME = "(none)"
OTHERS = "(others)"
# Kinds whose names are words of the user's data.
LABEL_KINDS = ("relation", "topic")
MAX_SLICES = 50  # of one kind; smaller ones are put together
# The most words of a query in each slice of length.
_LENGTHS = {1: "1 word", 2: "2 words", 3: "3 words", 5: "4 to 5 words", 9: "6 to 9 words"}
_LONGEST = "10 words or more"


def query_slices(
    evaluation_set: EvaluationSet, topic_of_document: Mapping[str, str]
) -> dict[str, pd.Series[str]]:
    """Return kind of slice to a series with the slice of every query, indexed by query id.

    The topic of a query is that of its best document. A kind with the same slice for all queries is
    left out.
    """
    queries = evaluation_set.queries.set_index("query_id")

    # A document without a topic gives an empty one.
    topics = {
        query_id: topic_of_document.get(evaluation_set.best_document(query_id), "")
        for query_id in queries.index
    }
    origins = is_synthetic(queries["source"]).map({True: "made by a recipe", False: "real"})

    slices_by_kind = {
        "relation": queries["relation"],
        "topic": pd.Series(topics, dtype="str"),
        "length": queries["text"].map(length_slice),
        "source": queries["source"],
        "origin": origins,
    }
    return {
        kind: slices.replace("", NO_NAME)
        for kind, slices in slices_by_kind.items()
        if slices.nunique() > 1
    }


def length_slice(text: str) -> str:
    """Return the slice of length for a query.

    >>> length_slice("high fever at night")
    '4 to 5 words'
    """
    word_count = len(text.split())
    for most_words, name in _LENGTHS.items():
        if word_count <= most_words:
            return name
    return _LONGEST


class _Slice(NamedTuple):
    """One row of the table of slices: its kind and name, and the scores of its queries."""

    kind: str
    name: str
    scores: PairedScores


def slice_gains(
    results: pd.DataFrame,
    evaluation_set: EvaluationSet,
    topic_of_document: Mapping[str, str],
    settings: IntervalSettings,
) -> pd.DataFrame:
    """Return a row per slice of one split's QueryResults, and one per metric besides nDCG@10.

    The columns are SLICE_COLUMNS. Means are weighted by the components of the slice. `low` and
    `high` bound the gain (95 %); `p` is corrected for the number of rows that have one. Numbers
    have four digits.
    """
    # All metrics but the primary one on all queries, then the primary one on each slice.
    slices = [
        _Slice("measure", name, paired_scores(results, name))
        for name in METRICS
        if name != PRIMARY_METRIC
    ]
    scores = paired_scores(results, PRIMARY_METRIC)
    for kind, slice_of_query in query_slices(evaluation_set, topic_of_document).items():
        names = slice_of_query.loc[list(scores.query_ids)].to_numpy(dtype=object)
        slices += _slices_of_kind(kind, names, scores)

    # Rows with too few components have no p-value, and do not count in the correction.
    gain_of_slice = [part.scores.gain(settings) for part in slices]
    corrected = iter(holm_correction([gain.p for gain in gain_of_slice if gain.p is not None]))

    # One row per slice.
    split = str(results["split"].iloc[0])
    rows = []
    for part, gain in zip(slices, gain_of_slice, strict=True):
        p_value = None if gain.p is None else next(corrected)
        rows.append(_slice_row(split, part, gain, p_value=p_value, settings=settings))
    frame = pd.DataFrame(rows, columns=SLICE_COLUMNS).round(4)

    # Adding 0.0 turns -0.0 into 0.0. A diff would show -0.0 as a change.
    numeric_columns = frame.columns[frame.dtypes == "float64"]
    return frame.assign(**{name: frame[name] + 0.0 for name in numeric_columns})


def _slices_of_kind(
    kind: str, names: npt.NDArray[np.object_], scores: PairedScores
) -> list[_Slice]:
    """Return the slices of one kind, the largest first, the smallest of very many as one.

    `names` has the slice of each query of `scores`.
    """
    count_by_name = Counter(names.tolist())
    ordered = sorted(count_by_name, key=lambda name: (-count_by_name[name], name))
    slices = [_Slice(kind, name, scores.select(names == name)) for name in ordered[:MAX_SLICES]]

    # The smallest slices are put together.
    rest = ordered[MAX_SLICES:]
    if rest:
        slices.append(_Slice(kind, OTHERS, scores.select(np.isin(names, rest))))
    return slices


def _slice_row(
    split: str,
    part: _Slice,
    gain: PairedTest,
    *,
    p_value: float | None,
    settings: IntervalSettings,
) -> tuple[Any, ...]:
    """Return one row of SLICE_COLUMNS."""
    # The means of both systems, weighted like their difference.
    scores = part.scores
    base_mean = weighted_mean(scores.other, scores.components, settings.component_weight)
    tuned_mean = weighted_mean(scores.tuned, scores.components, settings.component_weight)

    # Without an interval both ends are missing values.
    low = gain.effect.low if gain.effect else None
    high = gain.effect.high if gain.effect else None

    return (
        *(split, part.kind, part.name, gain.queries, gain.components),
        *(base_mean, tuned_mean, gain.mean, low, high, p_value, significance(gain, p_value)),
    )


def without_labels(slice_table: pd.DataFrame) -> pd.DataFrame:
    """Return the slices with an id in place of each name that the user's data gave."""
    is_label = slice_table["kind"].isin(LABEL_KINDS)
    is_label &= ~slice_table["slice"].isin([NO_NAME, OTHERS])
    names = slice_table["slice"].mask(is_label, slice_table["slice"].map(label_id))
    return slice_table.assign(slice=names)


def slice_counts(slice_table: pd.DataFrame, split: str) -> dict[str, int]:
    """Return how many slices of `split` have a verdict, and how many are better or worse."""
    # The rows of other metrics than nDCG@10 are no slices.
    is_slice = (slice_table["split"] == split) & (slice_table["kind"] != "measure")
    verdicts = slice_table.loc[is_slice, "finding"]
    return {
        f"{split}.slices.judged": int((verdicts != "too few components").sum()),
        f"{split}.slices.better": int((verdicts == "better").sum()),
        f"{split}.slices.worse": int((verdicts == "worse").sum()),
    }
