"""Labelled negatives: documents that a person found dissimilar to an anchor, over its rows.

An anchor with several positives has several rows. If each row took the hardest labels, they would
be repeated in every row and the others would never be trained on. So each label goes to one row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from stages.lib.retrieval.search import Hits, Vectors
from stages.mine.corpus import MiningCorpus, best_cosines
from stages.mine.filters import CERTAIN_FILTERS, ExclusionIndex


def labelled_hits(
    forms: Sequence[str],
    anchor_vectors: Vectors,
    corpus: MiningCorpus,
    *,
    dissimilar: Mapping[str, Sequence[str]],
    exclusions: ExclusionIndex,
) -> Hits:
    """Return the labelled documents that each row gets, as hits of shape (rows, any number).

    The labels of an anchor come from the hardest to the easiest. Each goes to the row that has the
    fewest so far, of those where no certain filter excludes it. Rows are filled up with scores of
    minus infinity.

    Args:
        forms: strict forms of the anchors, row by row.
        anchor_vectors: their vectors, of shape (rows, dimension).
        corpus: the corpus. Labels on documents that are not searched are left out.
        dissimilar: strict form of an anchor to the documents that a person found dissimilar.
        exclusions: what is known to be no negative.
    """
    documents_of_row: list[list[int]] = [[] for _ in forms]
    for form, rows in _rows_of_labelled_form(forms, dissimilar).items():
        positions = [corpus.position_of.get(doc_id, corpus.searched) for doc_id in dissimilar[form]]
        searched = [position for position in positions if position < corpus.searched]
        for document in _hardest_first(searched, rows[0], anchor_vectors, corpus):
            # Rows of one anchor may differ in what is a positive, as where a pair brings its text.
            allowed = [row for row in rows if not _is_excluded(row, document, exclusions)]
            if allowed:
                row = min(allowed, key=lambda row: len(documents_of_row[row]))
                documents_of_row[row].append(document)

    return _as_hits(documents_of_row)


def _rows_of_labelled_form(
    forms: Sequence[str], dissimilar: Mapping[str, Sequence[str]]
) -> dict[str, list[int]]:
    """Return each normal form that has labels to its rows, in ascending order."""
    rows_of_form: dict[str, list[int]] = defaultdict(list)
    for row, form in enumerate(forms):
        if form in dissimilar:
            rows_of_form[form].append(row)

    return rows_of_form


def _hardest_first(
    documents: Sequence[int], row: int, anchor_vectors: Vectors, corpus: MiningCorpus
) -> list[int]:
    """Return `documents` by their cosine to the anchor of `row`, the highest first, then by id."""
    positions = np.array(sorted(documents), dtype=np.int64)
    anchors = np.full(len(positions), row, dtype=np.int64)
    cosines = np.round(best_cosines(anchor_vectors, corpus, anchors, positions), 6)
    order = np.argsort(-cosines, kind="stable")
    return [int(position) for position in positions[order]]


def _is_excluded(row: int, document: int, exclusions: ExclusionIndex) -> bool:
    return any(exclusions.has_pair(name, row, document) for name in CERTAIN_FILTERS)


def _as_hits(documents_of_row: Sequence[Sequence[int]]) -> Hits:
    width = max(map(len, documents_of_row), default=0)
    positions = np.zeros((len(documents_of_row), width), dtype=np.int64)
    scores = np.full((len(documents_of_row), width), -np.inf, dtype=np.float32)
    for row, documents in enumerate(documents_of_row):
        positions[row, : len(documents)] = documents
        scores[row, : len(documents)] = 1.0

    return Hits(positions, scores)
