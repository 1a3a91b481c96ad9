"""Diagnostics beyond means: gains, harm, raw queries, slices, separation, label errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.evaluate.interface import EvaluateParams
from stages.evaluate.nearness import nearness, nearness_metrics, trained_vectors
from stages.evaluate.results import (
    FINETUNED,
    PRIMARY_METRIC,
    IntervalSettings,
    gains,
    harm,
    query_results,
)
from stages.evaluate.slices import SLICE_COLUMNS, slice_counts, slice_gains
from stages.evaluate.systems import Systems, rank
from stages.lib.analysis.intervals import paired_test
from stages.lib.analysis.separation import (
    mean_gap,
    random_negatives,
    roc_auc,
    separation_panels,
    standardised_gap,
)
from stages.lib.core.ids import hash_hex
from stages.lib.evaluation.evaluation_set import EvaluationSet
from stages.lib.evaluation.weights import weighted_mean
from stages.lib.retrieval.corpus import Corpus
from stages.lib.retrieval.search import Hits
from stages.lib.schemas.reviews import Judgement, judgements_of, rate_with_interval

# The splits that search the same corpus. Only validation is looked at closely.
HELD_OUT_SPLITS = ("validation", "test")
VALIDATION = "validation"

_SEPARATION_METRICS = {"gap": mean_gap, "standardised_gap": standardised_gap, "roc_auc": roc_auc}


class RankedSet(NamedTuple):
    """An evaluation set under every system.

    Attributes:
        corpus: the documents that were searched.
        evaluation_set: the queries and their relevant documents.
        hits: system name to its hits, in the order of the queries.
        results: the QueryResults.
        runs: the Runs.
        measures: the mean of every metric at several depths.
    """

    corpus: Corpus
    evaluation_set: EvaluationSet
    hits: Mapping[str, Hits]
    results: pd.DataFrame
    runs: pd.DataFrame
    measures: pd.DataFrame


class Context(NamedTuple):
    """The topic of each document, the labels that people gave to first hits, and training.

    `triplets` are the training rows; None where nearness to training is not measured.
    """

    topic_of_document: Mapping[str, str]
    labels: Iterable[Judgement]
    triplets: pd.DataFrame | None = None


class Diagnostics(NamedTuple):
    """Metrics by name, and the table of slices (columns SLICE_COLUMNS)."""

    metrics: dict[str, float | int | bool]
    slices: pd.DataFrame


def diagnose(
    ranked_sets: Mapping[str, RankedSet],
    systems: Systems,
    context: Context,
    *,
    params: EvaluateParams,
    seed: int,
) -> Diagnostics:
    """Return the diagnostics of the evaluation sets that hold queries, by their names."""
    settings = IntervalSettings(seed, params.seed_sd, params.component_weight)

    # The gain over every other system, on each set.
    gain_metrics: dict[str, float | int] = {}
    for name, ranked in ranked_sets.items():
        gain_metrics |= gains(ranked.results, name, settings)

    # A table of slices per split that is asked for.
    slice_tables = {
        name: slice_gains(
            ranked_sets[name].results,
            ranked_sets[name].evaluation_set,
            context.topic_of_document,
            settings=settings,
        )
        for name in HELD_OUT_SPLITS
        if name in params.sliced and name in ranked_sets
    }
    slice_metrics: dict[str, int] = {}
    for name, slice_table in slice_tables.items():
        slice_metrics |= slice_counts(slice_table, name)

    # Only validation is looked at closely: test confirms choices, it does not lead to them.
    validation_metrics: dict[str, float | int] = {}
    if VALIDATION in ranked_sets:
        validation = ranked_sets[VALIDATION]
        errors = sample_errors(
            validation.runs, validation.evaluation_set, params.judged_errors, seed=seed
        )
        validation_metrics = {
            **separation_before_after(systems, validation),
            **label_error(errors, context.labels),
        }

    return Diagnostics(
        metrics={
            **gain_metrics,
            **harm(gain_metrics, params.max_harm),
            **_raw_query_metrics_of_splits(ranked_sets, systems, settings),
            **slice_metrics,
            **_nearness_of_splits(ranked_sets, systems, context.triplets, settings=settings),
            **validation_metrics,
        },
        slices=pd.concat(slice_tables.values(), ignore_index=True)
        if slice_tables
        else pd.DataFrame(columns=list(SLICE_COLUMNS)),
    )


def _nearness_of_splits(
    ranked_sets: Mapping[str, RankedSet],
    systems: Systems,
    triplets: pd.DataFrame | None,
    *,
    settings: IntervalSettings,
) -> dict[str, float | int]:
    """Return the gain by similarity to training, on validation and test."""
    if triplets is None or not len(triplets):
        return {}

    trained = trained_vectors(triplets, systems.base, systems.model)
    metrics: dict[str, float | int] = {}
    for name in HELD_OUT_SPLITS:
        if name in ranked_sets:
            ranked = ranked_sets[name]
            similarities = nearness(
                ranked.corpus,
                ranked.evaluation_set,
                trained,
                encoder=systems.base,
                model=systems.model,
            )
            metrics |= nearness_metrics(
                ranked.results,
                ranked.evaluation_set.queries["query_id"],
                similarities,
                split=name,
                settings=settings,
            )

    return metrics


def _raw_query_metrics_of_splits(
    ranked_sets: Mapping[str, RankedSet], systems: Systems, settings: IntervalSettings
) -> dict[str, float]:
    """Return the metrics of validation and test with the queries as people typed them."""
    held_out = {name: ranked_sets[name] for name in HELD_OUT_SPLITS if name in ranked_sets}
    raw_results = rank_raw_queries(held_out, systems)

    metrics: dict[str, float] = {}
    for name, ranked in held_out.items():
        metrics |= raw_query_metrics(ranked.results, raw_results[name], name, settings=settings)
    return metrics


def rank_raw_queries(
    ranked_sets: Mapping[str, RankedSet], systems: Systems
) -> dict[str, pd.DataFrame]:
    """Return the QueryResults of each split with raw queries in place of the cleaned ones.

    In production nobody cleans the queries. All splits must search the same corpus, so that the
    queries which cleaning changed are ranked in one pass.
    """
    # The queries of each split that cleaning changed.
    changed_sets = {
        name: _changed_queries(ranked.evaluation_set) for name, ranked in ranked_sets.items()
    }
    changed_count = sum(len(changed.queries) for changed in changed_sets.values())
    if not changed_count:
        return {name: ranked.results for name, ranked in ranked_sets.items()}

    # Rank the changed queries of all splits at once.
    corpus = next(iter(ranked_sets.values())).corpus
    all_queries = pd.concat(
        [changed.queries for changed in changed_sets.values()], ignore_index=True
    )
    all_hits = rank(systems, corpus, EvaluationSet(all_queries, {}, pd.DataFrame()))

    # Put the rows of each split in the place of its cleaned queries.
    results_of_split = {}
    start = 0
    for name, changed in changed_sets.items():
        # The hits of all splits stand one after another.
        end = start + len(changed.queries)
        results = ranked_sets[name].results
        if len(changed.queries):
            hits_of_system = {
                system: Hits(hits.positions[start:end], hits.scores[start:end])
                for system, hits in all_hits.items()
            }

            # All other queries keep their rows.
            is_changed = results["query_id"].isin(changed.queries["query_id"])
            raw_rows = query_results(hits_of_system, corpus, changed, split=name)
            results = pd.concat([results[~is_changed], raw_rows])
        results_of_split[name] = results
        start = end

    return results_of_split


def _changed_queries(evaluation_set: EvaluationSet) -> EvaluationSet:
    """Return the queries that cleaning changed, with their raw string as the text."""
    queries = evaluation_set.queries
    changed = queries[queries["raw"] != queries["text"]]
    raw_queries = changed.assign(text=changed["raw"]).reset_index(drop=True)
    return evaluation_set._replace(queries=raw_queries)


def raw_query_metrics(
    results: pd.DataFrame, raw_results: pd.DataFrame, split: str, settings: IntervalSettings
) -> dict[str, float]:
    """Return nDCG@10 of every system on raw queries, and the change for the fine-tuned model.

    All are weighted means.
    The change (raw minus cleaned) is given on validation only, with an interval if there are enough
    components. Both sides are the same model, so another seed of training would change neither.
    """
    # The mean of every system.
    metrics: dict[str, float] = {}
    for system, rows in raw_results.groupby("system"):
        metrics[f"{split}.raw_queries.{system}.{PRIMARY_METRIC}"] = weighted_mean(
            rows[PRIMARY_METRIC].to_numpy(dtype=np.float64),
            rows["component_id"].to_numpy(dtype=str),
            settings.component_weight,
        )
    if split != VALIDATION:
        return metrics

    # Raw and cleaned scores of the fine-tuned model, in the same order of queries.
    raw_rows = raw_results[raw_results["system"] == FINETUNED].sort_values("query_id")
    cleaned_rows = results[results["system"] == FINETUNED].sort_values("query_id")

    raw_scores = raw_rows[PRIMARY_METRIC].to_numpy(dtype=np.float64)
    cleaned_scores = cleaned_rows[PRIMARY_METRIC].to_numpy(dtype=np.float64)
    components = raw_rows["component_id"].to_numpy(dtype=str)

    # A mean, and an interval if there are enough components.
    change = paired_test(
        raw_scores - cleaned_scores,
        components,
        settings.seed,
        component_weight=settings.component_weight,
    )
    metrics[f"{split}.raw_queries.change.mean"] = change.mean
    if change.effect:
        metrics[f"{split}.raw_queries.change.low"] = change.effect.low
        metrics[f"{split}.raw_queries.change.high"] = change.effect.high
    return metrics


def separation_before_after(systems: Systems, ranked: RankedSet) -> dict[str, float]:
    """Return `separation.<panel>.<before|after>.<metric>`: positives against negatives.

    The panels are the same before and after fine-tuning. A model that mined the negatives of a
    panel looks worse on it than it is, because the negatives are what it ranks too high. So `dense`
    (the hardest negatives of the base model) favours the fine-tuned model, and `remined` (those of
    the fine-tuned model) favours the base model; the truth lies between. Neither model chose the
    negatives of `bm25` and `random`.
    """
    corpus = ranked.corpus
    queries = ranked.evaluation_set.queries

    # Positions of documents that may be negatives, the hardest first, shape (queries, any number).
    negative_positions = {
        "random": random_negatives(len(queries), len(corpus.doc_ids)),
        "bm25": ranked.hits["bm25"].positions,
        "dense": ranked.hits["base"].positions,
        "remined": ranked.hits["finetuned"].positions,
    }

    metrics: dict[str, float] = {}
    model = systems.model
    for when, encoder in (("before", systems.base), ("after", systems.finetuned)):
        # The same panels for both models; only the vectors differ.
        query_vectors = encoder.encode(
            list(queries["text"]), model.anchor_prompt, f"queries, {when}"
        )
        passage_vectors = encoder.encode(corpus.texts, model.document_prompt, f"documents, {when}")

        panel_by_name = separation_panels(
            query_vectors,
            passage_vectors,
            corpus,
            held=ranked.evaluation_set,
            proposed=negative_positions,
        )
        for name, panel in panel_by_name.items():
            for key, function in _SEPARATION_METRICS.items():
                metrics[f"separation.{name}.{when}.{key}"] = function(panel)
    return metrics


def sample_errors(
    runs: pd.DataFrame, evaluation_set: EvaluationSet, limit: int, seed: int
) -> pd.DataFrame:
    """Return up to `limit` errors of the fine-tuned model on the first rank of validation.

    An error is a first hit that is not a relevant document. Some errors are none, because the
    labels are incomplete or wrong: `python -m stages review` writes the sample out for people to
    label. It never shows test queries.

    Args:
        runs: Runs; only the first hits of the fine-tuned model on validation count.
        evaluation_set: the validation set.
        limit: the most rows that are returned.
        seed: decides the order.

    Returns:
        The columns query_id, component_id, doc_id, in the order of a hash of the query id. So the
        first lines are a random sample too, and a query keeps its place.
    """
    # The first hits of the fine-tuned model on validation.
    is_first_hit = (
        (runs["split"] == VALIDATION) & (runs["system"] == FINETUNED) & (runs["rank"] == 1)
    )
    first_hits = runs[is_first_hit]

    # Those that are not relevant: not graded at all, or graded 0.
    is_error = [
        evaluation_set.qrels[query_id].get(doc_id, 0.0) <= 0.0
        for query_id, doc_id in zip(first_hits["query_id"], first_hits["doc_id"], strict=True)
    ]
    components = evaluation_set.queries[["query_id", "component_id"]]
    errors = first_hits.loc[is_error, ["query_id", "doc_id"]].merge(components, on="query_id")

    # The order of the hash: it does not depend on other queries.
    hashes = [hash_hex("first hit", str(seed), query_id) for query_id in errors["query_id"]]
    ordered = errors.assign(hash=hashes).sort_values("hash", ignore_index=True).head(limit)
    return ordered[["query_id", "component_id", "doc_id"]]


def label_error(errors: pd.DataFrame, labels: Iterable[Judgement]) -> dict[str, float | int]:
    """Return label_error.judged, rate, low and high: the share of errors that are relevant.

    The interval takes components as clusters. Without labels in two components there is no figure.
    """
    # A label counts if its query and document are an error of today.
    keys = zip(errors["query_id"], errors["doc_id"], strict=True)
    return rate_with_interval(
        "label_error", list(errors["component_id"]), judgements_of(keys, labels)
    )
