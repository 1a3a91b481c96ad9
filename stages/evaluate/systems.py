"""The systems that rank the corpus, and how well the models agree with scores that people gave.

The systems are a ladder. Each one costs more than the one before: BM25, a static model (if one is
set), the base model, the fusion of BM25 and the base model, the base model with the adapter of the
probe (trained in seconds), and the fine-tuned model. Fine-tuning is worth its cost if it beats all
of them.

The fusion is a convex combination of scores (Bruch, Gai and Ingber 2023), as many search engines
have it. It combines scores and not ranks, because a fusion by ranks can fall below the base model,
and a system that beats such a fusion has shown little: see `bench/fusion.py`.

Agreement with scores: Spearman 1904 (rank correlation, mean ranks for ties), and average precision
as the area under the precision-recall curve in steps (Manning, Raghavan and Schütze 2008, 8.4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.analysis.intervals import bootstrap_interval
from stages.lib.analysis.probe import Adapter
from stages.lib.core.errors import UserError
from stages.lib.core.params import ModelParams
from stages.lib.evaluation.evaluation_set import EvaluationSet
from stages.lib.evaluation.ranking_metrics import DEPTH
from stages.lib.retrieval.bm25 import BM25Index
from stages.lib.retrieval.corpus import Corpus
from stages.lib.retrieval.encoder import Encoder, load_model
from stages.lib.retrieval.search import Hits, Integers, Vectors, dense_search, document_scores
from stages.lib.retrieval.torch_threads import single_torch_thread

RowIndices = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
# A statistic of the rows with these indices, for one system's cosines; None where it is undefined.
Statistic = Callable[[RowIndices, Floats], float | None]

# The share of the cosine in the fusion; BM25 has the rest. With this value the fusion is above
# both of its parts on all collections of bench/fusion.py.
COSINE_WEIGHT = 0.7
_NO_SCORE = -1.0  # below all scores


class StaticModel:
    """A static model: a vector per token, averaged. It has no context and is very fast.

    Raises:
        UserError: `folder` does not hold a static model of sentence-transformers.
    """

    def __init__(self, folder: Path) -> None:
        from sentence_transformers.sentence_transformer.modules import StaticEmbedding

        self._model = load_model(folder)
        if not isinstance(self._model[0], StaticEmbedding):
            raise UserError(
                f"params.yaml: evaluate.static_model: {folder.name}/ holds no static model",
                "give a sentence-transformers model whose first module is StaticEmbedding, or null",
            )

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the embeddings of `texts`, shape (texts, dimension), float32.

        A vector has length 1, or 0 where no token of the text is known.
        """
        with single_torch_thread():
            vectors = self._model.encode(
                list(texts), normalize_embeddings=True, show_progress_bar=False
            )
        return np.asarray(vectors, dtype=np.float32)


class Systems(NamedTuple):
    """The models that rank.

    Attributes:
        base: the base model.
        finetuned: the fine-tuned model.
        model: the prompts of both models.
        static: the static model, which gets no prompts; None if none is set.
        adapter: the adapter that the probe trained; None without training rows.
    """

    base: Encoder
    finetuned: Encoder
    model: ModelParams
    static: StaticModel | None = None
    adapter: Adapter | None = None

    def encoders(self) -> dict[str, Encoder]:
        """Return system name to encoder for the base and the fine-tuned model."""
        return {"base": self.base, "finetuned": self.finetuned}


def rank(systems: Systems, corpus: Corpus, evaluation_set: EvaluationSet) -> dict[str, Hits]:
    """Return system name to the first DEPTH hits on every query, in the order of the queries."""
    queries = list(evaluation_set.queries["text"])
    model = systems.model
    depth = evaluation_set.search_depth(DEPTH)

    # Words alone.
    hits_of_system = {"bm25": BM25Index(corpus.texts, corpus.passage_starts).search(queries, depth)}

    # A vector per word, without context.
    if systems.static is not None:
        hits_of_system["static"] = dense_search(
            systems.static.encode(queries),
            systems.static.encode(corpus.texts),
            k=depth,
            passage_starts=corpus.passage_starts,
            device=systems.base.device,
        )

    # The two transformers.
    for name, encoder in systems.encoders().items():
        document_vectors = encoder.encode(corpus.texts, model.document_prompt, f"documents, {name}")
        query_vectors = encoder.encode(queries, model.anchor_prompt, f"queries, {name}")
        hits_of_system[name] = dense_search(
            query_vectors,
            document_vectors,
            k=depth,
            passage_starts=corpus.passage_starts,
            device=encoder.device,
        )

        # The probe adapts the vectors of the base model.
        if name == "base" and systems.adapter is not None:
            hits_of_system["probe"] = dense_search(
                systems.adapter.queries(query_vectors),
                systems.adapter.documents(document_vectors),
                k=depth,
                passage_starts=corpus.passage_starts,
                device=encoder.device,
            )

    # Words and the base model together.
    hits_of_system["fusion"] = fuse(hits_of_system["bm25"], hits_of_system["base"])
    return {
        name: evaluation_set.without_masked(
            evaluation_set.queries["query_id"], hits, corpus.doc_ids, DEPTH
        )
        for name, hits in hits_of_system.items()
    }


def fuse(bm25_hits: Hits, dense_hits: Hits, weight: float = COSINE_WEIGHT) -> Hits:
    """Return the fusion of two rankings, with as many hits of each query as `dense_hits` has.

    A document scores `weight` (0 to 1) times its rescaled cosine, plus the rest times its rescaled
    BM25 score. A document that one ranking does not list has the score 0 there. Scores are rounded
    to six decimals; equal scores are ordered by ascending position.
    """
    # Scores from 0 to 1, query by query: cosines between the last and the best hit, BM25 between
    # 0 and the best hit.
    lowest_cosines = dense_hits.scores[:, -1:]
    cosine_parts = weight * _rescale(dense_hits.scores, lowest_cosines)
    zeros = np.zeros_like(bm25_hits.scores[:, :1])
    bm25_parts = (1.0 - weight) * _rescale(bm25_hits.scores, zeros)

    # BM25 lists documents that share no word with the query by their id alone. They do not count.
    bm25_parts[bm25_parts <= 0] = _NO_SCORE

    # The hits of both rankings side by side, so a document may stand in a row twice.
    positions = np.concatenate([dense_hits.positions, bm25_hits.positions], axis=1)
    scores = np.concatenate([cosine_parts, bm25_parts], axis=1)
    return _best_of_sums(positions, scores, dense_hits.positions.shape[1])


def _rescale(scores: Vectors, lowest: Vectors) -> Floats:
    """Return `scores` (queries, hits), best first, as shares of the way from `lowest` to the best.

    `lowest` has shape (queries, 1). A query whose scores do not vary gets 0.
    """
    # Where a score lies above the lowest, and where the best score does.
    heights = scores.astype(np.float64) - lowest
    best_heights = scores[:, :1].astype(np.float64) - lowest

    # Where nothing varies the best height is 0, and the share stays 0.
    shares = np.divide(heights, best_heights, out=np.zeros(scores.shape), where=best_heights > 0)
    return np.asarray(shares)


def _best_of_sums(positions: Integers, scores: Floats, k: int) -> Hits:
    """Return the `k` best positions of each row; the two scores of one position are added.

    `positions` and `scores` have shape (queries, hits of both rankings).
    """
    # Equal positions stand side by side in each row.
    order = np.argsort(positions, axis=1, kind="stable")
    sorted_positions = np.take_along_axis(positions, order, axis=1)
    sorted_scores = np.take_along_axis(scores, order, axis=1)

    # The first of two equal positions gets the sum, the second one no score.
    is_pair = sorted_positions[:, 1:] == sorted_positions[:, :-1]
    sums = np.maximum(sorted_scores[:, :-1], 0.0) + np.maximum(sorted_scores[:, 1:], 0.0)
    sorted_scores[:, :-1] = np.where(is_pair, sums, sorted_scores[:, :-1])
    sorted_scores[:, 1:][is_pair] = _NO_SCORE

    # The sort is stable, so equal scores keep the ascending order of positions.
    rounded_scores = np.round(sorted_scores, 6)
    best_first = np.argsort(-rounded_scores, axis=1, kind="stable")[:, :k]
    return Hits(
        np.take_along_axis(sorted_positions, best_first, axis=1),
        np.take_along_axis(rounded_scores, best_first, axis=1).astype(np.float32),
    )


def pairs_in_corpus(
    scored_pairs: pd.DataFrame, corpus: Corpus, kept_id_of: Mapping[str, str]
) -> pd.DataFrame:
    """Return the ScoredPairs whose document is in `corpus`, with its `position` there.

    `kept_id_of` maps a dropped copy to the document that was kept.
    """
    # A copy that was dropped has the position of the document that was kept.
    position_of_id = {doc_id: position for position, doc_id in enumerate(corpus.doc_ids.tolist())}
    kept_ids = [kept_id_of.get(doc_id, doc_id) for doc_id in scored_pairs["doc_id"]]
    positions = [position_of_id.get(kept_id, -1) for kept_id in kept_ids]

    # -1 is a document that is not in the corpus.
    located = scored_pairs.assign(position=np.array(positions, dtype=np.int64))
    return located[located["position"] >= 0].reset_index(drop=True)


def model_cosines(
    systems: Systems, scored_pairs: pd.DataFrame, corpus: Corpus
) -> dict[str, Floats]:
    """Return system name to the cosines of `scored_pairs`, a result of `pairs_in_corpus`."""
    model = systems.model
    anchors = list(scored_pairs["anchor"])

    # Both models embed all passages: the vectors come from the cache.
    cosines_of_system = {}
    for name, encoder in systems.encoders().items():
        anchor_vectors = encoder.encode(anchors, model.anchor_prompt, f"scored pairs, {name}")
        passage_vectors = encoder.encode(corpus.texts, model.document_prompt, f"documents, {name}")
        cosines_of_system[name] = pair_cosines(
            scored_pairs, anchor_vectors, passage_vectors, corpus=corpus
        )

    return cosines_of_system


def pair_cosines(
    scored_pairs: pd.DataFrame,
    anchor_vectors: Vectors,
    passage_vectors: Vectors,
    corpus: Corpus,
) -> Floats:
    """Return the cosine of each anchor to the best passage of its document, shape (pairs,).

    Cosines are rounded to six decimals.
    """
    positions = scored_pairs["position"].tolist()
    cosines = [
        float(
            document_scores(
                vector, passage_vectors, [position], passage_starts=corpus.passage_starts
            )[0]
        )
        for vector, position in zip(anchor_vectors, positions, strict=True)
    ]
    return np.asarray(np.round(cosines, 6), dtype=np.float64)


def score_agreement(
    scored_pairs: pd.DataFrame,
    cosines_of_system: Mapping[str, Floats],
    positive_from: float,
    seed: int,
) -> dict[str, float]:
    """Return how well the cosines of "base" and "finetuned" agree with the scores of the pairs.

    Two statistics: the rank correlation with the scores, and the average precision of separating
    pairs with a score of at least `positive_from` from the others. For both the gain of "finetuned"
    over "base", with an interval that resamples components. An undefined figure is left out.
    """
    scores = scored_pairs["score"].to_numpy(dtype=np.float64)
    components = scored_pairs["component_id"].to_numpy(dtype=str)

    # The statistics of some rows, so that rows can be resampled.
    statistics: dict[str, Statistic] = {
        "spearman": lambda rows, cosines: spearman(scores[rows], cosines[rows]),
        "average_precision": lambda rows, cosines: average_precision(
            scores[rows] >= positive_from, cosines[rows]
        ),
    }

    all_rows = np.arange(len(scored_pairs))
    metrics: dict[str, float] = {}
    for name, statistic in statistics.items():
        # Of each system on all pairs.
        for system, cosines in cosines_of_system.items():
            value = statistic(all_rows, cosines)
            if value is not None:
                metrics[f"{system}.{name}"] = value

        # The gain over the base model.
        gain = partial(_gain, statistic, cosines_of_system)
        mean = gain(all_rows)
        if mean is None:
            continue
        metrics[f"gain.over_base.{name}.mean"] = mean

        # Few components give no interval.
        bounds = bootstrap_interval(gain, components, seed)
        if bounds is not None:
            metrics[f"gain.over_base.{name}.low"] = bounds.low
            metrics[f"gain.over_base.{name}.high"] = bounds.high
    return metrics


def _gain(
    statistic: Statistic, cosines_of_system: Mapping[str, Floats], rows: RowIndices
) -> float | None:
    base_value = statistic(rows, cosines_of_system["base"])
    tuned_value = statistic(rows, cosines_of_system["finetuned"])
    if base_value is None or tuned_value is None:
        return None
    return tuned_value - base_value


def spearman(scores: Floats, cosines: Floats) -> float | None:
    """Return the rank correlation of two series, from -1 to 1; None if one of them is constant.

    >>> spearman(np.array([0.1, 0.2, 0.9]), np.array([0.3, 0.4, 0.5]))
    1.0
    """
    score_ranks = _mean_ranks(scores)
    cosine_ranks = _mean_ranks(cosines)

    # A constant series has no correlation.
    if not len(score_ranks) or not score_ranks.std() or not cosine_ranks.std():
        return None
    return float(np.corrcoef(score_ranks, cosine_ranks)[0, 1])


def _mean_ranks(values: Floats) -> Floats:
    """Return the rank of each value, from 1. Equal values share their mean rank."""
    _, group_of_value, group_sizes = np.unique(values, return_inverse=True, return_counts=True)

    # The ranks of a group end at its last rank; their mean lies half a group below it.
    last_ranks = np.cumsum(group_sizes)
    mean_ranks = last_ranks - (group_sizes - 1) / 2
    return np.asarray(mean_ranks[group_of_value], dtype=np.float64)


def average_precision(is_similar: npt.NDArray[np.bool_], cosines: Floats) -> float | None:
    """Return the average precision of separating similar pairs from the others by their cosines.

    Equal cosines count as one step of the curve. None if all pairs are similar, or none is.

    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]))
    0.8333333333333333
    """
    if is_similar.all() or not is_similar.any():
        return None

    # A step per distinct cosine, the highest first: how many of its pairs are similar, of how many.
    steps, step_of_pair = np.unique(-cosines, return_inverse=True)
    similar_counts = np.bincount(step_of_pair, weights=is_similar, minlength=len(steps))
    pair_counts = np.bincount(step_of_pair, minlength=len(steps))

    precision = np.cumsum(similar_counts) / np.cumsum(pair_counts)
    return float((precision * similar_counts).sum() / is_similar.sum())
