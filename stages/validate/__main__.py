"""Measure whether this data is worth training on.

Reads the triplets, the documents, the validation queries, the fingerprints of all held-out texts
and the details of earlier stages. Writes metrics, two plots, a page and the verdict, and files for
TensorBoard's projector into `runs/`, outside git and DVC. It never opens the test split: choices
are made on validation. `finetune` refuses to start unless the verdict is passed. The page is
written in any case.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from stages.lib.analysis.probe import positive_triplets, training_vectors
from stages.lib.core.interface import Stage
from stages.lib.core.model_files import find_base_model
from stages.lib.evaluation.evaluation_set import EvaluationSet, benchmark_id, resolve_qrels
from stages.lib.evaluation.ranking_metrics import DEPTH, METRICS, per_query_metrics
from stages.lib.reporting.details import StageDetails, read_stage_details
from stages.lib.retrieval.bm25 import BM25Index
from stages.lib.retrieval.corpus import corpus_from_passages
from stages.lib.retrieval.encoder import Encoder
from stages.lib.retrieval.search import Hits, dense_search
from stages.lib.schemas.pairs import is_synthetic
from stages.validate.document_map import map_frame, sample_points, write_projector
from stages.validate.embedding_quality import (
    Separation,
    histogram,
    human_labelled_panel,
    measure_geometry,
    measure_separation,
    sample_documents,
)
from stages.validate.gates import Gate, judge_gates
from stages.validate.interface import Inputs, Outputs, Params
from stages.validate.learning_curve import (
    ProbeExperiment,
    curve_table,
    embed_experiment,
    run_probe,
    with_folds,
)
from stages.validate.page import PageData, render
from stages.validate.row_quality import check_rows, leaked_rows, upstream_counts

PROJECTOR_FOLDER = Path("runs/validate")

Measurements = Mapping[str, float | int | str | None]


def run(inputs: Inputs, params: Params) -> Outputs:
    """Measure whether this data is worth training on."""
    upstream = StageDetails(
        read_stage_details([inputs.clean, inputs.pair, inputs.split, inputs.mine, inputs.tokenize])
    )
    encoder = Encoder(find_base_model(params.model))

    # A pair with a low score is no example of a relevant document.
    triplets = inputs.triplets.frame()
    positive_rows = positive_triplets(triplets, inputs.pairs.frame(), params.pair.positive_from)

    # Four measurements: the probe, the separation, the geometry and the rows themselves.
    experiment = make_experiment(inputs, params, positive_rows, encoder=encoder, upstream=upstream)
    baseline = rank_with_base_model(experiment)
    probe = run_probe(experiment, baseline.scores["ndcg_at_10"].to_numpy(float), params.run.seed)
    separation = separate(inputs, params, experiment, encoder=encoder, baseline=baseline)
    geometry = measure_geometry(
        sample_documents(experiment.corpus, experiment.passage_vectors),
        separation.panels["random"].positives,
    )
    leaks = leaked_rows(triplets, inputs.fingerprints.frame(), params.validate.near_threshold)
    rows = check_rows(positive_rows, experiment.training, leaks)

    # The gates compare these measurements, and the counts of earlier stages, with their limits.
    documents = inputs.collected.frame()
    measurements: dict[str, float | int | str | None] = {
        **describe_experiment(experiment, documents["doc_id"]),
        **baseline.metrics(),
        **probe.metrics(),
        **separation.metrics(),
        **geometry.metrics(),
        **rows.metrics(),
    }
    known = {**measurements, **upstream_counts(upstream)}
    gates = judge_gates(known, rows.suspects, params.validate)
    passed = all(gate.passed for gate in gates)
    measurements.update(gate_metrics(gates), passed=passed)

    # The page, the plots and the projector show the same numbers.
    bins = histogram(separation.panels)
    curve = curve_table(probe.points, baseline.metrics()["base.ndcg_at_10"])
    points = sample_points(
        documents,
        experiment.corpus,
        experiment.passage_vectors,
        splits=inputs.splits.frame(),
    )
    page_data = PageData(
        gates, known, histogram=bins, learning_curve=curve, map_points=map_frame(points)
    )
    return Outputs(
        page=render(page_data),
        verdict=json.dumps({"passed": passed}) + "\n",
        separation=bins,
        learning_curve=curve,
        metrics=headline_metrics(measurements),
        details={key: value for key, value in measurements.items() if value is not None},
        write_projector=partial(write_projector, points, PROJECTOR_FOLDER),
    )


def make_experiment(
    inputs: Inputs,
    params: Params,
    positive_rows: pd.DataFrame,
    *,
    encoder: Encoder,
    upstream: StageDetails,
) -> ProbeExperiment:
    """Return the experiment of the probe: validation queries, or folds with few components."""
    augmented = inputs.lineage.frame().query("action == 'add'")
    aliases = inputs.aliases.frame()
    kept_of_dropped = dict(zip(aliases["doc_id"], aliases["kept_id"], strict=True))

    # Training rows, the corpus and the validation queries, as vectors.
    training = training_vectors(
        positive_rows, augmented, inputs.splits.frame(), encoder, params.model
    )
    qrels = inputs.qrels.frame()
    evaluation_set = EvaluationSet(
        inputs.queries.frame(), resolve_qrels(qrels, kept_of_dropped), qrels
    )
    corpus = corpus_from_passages(inputs.passages.frame())
    experiment = embed_experiment(
        evaluation_set, corpus, training, encoder=encoder, model=params.model
    )
    if not upstream.require("split", "few_components"):
        return experiment

    # Validation alone is too small.
    return with_folds(
        experiment, positive_rows, augmented["row_id"], encoder=encoder, model=params.model
    )


class Baseline(NamedTuple):
    """The base model before any training.

    Attributes:
        hits: the first documents of each query.
        scores: the metrics of each query.
    """

    hits: Hits
    scores: pd.DataFrame

    def metrics(self) -> dict[str, float]:
        """Return the mean of each metric."""
        return {f"base.{name}": float(self.scores[name].mean()) for name in METRICS}


def rank_with_base_model(experiment: ProbeExperiment) -> Baseline:
    """Return what the base model finds for each query, and how good it is."""
    corpus = experiment.corpus
    hits = dense_search(
        experiment.query_vectors,
        experiment.passage_vectors,
        DEPTH,
        passage_starts=corpus.passage_starts,
    )
    query_ids = list(experiment.evaluation_set.queries["query_id"])
    scores = per_query_metrics(query_ids, hits, corpus.doc_ids, experiment.evaluation_set.qrels)
    return Baseline(hits, scores)


def separate(
    inputs: Inputs,
    params: Params,
    experiment: ProbeExperiment,
    *,
    encoder: Encoder,
    baseline: Baseline,
) -> Separation:
    """Return the separation from each kind of negative, labelled ones included."""
    corpus = experiment.corpus
    queries = list(experiment.evaluation_set.queries["text"])
    bm25 = BM25Index(corpus.texts, corpus.passage_starts).search(queries, DEPTH)
    separation = measure_separation(experiment, bm25, baseline.hits)

    # Pairs that a person found dissimilar. Those of the test split are not opened.
    splits = inputs.splits.frame()
    split_of_id = dict(zip(splits["id"], splits["split"], strict=True))
    dissimilar = inputs.dissimilar.frame()
    visible = dissimilar["pair_id"].map(split_of_id).isin(["train", "validation"])
    dissimilar = dissimilar[visible]
    anchors = encoder.encode(
        list(dissimilar["anchor"]), params.model.anchor_prompt, "dissimilar anchors"
    )
    labelled = human_labelled_panel(
        anchors,
        list(dissimilar["doc_id"]),
        passages=experiment.passage_vectors,
        corpus=corpus,
        positives=separation.panels["random"],
    )
    return Separation({**separation.panels, **labelled})


def describe_experiment(
    experiment: ProbeExperiment, candidate_ids: pd.Series[str]
) -> dict[str, float | int | str]:
    """Return how large the evaluation set is, and whether people or recipes wrote its queries."""
    queries = experiment.evaluation_set.queries
    return {
        "benchmark": benchmark_id([experiment.evaluation_set], candidate_ids),
        "folds": experiment.folds,
        "queries": len(queries),
        "corpus_documents": len(experiment.corpus.doc_ids),
        "synthetic_exam": bool(is_synthetic(queries["source"]).all()),
    }


def gate_metrics(gates: Sequence[Gate]) -> dict[str, int | str]:
    """Return the status of each gate, and how many failed or warn."""
    metrics: dict[str, int | str] = {f"gates.{gate.name}": gate.status for gate in gates}
    metrics["gates_failed"] = sum(gate.status == "fail" for gate in gates)
    metrics["gates_warned"] = sum(gate.status == "warn" for gate in gates)
    return metrics


def headline_metrics(measurements: Measurements) -> dict[str, float | int | str]:
    """Return the few metrics that DVC compares. A metric without data is left out."""
    sources = {
        "gates_failed": "gates_failed",
        "auc": "separation.random.roc_auc",
        "auc_hard": "separation.bm25.roc_auc",
        "gap": "separation.random.gap",
        "probe_gain": "probe.gain",
    }
    values = {name: measurements.get(key) for name, key in sources.items()}
    return {name: value for name, value in values.items() if value is not None}


STAGE = Stage(run, groups=("tables", "lexical", "model", "page", "train"))
main = STAGE.main
app = STAGE.app

if __name__ == "__main__":
    app()
