"""The results of each system: by query, as runs, as means, and what fine-tuning gains.

nDCG@10 over the base model on validation is the one question that was chosen beforehand, so it is
tested alone. Every other metric and slice is one of many questions to the same queries, so their
p-values are corrected for their number (Holm 1979). A slice with too few components has means and
no verdict.

"No harm outside the domain" is shown by non-inferiority (Piaggio et al. 2012): it is not enough
that no drop is seen, the upper bound of the drop must be small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.analysis.intervals import (
    PairedTest,
    effective_components,
    holm_correction,
    paired_test,
    significance,
)
from stages.lib.evaluation.evaluation_set import EvaluationSet
from stages.lib.evaluation.ranking_metrics import (
    METRICS,
    grade_hits,
    mean_metrics,
    per_query_metrics,
)
from stages.lib.retrieval.corpus import Corpus
from stages.lib.retrieval.search import Hits
from stages.lib.schemas.pairs import is_synthetic
from stages.lib.schemas.runs import SYSTEMS, QueryResults, Runs

PRIMARY_METRIC = "ndcg_at_10"
BASE = "base"
FINETUNED = "finetuned"

MEASURE_COLUMNS = ("split", "system", "measure", "k", "mean")
SLICE_COLUMNS = (
    *("split", "kind", "slice", "queries", "components"),
    *("base", "finetuned", "gain", "low", "high", "p", "finding"),
)
NO_NAME = "(none)"
OTHERS = "(others)"
MAX_SLICES = 50  # of one kind; smaller ones are put together
# The most words of a query in each slice of length.
_LENGTHS = {1: "1 word", 2: "2 words", 3: "3 words", 5: "4 to 5 words", 9: "6 to 9 words"}
_LONGEST = "10 words or more"


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
    depths: Sequence[int],
) -> pd.DataFrame:
    """Return the mean of every metric at each of `depths` (columns MEASURE_COLUMNS)."""
    query_ids = list(evaluation_set.queries["query_id"])

    # The systems come in the order of the ladder.
    frames = []
    for system in SYSTEMS:
        if system not in hits_of_system:
            continue
        graded_hits = grade_hits(
            query_ids, hits_of_system[system], corpus.doc_ids, qrels=evaluation_set.qrels
        )
        frames.append(mean_metrics(graded_hits, depths).assign(split=split, system=system))

    return pd.concat(frames, ignore_index=True)[list(MEASURE_COLUMNS)].round({"mean": 6})


def systems_in(results: pd.DataFrame) -> list[str]:
    """Return the systems in `results`, in the order of the ladder."""
    return [system for system in SYSTEMS if (results["system"] == system).any()]


def means_by_system(results: pd.DataFrame, split: str) -> dict[str, float]:
    """Return the mean of each metric by system, keys `<split>.<system>.<metric>`."""
    metrics: dict[str, float] = {}
    for system in systems_in(results):
        rows = results[results["system"] == system]
        for name in METRICS:
            metrics[f"{split}.{system}.{name}"] = float(rows[name].mean())
    return metrics


class IntervalSettings(NamedTuple):
    """What intervals depend on.

    Attributes:
        seed: the seed of the resampling.
        seed_sd: the standard deviation of a mean over trainings that differ in their seed alone;
            None if it is not known.
    """

    seed: int
    seed_sd: float | None


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
        """Return the mean gain of the fine-tuned model, with its interval and test."""
        return paired_test(
            self.tuned - self.other,
            self.components,
            seed=settings.seed,
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
    base model has a p-value.
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
        if gain.effect and gain.p is not None:
            for name, value in gain.effect._asdict().items():
                metrics[f"{prefix}.{name}"] = value
            if system == BASE:
                metrics[f"{prefix}.p"] = gain.p

        # How many components of equal weight the interval rests on.
        if system == BASE and gain.components > 1:
            metrics[f"{split}.effective_components"] = effective_components(
                scores.tuned - scores.other, scores.components
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


def query_slices(
    evaluation_set: EvaluationSet, topic_of_document: Mapping[str, str]
) -> dict[str, pd.Series[str]]:
    """Return kind of slice to a series with the slice of every query, indexed by query id.

    The topic of a query is that of its best document. A kind with the same slice for all queries is
    left out.
    """
    queries = evaluation_set.queries.set_index("query_id")

    # A document without a topic gives an empty one.
    topics = {
        query_id: topic_of_document.get(evaluation_set.best_document(query_id), "")
        for query_id in queries.index
    }
    origins = is_synthetic(queries["source"]).map({True: "made by a recipe", False: "real"})

    slices_by_kind = {
        "relation": queries["relation"],
        "topic": pd.Series(topics, dtype="str"),
        "length": queries["text"].map(length_slice),
        "source": queries["source"],
        "origin": origins,
    }
    return {
        kind: slices.replace("", NO_NAME)
        for kind, slices in slices_by_kind.items()
        if slices.nunique() > 1
    }


def length_slice(text: str) -> str:
    """Return the slice of length for a query.

    >>> length_slice("high fever at night")
    '4 to 5 words'
    """
    word_count = len(text.split())
    for most_words, name in _LENGTHS.items():
        if word_count <= most_words:
            return name
    return _LONGEST


class _Slice(NamedTuple):
    """One row of the table of slices: its kind and name, and the scores of its queries."""

    kind: str
    name: str
    scores: PairedScores


def slice_gains(
    results: pd.DataFrame,
    evaluation_set: EvaluationSet,
    topic_of_document: Mapping[str, str],
    settings: IntervalSettings,
) -> pd.DataFrame:
    """Return a row per slice of one split's QueryResults, and one per metric besides nDCG@10.

    The columns are SLICE_COLUMNS. `low` and `high` bound the gain (95 %); `p` is corrected for the
    number of rows that have one. Numbers have four digits.
    """
    # All metrics but the primary one on all queries, then the primary one on each slice.
    slices = [
        _Slice("measure", name, paired_scores(results, name))
        for name in METRICS
        if name != PRIMARY_METRIC
    ]
    scores = paired_scores(results, PRIMARY_METRIC)
    for kind, slice_of_query in query_slices(evaluation_set, topic_of_document).items():
        names = slice_of_query.loc[list(scores.query_ids)].to_numpy(dtype=object)
        slices += _slices_of_kind(kind, names, scores)

    # Rows with too few components have no p-value, and do not count in the correction.
    gain_of_slice = [part.scores.gain(settings) for part in slices]
    corrected = iter(holm_correction([gain.p for gain in gain_of_slice if gain.p is not None]))

    # One row per slice.
    split = str(results["split"].iloc[0])
    rows = []
    for part, gain in zip(slices, gain_of_slice, strict=True):
        p_value = None if gain.p is None else next(corrected)
        rows.append(_slice_row(split, part, gain, p_value=p_value))
    frame = pd.DataFrame(rows, columns=SLICE_COLUMNS).round(4)

    # Adding 0.0 turns -0.0 into 0.0. A diff would show -0.0 as a change.
    numeric_columns = frame.columns[frame.dtypes == "float64"]
    return frame.assign(**{name: frame[name] + 0.0 for name in numeric_columns})


def _slices_of_kind(
    kind: str, names: npt.NDArray[np.object_], scores: PairedScores
) -> list[_Slice]:
    """Return the slices of one kind, the largest first, the smallest of very many as one.

    `names` has the slice of each query of `scores`.
    """
    count_by_name = Counter(names.tolist())
    ordered = sorted(count_by_name, key=lambda name: (-count_by_name[name], name))
    slices = [_Slice(kind, name, scores.select(names == name)) for name in ordered[:MAX_SLICES]]

    # The smallest slices are put together.
    rest = ordered[MAX_SLICES:]
    if rest:
        slices.append(_Slice(kind, OTHERS, scores.select(np.isin(names, rest))))
    return slices


def _slice_row(
    split: str, part: _Slice, gain: PairedTest, p_value: float | None
) -> tuple[Any, ...]:
    """Return one row of SLICE_COLUMNS."""
    # Without an interval both ends are missing values.
    base_mean = float(part.scores.other.mean())
    tuned_mean = float(part.scores.tuned.mean())
    low = gain.effect.low if gain.effect else None
    high = gain.effect.high if gain.effect else None

    return (
        *(split, part.kind, part.name, gain.queries, gain.components),
        *(base_mean, tuned_mean, gain.mean, low, high, p_value, significance(gain, p_value)),
    )


def slice_counts(slice_table: pd.DataFrame, split: str) -> dict[str, int]:
    """Return how many slices of `split` have a verdict, and how many are better or worse."""
    # The rows of other metrics than nDCG@10 are no slices.
    is_slice = (slice_table["split"] == split) & (slice_table["kind"] != "measure")
    verdicts = slice_table.loc[is_slice, "finding"]
    return {
        f"{split}.slices.judged": int((verdicts != "too few components").sum()),
        f"{split}.slices.better": int((verdicts == "better").sum()),
        f"{split}.slices.worse": int((verdicts == "worse").sum()),
    }
