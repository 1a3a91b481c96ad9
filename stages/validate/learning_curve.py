"""The probe and its learning curve: what the data teaches, and whether more of it would help.

A probe learns from the training rows in seconds and ranks the validation queries. With few
components the validation split is too small: a tenth of them depends too much on the draw. Then the
training queries are ranked as well. Components are cut into five folds by a hash of their name, so
that a component keeps its fold as data grows. Each fold is ranked by a probe that did not learn
from it. The test split takes no part.

Halves of the data are halves of its components, not of its rows: one more query about a known
document teaches less than one about a new document. A hash of name and seed decides which
components are in, so that each part contains the smaller parts.

Means over queries are weighted as in `evaluate`: no component counts as more than
`evaluate.component_weight` queries.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.analysis.intervals import MeanInterval, mean_interval
from stages.lib.analysis.probe import (
    MAX_ROWS,
    ComponentNames,
    TrainingVectors,
    bounded_rows,
    fit_probe,
    identity_adapter,
    placebo_vectors,
)
from stages.lib.core.device import CPU, Device
from stages.lib.core.ids import hash_hex
from stages.lib.core.params import ModelParams
from stages.lib.evaluation.evaluation_set import EvaluationSet, resolve_qrels, sample_relevant
from stages.lib.evaluation.ranking_metrics import per_query_metrics
from stages.lib.evaluation.weights import weighted_mean
from stages.lib.retrieval.corpus import Corpus
from stages.lib.retrieval.encoder import Encoder
from stages.lib.retrieval.search import Vectors
from stages.lib.retrieval.torch_threads import map_in_threads
from stages.lib.schemas.pairs import is_synthetic
from stages.lib.schemas.queries_from_pairs import queries_and_qrels
from stages.validate.probe_result import CurvePoint, ProbeResult, Scores

FOLDS = 5
FRACTIONS = (0.125, 0.25, 0.5, 1.0)
SEEDS = 3

# nDCG@10 needs the first ten hits only.
_DEPTH = 10

Mask = npt.NDArray[np.bool_]


class ProbeExperiment(NamedTuple):
    """What a probe learns from, and what it is measured on.

    Attributes:
        evaluation_set: the queries with their relevant documents.
        query_vectors: shape (queries, d).
        corpus: the documents to search.
        passage_vectors: shape (passages, d).
        training: the training rows as vectors.
        folds: 1 where only validation queries are ranked, else FOLDS.
        component_weight: the most queries that a component counts as in a mean.
        device: where searches compute.
    """

    evaluation_set: EvaluationSet
    query_vectors: Vectors
    corpus: Corpus
    passage_vectors: Vectors
    training: TrainingVectors
    folds: int
    component_weight: int
    device: Device = CPU

    @property
    def components(self) -> ComponentNames:
        """Return the component of each query."""
        return self.evaluation_set.queries["component_id"].to_numpy(dtype=str)

    def mean(self, scores: Scores) -> float:
        """Return the weighted mean of `scores` (queries,)."""
        return weighted_mean(scores, self.components, self.component_weight)

    def scores(self, training: TrainingVectors, seed: int) -> Scores:
        """Return nDCG@10 of each query under a probe that learned the other folds of `training`."""
        result = np.zeros(len(self.query_vectors))
        query_ids = self.evaluation_set.queries["query_id"].to_numpy(dtype=str)
        for fold in range(self.folds):
            in_fold = self._in_fold(self.components, fold)
            if not in_fold.any():
                continue

            # If a fold leaves no rows to learn from, the base model ranks it.
            known = self._without_fold(training, fold)
            dimension = self.query_vectors.shape[1]
            adapter = fit_probe(known, seed) if len(known.anchors) else identity_adapter(dimension)

            # Rank the queries of the fold with the adapted vectors.
            held = self.evaluation_set
            queries = adapter.queries(self.query_vectors[in_fold])
            passages = adapter.documents(self.passage_vectors)
            fold_ids = list(query_ids[in_fold])
            hits = held.dense_hits(
                fold_ids,
                queries,
                passages,
                corpus=self.corpus,
                depth=_DEPTH,
                device=self.device,
            )
            graded = per_query_metrics(fold_ids, hits, self.corpus.doc_ids, held.qrels)
            result[in_fold] = graded["ndcg_at_10"]

        return result

    def _in_fold(self, components: ComponentNames, fold: int) -> Mask:
        if self.folds == 1:
            return np.ones(len(components), dtype=bool)
        folds = [fold_of(component) for component in components.tolist()]
        return np.array([other == fold for other in folds], dtype=bool)

    def _without_fold(self, training: TrainingVectors, fold: int) -> TrainingVectors:
        # With one fold the queries are those of validation. No training row is of that split.
        if self.folds == 1:
            return training

        anchor_in_fold = self._in_fold(training.components, fold)
        positive_in_fold = self._in_fold(training.positive_components, fold)
        negative_in_fold = self._in_fold(training.negative_components, fold)
        return training.take(~(anchor_in_fold | positive_in_fold), ~negative_in_fold)


def fold_of(component: str) -> int:
    """Return the fold of a component, from 0. It does not depend on other components.

    >>> fold_of("d0000000000000000")
    4
    """
    return int(hash_hex("fold", component), 16) % FOLDS


def embed_experiment(
    evaluation_set: EvaluationSet,
    corpus: Corpus,
    training: TrainingVectors,
    *,
    encoder: Encoder,
    model: ModelParams,
    component_weight: int,
) -> ProbeExperiment:
    """Return the experiment on `evaluation_set` alone, with all vectors."""
    passages = encoder.encode(corpus.texts, model.document_prompt, "documents")
    queries = encoder.encode(list(evaluation_set.queries["text"]), model.anchor_prompt, "queries")
    return ProbeExperiment(
        evaluation_set,
        queries,
        corpus=corpus,
        passage_vectors=passages,
        training=training,
        folds=1,
        component_weight=component_weight,
        device=encoder.device,
    )


def with_folds(
    experiment: ProbeExperiment,
    triplets: pd.DataFrame,
    augmented_ids: Collection[str],
    *,
    encoder: Encoder,
    model: ModelParams,
) -> ProbeExperiment:
    """Return the experiment with training and validation queries together, in folds.

    Args:
        experiment: the experiment on the validation queries.
        triplets: training rows with their source.
        augmented_ids: ids of pairs that are variants of others.
        encoder: the base model.
        model: the prompts.
    """
    training = add_validation_rows(experiment)

    # The queries are ranked together, so all of them are embedded anew.
    queries = add_training_queries(experiment.evaluation_set, triplets, augmented_ids)
    vectors = encoder.encode(list(queries.queries["text"]), model.anchor_prompt, "queries")
    return experiment._replace(
        evaluation_set=queries, query_vectors=vectors, training=training, folds=FOLDS
    )


def add_training_queries(
    evaluation_set: EvaluationSet, triplets: pd.DataFrame, augmented_ids: Collection[str]
) -> EvaluationSet:
    """Return the queries of `evaluation_set` and those of `triplets`, without augmented pairs.

    Where validation has real queries, training queries that recipes made are left out.
    """
    trained = triplets[~triplets["pair_id"].isin(set(augmented_ids))]
    if not is_synthetic(evaluation_set.queries["source"]).all():
        trained = trained[~is_synthetic(trained["source"])]

    # Build queries and qrels, without the queries that validation has already.
    pairs = trained.assign(raw=trained["anchor"], relation="", score=1.0)
    queries, qrels = queries_and_qrels(pairs)
    queries = queries[~queries["query_id"].isin(evaluation_set.queries["query_id"])]
    qrels = qrels[qrels["query_id"].isin(queries["query_id"])]

    # The qrels of validation win where both have the query.
    all_queries = pd.concat([evaluation_set.queries, queries])
    return EvaluationSet(
        all_queries.sort_values("query_id", ignore_index=True),
        {**resolve_qrels(qrels, {}), **evaluation_set.qrels},
        pd.concat([evaluation_set.raw_qrels, qrels], ignore_index=True),
        evaluation_set.masked,
    )


def add_validation_rows(experiment: ProbeExperiment) -> TrainingVectors:
    """Return the training rows and a row for each relevant document of each query.

    A query with very many has a sample of them (`sample_relevant`). The positive is the nearest
    passage of the document. These rows have no negatives. A document that is not in the corpus is
    left out.
    """
    queries, positives = _nearest_passages(experiment)

    # Query and document of such a row are of one component.
    components = experiment.components[queries]
    training = experiment.training
    return training._replace(
        anchors=np.concatenate([training.anchors, experiment.query_vectors[queries]]),
        positives=np.concatenate([training.positives, experiment.passage_vectors[positives]]),
        components=np.concatenate([training.components, components]),
        positive_components=np.concatenate([training.positive_components, components]),
    )


def run_probe(experiment: ProbeExperiment, base_scores: Scores, seed: int) -> ProbeResult:
    """Return what `experiment.training` teaches: in parts, as a whole, and as a placebo.

    Args:
        experiment: the rows to learn from and the queries to rank.
        base_scores: shape (queries,), nDCG@10 of each query before training.
        seed: orders the rows; each repetition adds to it.
    """
    settings = [(fraction, repetition) for repetition in range(SEEDS) for fraction in FRACTIONS]
    training = bounded_rows(experiment.training, MAX_ROWS // experiment.folds)
    parts = [component_sample(training, fraction, repetition) for fraction, repetition in settings]
    seeds = [seed + repetition for _, repetition in settings]

    # The placebo comes last: the same rows, each document given to another anchor.
    part_scores = _scores_of_parts(
        experiment, [*parts, placebo_vectors(training, seed)], [*seeds, seed]
    )
    placebo_scores = part_scores.pop()

    # One point of the curve for each part.
    points = []
    for (fraction, repetition), rows, scores in zip(settings, parts, part_scores, strict=True):
        point = CurvePoint(
            fraction=fraction,
            components=len(np.unique(rows.components)),
            rows=len(rows.anchors),
            seed=repetition,
            ndcg_at_10=experiment.mean(scores),
        )
        points.append(point)

    # Means over the repetitions.
    fractions = [fraction for fraction, _ in settings]
    all_data = _mean_scores(part_scores, fractions, 1.0)
    half_data = _mean_scores(part_scores, fractions, 0.5)
    return ProbeResult(
        scores=all_data,
        mean=experiment.mean(all_data),
        plain_gain=float((all_data - base_scores).mean()),
        gain=_effect(experiment, all_data - base_scores, seed),
        placebo=_effect(experiment, placebo_scores - base_scores, seed),
        last_step=_effect(experiment, all_data - half_data, seed),
        points=points,
    )


def component_sample(rows: TrainingVectors, fraction: float, seed: int) -> TrainingVectors:
    """Return the rows of a share of the components, at least of one; each seed draws others."""
    names = np.unique(rows.components).tolist()
    names.sort(key=lambda name: hash_hex("curve", str(seed), name))
    count = max(1, math.ceil(fraction * len(names)))
    return rows.take(np.isin(rows.components, names[:count]))


def _nearest_passages(experiment: ProbeExperiment) -> tuple[list[int], list[int]]:
    """Return query and passage positions: the nearest passage of each relevant document."""
    corpus = experiment.corpus
    position_of_document = {doc_id: index for index, doc_id in enumerate(corpus.doc_ids.tolist())}

    # Passages of document i are those from starts[i] to ends[i].
    count = len(experiment.passage_vectors)
    starts = np.arange(count) if corpus.passage_starts is None else corpus.passage_starts
    ends = np.append(starts[1:], count)

    query_positions: list[int] = []
    passage_positions: list[int] = []
    for query, query_id in enumerate(experiment.evaluation_set.queries["query_id"]):
        relevant = experiment.evaluation_set.qrels[query_id]
        known = [name for name in relevant if name in position_of_document]
        documents = [position_of_document[name] for name in sample_relevant(query_id, known)]
        for document in sorted(documents):
            passages = experiment.passage_vectors[starts[document] : ends[document]]
            nearest = (passages @ experiment.query_vectors[query]).argmax()
            query_positions.append(query)
            passage_positions.append(int(starts[document] + nearest))

    return query_positions, passage_positions


def _scores_of_parts(
    experiment: ProbeExperiment, parts: list[TrainingVectors], seeds: list[int]
) -> list[Scores]:
    """Return the scores of a probe of each part, in order. Parts run side by side."""
    # The longest part comes first. Otherwise one of them would run alone at the end.
    order = sorted(range(len(parts)), key=lambda index: -len(parts[index].anchors))
    ordered_scores = map_in_threads(
        lambda index: experiment.scores(parts[index], seeds[index]), order, "probe"
    )
    scores_of_part = dict(zip(order, ordered_scores, strict=True))
    return [scores_of_part[index] for index in range(len(parts))]


def _mean_scores(scores: list[Scores], fractions: list[float], fraction: float) -> Scores:
    chosen = [part for part, share in zip(scores, fractions, strict=True) if share == fraction]
    return np.asarray(np.mean(chosen, axis=0))


def _effect(experiment: ProbeExperiment, differences: Scores, seed: int) -> MeanInterval | None:
    components = experiment.components
    if len(np.unique(components)) < 2:
        return None
    return mean_interval(
        differences, components, seed, component_weight=experiment.component_weight
    )
