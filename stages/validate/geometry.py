"""How the embeddings lie: whether they are spread over the sphere or crowd in a corner of it.

Sources: Wang and Isola 2020 (alignment, uniformity), Roy and Vetterli 2007 (effective rank), Radovanovic,
Nanopoulos and Ivanovic 2010 (hubness as the skewness of k-occurrences).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.benchmark import Corpus
from stages.lib.retrieval import Vectors
from stages.lib.text import hash_hex

SAMPLE = 4000
NEIGHBOURS = 10
_BLOCK = 512


class Geometry(NamedTuple):
    """`effective_rank` is in dimensions, `effective_rank_share` of the most there could be."""

    alignment: float
    uniformity: float
    mean_cosine: float
    effective_rank: float
    effective_rank_share: float
    hubness: float

    def measured(self) -> dict[str, float]:
        """Return the metrics."""
        return {f"geometry.{name}": value for name, value in self._asdict().items()}


def geometry(documents: Vectors, positives: npt.NDArray[np.float64]) -> Geometry:
    """Return how `documents` lie, (n, d) unit vectors of two or more; `positives` are cosines of queries to answers."""
    count = len(documents)
    others = count * (count - 1)
    cosines, potential = 0.0, 0.0
    occurrences = np.zeros(count, dtype=np.int64)
    near = min(NEIGHBOURS, count - 1)
    for start in range(0, count, _BLOCK):
        block = (documents[start : start + _BLOCK] @ documents.T).astype(np.float64)
        rows = np.arange(len(block))
        block[rows, start + rows] = np.nan  # nobody is its own neighbour
        cosines += float(np.nansum(block))
        # Of unit vectors the squared distance is 2 - 2 cos, and twice that stands in the exponent.
        potential += float(np.nansum(np.exp(4.0 * block - 4.0)))
        block[rows, start + rows] = -np.inf
        nearest = np.argpartition(-np.round(block, 6), near - 1, axis=1)[:, :near]
        occurrences += np.bincount(nearest.ravel(), minlength=count)
    rank = effective_rank(documents)
    return Geometry(
        alignment=float((2.0 - 2.0 * positives).mean()),
        uniformity=float(np.log(potential / others)),
        mean_cosine=cosines / others,
        effective_rank=rank,
        effective_rank_share=rank / min(documents.shape),
        hubness=skewness(occurrences.astype(np.float64)),
    )


def effective_rank(vectors: Vectors) -> float:
    """Return exp of the entropy of the normalised singular values of `vectors` (n, d): 1 if all are one direction."""
    wide = vectors.astype(np.float64)
    gram = wide.T @ wide if len(wide) >= wide.shape[1] else wide @ wide.T
    values = np.sqrt(np.clip(np.linalg.eigvalsh(gram), 0.0, None))
    shares = values / values.sum()
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def skewness(values: npt.NDArray[np.float64]) -> float:
    """Return the third standardised moment; 0 where all values are equal."""
    spread = values.std()
    return float((((values - values.mean()) / spread) ** 3).mean()) if spread > 0 else 0.0


def sample(corpus: Corpus, searched: Vectors, size: int = SAMPLE) -> Vectors:
    """Return the first passage of up to `size` documents, chosen by a hash of their ids."""
    chosen = sorted(
        range(len(corpus.doc_ids)), key=lambda at: hash_hex("geometry", str(corpus.doc_ids[at]))
    )[:size]
    starts = (
        np.arange(len(corpus.doc_ids)) if corpus.passage_starts is None else corpus.passage_starts
    )
    return searched[starts[sorted(chosen)]]
