"""The results of each system: by query, as runs, as means, and what fine-tuning gains.

nDCG@10 over the base model on validation is the one question that was chosen beforehand, so it is
tested alone. Every other metric and slice is one of many questions to the same queries, so their
p-values are corrected for their number (Holm 1979). A slice with too few components has means and
no verdict.

No component counts as more than `evaluate.component_weight` queries in a mean. The mean in which
each query counts once stands beside it, as `plain`.

"No harm outside the domain" is shown by non-inferiority (Piaggio et al. 2012): it is not enough
that no drop is seen, the upper bound of the drop must be small.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.evaluate.interface import EvaluateParams
from stages.lib.analysis.intervals import (
    PairedTest,
    effective_components,
    paired_test,
)
from stages.lib.evaluation.evaluation_set import EvaluationSet
from stages.lib.evaluation.ranking_metrics import (
    METRICS,
    grade_hits,
    mean_metrics,
    per_query_metrics,
)
from stages.lib.evaluation.weights import weighted_mean
from stages.lib.retrieval.corpus import Corpus
from stages.lib.retrieval.search import Hits
from stages.lib.schemas.runs import SYSTEMS, QueryResults, Runs

PRIMARY_METRIC = "ndcg_at_10"
BASE = "base"
FINETUNED = "finetuned"

MEASURE_COLUMNS = ("split", "system", "measure", "k", "mean", "plain")


def query_results(
    hits_of_system: Mapping[str, Hits], corpus: Corpus, evaluation_set: EvaluationSet, split: str
) -> pd.DataFrame:
    """Return the QueryResults of one split, metrics unrounded, sorted by query and system.

    The rows of one query stand together. They share ids, and git compresses equal text that is near
    to about half the size.
    """
    queries = evaluation_set.queries
    query_ids = list(queries["query_id"])
    components = queries["component_id"].to_numpy()

    # A row per query, system by system.
    frames = []
    for system, hits in hits_of_system.items():
        frame = per_query_metrics(query_ids, hits, corpus.doc_ids, qrels=evaluation_set.qrels)
        frames.append(frame.assign(system=system, split=split, component_id=components))

    columns = list(QueryResults.empty().columns)
    results = pd.concat(frames, ignore_index=True)[columns]
    return results.sort_values(["split", "query_id", "system"], ignore_index=True)


def run_rows(
    hits_of_system: Mapping[str, Hits], corpus: Corpus, evaluation_set: EvaluationSet, split: str
) -> pd.DataFrame:
    """Return the Runs of one split: a row per system, query and hit."""
    query_ids = evaluation_set.queries["query_id"].to_numpy(dtype=object)

    # A table per system. Its hits are in the order of the queries, the best hit first.
    frames = []
    for system, hits in hits_of_system.items():
        query_count, depth = hits.positions.shape
        columns = {
            "split": split,
            "system": system,
            "query_id": np.repeat(query_ids, depth),
            "rank": np.tile(np.arange(1, depth + 1), query_count),
            "doc_id": corpus.doc_ids[hits.positions.ravel()].astype(object),
            "score": hits.scores.ravel().astype(np.float64).round(6),
        }
        frames.append(pd.DataFrame(columns))

    return pd.concat(frames, ignore_index=True).astype(Runs.empty().dtypes.to_dict())


def metrics_by_depth(
    hits_of_system: Mapping[str, Hits],
    corpus: Corpus,
    evaluation_set: EvaluationSet,
    *,
    split: str,
    params: EvaluateParams,
) -> pd.DataFrame:
    """Return the mean of every metric at each of `params.depths` (columns MEASURE_COLUMNS)."""
    query_ids = list(evaluation_set.queries["query_id"])
    components = evaluation_set.queries["component_id"].to_numpy(dtype=str)

    # The systems come in the order of the ladder.
    frames = []
    for system in SYSTEMS:
        if system not in hits_of_system:
            continue
        graded_hits = grade_hits(
            query_ids, hits_of_system[system], corpus.doc_ids, qrels=evaluation_set.qrels
        )
        means = mean_metrics(
            graded_hits, params.depths, components, component_weight=params.component_weight
        )
        frames.append(means.assign(split=split, system=system))

    listed = pd.concat(frames, ignore_index=True)[list(MEASURE_COLUMNS)]
    return listed.round({"mean": 6, "plain": 6})


def systems_in(results: pd.DataFrame) -> list[str]:
    """Return the systems in `results`, in the order of the ladder."""
    return [system for system in SYSTEMS if (results["system"] == system).any()]


def means_by_system(results: pd.DataFrame, split: str, component_weight: int) -> dict[str, float]:
    """Return the weighted mean of each metric by system, keys `<split>.<system>.<metric>`.

    `<split>.plain.<system>.ndcg_at_10` is the mean in which each query counts once.
    """
    metrics: dict[str, float] = {}
    for system in systems_in(results):
        rows = results[results["system"] == system]
        components = rows["component_id"].to_numpy(dtype=str)
        for name in METRICS:
            values = rows[name].to_numpy(dtype=np.float64)
            metrics[f"{split}.{system}.{name}"] = weighted_mean(
                values, components, component_weight
            )

        plain_mean = float(rows[PRIMARY_METRIC].to_numpy(dtype=np.float64).mean())
        metrics[f"{split}.plain.{system}.{PRIMARY_METRIC}"] = plain_mean
    return metrics


class IntervalSettings(NamedTuple):
    """What means and intervals depend on.

    Attributes:
        seed: the seed of the resampling.
        seed_sd: the standard deviation of a mean over trainings that differ in their seed alone;
            None if it is not known.
        component_weight: the most queries that a component counts as.
    """

    seed: int
    seed_sd: float | None
    component_weight: int


class PairedScores(NamedTuple):
    """One metric of the fine-tuned model and another system on the same queries.

    Every array has shape (queries,), in order of query id.
    """

    query_ids: npt.NDArray[np.str_]
    other: npt.NDArray[np.float64]
    tuned: npt.NDArray[np.float64]
    components: npt.NDArray[np.str_]

    def select(self, mask: npt.NDArray[np.bool_]) -> PairedScores:
        """Return the queries where `mask` (queries,) is true."""
        return PairedScores(
            query_ids=self.query_ids[mask],
            other=self.other[mask],
            tuned=self.tuned[mask],
            components=self.components[mask],
        )

    def gain(self, settings: IntervalSettings) -> PairedTest:
        """Return the weighted mean gain of the fine-tuned model, with its interval and test.

        The weights follow from the components of these queries, so a slice has weights of its own.
        """
        return paired_test(
            self.tuned - self.other,
            self.components,
            seed=settings.seed,
            component_weight=settings.component_weight,
            seed_sd=settings.seed_sd,
            trainings=1,
        )


def paired_scores(results: pd.DataFrame, metric: str, other_system: str = BASE) -> PairedScores:
    """Return `metric` of the fine-tuned model and `other_system` on the queries of a split."""
    other = results[results["system"] == other_system].sort_values("query_id", ignore_index=True)
    tuned = results[results["system"] == FINETUNED].sort_values("query_id", ignore_index=True)

    # A difference is between two rows of the same query.
    assert other["query_id"].equals(tuned["query_id"])
    return PairedScores(
        query_ids=other["query_id"].to_numpy(dtype=str),
        other=other[metric].to_numpy(dtype=np.float64),
        tuned=tuned[metric].to_numpy(dtype=np.float64),
        components=other["component_id"].to_numpy(dtype=str),
    )


def gains(results: pd.DataFrame, split: str, settings: IntervalSettings) -> dict[str, float | int]:
    """Return the gain in nDCG@10 of the fine-tuned model over every other system of one split.

    With enough components each gain has an interval and a detectable effect. Only the gain over the
    base model has a p-value. `plain` is the gain in which each query counts once.
    """
    metrics: dict[str, float | int] = {
        f"{split}.components": int(results["component_id"].nunique())
    }
    for system in systems_in(results):
        if system == FINETUNED:
            continue

        # The mean, and with enough components an interval and a test.
        scores = paired_scores(results, PRIMARY_METRIC, system)
        gain = scores.gain(settings)
        prefix = f"{split}.gain.over_{system}.{PRIMARY_METRIC}"
        metrics[f"{prefix}.mean"] = gain.mean
        metrics[f"{prefix}.plain"] = gain.plain
        if gain.effect and gain.p is not None:
            for name, value in gain.effect._asdict().items():
                metrics[f"{prefix}.{name}"] = value
            if system == BASE:
                metrics[f"{prefix}.p"] = gain.p

        # How many components of equal weight the interval rests on.
        if system == BASE and gain.components > 1:
            metrics[f"{split}.effective_components"] = effective_components(
                scores.tuned - scores.other, scores.components, settings.component_weight
            )
    return metrics


def harm(gain_metrics: Mapping[str, float | int], max_harm: float) -> dict[str, float | bool]:
    """Return how much the fine-tuned model drops outside the domain, from the metrics of `gains`.

    `harmless` is true only if the upper bound of the drop is at most `max_harm`. Without an
    interval it is left out.
    """
    prefix = f"out_of_domain.gain.over_base.{PRIMARY_METRIC}"
    if f"{prefix}.mean" not in gain_metrics:
        return {}

    metrics: dict[str, float | bool] = {"out_of_domain.drop.mean": -gain_metrics[f"{prefix}.mean"]}

    # The upper bound of the drop is the lower bound of the gain, with its sign turned.
    lowest_gain = gain_metrics.get(f"{prefix}.low")
    if lowest_gain is not None:
        metrics["out_of_domain.drop.high"] = -lowest_gain
        metrics["out_of_domain.harmless"] = -lowest_gain <= max_harm
    return metrics
