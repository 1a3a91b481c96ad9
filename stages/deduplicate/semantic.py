"""Semantic duplicates: texts whose embeddings nearly coincide.

None is dropped unless the user says so: to a model "left" and "right" are nearly the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from stages.deduplicate.stars import Edge
from stages.lib.embed import Encoder
from stages.lib.models import find_model
from stages.lib.params import Model, load
from stages.lib.stage import check_pins

BLOCK = 1024


def semantic_edges(texts: Mapping[str, str], threshold: float) -> list[Edge]:
    """Return the pairs of `texts` (id to text) with a cosine of at least `threshold`: an exact search in blocks.

    Memory is bounded by the embeddings and one block of cosines; time grows with the square of the texts.
    """
    check_pins(["model"])
    model = load(Model)
    ids = sorted(texts)
    if len(ids) < 2:
        return []
    vectors = Encoder(find_model(model)).encode(
        [texts[i] for i in ids], model.document_prompt, "documents"
    )
    return [
        Edge(ids[left], ids[right], "semantic_copy", cosine)
        for left, right, cosine in _near(vectors, threshold)
    ]


def _near(
    vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]], threshold: float
) -> Iterator[tuple[int, int, float]]:
    for start in range(0, len(vectors), BLOCK):
        cosines = np.round(vectors[start : start + BLOCK] @ vectors[start:].T, 6)
        for row, column in np.argwhere(cosines >= threshold).tolist():
            if column > row:
                yield start + row, start + column, float(cosines[row, column])
