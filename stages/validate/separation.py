"""Cosine separation: how far positives stand from negatives, on panels of three kinds of negatives.

Random negatives flatter every model and are a gate for mispaired rows and collapse; BM25-hard ones owe
nothing to any embedding; dense-hard ones are chosen by the base model itself, which makes that model
look worse than it is and any other better, so they are reported and never gated.
"""

from __future__ import annotations

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
_SEED = 20260101  # a constant: the panels are a function of the benchmark and the base model alone


class Panel(NamedTuple):
    """Cosines of queries with their answers and with negatives, both one-dimensional."""

    positives: npt.NDArray[np.float64]
    negatives: npt.NDArray[np.float64]


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
    negatives: dict[str, list[float]] = {name: [] for name in PANELS}
    for row, query_id in enumerate(held.queries["query_id"]):
        answers = {position[doc_id] for doc_id in held.grades[query_id] if doc_id in position}
        positives.extend(best_scores(queries[row], passages, sorted(answers), corpus.starts).tolist())
        for name in PANELS:
            others = [at for at in proposed[name][row].tolist() if at not in answers][:NEGATIVES]
            negatives[name].extend(best_scores(queries[row], passages, others, corpus.starts).tolist())
    if not positives or not all(negatives.values()):
        raise Problem(
            f"the {len(corpus.doc_ids)} documents hold {'nothing but' if positives else 'none of the'} answers to the "
            f"{len(queries)} validation queries, so there is nothing to measure",
            "bring more documents, or look at dropped.* in metrics/clean.json for where the answers went",
        )
    return {name: Panel(np.array(positives), np.array(negatives[name])) for name in PANELS}


def gap(panel: Panel) -> float:
    """Return mean positive minus mean negative cosine."""
    return float(panel.positives.mean() - panel.negatives.mean())


def roc_auc(panel: Panel) -> float:
    """Return the chance that a positive scores above a negative, ties counting half (Mann and Whitney 1947)."""
    ordered = np.sort(panel.negatives)
    below = np.searchsorted(ordered, panel.positives, side="left")
    upto = np.searchsorted(ordered, panel.positives, side="right")
    return float((below + upto).sum() / 2 / (len(panel.positives) * len(panel.negatives)))


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
