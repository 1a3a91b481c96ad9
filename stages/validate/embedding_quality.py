"""How the base model's embeddings lie: positives against negatives, and documents on the sphere.

Random negatives show mispaired rows and collapse, and BM25-hard ones documents that answer several
queries. Both are gates. Dense-hard negatives are chosen by the base model itself, so they are
reported and never a gate. Labelled ones are pairs that a person found dissimilar, if there are any.

Sources: Wang and Isola 2020 (alignment, uniformity); Roy and Vetterli 2007 (effective rank);
Radovanovic, Nanopoulos and Ivanovic 2010 (hubness as the skewness of k-occurrences).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.analysis.own_texts import OwnTexts
from stages.lib.analysis.separation import Panel, panel_metrics, random_negatives, separation_panels
from stages.lib.core.errors import UserError
from stages.lib.core.ids import hash_hex
from stages.lib.retrieval.corpus import Corpus
from stages.lib.retrieval.search import Hits, Vectors, document_scores
from stages.validate.learning_curve import ProbeExperiment

# Bins of the histograms of cosines.
BINS = 50

# How many documents the geometry is measured on.
SAMPLE_SIZE = 4000
NEIGHBOURS = 10

# How many rows of cosines are in memory at a time.
_COSINE_ROWS = 512


class Separation(NamedTuple):
    """Cosines of queries with relevant documents and with negatives, by kind of negative."""

    panels: dict[str, Panel]

    def metrics(self) -> dict[str, float]:
        """Return the metrics of each kind of negative."""
        metrics: dict[str, float] = {}
        for name, panel in self.panels.items():
            for key, value in panel_metrics(panel).items():
                metrics[f"separation.{name}.{key}"] = value

        return metrics


def measure_separation(experiment: ProbeExperiment, bm25: Hits, dense: Hits) -> Separation:
    """Return the separation from random, BM25-hard and dense-hard negatives.

    Raises:
        UserError: the corpus holds no relevant document, or nothing else.
    """
    corpus = experiment.corpus
    query_count = len(experiment.query_vectors)
    candidates = {
        "random": random_negatives(query_count, len(corpus.doc_ids)),
        "bm25": bm25.positions,
        "dense": dense.positions,
    }
    panels = separation_panels(
        experiment.query_vectors,
        experiment.passage_vectors,
        corpus,
        experiment.evaluation_set,
        candidates,
    )
    if panels:
        return Separation(panels)

    # Nothing was measured: say which kind of document is missing.
    corpus_ids = set(corpus.doc_ids.tolist())
    relevant_ids = {
        doc_id for grades in experiment.evaluation_set.qrels.values() for doc_id in grades
    }
    lack = "nothing but" if corpus_ids & relevant_ids else "none of the"
    raise UserError(
        f"the {len(corpus.doc_ids)} documents hold {lack} answers to the {query_count} validation "
        "queries, so there is nothing to measure",
        "bring more documents, or look at dropped.* in metrics/details/clean.json for where the "
        "answers went",
    )


def human_labelled_panel(
    anchors: Vectors,
    doc_ids: Sequence[str],
    *,
    texts: Sequence[str],
    passages: Vectors,
    corpus: Corpus,
    positives: Panel,
) -> dict[str, Panel]:
    """Return the panel "labelled": pairs that a person found dissimilar; empty if there are none.

    Its anchors need not be queries, so nothing is measured by query. Pairs whose document is not
    in the corpus are left out, and so are those whose document holds the text of the anchor.

    Args:
        anchors: shape (pairs, d), the vectors of the anchors.
        doc_ids: the document of each pair.
        texts: the anchor of each pair.
        passages: shape (passages, d), the vectors of the corpus.
        corpus: the documents.
        positives: a panel with the cosines of the positives.
    """
    position_of_document = {doc_id: index for index, doc_id in enumerate(corpus.doc_ids.tolist())}
    own_texts = OwnTexts(corpus)
    cosines: list[float] = []
    for anchor, text, doc_id in zip(anchors, texts, doc_ids, strict=True):
        known = [position_of_document[doc_id]] if doc_id in position_of_document else []
        negatives = list(own_texts.without(text, known))
        scores = document_scores(anchor, passages, negatives, passage_starts=corpus.passage_starts)
        cosines += [float(score) for score in scores]

    return {"labelled": Panel(positives.positives, np.array(cosines))} if cosines else {}


def histogram(panel_of_name: dict[str, Panel]) -> pd.DataFrame:
    """Return the panels as histograms: columns panel, kind, cosine (centre of the bin) and share.

    Empty bins are left out.
    """
    edges = np.linspace(-1.0, 1.0, BINS + 1)
    centres = (edges[:-1] + edges[1:]) / 2

    rows: list[tuple[str, str, float, float]] = []
    for name, panel in panel_of_name.items():
        for kind, values in (("positive", panel.positives), ("negative", panel.negatives)):
            counts = np.histogram(np.clip(values, -1.0, 1.0), edges)[0]
            shares = counts / len(values)
            for centre, share in zip(centres, shares, strict=True):
                if share:
                    rows.append((name, kind, round(float(centre), 3), round(float(share), 6)))

    return pd.DataFrame(rows, columns=["panel", "kind", "cosine", "share"])


class Geometry(NamedTuple):
    """How documents lie on the sphere.

    Attributes:
        alignment: mean squared distance of queries and relevant documents.
        uniformity: log of the mean Gaussian potential of two documents.
        mean_cosine: mean cosine of two documents.
        effective_rank: how many dimensions the documents use.
        effective_rank_share: the effective rank as a share of its largest possible value.
        hubness: skewness of how often a document is a near neighbour of others.
    """

    alignment: float
    uniformity: float
    mean_cosine: float
    effective_rank: float
    effective_rank_share: float
    hubness: float

    def metrics(self) -> dict[str, float]:
        """Return the metrics."""
        return {f"geometry.{name}": value for name, value in self._asdict().items()}


def measure_geometry(documents: Vectors, positives: npt.NDArray[np.float64]) -> Geometry:
    """Return how `documents` lie.

    Args:
        documents: shape (n, d), two or more vectors of unit length.
        positives: cosines of queries with their relevant documents.
    """
    count = len(documents)
    pair_count = count * (count - 1)
    neighbour_count = min(NEIGHBOURS, count - 1)
    cosine_sum = 0.0
    potential_sum = 0.0
    occurrences = np.zeros(count, dtype=np.int64)
    for start in range(0, count, _COSINE_ROWS):
        # Cosines of a block of documents with all others, without themselves.
        cosines = (documents[start : start + _COSINE_ROWS] @ documents.T).astype(np.float64)
        rows = np.arange(len(cosines))
        cosines[rows, start + rows] = np.nan
        cosine_sum += float(np.nansum(cosines))

        # Of unit vectors the squared distance is 2 - 2 cos. The potential is exp of -2 times that.
        potential_sum += float(np.nansum(np.exp(4.0 * cosines - 4.0)))

        # Count how often each document is among the nearest ones.
        cosines[rows, start + rows] = -np.inf
        order = np.argpartition(-np.round(cosines, 6), neighbour_count - 1, axis=1)
        nearest = order[:, :neighbour_count]
        occurrences += np.bincount(nearest.ravel(), minlength=count)

    rank = effective_rank(documents)
    return Geometry(
        alignment=float((2.0 - 2.0 * positives).mean()),
        uniformity=float(np.log(potential_sum / pair_count)),
        mean_cosine=cosine_sum / pair_count,
        effective_rank=rank,
        effective_rank_share=rank / min(documents.shape),
        hubness=skewness(occurrences.astype(np.float64)),
    )


def effective_rank(vectors: Vectors) -> float:
    """Return exp of the entropy of the normalised singular values of `vectors`, shape (n, d).

    >>> round(effective_rank(np.eye(8, dtype=np.float32)), 3)
    8.0
    """
    wide = vectors.astype(np.float64)

    # The smaller of the two Gram matrices has the same eigenvalues.
    gram = wide.T @ wide if len(wide) >= wide.shape[1] else wide @ wide.T
    eigenvalues = np.clip(np.linalg.eigvalsh(gram), 0.0, None)
    singular_values = np.sqrt(eigenvalues)

    shares = singular_values / singular_values.sum()
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def skewness(values: npt.NDArray[np.float64]) -> float:
    """Return the third standardised moment; 0 where all values are equal."""
    spread = values.std()
    if spread == 0:
        return 0.0

    standardised = (values - values.mean()) / spread
    return float((standardised**3).mean())


def sample_documents(corpus: Corpus, passages: Vectors, size: int = SAMPLE_SIZE) -> Vectors:
    """Return the first passage of up to `size` documents, chosen by a hash of their ids."""
    by_hash = sorted(
        range(len(corpus.doc_ids)),
        key=lambda index: hash_hex("geometry", str(corpus.doc_ids[index])),
    )
    chosen = sorted(by_hash[:size])
    starts = (
        np.arange(len(corpus.doc_ids)) if corpus.passage_starts is None else corpus.passage_starts
    )
    return passages[starts[chosen]]
