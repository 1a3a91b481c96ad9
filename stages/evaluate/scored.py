"""Pairs that a person scored, as a model sees them: how well its cosines agree.

Spearman 1904 (rank correlation, mean ranks for ties); average precision as the area under the precision-recall curve
in steps (Manning, Raghavan and Schütze 2008, 8.4), equal cosines taken together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.benchmark import Corpus
from stages.lib.retrieval import Vectors, best_scores
from stages.lib.statistics import interval

Rows = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]


def scored_in(scored: pd.DataFrame, corpus: Corpus, kept: Mapping[str, str]) -> pd.DataFrame:
    """Return the Scored pairs whose document is in `corpus`, with its position there; copies are resolved by `kept`."""
    position = {doc_id: at for at, doc_id in enumerate(corpus.doc_ids.tolist())}
    places = [position.get(kept.get(doc_id, doc_id), -1) for doc_id in scored["doc_id"]]
    placed = scored.assign(position=np.array(places, dtype=np.int64))
    return placed[placed["position"] >= 0].reset_index(drop=True)


def cosines(placed: pd.DataFrame, anchors: Vectors, passages: Vectors, corpus: Corpus) -> Numbers:
    """Return the cosine of each anchor to the best passage of its document, to six decimals, shape (pairs,)."""
    found = [
        float(best_scores(anchor, passages, [at], corpus.passage_starts)[0])
        for anchor, at in zip(anchors, placed["position"].tolist(), strict=True)
    ]
    return np.asarray(np.round(found, 6), dtype=np.float64)


def spearman(scores: Numbers, found: Numbers) -> float | None:
    """Return the rank correlation of two series, from -1 to 1; None where one of them does not vary."""
    left, right = _ranks(scores), _ranks(found)
    if not len(left) or not left.std() or not right.std():
        return None
    return float(np.corrcoef(left, right)[0, 1])


def _ranks(values: Numbers) -> Numbers:
    """Return the rank of each value from 1, equal ones sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], dtype=np.float64)


def average_precision(similar: npt.NDArray[np.bool_], found: Numbers) -> float | None:
    """Return the average precision of telling the `similar` pairs from the others; None without either kind."""
    if similar.all() or not similar.any():
        return None
    values, inverse = np.unique(-found, return_inverse=True)
    hits = np.bincount(inverse, weights=similar, minlength=len(values))
    precision = np.cumsum(hits) / np.cumsum(np.bincount(inverse, minlength=len(values)))
    return float((precision * hits).sum() / similar.sum())


def agreement(
    scored: pd.DataFrame, found: Mapping[str, Numbers], positive_from: float, seed: int
) -> dict[str, float]:
    """Return how well the cosines `found` by "base" and "finetuned" agree with the scores of the pairs.

    Rank correlation with the scores, average precision of telling pairs that score from `positive_from` on from the
    others, and the gain of "finetuned" in both, with an interval that resamples components. What cannot be said of
    these pairs is left out.
    """
    scores, components = (
        scored["score"].to_numpy(dtype=np.float64),
        scored["component_id"].to_numpy(dtype=str),
    )
    measures: dict[str, Callable[[Rows, Numbers], float | None]] = {
        "spearman": lambda at, of: spearman(scores[at], of[at]),
        "average_precision": lambda at, of: average_precision(scores[at] >= positive_from, of[at]),
    }
    every, told = np.arange(len(scored)), dict[str, float]()
    for name, measure in measures.items():
        values = {system: measure(every, of) for system, of in found.items()}
        told |= {f"{system}.{name}": value for system, value in values.items() if value is not None}
        gain = partial(_gain, measure, found)
        if (mean := gain(every)) is not None:
            told[f"gain.over_base.{name}.mean"] = mean
            if (ends := interval(gain, components, seed)) is not None:
                told |= {
                    f"gain.over_base.{name}.{end}": value for end, value in ends._asdict().items()
                }
    return told


def _gain(
    measure: Callable[[Rows, Numbers], float | None], found: Mapping[str, Numbers], at: Rows
) -> float | None:
    base, tuned = measure(at, found["base"]), measure(at, found["finetuned"])
    return None if base is None or tuned is None else tuned - base
