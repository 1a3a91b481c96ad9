"""Choices on validation: when to stop training, and how much of the base model to merge in.

Both look at nDCG@10 and not at the validation loss. The loss also falls when what is ranked right
already gets sharper scores, and it changes with the batches.

Merging interpolates weights between the base and the fine-tuned model, which loses less of what the
base model could do: LM-Cocktail (Xiao et al. 2023, arXiv 2311.13534) for one fine-tuned model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stages.finetune.interface import Inputs
from stages.lib.core.device import CPU, Device
from stages.lib.core.errors import UserError
from stages.lib.core.params import ModelParams
from stages.lib.core.temporary_folders import temporary_folder
from stages.lib.evaluation.evaluation_set import EvaluationSet, resolve_masked, resolve_qrels
from stages.lib.evaluation.ranking_metrics import per_query_metrics
from stages.lib.evaluation.weights import weighted_mean
from stages.lib.retrieval.corpus import Corpus, corpus_from_passages
from stages.lib.retrieval.search import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# A look during training is at so many queries, over their relevant and so many other documents.
MAX_QUERIES = 400
MAX_OTHER_DOCUMENTS = 1600
LOOKS_PER_EPOCH = 4
_DEPTH = 10

# Embeds texts with a prompt: unit vectors (texts, dimension).
Encode = Callable[[list[str], str], Vectors]
Weights = dict[str, Any]


class ValidationSet(NamedTuple):
    """The validation queries with their relevant documents, the corpus, and the prompts.

    A component of queries counts as at most `component_weight` queries.
    """

    corpus: Corpus
    evaluation_set: EvaluationSet
    prompts: ModelParams
    component_weight: int


def read_validation_set(
    inputs: Inputs, prompts: ModelParams, component_weight: int
) -> ValidationSet:
    """Return all validation queries and the full corpus.

    Raises:
        UserError: there are no queries.
    """
    aliases = inputs.aliases.frame()
    kept_id_of = dict(zip(aliases["doc_id"], aliases["kept_id"], strict=True))

    # A kept document stands for its dropped copies.
    qrels = inputs.qrels.frame()
    grades = resolve_qrels(qrels, kept_id_of)
    masked = resolve_masked(inputs.masked.frame(), kept_id_of, grades)
    evaluation_set = EvaluationSet(inputs.queries.frame(), grades, qrels, masked)
    if not len(evaluation_set.queries):
        raise UserError(
            f"{inputs.queries.path} holds no queries, "
            "so early stopping and merging cannot choose anything",
            "set finetune.early_stopping: 0 and finetune.merge: [], or raise split.validation",
        )

    return ValidationSet(
        corpus_from_passages(inputs.passages.frame()),
        evaluation_set,
        prompts,
        component_weight=component_weight,
    )


def subset(
    validation_set: ValidationSet,
    max_queries: int = MAX_QUERIES,
    max_others: int = MAX_OTHER_DOCUMENTS,
) -> ValidationSet:
    """Return a part of the validation set, chosen by a hash of ids.

    It has at most `max_queries` queries, their relevant documents, and at most `max_others` other
    documents. A look during training must be quick; it only needs to show whether the model gains.
    """
    # The queries.
    queries = validation_set.evaluation_set.queries
    query_rows = _smallest_hashes(list(queries["query_id"]), max_queries)
    chosen_queries = queries.iloc[query_rows].reset_index(drop=True)
    qrels = {
        query_id: validation_set.evaluation_set.qrels[query_id]
        for query_id in chosen_queries["query_id"]
    }

    # The documents: all that are graded for these queries, and some others.
    graded_ids: set[str] = set()
    for grade_of_document in qrels.values():
        graded_ids.update(grade_of_document)
    doc_ids = validation_set.corpus.doc_ids.tolist()
    graded = [index for index, doc_id in enumerate(doc_ids) if doc_id in graded_ids]
    others = [index for index, doc_id in enumerate(doc_ids) if doc_id not in graded_ids]
    chosen_others = _smallest_hashes([doc_ids[index] for index in others], max_others)
    kept = sorted([*graded, *(others[index] for index in chosen_others)])

    return ValidationSet(
        _documents_at(validation_set.corpus, kept),
        validation_set.evaluation_set._replace(queries=chosen_queries, qrels=qrels),
        validation_set.prompts,
        component_weight=validation_set.component_weight,
    )


def _documents_at(corpus: Corpus, positions: Sequence[int]) -> Corpus:
    """Return the documents at `positions`, in ascending order, with all their passages."""
    # Where the passages of each document begin and end.
    starts = (
        np.arange(len(corpus.doc_ids)) if corpus.passage_starts is None else corpus.passage_starts
    )
    ends = np.append(starts[1:], len(corpus.texts))

    # Each document begins where the texts so far end.
    texts: list[str] = []
    kept_starts = []
    for position in positions:
        kept_starts.append(len(texts))
        texts += corpus.texts[starts[position] : ends[position]]
    return Corpus(corpus.doc_ids[list(positions)], texts, np.array(kept_starts, dtype=np.int64))


def _smallest_hashes(ids: list[str], count: int) -> list[int]:
    """Return the indices of the `count` ids with the smallest hashes, in ascending order."""
    # The order of hashes is random, and adding ids does not change it.
    hashes = [hashlib.blake2b(identity.encode(), digest_size=8).digest() for identity in ids]
    by_hash = sorted(range(len(ids)), key=lambda index: hashes[index])
    return sorted(by_hash[:count])


def ndcg_at_10(validation_set: ValidationSet, encode: Encode, device: Device = CPU) -> float:
    """Return the weighted mean nDCG@10 over the queries, rounded to six digits.

    The search computes on `device`.
    """
    corpus, evaluation_set, prompts, component_weight = validation_set

    # Rank the corpus for every query.
    document_vectors = encode(corpus.texts, prompts.document_prompt)
    query_vectors = encode(list(evaluation_set.queries["text"]), prompts.anchor_prompt)
    query_ids = list(evaluation_set.queries["query_id"])
    hits = evaluation_set.dense_hits(
        query_ids,
        query_vectors,
        document_vectors,
        corpus=corpus,
        depth=_DEPTH,
        device=device,
    )

    # Grade the hits.
    results = per_query_metrics(
        query_ids,
        hits,
        corpus.doc_ids,
        qrels=evaluation_set.qrels,
    )
    values = results["ndcg_at_10"].to_numpy(dtype=np.float64)
    components = evaluation_set.queries["component_id"].to_numpy(dtype=str)
    return round(weighted_mean(values, components, component_weight), 6)


def score_model(validation_set: ValidationSet, model: SentenceTransformer) -> float:
    """Return the nDCG@10 of `model` between two steps of training.

    It changes neither the model nor the state of a random generator.
    """

    def encode(texts: list[str], prompt: str) -> Vectors:
        vectors = model.encode(
            [prompt + text for text in texts], normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)

    # Dropout would change the embeddings, and draw random numbers.
    was_training = model.training
    model.eval()
    try:
        return ndcg_at_10(validation_set, encode)
    finally:
        model.train(was_training)


class EarlyStopping:
    """The looks at validation so far: the best with its weights, and how many came after it.

    Args:
        patience: after how many looks without a better one training stops.
        steps: the number of steps of the whole run.
        epochs: the number of epochs of the whole run.
        score: returns the score of the model.
    """

    def __init__(
        self,
        patience: int,
        steps: int,
        epochs: int,
        *,
        score: Callable[[SentenceTransformer], float],
    ) -> None:
        self._patience = patience
        self._steps = steps
        self._steps_per_look = max(1, steps // (epochs * LOOKS_PER_EPOCH))
        self._score = score
        self.looks = 0
        self.best_step = 0
        self.best = -1.0
        self._looks_since_best = 0
        self._best_weights: Weights = {}

    def is_due(self, step: int) -> bool:
        """Return whether validation is looked at after `step`. After the last step it always is."""
        return step % self._steps_per_look == 0 or step == self._steps

    def observe(self, model: SentenceTransformer, step: int) -> tuple[float, bool]:
        """Return the score of the model after `step`, and whether to stop."""
        score = self._score(model)
        self.looks += 1

        # Of equal scores the first is kept.
        if score > self.best:
            self.best = score
            self.best_step = step
            self._looks_since_best = 0
            self._best_weights = {
                name: value.detach().cpu().clone() for name, value in model.state_dict().items()
            }
        else:
            self._looks_since_best += 1

        return score, self._looks_since_best >= self._patience

    def keep_best(self, model: SentenceTransformer) -> None:
        """Give `model` the weights of the best look."""
        model.load_state_dict(self._best_weights)

    def metrics(self) -> dict[str, float | int]:
        """Return the number of looks, the best step and its score."""
        return {
            "early_stopping.looks": self.looks,
            "early_stopping.best_step": self.best_step,
            "early_stopping.validation.ndcg_at_10": self.best,
        }

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {
            "looks": self.looks,
            "best": self.best,
            "best_step": self.best_step,
            "since": self._looks_since_best,
            "weights": self._best_weights,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.looks = state["looks"]
        self.best = state["best"]
        self.best_step = state["best_step"]
        self._looks_since_best = state["since"]
        self._best_weights = state["weights"]


def interpolate(base: Weights, finetuned: Weights, share: float) -> Weights:
    """Return `share` of `finetuned` and the rest of `base`, tensor by tensor.

    Tensors of whole numbers are those of `finetuned`.
    """
    # Whole numbers, such as position ids, have no mean.
    mixture = {}
    for name, value in finetuned.items():
        if value.is_floating_point():
            mixture[name] = base[name] * (1.0 - share) + value * share
        else:
            mixture[name] = value
    return mixture


def merge(
    model: SentenceTransformer,
    base: SentenceTransformer,
    shares: Sequence[float],
    *,
    score: Callable[[Path], float],
) -> tuple[float, dict[float, float]]:
    """Give `model` the best mixture with `base`; return its share and the score of each share.

    `score` gets the folder of each mixture. Of equal scores the largest share wins: it has learned
    most.
    """
    finetuned_weights = {name: value.clone() for name, value in model.state_dict().items()}
    base_weights = base.state_dict()

    # The largest share comes first, so it wins among equal scores.
    score_of_share = {}
    for share in sorted(shares, reverse=True):
        model.load_state_dict(interpolate(base_weights, finetuned_weights, share))
        with temporary_folder() as folder:
            model.save_pretrained(str(folder), create_model_card=False)
            score_of_share[share] = score(folder)

    best_share = max(score_of_share, key=lambda share: score_of_share[share])
    model.load_state_dict(interpolate(base_weights, finetuned_weights, best_share))
    return best_share, score_of_share
