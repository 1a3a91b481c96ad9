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

import numpy as np
import pandas as pd

from stages.lib.analysis.probe import positive_triplets, training_vectors
from stages.lib.core.device import choose_device
from stages.lib.core.interface import Stage
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import sample_mark
from stages.lib.core.terminal import say
from stages.lib.evaluation.evaluation_set import (
    EvaluationSet,
    benchmark_id,
    resolve_masked,
    resolve_qrels,
    scoring_rule,
)
from stages.lib.evaluation.ranking_metrics import DEPTH, METRICS, per_query_metrics
from stages.lib.evaluation.trained_documents import asks_for_trained, kept_ids
from stages.lib.reporting.details import StageDetails, read_stage_details
from stages.lib.reporting.funnel import funnel
from stages.lib.reporting.ledger_rows import ledger_parts
from stages.lib.retrieval.bm25 import BM25Index
from stages.lib.retrieval.corpus import Corpus, corpus_from_passages
from stages.lib.retrieval.encoder import Encoder
from stages.lib.retrieval.search import Hits
from stages.lib.schemas.pairs import is_synthetic
from stages.lib.schemas.splits import ids_in_sample
from stages.validate.document_map import MapPoints, sample_points, write_projector
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
    embed_experiment,
    run_probe,
    with_folds,
)
from stages.validate.page import PageData, render, summary_lines
from stages.validate.probe_result import curve_table
from stages.validate.row_quality import check_rows, leaked_rows, upstream_counts
from stages.validate.split_worth import split_worth

PROJECTOR_FOLDER = Path("runs/validate")

Measurements = Mapping[str, float | int | str | None]


def run(inputs: Inputs, params: Params) -> Outputs:
    """Measure whether this data is worth training on."""
    upstream = StageDetails(read_stage_details(list(vars(inputs.details).values())))
    encoder = Encoder(find_base_model(params.model), choose_device(params.run))
    triplets = inputs.triplets.frame()

    # A pair with a low score is no example of a relevant document.
    positive_rows = positive_triplets(triplets, inputs.pairs.frame(), params.pair.positive_from)

    # The probe and the systems beside it, the separation, the geometry and the rows themselves.
    experiment = make_experiment(inputs, params, positive_rows, encoder=encoder, upstream=upstream)
    baseline = rank_with_base_model(experiment)
    lexical = rank_with_bm25(experiment)
    probe = run_probe(experiment, baseline.scores["ndcg_at_10"].to_numpy(float), params.run.seed)
    hits = (lexical.hits, baseline.hits)
    separation = separate(inputs, params, experiment, encoder=encoder, hits=hits)
    sample = sample_documents(experiment.corpus, experiment.passage_vectors)
    geometry = measure_geometry(sample, separation.panels["random"].positives)
    leaks = leaked_rows(triplets, inputs.fingerprints.batches(), params.validate.near_threshold)
    rows = check_rows(positive_rows, experiment.training, leaks)

    # The gates compare these measurements, and the counts of earlier stages, with their limits.
    measurements: dict[str, float | int | str | None] = {
        **describe_experiment(experiment, candidate_ids(inputs), params.run.sample),
        **describe_split(inputs, params, experiment.corpus, upstream),
        **lexical.metrics(),
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

    # The page and the plots show the same numbers.
    bins = histogram(separation.panels)
    curve = curve_table(probe.points, baseline.metrics()["base.ndcg_at_10"])
    points = map_points(inputs, experiment)
    page_data = PageData(
        gates,
        {**known, **measurements},
        histogram=bins,
        learning_curve=curve,
        funnel=funnel(upstream.stages),
        reasons=ledger_parts(inputs.ledgers, inputs.texts, inputs.splits.frame()),
    )
    summary = "\n".join(summary_lines(page_data))
    return Outputs(
        page=render(page_data),
        verdict=json.dumps({"passed": passed}) + "\n",
        separation=bins,
        learning_curve=curve,
        metrics=headline_metrics(measurements),
        details={key: value for key, value in measurements.items() if value is not None},
        write_projector=partial(write_projector, points, PROJECTOR_FOLDER),
        print_summary=partial(say, summary),
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
    augmented = inputs.ledgers.augment.frame().query("action == 'add'")

    # Training rows, the corpus and the validation queries, as vectors.
    training = training_vectors(
        positive_rows, augmented, inputs.splits.frame(), encoder, params.model
    )
    corpus = corpus_from_passages(inputs.passages.frame())
    experiment = embed_experiment(
        validation_set(inputs),
        corpus,
        training,
        encoder=encoder,
        model=params.model,
        component_weight=params.evaluate.component_weight,
    )
    if not upstream.require("split", "few_components"):
        return experiment

    # Validation alone is too small.
    return with_folds(
        experiment, positive_rows, augmented["row_id"], encoder=encoder, model=params.model
    )


def kept_of_dropped(inputs: Inputs) -> dict[str, str]:
    """Return id of a dropped document to that of the document that was kept for it."""
    aliases = inputs.aliases.frame()
    return dict(zip(aliases["doc_id"], aliases["kept_id"], strict=True))


def validation_set(inputs: Inputs) -> EvaluationSet:
    """Return the queries of validation with their relevant documents."""
    qrels = inputs.qrels.frame()
    kept_id_of = kept_of_dropped(inputs)
    grades = resolve_qrels(qrels, kept_id_of)
    masked = resolve_masked(inputs.masked.frame(), kept_id_of, grades)
    return EvaluationSet(inputs.queries.frame(), grades, qrels, masked)


def describe_split(
    inputs: Inputs, params: Params, corpus: Corpus, upstream: StageDetails
) -> dict[str, float | str]:
    """Return what the split is worth, and what advice has to know of the parameters."""
    # The validation queries of which a relevant document was trained on.
    trained_ids = kept_ids(inputs.triplets.frame()["doc_id"], kept_of_dropped(inputs))
    trained_share = float(asks_for_trained(validation_set(inputs), corpus, trained_ids).mean())
    return {
        **split_worth(trained_share, upstream).metrics(),
        "split_unit": params.split.unit,
        "facts.titles_in_documents": "{title}" in params.rendering.document_text,
    }


class Baseline(NamedTuple):
    """A system before any training.

    Attributes:
        name: the system, as in SYSTEMS.
        hits: the first documents of each query.
        scores: the metrics of each query.
        means: the weighted mean of each metric.
    """

    name: str
    hits: Hits
    scores: pd.DataFrame
    means: dict[str, float]

    def metrics(self) -> dict[str, float]:
        """Return the weighted mean of each metric, and the plain mean of nDCG@10."""
        metrics = {f"{self.name}.{metric}": mean for metric, mean in self.means.items()}
        plain_mean = float(self.scores["ndcg_at_10"].to_numpy(dtype=np.float64).mean())
        return {**metrics, f"plain.{self.name}.ndcg_at_10": plain_mean}


def rank_with_base_model(experiment: ProbeExperiment) -> Baseline:
    """Return what the base model finds for each query, and how good it is."""
    held = experiment.evaluation_set
    hits = held.dense_hits(
        list(held.queries["query_id"]),
        experiment.query_vectors,
        experiment.passage_vectors,
        corpus=experiment.corpus,
        depth=DEPTH,
        device=experiment.device,
    )
    return _baseline("base", experiment, hits)


def rank_with_bm25(experiment: ProbeExperiment) -> Baseline:
    """Return what BM25 finds for each query, and how good it is."""
    corpus = experiment.corpus
    held = experiment.evaluation_set
    index = BM25Index(corpus.texts, corpus.passage_starts)
    hits = index.search(list(held.queries["text"]), held.search_depth(DEPTH))
    hits = held.without_masked(held.queries["query_id"], hits, corpus.doc_ids, DEPTH)
    return _baseline("bm25", experiment, hits)


def _baseline(name: str, experiment: ProbeExperiment, hits: Hits) -> Baseline:
    query_ids = list(experiment.evaluation_set.queries["query_id"])
    qrels = experiment.evaluation_set.qrels
    scores = per_query_metrics(query_ids, hits, experiment.corpus.doc_ids, qrels)
    means = {
        metric: experiment.mean(scores[metric].to_numpy(dtype=np.float64)) for metric in METRICS
    }
    return Baseline(name, hits, scores, means)


def separate(
    inputs: Inputs,
    params: Params,
    experiment: ProbeExperiment,
    *,
    encoder: Encoder,
    hits: tuple[Hits, Hits],
) -> Separation:
    """Return the separation from each kind of negative, labelled ones included.

    Args:
        inputs: what the stage reads.
        params: the parameters.
        experiment: the queries and the corpus.
        encoder: the base model.
        hits: the hits of BM25 and those of the base model.
    """
    separation = measure_separation(experiment, *hits)

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
        texts=list(dissimilar["anchor"]),
        passages=experiment.passage_vectors,
        corpus=experiment.corpus,
        positives=separation.panels["random"],
    )
    return Separation({**separation.panels, **labelled})


def map_points(inputs: Inputs, experiment: ProbeExperiment) -> MapPoints:
    """Return the documents of the projector."""
    return sample_points(
        inputs.texts.collected_documents.frame(),
        experiment.corpus,
        experiment.passage_vectors,
        splits=inputs.splits.frame(),
    )


def candidate_ids(inputs: Inputs) -> pd.Series[str]:
    """Return the ids of all collected documents, or of those in the sample."""
    return ids_in_sample(inputs.texts.collected_documents.frame()["doc_id"], inputs.splits.frame())


def describe_experiment(
    experiment: ProbeExperiment, candidates: pd.Series[str], share: float | None
) -> dict[str, float | int | str]:
    """Return how large the evaluation set is, and whether people or recipes wrote its queries.

    Args:
        experiment: the queries, and what they search.
        candidates: the ids of all collected documents, or of those in the sample.
        share: the share of the sample; None for all rows.
    """
    queries = experiment.evaluation_set.queries
    return {
        **sample_mark(share),
        "benchmark": benchmark_id([experiment.evaluation_set], candidates),
        "component_weight": experiment.component_weight,
        "scoring_rule": scoring_rule(experiment.component_weight),
        "folds": experiment.folds,
        "queries": len(queries),
        "corpus_documents": len(experiment.corpus.doc_ids),
        "device": experiment.device.class_name,
        "synthetic_exam": bool(is_synthetic(queries["source"]).all()),
    }


def gate_metrics(gates: Sequence[Gate]) -> dict[str, int | str]:
    """Return the status of each gate, and how many failed or warn."""
    metrics: dict[str, int | str] = {f"gates.{gate.name}": gate.status for gate in gates}
    tripped = [gate for gate in gates if gate.status in ("fail", "warn")]
    metrics |= {f"gate_metrics.{gate.name}": gate.metric for gate in tripped}
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
        "sample": "sample",
    }
    values = {name: measurements.get(key) for name, key in sources.items()}
    return {name: value for name, value in values.items() if value is not None}


STAGE = Stage(run, groups=("tables", "sql", "lexical", "model", "page", "train"))
main = STAGE.main
app = STAGE.app

if __name__ == "__main__":
    app()
