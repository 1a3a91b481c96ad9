"""An approximate search by FAISS, for corpora of many millions of passages.

Source: Douze et al. 2024, arXiv 2401.08281; the index is a graph of neighbours (HNSW, Malkov and
Yashunin 2020, arXiv 1603.09320). Several threads would build another graph each time, so one thread
builds it, and all of them ask it. FAISS proposes passages; their scores are computed as everywhere
else. So the number of workers changes no byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stages.lib.core.errors import UserError
from stages.lib.core.stage import check_pins
from stages.lib.retrieval.search import Hits, Integers, PassageStarts, Vectors, document_scores
from stages.lib.retrieval.torch_threads import map_in_threads

# Neighbours of a passage in the graph, and how many are looked at to find them.
_NEIGHBOURS = 32
_LOOKED_AT_TO_BUILD = 80

# Passages that a query looks at: at least so many, and so many for each that is asked for.
LEAST_LOOKED_AT = 128
LOOKED_AT_PER_PASSAGE = 2

_QUERIES_PER_BLOCK = 256


def check_index(index: str) -> None:
    """Check that FAISS is here in the version of pyproject.toml, if `mine.index` asks for it.

    Raises:
        UserError: it is not.
    """
    if index != "faiss":
        return

    try:
        import faiss  # noqa: F401
    except ModuleNotFoundError:
        raise UserError(
            "params.yaml: mine.index is faiss, but FAISS is not installed",
            "pip install --require-hashes -r requirements-faiss.txt, or set mine.index: clusters",
        ) from None
    check_pins(["faiss"])


def faiss_search(
    queries: Vectors, passages: Vectors, k: int, *, starts: PassageStarts, seed: int
) -> Hits:
    """Return about the `k` nearest documents of each query.

    Where fewer are found, scores are minus infinity.

    Args:
        queries: vectors of shape (queries, dimension).
        passages: vectors of shape (passages, dimension).
        k: the number of hits.
        starts: the first passage of each document, of shape (documents,).
        seed: the seed of the graph.
    """
    k = min(k, len(starts))
    positions = np.zeros((len(queries), k), dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    if not k or not len(queries):
        return Hits(positions, scores)

    # A document may be found by several passages, so more of them are asked for.
    per_document = -(-len(passages) // len(starts))
    passage_count = min(len(passages), k * (1 + per_document))
    index = _index(passages, seed)
    index.hnsw.efSearch = max(LEAST_LOOKED_AT, LOOKED_AT_PER_PASSAGE * passage_count)

    def search_block(start: int) -> list[tuple[Integers, Vectors]]:
        block = queries[start : start + _QUERIES_PER_BLOCK]
        proposed = _search(index, block, passage_count)
        return [
            _best_documents(query, row, passages, starts=starts, k=k)
            for query, row in zip(block, proposed, strict=True)
        ]

    blocks = range(0, len(queries), _QUERIES_PER_BLOCK)
    row_index = 0
    for rows in map_in_threads(search_block, blocks, "faiss"):
        for own_positions, own_scores in rows:
            positions[row_index, : len(own_positions)] = own_positions
            scores[row_index, : len(own_scores)] = own_scores
            row_index += 1
    return Hits(positions, scores)


def _index(passages: Vectors, seed: int) -> Any:
    """Return the graph of `passages`, built on one thread."""
    import faiss

    # The number of threads belongs to the thread that calls.
    faiss.omp_set_num_threads(1)
    index = faiss.IndexHNSWFlat(passages.shape[1], _NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = _LOOKED_AT_TO_BUILD
    index.hnsw.rng = faiss.RandomGenerator(seed)
    index.add(np.ascontiguousarray(passages))
    return index


def _search(index: Any, queries: Vectors, count: int) -> Integers:
    """Return the passages that the index finds for each query, (queries, count); -1 is none."""
    import faiss

    faiss.omp_set_num_threads(1)
    _, passages = index.search(np.ascontiguousarray(queries), count)
    positions: Integers = np.asarray(passages, dtype=np.int64)
    return positions


def _best_documents(
    query: Vectors,
    proposed: Integers,
    passages: Vectors,
    *,
    starts: PassageStarts,
    k: int,
) -> tuple[Integers, Vectors]:
    """Return the positions and scores of the best documents that a query's passages belong to."""
    is_passage = proposed >= 0
    documents = np.unique(np.searchsorted(starts, proposed[is_passage], side="right") - 1)

    # The rule of all searches: six decimals, and the smaller position of equal ones.
    scores = np.round(_scores(query, passages, documents.tolist(), starts), 6)
    order = np.argsort(-scores, kind="stable")[:k]
    return documents[order], scores[order]


def _scores(
    query: Vectors, passages: Vectors, documents: Sequence[int], starts: PassageStarts
) -> Vectors:
    """Return the score of each document, that of its best passage."""
    # Each document is one passage: the vectors need not be put together by ranges.
    if len(starts) == len(passages):
        return document_scores(query, passages, documents)
    return document_scores(query, passages, documents, passage_starts=starts)
