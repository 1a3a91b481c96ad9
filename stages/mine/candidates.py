"""Candidates: what each miner proposes for each anchor, merged, hardest first.

A miner is a name and what it proposes: a table of Hits, in which a score of minus infinity stands for nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.lexical import Lexical
from stages.lib.retrieval import dense
from stages.lib.text import normal_form
from stages.lib.topk import Hits, Integers, Vectors
from stages.mine.clusters import approximate
from stages.mine.corpus import Corpus, best_cosines
from stages.mine.params import MineParams

DENSE = "dense"
LABELLED = "labelled"  # the miner that is a person


class Candidates(NamedTuple):
    """Proposed documents, one after the other: by anchor, then hardest first (by cosine, then by id).

    Each has the number of its anchor, its place in the corpus, who proposed it (a bit per miner), the best rank
    (from 1) that a miner gave it, and its cosine to the anchor.
    """

    rows: Integers
    documents: Integers
    miners: Integers
    ranks: Integers
    cosines: Vectors


def miners(params: MineParams) -> list[str]:
    """Return the names of the miners, in the order of their bits."""
    return [*params.miners, LABELLED]


def by_people(found: Candidates, params: MineParams) -> npt.NDArray[np.bool_]:
    """Return which candidates a person found dissimilar: they need no rule that guesses as much."""
    return np.asarray(found.miners >> miners(params).index(LABELLED) & 1, dtype=np.bool_)


def propose(
    asked: Sequence[str],
    anchors: Vectors,
    corpus: Corpus,
    params: MineParams,
    seed: int,
    dissimilar: Mapping[str, Sequence[str]],
) -> dict[str, Hits]:
    """Return what each of `params.miners` proposes for the anchors `asked` (with `anchors` their vectors).

    Beside them stand the documents that a person found `dissimilar` to an anchor, which is given in normal form.
    """
    part, starts = corpus.searched_passages(), corpus.starts[: corpus.searched]
    found: dict[str, Hits] = {}
    for miner in params.miners:
        if miner == DENSE:
            vectors = corpus.vectors[part]
            if params.index == "clusters":
                found[miner] = approximate(anchors, vectors, params.candidates, starts, seed)
            else:
                found[miner] = dense(anchors, vectors, params.candidates, starts)
        else:
            hits = Lexical(corpus.texts[part], starts).search(asked, params.candidates)
            hits.scores[hits.scores <= 0.0] = -np.inf  # BM25 gives 0 to what shares no word
            found[miner] = hits
    found[LABELLED] = _labelled(asked, corpus, dissimilar)
    return found


def index_recall(found: Hits, anchors: Vectors, corpus: Corpus) -> float:
    """Return the share of the exact dense candidates that an approximate search `found`, over the first 200 anchors."""
    exact = dense(
        anchors[:200],
        corpus.vectors[corpus.searched_passages()],
        found.positions.shape[1],
        corpus.starts[: corpus.searched],
    )
    pairs = zip(found.positions, np.isfinite(found.scores), exact.positions, strict=False)
    return sum(len(np.intersect1d(mine[seen], true)) for mine, seen, true in pairs) / max(
        1, exact.positions.size
    )


def merge(
    proposed: Mapping[str, Hits], start: int, end: int, anchors: Vectors, corpus: Corpus
) -> Candidates:
    """Return the candidates of anchors `start` to `end`; a document that several miners propose comes once.

    Those of people come first.
    """
    parts = []
    for bit, (miner, hits) in enumerate(proposed.items()):
        at, place = np.nonzero(np.isfinite(hits.scores[start:end]))
        scores = hits.scores[start + at, place]
        parts.append(
            (
                (start + at) * corpus.searched + hits.positions[start + at, place],
                np.full(len(at), 1 << bit, dtype=np.int64),
                (place + 1).astype(np.int64),
                scores if miner == DENSE else np.full(len(at), -np.inf, dtype=np.float32),
            )
        )
    keys, miners, ranks, cosines = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    firsts = np.flatnonzero(np.diff(keys, prepend=-1))
    if not len(firsts):
        return Candidates(keys, keys, miners, ranks, cosines)
    rows, documents = np.divmod(keys[firsts], corpus.searched)
    miners, ranks = (
        np.bitwise_or.reduceat(miners[order], firsts),
        np.minimum.reduceat(ranks[order], firsts),
    )
    cosines = np.maximum.reduceat(cosines[order], firsts)
    people = (
        miners >> list(proposed).index(LABELLED) & 1
        if LABELLED in proposed
        else np.zeros_like(miners)
    )
    unknown = np.flatnonzero(np.isneginf(cosines))
    cosines[unknown] = np.round(best_cosines(anchors, corpus, rows[unknown], documents[unknown]), 6)
    hardest = np.lexsort((documents, -cosines, -people, rows))
    return Candidates(*(column[hardest] for column in (rows, documents, miners, ranks, cosines)))


def _labelled(
    asked: Sequence[str], corpus: Corpus, dissimilar: Mapping[str, Sequence[str]]
) -> Hits:
    known = [
        [
            at
            for doc_id in dissimilar.get(normal_form(anchor), ())
            if (at := corpus.number.get(doc_id, -1)) >= 0
        ]
        for anchor in (asked if dissimilar else ())
    ]
    found = [[at for at in one if at < corpus.searched] for one in known] or [[]] * len(asked)
    widest = max(map(len, found), default=0)
    positions = np.array([one + [0] * (widest - len(one)) for one in found], dtype=np.int64)
    there = np.array(
        [[True] * len(one) + [False] * (widest - len(one)) for one in found], dtype=np.bool_
    )
    return Hits(
        positions.reshape(len(asked), widest),
        np.where(there, 1.0, -np.inf).astype(np.float32).reshape(len(asked), widest),
    )


def names(miners: Sequence[str], bits: int) -> str:
    """Return the miners that `bits` stand for, in alphabetical order, such as bm25+dense."""
    return "+".join(sorted(name for at, name in enumerate(miners) if bits >> at & 1))
