"""How near held-out texts are to training, and whether the gain holds for what is far.

The audit of the split shows that no held-out text is trained on, to the letter or nearly. Texts may
be close all the same. So the gain is also given by similarity: of a query to the nearest trained
query, and of its relevant documents to the nearest trained document, by the cosine of the base
model. Queries are put into tenths, the farthest first. A gain in the nearest tenths alone is a gain
on what the model has nearly seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.evaluate.results import PRIMARY_METRIC, IntervalSettings, PairedScores, paired_scores
from stages.lib.analysis.intervals import PairedTest
from stages.lib.core.params import ModelParams
from stages.lib.evaluation.evaluation_set import EvaluationSet, sample_relevant
from stages.lib.retrieval.corpus import Corpus
from stages.lib.retrieval.encoder import Encoder
from stages.lib.retrieval.search import Vectors

# The number of parts by similarity.
PARTS = 10

# Rows of cosines that are in memory at a time.
_BLOCK_ROWS = 512

Similarities = npt.NDArray[np.float64]


class TrainedVectors(NamedTuple):
    """The texts of the training rows, by the base model.

    Attributes:
        anchors: shape (anchors, d).
        positives: shape (positives, d).
    """

    anchors: Vectors
    positives: Vectors


def trained_vectors(triplets: pd.DataFrame, encoder: Encoder, model: ModelParams) -> TrainedVectors:
    """Return the vectors of the distinct anchors and positives of the training rows."""
    anchors = sorted(set(triplets["anchor"]))
    positives = sorted(set(triplets["positive"]))
    return TrainedVectors(
        anchors=encoder.encode(anchors, model.anchor_prompt, "training anchors"),
        positives=encoder.encode(positives, model.document_prompt, "training documents"),
    )


def nearness(
    corpus: Corpus,
    evaluation_set: EvaluationSet,
    trained: TrainedVectors,
    *,
    encoder: Encoder,
    model: ModelParams,
) -> dict[str, Similarities]:
    """Return the similarity of each query to training, shape (queries,), of two kinds.

    `trained_query` is the cosine of the query and the nearest trained query. `trained_document` is
    the largest cosine of a passage of a relevant document and a trained document; NaN where no
    relevant document is in the corpus.
    """
    texts = list(evaluation_set.queries["text"])
    queries = encoder.encode(texts, model.anchor_prompt, "queries, base")
    passages = encoder.encode(corpus.texts, model.document_prompt, "documents, base")

    # The nearest trained document of each relevant passage, once per passage.
    passages_of_query = _relevant_passages(corpus, evaluation_set)
    needed = sorted(set(chain.from_iterable(passages_of_query)))
    cosines = np.full(len(passages), np.nan)
    cosines[needed] = nearest_cosines(passages[needed], trained.positives)
    of_documents = [float(cosines[row].max()) if row else np.nan for row in passages_of_query]
    return {
        "trained_query": nearest_cosines(queries, trained.anchors),
        "trained_document": np.array(of_documents, dtype=np.float64),
    }


def nearest_cosines(vectors: Vectors, others: Vectors) -> Similarities:
    """Return the cosine of each of `vectors` and the nearest of `others`, at six decimals.

    >>> axes = np.eye(2, dtype=np.float32)
    >>> nearest_cosines(axes[:1], axes).tolist()
    [1.0]
    """
    cosines = np.full(len(vectors), np.nan)
    for start in range(0, len(vectors) if len(others) else 0, _BLOCK_ROWS):
        block = vectors[start : start + _BLOCK_ROWS] @ others.T
        cosines[start : start + _BLOCK_ROWS] = block.max(axis=1)

    return np.round(cosines, 6)


def nearness_metrics(
    results: pd.DataFrame,
    query_ids: pd.Series[str],
    similarities: Mapping[str, Similarities],
    *,
    split: str,
    settings: IntervalSettings,
) -> dict[str, float | int]:
    """Return the gain by similarity to training, keys `<split>.nearness.<kind>.<part>.<metric>`.

    The parts are `tenth_01` (the farthest) to `tenth_10`, and the halves `far` and `near`. Each has
    its queries, the smallest and largest cosine, and the gain, with an interval where there are
    enough components.

    Args:
        results: QueryResults of the split.
        query_ids: the queries, in the order of `similarities`.
        similarities: kind to the similarity of each query.
        split: the name of the split.
        settings: what intervals depend on.
    """
    scores = paired_scores(results, PRIMARY_METRIC)
    metrics: dict[str, float | int] = {}
    for kind, values in similarities.items():
        cosine_of_query = dict(zip(query_ids, values.tolist(), strict=True))
        cosines = np.array([cosine_of_query[query_id] for query_id in scores.query_ids.tolist()])
        for part, rows in parts_by_similarity(cosines).items():
            selected = scores.select(_mask(rows, len(cosines)))
            prefix = f"{split}.nearness.{kind}.{part}"
            metrics |= _part_metrics(prefix, cosines[rows], selected, settings)

    return metrics


def parts_by_similarity(cosines: Similarities) -> dict[str, npt.NDArray[np.int64]]:
    """Return the rows of each tenth and each half, the farthest first. Rows with NaN are left out.

    >>> parts_by_similarity(np.array([0.9, 0.1]))["far"].tolist()
    [1]
    """
    order = np.argsort(cosines, kind="stable")
    known = order[~np.isnan(cosines[order])]
    parts: dict[str, npt.NDArray[np.int64]] = {}
    for number, rows in enumerate(np.array_split(known, PARTS), start=1):
        parts[f"tenth_{number:02}"] = rows

    parts["far"], parts["near"] = np.array_split(known, 2)
    return {name: rows for name, rows in parts.items() if len(rows)}


def _part_metrics(
    prefix: str, cosines: Similarities, scores: PairedScores, settings: IntervalSettings
) -> dict[str, float | int]:
    gain: PairedTest = scores.gain(settings)
    metrics: dict[str, float | int] = {
        f"{prefix}.queries": gain.queries,
        f"{prefix}.cosine_from": float(cosines.min()),
        f"{prefix}.cosine_to": float(cosines.max()),
        f"{prefix}.gain": gain.mean,
    }
    if gain.effect:
        metrics[f"{prefix}.gain_low"] = gain.effect.low
        metrics[f"{prefix}.gain_high"] = gain.effect.high

    return metrics


def _mask(rows: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros(count, dtype=bool)
    mask[rows] = True
    return mask


def _relevant_passages(corpus: Corpus, evaluation_set: EvaluationSet) -> list[list[int]]:
    """Return the passages of the relevant documents of each query, a sample of very many."""
    position_of_id = {doc_id: index for index, doc_id in enumerate(corpus.doc_ids.tolist())}
    passages_of_query: list[list[int]] = []
    for query_id in evaluation_set.queries["query_id"]:
        grades = evaluation_set.qrels[query_id]
        known = [
            doc_id for doc_id, grade in grades.items() if grade > 0 and doc_id in position_of_id
        ]
        passages: list[int] = []
        for doc_id in sample_relevant(query_id, known):
            passages.extend(corpus.passage_range(position_of_id[doc_id]))

        passages_of_query.append(passages)

    return passages_of_query
