"""Cosine separation: how far positives stand from negatives, on panels of several kinds of negatives.

Random negatives flatter every model and show mispaired rows and collapse; BM25-hard ones owe nothing to any embedding;
dense-hard ones are chosen by a model itself, which makes that model look worse than it is and any other better.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.heldout import Corpus, HeldOut
from stages.lib.retrieval import Vectors, best_scores
from stages.lib.topk import Integers

NEGATIVES = 5
_FINE_BINS = 100
_SEED = 20260101  # a constant: the panels are a function of the benchmark and the base model alone


class Panel(NamedTuple):
    """Cosines of queries with their answers and with negatives, both one-dimensional.

    `positive_query` and `negative_query` have the number of the query of each, where it is known.
    """

    positives: npt.NDArray[np.float64]
    negatives: npt.NDArray[np.float64]
    positive_query: npt.NDArray[np.int64] | None = None
    negative_query: npt.NDArray[np.int64] | None = None


def at_random(queries: int, documents: int) -> Integers:
    """Return documents that are proposed for the panel "random": positions, shape (queries, more than NEGATIVES)."""
    return np.random.default_rng(_SEED).integers(0, documents, size=(queries, NEGATIVES + 10))


def panels(
    queries: Vectors,
    passages: Vectors,
    corpus: Corpus,
    held: HeldOut,
    proposed: Mapping[str, Integers],
) -> dict[str, Panel]:
    """Return a panel for each of `proposed`: every (query, answer) against NEGATIVES documents per query that are none.

    `proposed` has positions of documents (queries, any number), hardest first. Without any answer among the documents,
    or with nothing but answers, there is nothing to measure, and no panel.
    """
    position = {doc_id: at for at, doc_id in enumerate(corpus.doc_ids.tolist())}
    positives: list[float] = []
    asked: list[int] = []
    negatives: dict[str, list[float]] = {name: [] for name in proposed}
    against: dict[str, list[int]] = {name: [] for name in proposed}
    for row, query_id in enumerate(held.queries["query_id"]):
        answers = {position[doc_id] for doc_id in held.grades[query_id] if doc_id in position}
        positives.extend(
            best_scores(queries[row], passages, sorted(answers), corpus.starts).tolist()
        )
        asked.extend([row] * len(answers))
        for name, found in proposed.items():
            others = [at for at in found[row].tolist() if at not in answers][:NEGATIVES]
            negatives[name].extend(
                best_scores(queries[row], passages, others, corpus.starts).tolist()
            )
            against[name].extend([row] * len(others))
    if not positives or not all(negatives.values()):
        return {}
    return {
        name: Panel(
            np.array(positives), np.array(negatives[name]), np.array(asked), np.array(against[name])
        )
        for name in proposed
    }


def summary(panel: Panel) -> dict[str, float]:
    """Return everything that is measured of a panel, by name."""
    told = {
        "gap": gap(panel),
        "standardised_gap": standardised_gap(panel),
        "roc_auc": roc_auc(panel),
        "overlap": overlap(panel),
    }
    if panel.negative_query is not None:
        told |= {"query_auc": query_auc(panel), "violations": violations(panel)}
    return told


def gap(panel: Panel) -> float:
    """Return mean positive minus mean negative cosine."""
    return float(panel.positives.mean() - panel.negatives.mean())


def roc_auc(panel: Panel) -> float:
    """Return the chance that a positive scores above a negative, ties counting half (Mann and Whitney 1947)."""
    ordered = np.sort(panel.negatives)
    below = np.searchsorted(ordered, panel.positives, side="left")
    upto = np.searchsorted(ordered, panel.positives, side="right")
    return float((below + upto).sum() / 2 / (len(panel.positives) * len(panel.negatives)))


def standardised_gap(panel: Panel) -> float:
    """Return the gap in pooled standard deviations (d'), which compares across models; 0 where nothing varies."""
    spread = float(np.sqrt((panel.positives.var() + panel.negatives.var()) / 2))
    return gap(panel) / spread if spread > 0 else 0.0


def overlap(panel: Panel) -> float:
    """Return the share that the histograms of positives and negatives have in common: 0 apart, 1 the same."""
    edges = np.linspace(-1.0, 1.0, _FINE_BINS + 1)
    shares = [
        np.histogram(np.clip(values, -1.0, 1.0), edges)[0] / len(values)
        for values in (panel.positives, panel.negatives)
    ]
    return float(np.minimum(*shares).sum())


def query_auc(panel: Panel) -> float:
    """Return the mean over queries of their own ROC AUC, which no difference between queries can move."""
    return float(np.mean([roc_auc(Panel(*found)) for found in _by_query(panel)]))


def violations(panel: Panel) -> float:
    """Return the share of queries whose hardest negative scores at least as high as their best answer."""
    return float(np.mean([found[1].max() >= found[0].max() for found in _by_query(panel)]))


def _by_query(panel: Panel) -> list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
    assert panel.positive_query is not None
    assert panel.negative_query is not None
    numbers = np.intersect1d(panel.positive_query, panel.negative_query)
    return [
        (panel.positives[panel.positive_query == at], panel.negatives[panel.negative_query == at]) for at in numbers
    ]
