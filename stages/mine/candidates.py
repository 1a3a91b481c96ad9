"""Candidates: the documents that each miner proposes for each anchor, merged, hardest first.

A miner is a search (`bm25`, `dense`) or a person (`labelled`). Each gives a table of Hits, in
which a score of minus infinity stands for no document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.core.device import CPU, Device
from stages.lib.retrieval.bm25 import BM25Index
from stages.lib.retrieval.search import Hits, Integers, PassageStarts, Vectors, dense_search, top_k
from stages.lib.schemas.training import LABELLED
from stages.mine.corpus import MiningCorpus, best_cosines
from stages.mine.faiss_search import faiss_search
from stages.mine.interface import MineParams

DENSE = "dense"

# The share of the clusters that an approximate search looks into.
PROBED = 0.125

# k-means: how often centres are moved, and the number of passages per cluster that it looks at.
_ROUNDS = 5
_PASSAGES_PER_CLUSTER = 64

# The number of anchors over which the recall of an approximate search is measured.
_RECALL_ANCHORS = 200


class Candidates(NamedTuple):
    """Proposed documents: by anchor, then labelled ones first, then by cosine, then by id.

    All arrays have the shape (candidates,).

    Attributes:
        anchors: the number of the anchor.
        documents: the position of the document in the corpus.
        miners: a bit for each miner that proposed it, in the order of `miner_names`.
        ranks: the best rank that a miner gave it, from 1.
        cosines: the cosine of the anchor to the best passage of the document.
    """

    anchors: Integers
    documents: Integers
    miners: Integers
    ranks: Integers
    cosines: Vectors


def miner_names(params: MineParams) -> list[str]:
    """Return the names of the miners, in the order of their bits."""
    return [*params.miners, LABELLED]


def names_of_bits(names: Sequence[str], bits: int) -> str:
    """Return the names of the miners whose bits are set, in alphabetical order.

    >>> names_of_bits(["dense", "bm25", "labelled"], 0b011)
    'bm25+dense'
    """
    return "+".join(sorted(name for index, name in enumerate(names) if bits >> index & 1))


def is_labelled(candidates: Candidates, params: MineParams) -> npt.NDArray[np.bool_]:
    """Return a mask of the candidates that a person found dissimilar to the anchor."""
    bit = miner_names(params).index(LABELLED)
    return np.asarray(candidates.miners >> bit & 1, dtype=np.bool_)


def retrieve_candidates(
    anchor_texts: Sequence[str],
    anchor_vectors: Vectors,
    corpus: MiningCorpus,
    *,
    params: MineParams,
    seed: int,
    device: Device = CPU,
) -> dict[str, Hits]:
    """Return the name of each searching miner to its hits for all anchors, of shape (anchors, k).

    Args:
        anchor_texts: the anchors.
        anchor_vectors: their vectors, of shape (anchors, dimension).
        corpus: the corpus, of which the searched part is looked at.
        params: the section `mine`.
        seed: the seed of an approximate search.
        device: where an exact search computes.
    """
    passages = corpus.searched_passages()
    starts = corpus.starts[: corpus.searched]
    count = params.candidates
    hits_of_miner: dict[str, Hits] = {}
    for miner in params.miners:
        if miner != DENSE:
            searched_texts = islice(corpus.texts, passages.stop)
            hits = BM25Index(searched_texts, starts).search(anchor_texts, count)
            # BM25 gives 0 to a document that shares no word with the anchor.
            hits.scores[hits.scores <= 0.0] = -np.inf
        elif params.index != "exact":
            search = ivf_search if params.index == "clusters" else faiss_search
            vectors = corpus.vectors[passages]
            hits = search(anchor_vectors, vectors, count, starts=starts, seed=seed)
        else:
            vectors = corpus.vectors[passages]
            hits = dense_search(anchor_vectors, vectors, count, starts, device=device)

        hits_of_miner[miner] = hits

    return hits_of_miner


def merge_candidates(
    hits_of_miner: Mapping[str, Hits],
    start: int,
    end: int,
    *,
    anchor_vectors: Vectors,
    corpus: MiningCorpus,
) -> Candidates:
    """Return the candidates of the anchors from `start` to `end`, each document once per anchor."""
    # All hits, miner by miner. A key stands for an anchor and a document.
    parts: list[tuple[Integers, Integers, Integers, Vectors]] = []
    for bit, (miner, hits) in enumerate(hits_of_miner.items()):
        rows, columns = np.nonzero(np.isfinite(hits.scores[start:end]))
        anchors = start + rows
        scores = hits.scores[anchors, columns]
        parts.append(
            (
                anchors * corpus.searched + hits.positions[anchors, columns],
                np.full(len(rows), 1 << bit, dtype=np.int64),
                (columns + 1).astype(np.int64),
                # The scores of other miners are no cosines.
                scores if miner == DENSE else np.full(len(rows), -np.inf, dtype=np.float32),
            )
        )

    keys, bits, ranks, cosines = (np.concatenate(column) for column in zip(*parts, strict=True))

    # Equal keys stand together after sorting. `firsts` has the first one of each.
    order = np.argsort(keys, kind="stable")
    sorted_keys = keys[order]
    firsts = np.flatnonzero(np.diff(sorted_keys, prepend=-1))
    if not len(firsts):
        return Candidates(sorted_keys, sorted_keys, bits, ranks, cosines)

    # Of equal keys: all miners, the best rank, the known cosine.
    anchors, documents = np.divmod(sorted_keys[firsts], corpus.searched)
    bits = np.bitwise_or.reduceat(bits[order], firsts)
    ranks = np.minimum.reduceat(ranks[order], firsts)
    cosines = np.maximum.reduceat(cosines[order], firsts)
    unknown = np.flatnonzero(np.isneginf(cosines))
    computed = best_cosines(anchor_vectors, corpus, anchors[unknown], documents[unknown])
    cosines[unknown] = np.round(computed, 6)

    # Labelled candidates first, then the hardest.
    labelled = np.zeros_like(bits)
    if LABELLED in hits_of_miner:
        labelled = bits >> list(hits_of_miner).index(LABELLED) & 1

    hardest = np.lexsort((documents, -cosines, -labelled, anchors))
    return Candidates(
        anchors=anchors[hardest],
        documents=documents[hardest],
        miners=bits[hardest],
        ranks=ranks[hardest],
        cosines=cosines[hardest],
    )


def index_recall(
    hits: Hits,
    anchor_vectors: Vectors,
    corpus: MiningCorpus,
    *,
    seed: int,
    device: Device = CPU,
) -> float:
    """Return the share of the exact dense hits that `hits` has, over a sample of the anchors.

    It has as many hits as `hits`. `seed` draws the sample, and the exact search is on `device`.
    """
    chosen = np.random.default_rng(seed).permutation(len(anchor_vectors))[:_RECALL_ANCHORS]
    anchors = np.sort(chosen)
    exact = dense_search(
        anchor_vectors[anchors],
        corpus.vectors[corpus.searched_passages()],
        hits.positions.shape[1],
        corpus.starts[: corpus.searched],
        device=device,
    )

    # Hits with a score of minus infinity are none.
    shared = 0
    for positions, is_hit, exact_positions in zip(
        hits.positions[anchors],
        np.isfinite(hits.scores[anchors]),
        exact.positions,
        strict=True,
    ):
        shared += len(np.intersect1d(positions[is_hit], exact_positions))

    return shared / max(1, exact.positions.size)


# --- approximate search


def ivf_search(
    queries: Vectors, passages: Vectors, k: int, *, starts: PassageStarts, seed: int
) -> Hits:
    """Return about the `k` nearest documents of each query.

    Only passages in the clusters nearest to a query are scored; where these are fewer than `k`,
    scores are minus infinity. Meant for millions of passages, where exact search takes hours.
    Source: inverted files, Jégou, Douze and Schmid 2011, without compression.

    Args:
        queries: vectors of shape (queries, dimension).
        passages: vectors of shape (passages, dimension).
        k: the number of hits.
        starts: the first passage of each document, of shape (documents,).
        seed: the seed of the clusters.
    """
    if not len(passages):
        positions = np.empty((len(queries), 0), dtype=np.int64)
        return Hits(positions, np.empty((len(queries), 0), dtype=np.float32))

    # About as many clusters as each has passages. `members` has the passages of each.
    centres = _cluster_centres(passages, max(1, int(len(passages) ** 0.5)), seed)
    cluster_of = _nearest_centre(passages, centres)
    sizes = np.bincount(cluster_of, minlength=len(centres))
    members = np.split(np.argsort(cluster_of, kind="stable"), np.cumsum(sizes)[:-1])
    probed = max(1, int(np.ceil(PROBED * len(centres))))

    def score(start: int, end: int, out: Vectors) -> None:
        out.fill(-np.inf)
        block = queries[start:end]
        # The clusters that each query looks into, of shape (queries, probed).
        nearest = np.argsort(-(block @ centres.T), axis=1, kind="stable")[:, :probed]
        for cluster in np.unique(nearest).tolist():
            rows = np.flatnonzero((nearest == cluster).any(axis=1))
            columns = members[cluster]
            out[np.ix_(rows, columns)] = block[rows] @ passages[columns].T

    return top_k(score, len(queries), len(passages), k, starts)


def _cluster_centres(passages: Vectors, count: int, seed: int) -> Vectors:
    """Return `count` centres by spherical k-means over a sample of the passages."""
    # Sorted rows, so that the sample has the order of the passages.
    random = np.random.default_rng(seed)
    sample_rows = random.permutation(len(passages))[: count * _PASSAGES_PER_CLUSTER]
    sample = passages[np.sort(sample_rows)]
    centres = sample[np.sort(random.permutation(len(sample))[:count])]
    for _ in range(_ROUNDS):
        nearest = _nearest_centre(sample, centres)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, sample)
        # An empty cluster keeps its centre.
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        normalized = sums / np.maximum(norms, 1e-12)
        centres = np.where(norms > 0.0, normalized, centres).astype(np.float32)

    return centres


def _nearest_centre(passages: Vectors, centres: Vectors) -> Integers:
    # In chunks, which bound the memory of the scores.
    nearest = np.empty(len(passages), dtype=np.int64)
    for start in range(0, len(passages), 4096):
        chunk = slice(start, start + 4096)
        nearest[chunk] = (passages[chunk] @ centres.T).argmax(axis=1)

    return nearest
