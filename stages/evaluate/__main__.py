"""Rank the full corpus with every system, on validation and test, with intervals.

Reads the evaluation sets, the corpus, the training rows, the fine-tuned model, and the labels that
people gave to first hits. Writes metrics, the results of each query, the first hundred hits of
every system, every metric at several depths, slices, and recall curves.

The systems are a ladder from BM25 to the fine-tuned model (see systems.py). A gain is the mean of
differences by query, in which no component counts as more than `evaluate.component_weight` queries,
with an interval that resamples components. Choices are made on validation;
test confirms them. Synthetic queries of validation are an evaluation set of their own beside the
real ones. Pairs with scores show how well the cosines of the models agree with people.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from stages.evaluate.diagnostics import HELD_OUT_SPLITS, Context, RankedSet, diagnose
from stages.evaluate.graded import judged_shares
from stages.evaluate.interface import (
    Inputs,
    Outputs,
    Params,
    QueryTables,
)
from stages.evaluate.results import (
    PRIMARY_METRIC,
    means_by_system,
)
from stages.evaluate.slices import without_labels
from stages.evaluate.systems import (
    StaticModel,
    Systems,
    model_cosines,
    score_agreement,
)
from stages.evaluate.tasks import RetrievalTask, rank_all, read_tasks
from stages.evaluate.written_queries import ask_written_queries
from stages.lib.analysis.probe import Adapter, fit_probe, positive_triplets, training_vectors
from stages.lib.core.device import choose_device
from stages.lib.core.ids import hash_hex
from stages.lib.core.interface import Stage
from stages.lib.core.model_files import find_base_model, find_model_folder
from stages.lib.core.params import sample_mark
from stages.lib.core.tables import check_table
from stages.lib.evaluation.evaluation_set import (
    benchmark_id,
    scoring_rule,
)
from stages.lib.evaluation.trained_documents import asks_for_trained, kept_ids
from stages.lib.retrieval.encoder import Encoder
from stages.lib.schemas.pairs import is_synthetic
from stages.lib.schemas.reviews import FIRST_HITS, read_judgements
from stages.lib.schemas.runs import QueryResults
from stages.lib.schemas.splits import ids_in_sample
from stages.lib.schemas.written_queries import SHEET, read_sheet

Values = dict[str, float | int | str | bool]

# A figure of metrics/evaluate.json, and its key in the details. One without data is left out.
_KEY_FIGURES = {
    "ndcg@10": f"validation.finetuned.{PRIMARY_METRIC}",
    "gain": f"validation.gain.over_base.{PRIMARY_METRIC}.mean",
    "gain_low": f"validation.gain.over_base.{PRIMARY_METRIC}.low",
    "mde": f"validation.gain.over_base.{PRIMARY_METRIC}.mde",
    "outside_gain": f"out_of_domain.gain.over_base.{PRIMARY_METRIC}.mean",
    "test_ndcg@10": f"test.finetuned.{PRIMARY_METRIC}",
    "sample": "sample",
}


def run(inputs: Inputs, params: Params) -> Outputs:
    """Rank the full corpus with every system, on validation and test, with intervals."""
    # Labels of first hits that people gave. A faulty line is found before the work begins.
    labels = read_judgements(inputs.reviews, FIRST_HITS)
    sheet = read_sheet(inputs.written / SHEET)

    # The evaluation sets, and the systems that rank the corpus for them.
    collected = inputs.collected.frame()
    tasks = read_tasks(inputs)
    systems = load_systems(inputs, params)
    ranked_sets = rank_all(tasks, systems, params.evaluate)

    # Queries that people wrote for held-out passages.
    written_metrics = ask_written_queries(sheet, tasks, inputs, systems=systems, params=params)

    # What the results show beyond means.
    topic_of_document = dict(zip(collected["doc_id"], collected["topic"], strict=True))
    diagnostics = diagnose(
        ranked_sets,
        systems,
        Context(topic_of_document, labels, inputs.triplets.frame()),
        params=params.evaluate,
        seed=params.run.seed,
    )

    # All metrics, and six of them for DVC to compare.
    details: Values = {
        **benchmark_metrics(tasks, inputs, params),
        **means_of_sets(ranked_sets, params.evaluate.component_weight),
        **trained_documents(tasks, inputs),
        **judged_shares_of_sets(ranked_sets, tasks),
        **agreement_of_sets(tasks, systems, params),
        **diagnostics.metrics,
        **written_metrics,
        "device": systems.base.device.class_name,
    }
    measures = pd.concat([ranked.measures for ranked in ranked_sets.values()], ignore_index=True)
    slices = diagnostics.slices
    return Outputs(
        runs=pd.concat([ranked.runs for ranked in ranked_sets.values()], ignore_index=True),
        queries=query_tables(ranked_sets),
        slices=slices if params.git.has_labels else without_labels(slices),
        measures=measures,
        plot=recall_curves(measures),
        metrics={name: details[key] for name, key in _KEY_FIGURES.items() if key in details},
        details=details,
    )


def load_systems(inputs: Inputs, params: Params) -> Systems:
    """Return the models that rank.

    Raises:
        UserError: a model is missing, or its weights are not those of params.yaml.
    """
    device = choose_device(params.run)
    base = Encoder(find_base_model(params.model), device)

    # A static model is loaded only if params.yaml names one.
    static_model = None
    static_name = params.evaluate.static_model
    if static_name:
        static_folder = find_model_folder(
            static_name,
            "params.yaml: evaluate.static_model",
            params.evaluate.static_sha256,
            hash_key="evaluate.static_sha256",
        )
        static_model = StaticModel(static_folder)

    return Systems(
        base=base,
        finetuned=Encoder(inputs.finetuned, device),
        model=params.model,
        static=static_model,
        adapter=train_probe(inputs, base, params),
    )


def train_probe(inputs: Inputs, encoder: Encoder, params: Params) -> Adapter | None:
    """Return the adapter of `validate`'s probe, trained on the rows of fine-tuning.

    None if there are no such rows.
    """
    # Only pairs whose score makes them positives teach the probe.
    triplets = positive_triplets(
        inputs.triplets.frame(), inputs.pairs.frame(), positive_from=params.pair.positive_from
    )
    if not len(triplets):
        return None

    vectors = training_vectors(
        triplets,
        inputs.lineage.frame(),
        inputs.splits.frame(),
        encoder=encoder,
        model=params.model,
    )
    return fit_probe(vectors, params.run.seed)


def benchmark_metrics(tasks: Mapping[str, RetrievalTask], inputs: Inputs, params: Params) -> Values:
    """Return what must be equal for two runs to be comparable, and how large the benchmark is.

    The documents are all that were collected, or those in the sample. The rule of scoring is that
    of the means which this run writes down.
    """
    validation = tasks["validation"]
    test = tasks["test"]
    candidates = ids_in_sample(inputs.collected.frame()["doc_id"], inputs.splits.frame())
    component_weight = params.evaluate.component_weight
    return {
        **sample_mark(params.run.sample),
        "benchmark": benchmark_id([validation.evaluation_set, test.evaluation_set], candidates),
        "component_weight": component_weight,
        "scoring_rule": scoring_rule(component_weight),
        "corpus": hash_hex("corpus", *validation.corpus.doc_ids.tolist()),
        "corpus_documents": len(validation.corpus.doc_ids),
        "test_queries": len(test.evaluation_set.queries),
        "synthetic_exam": bool(is_synthetic(test.evaluation_set.queries["source"]).all()),
    }


def means_of_sets(ranked_sets: Mapping[str, RankedSet], component_weight: int) -> dict[str, float]:
    """Return the weighted mean of each metric, by evaluation set and system."""
    metrics: dict[str, float] = {}
    for name, ranked in ranked_sets.items():
        metrics |= means_by_system(ranked.results, name, component_weight)
    return metrics


def trained_documents(tasks: Mapping[str, RetrievalTask], inputs: Inputs) -> dict[str, float]:
    """Return the share of the queries that ask for a trained document, by held-out split."""
    aliases = inputs.aliases.frame()
    kept_id_of = dict(zip(aliases["doc_id"], aliases["kept_id"], strict=True))
    trained_ids = kept_ids(inputs.triplets.frame()["doc_id"], kept_id_of)

    metrics: dict[str, float] = {}
    for name in HELD_OUT_SPLITS:
        task = tasks[name]
        if len(task.evaluation_set.queries):
            is_trained = asks_for_trained(task.evaluation_set, task.corpus, trained_ids)
            metrics[f"{name}.trained_documents_share"] = float(is_trained.mean())

    return metrics


def judged_shares_of_sets(
    ranked_sets: Mapping[str, RankedSet], tasks: Mapping[str, RetrievalTask]
) -> dict[str, float]:
    """Return the share of the first hits that have a grade, by evaluation set with grades."""
    metrics: dict[str, float] = {}
    for name, ranked in ranked_sets.items():
        query_ids = list(ranked.evaluation_set.queries["query_id"])
        shares = judged_shares(ranked.hits, ranked.corpus, query_ids, graded=tasks[name].graded)
        metrics |= {f"{name}.{key}": share for key, share in shares.items()}
    return metrics


def agreement_of_sets(
    tasks: Mapping[str, RetrievalTask], systems: Systems, params: Params
) -> dict[str, float]:
    """Return how well the models agree with people's scores, by evaluation set with such pairs."""
    metrics: dict[str, float] = {}
    for name, task in tasks.items():
        if not len(task.scored_pairs):
            continue

        agreement = score_agreement(
            task.scored_pairs,
            model_cosines(systems, task.scored_pairs, task.corpus),
            positive_from=params.pair.positive_from,
            seed=params.run.seed,
        )
        metrics |= {f"{name}.{key}": value for key, value in agreement.items()}
    return metrics


def query_tables(ranked_sets: Mapping[str, RankedSet]) -> QueryTables:
    """Return the QueryResults of each evaluation set; one without queries has an empty table."""

    def results_of(name: str) -> pd.DataFrame:
        if name not in ranked_sets:
            return QueryResults.empty()
        return check_table(ranked_sets[name].results, QueryResults, f"metrics/queries/{name}.tsv")

    return QueryTables(
        validation=results_of("validation"),
        test=results_of("test"),
        out_of_domain=results_of("out_of_domain"),
        synthetic=results_of("synthetic"),
    )


def recall_curves(measures: pd.DataFrame) -> pd.DataFrame:
    """Return the recall by depth on validation and test, from the table of metrics by depth."""
    is_shown = (measures["measure"] == "recall") & measures["split"].isin(["validation", "test"])
    curves = measures[is_shown].rename(columns={"mean": "recall"})
    return curves[["split", "system", "k", "recall"]]


STAGE = Stage(run, groups=("tables", "lexical", "model"))
main = STAGE.main
app = STAGE.app

if __name__ == "__main__":
    app()
