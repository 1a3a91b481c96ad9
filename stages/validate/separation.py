"""The panels of validation: of four kinds of negatives, and which of them are gates.

Random negatives are a gate for mispaired rows and collapse, BM25-hard ones the other gate; dense-hard ones are chosen
by the base model, so they are reported and never gated. Labelled ones are pairs that people found dissimilar, where
there are any.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stages.lib.errors import Problem
from stages.lib.heldout import Corpus, HeldOut
from stages.lib.retrieval import Hits, Vectors, best_scores
from stages.lib.separation import Panel, at_random
from stages.lib.separation import panels as measured

BINS = 50


def panels(
    queries: Vectors, passages: Vectors, corpus: Corpus, held: HeldOut, bm25: Hits, dense: Hits
) -> dict[str, Panel]:
    """Return the panels "random", "bm25" and "dense".

    Raises Problem when no answer, or nothing but answers, is left among the documents.
    """
    proposed = {
        "random": at_random(len(queries), len(corpus.doc_ids)),
        "bm25": bm25.positions,
        "dense": dense.positions,
    }
    if found := measured(queries, passages, corpus, held, proposed):
        return found
    known = set(corpus.doc_ids.tolist())
    answered = any(doc_id in known for grades in held.qrels.values() for doc_id in grades)
    raise Problem(
        f"the {len(corpus.doc_ids)} documents hold {'nothing but' if answered else 'none of the'} answers to the "
        f"{len(queries)} validation queries, so there is nothing to measure",
        "bring more documents, or look at dropped.* in metrics/clean.json for where the answers went",
    )


def labelled(
    anchors: Vectors, doc_ids: Sequence[str], passages: Vectors, corpus: Corpus, positives: Panel
) -> dict[str, Panel]:
    """Return the panel "labelled": pairs that people found dissimilar, against the answers of `positives`.

    `anchors` (pairs, d) and `doc_ids` name the pairs; one whose document is not in the corpus is left out, and without
    any there is no panel. Their anchors need not be queries, so nothing is measured per query.
    """
    position = {doc_id: at for at, doc_id in enumerate(corpus.doc_ids.tolist())}
    cosines = [
        float(best_scores(anchor, passages, [position[doc_id]], corpus.passage_starts)[0])
        for anchor, doc_id in zip(anchors, doc_ids, strict=True)
        if doc_id in position
    ]
    return {"labelled": Panel(positives.positives, np.array(cosines))} if cosines else {}


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
