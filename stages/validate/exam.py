"""What is asked and what is learned from: validation alone, or five folds where there is too little of it.

With few components a tenth of them says more about the draw than about the data. Then the questions that are
trained on are asked too: components are cut into five folds by a hash of their name, so that a fold stays
the same as data grows, and what is learned is always scored on the fold that was left out. The test split
takes no part: none of its rows is in what is read here.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib import benchmark
from stages.lib.benchmark import Corpus, HeldOut
from stages.lib.measures import measure
from stages.lib.probe import Names, Rows, fit, identity
from stages.lib.retrieval import Vectors, dense
from stages.lib.text import hash_hex

FOLDS = 5
_DEPTH = 10  # of the ranking: nDCG@10 looks no further

Mask = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float64]


class Exam(NamedTuple):
    """Queries with their vectors (queries, d), the corpus with its passages' (passages, d), and what is learned from.

    `folds` is 1 where validation alone is asked, else FOLDS.
    """

    held: HeldOut
    asked: Vectors
    corpus: Corpus
    searched: Vectors
    rows: Rows
    folds: int

    @property
    def components(self) -> Names:
        """Return the component of each query."""
        return self.held.queries["component_id"].to_numpy(dtype=str)

    def scored(self, rows: Rows, seed: int) -> Scores:
        """Return nDCG@10 of each query under a probe that learned those of `rows` that are not of its fold."""
        scores = np.zeros(len(self.asked))
        ids = self.held.queries["query_id"].to_numpy(dtype=str)
        for fold in range(self.folds):
            where = self._in_fold(self.components, fold)
            if not where.any():
                continue
            known = self._without(rows, fold)
            # A fold that leaves nothing to learn from is ranked by the base model.
            adapter = fit(known, seed) if len(known.anchors) else identity(self.asked.shape[1])
            hits = dense(
                adapter.queries(self.asked[where]),
                adapter.documents(self.searched),
                _DEPTH,
                self.corpus.passage_starts,
            )
            scores[where] = measure(list(ids[where]), hits, self.corpus.doc_ids, self.held.qrels)[
                "ndcg_at_10"
            ]
        return scores

    def _in_fold(self, components: Names, fold: int) -> Mask:
        if self.folds == 1:
            return np.ones(len(components), dtype=bool)
        return np.array(
            [fold_of(component) == fold for component in components.tolist()], dtype=bool
        )

    def _without(self, rows: Rows, fold: int) -> Rows:
        if self.folds == 1:  # no row is of validation: the split sees to that
            return rows
        asked, answering = (
            self._in_fold(names, fold) for names in (rows.components, rows.positive_components)
        )
        return rows.take(~(asked | answering), ~self._in_fold(rows.negative_components, fold))


def fold_of(component: str) -> int:
    """Return the fold, from 0, that a component is in whatever else there is."""
    return int(hash_hex("fold", component), 16) % FOLDS


def pooled(held: HeldOut, triplets: pd.DataFrame, made: Collection[str]) -> HeldOut:
    """Return the questions of validation and those of `triplets`, less the pairs `made` from others.

    `triplets` name their source. Where validation asks real questions, those that recipes made are not asked.
    """
    trained = triplets[~triplets["pair_id"].isin(set(made))]
    if not benchmark.is_made(held.queries["source"]).all():
        trained = trained[~benchmark.is_made(trained["source"])]
    queries, qrels = benchmark.held_out(
        trained.assign(raw=trained["anchor"], relation="", score=1.0)
    )
    queries = queries[~queries["query_id"].isin(held.queries["query_id"])]
    qrels = qrels[qrels["query_id"].isin(queries["query_id"])]
    return HeldOut(
        pd.concat([held.queries, queries]).sort_values("query_id", ignore_index=True),
        {**benchmark.grades(qrels, {}), **held.qrels},
        pd.concat([held.raw_qrels, qrels], ignore_index=True),
    )


def with_asked(
    rows: Rows, held: HeldOut, asked: Vectors, corpus: Corpus, searched: Vectors
) -> Rows:
    """Return `rows` and the questions of `held`, each with the nearest passage of each answer, without negatives.

    An answer that is not in the corpus teaches nothing.
    """
    position = {doc_id: at for at, doc_id in enumerate(corpus.doc_ids.tolist())}
    starts = np.arange(len(searched)) if corpus.passage_starts is None else corpus.passage_starts
    ends = np.append(starts[1:], len(searched))
    questions, passages = [], []
    for question, query_id in enumerate(held.queries["query_id"]):
        for at in sorted(position[doc_id] for doc_id in held.qrels[query_id] if doc_id in position):
            nearest = (searched[starts[at] : ends[at]] @ asked[question]).argmax()
            questions.append(question)
            passages.append(int(starts[at] + nearest))
    components = held.queries["component_id"].to_numpy(dtype=str)[questions]
    return rows._replace(
        anchors=np.concatenate([rows.anchors, asked[questions]]),
        positives=np.concatenate([rows.positives, searched[passages]]),
        components=np.concatenate([rows.components, components]),
        positive_components=np.concatenate([rows.positive_components, components]),
    )
