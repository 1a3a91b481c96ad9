"""Cosine separation: how far positives stand from negatives, on panels of four kinds of negatives.

Random negatives flatter every model and are a gate for mispaired rows and collapse; BM25-hard ones owe
nothing to any embedding; dense-hard ones are chosen by the base model itself, which makes that model
look worse than it is and any other better, so they are reported and never gated. Labelled ones are pairs that
people found dissimilar, where there are any.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.benchmark import Corpus, HeldOut
from stages.lib.errors import Problem
from stages.lib.retrieval import Hits, Vectors, best_scores

PANELS = ("random", "bm25", "dense")
NEGATIVES = 5
BINS = 50
_FINE_BINS = 100
_SEED = 20260101  # a constant: the panels are a function of the benchmark and the base model alone


class Panel(NamedTuple):
    """Cosines of queries with their answers and with negatives, both one-dimensional.

    `asked` and `against` have the number of the query of each, where it is known.
    """

    positives: npt.NDArray[np.float64]
    negatives: npt.NDArray[np.float64]
    asked: npt.NDArray[np.int64] | None = None
    against: npt.NDArray[np.int64] | None = None


def panels(
    queries: Vectors, passages: Vectors, corpus: Corpus, held: HeldOut, bm25: Hits, dense: Hits
) -> dict[str, Panel]:
    """Return the three panels: every (query, answer) against NEGATIVES documents per query that are none.

    Raises Problem when no answer, or nothing but answers, is left among the documents.
    """
    position = {doc_id: at for at, doc_id in enumerate(corpus.doc_ids.tolist())}
    random = np.random.default_rng(_SEED)
    proposed = {
        "random": random.integers(0, len(corpus.doc_ids), size=(len(queries), NEGATIVES + 10)),
        "bm25": bm25.positions,
        "dense": dense.positions,
    }
    positives: list[float] = []
    asked: list[int] = []
    negatives: dict[str, list[float]] = {name: [] for name in PANELS}
    against: dict[str, list[int]] = {name: [] for name in PANELS}
    for row, query_id in enumerate(held.queries["query_id"]):
        answers = {position[doc_id] for doc_id in held.grades[query_id] if doc_id in position}
        positives.extend(best_scores(queries[row], passages, sorted(answers), corpus.starts).tolist())
        asked.extend([row] * len(answers))
        for name in PANELS:
            others = [at for at in proposed[name][row].tolist() if at not in answers][:NEGATIVES]
            negatives[name].extend(best_scores(queries[row], passages, others, corpus.starts).tolist())
            against[name].extend([row] * len(others))
    if not positives or not all(negatives.values()):
        raise Problem(
            f"the {len(corpus.doc_ids)} documents hold {'nothing but' if positives else 'none of the'} answers to the "
            f"{len(queries)} validation queries, so there is nothing to measure",
            "bring more documents, or look at dropped.* in metrics/clean.json for where the answers went",
        )
    return {
        name: Panel(np.array(positives), np.array(negatives[name]), np.array(asked), np.array(against[name]))
        for name in PANELS
    }


def labelled(
    anchors: Vectors, doc_ids: Sequence[str], passages: Vectors, corpus: Corpus, positives: Panel
) -> dict[str, Panel]:
    """Return the panel "labelled": pairs that people found dissimilar, against the answers of `positives`.

    `anchors` (pairs, d) and `doc_ids` name the pairs; one whose document is not in the corpus is left out, and without
    any there is no panel. Their anchors need not be queries, so nothing is measured per query.
    """
    position = {doc_id: at for at, doc_id in enumerate(corpus.doc_ids.tolist())}
    cosines = [
        float(best_scores(anchor, passages, [position[doc_id]], corpus.starts)[0])
        for anchor, doc_id in zip(anchors, doc_ids, strict=True)
        if doc_id in position
    ]
    return {"labelled": Panel(positives.positives, np.array(cosines))} if cosines else {}


def summary(panel: Panel) -> dict[str, float]:
    """Return everything that is measured of a panel, by name."""
    told = {
        "gap": gap(panel),
        "standardised_gap": standardised_gap(panel),
        "roc_auc": roc_auc(panel),
        "overlap": overlap(panel),
    }
    if panel.against is not None:
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
    assert panel.asked is not None
    assert panel.against is not None
    numbers = np.intersect1d(panel.asked, panel.against)
    return [(panel.positives[panel.asked == at], panel.negatives[panel.against == at]) for at in numbers]


def histogram(found: dict[str, Panel]) -> pd.DataFrame:
    """Return the panels as shares per bin of cosine: columns panel, kind, cosine (bin centre), share."""
    edges = np.linspace(-1.0, 1.0, BINS + 1)
    centres = (edges[:-1] + edges[1:]) / 2
    rows: list[tuple[str, str, float, float]] = []
    for name, panel in found.items():
        for kind, values in (("positive", panel.positives), ("negative", panel.negatives)):
            shares = np.histogram(np.clip(values, -1.0, 1.0), edges)[0] / len(values)
            rows.extend(
                (name, kind, round(float(at), 3), round(float(share), 6))
                for at, share in zip(centres, shares, strict=True)
                if share
            )
    return pd.DataFrame(rows, columns=["panel", "kind", "cosine", "share"])
