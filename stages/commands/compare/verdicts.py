"""Decide what a difference between two versions is worth.

The unit of evidence is the component: components are independent, queries are not. The functions
answer three questions. Is the newer version better, worse or equivalent? Which slices of queries
have enough components for this decision? How often was the test set used? Frequent use makes the
best of several versions look better than it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from stages.commands.compare.alignment import QRELS_COLUMNS, read_aliases
from stages.commands.compare.versions import (
    FINETUNED,
    MODEL,
    Version,
    blob_of,
    file_versions,
)
from stages.evaluate.slices import LABEL_KINDS, NO_NAME, query_slices
from stages.lib.analysis.intervals import (
    ALPHA,
    DETECTABLE_ERRORS,
    MIN_COMPONENTS,
    NORMAL_QUANTILE,
    MeanInterval,
    add_seed_variance,
    holm_correction,
    random_half_means,
    sign_flip,
)
from stages.lib.core.git_texts import label_id
from stages.lib.core.params import ParamsSection
from stages.lib.evaluation.evaluation_set import EvaluationSet, resolve_qrels, scoring_rule
from stages.lib.evaluation.weights import weighted_mean

PRIMARY = "ndcg_at_10"
TEST_RESULTS = "metrics/queries/test.tsv"
Outcome = Literal["better", "worse", "equivalent", "no evidence", "not comparable"]

# Standard errors to either end of a 90 % interval.
_NORMAL_90 = 1.645


class CompareParams(ParamsSection):
    """Section `compare` of params.yaml: the smallest difference that counts."""

    section: ClassVar[str] = "compare"
    delta: float = Field(gt=0.0, le=0.5)


class Difference(NamedTuple):
    """The difference of two versions in one metric, newer minus older, before it has an outcome.

    Attributes:
        name: the metric or slice.
        before: weighted mean of the older version.
        after: weighted mean of the newer version.
        plain: difference of the means in which each query counts once.
        effect: mean difference with its 95 % interval; None under MIN_COMPONENTS.
        narrow: the 90 % interval, which decides on equivalence.
        p_value: of a sign-flip test by component; 1 under MIN_COMPONENTS.
        queries: number of queries.
        components: number of components.
    """

    name: str
    before: float
    after: float
    plain: float
    effect: MeanInterval | None
    narrow: tuple[float, float]
    p_value: float
    queries: int
    components: int


class Comparison(NamedTuple):
    """A difference with its outcome.

    Attributes:
        name: the metric or slice.
        outcome: better, worse, equivalent, no evidence, or not comparable.
        before: weighted mean of the older version.
        after: weighted mean of the newer version.
        plain: difference of the means in which each query counts once.
        effect: mean difference with its 95 % interval; None under MIN_COMPONENTS.
        p_value: corrected if it is one of several.
        queries: number of queries.
        components: number of components.
    """

    name: str
    outcome: Outcome
    before: float
    after: float
    plain: float
    effect: MeanInterval | None
    p_value: float | None
    queries: int
    components: int


class Slices(NamedTuple):
    """Query ids by name of the slice, and the number of slices with too few components.

    Only slices with enough components have their query ids here.
    """

    query_ids_of: dict[str, list[str]]
    too_small: int


class TestSetUses(NamedTuple):
    """The versions with new test results on one benchmark.

    Attributes:
        versions: their names, oldest first.
        luck: how far the best of so many equal versions is above their mean, on average.
    """

    versions: list[str]
    luck: float

    def __str__(self) -> str:
        """Return a sentence."""
        count = len(self.versions)
        plural = "" if count == 1 else "s"
        sentence = f"The test set was opened {count} time{plural} on this benchmark"
        if count < 2:
            return f"{sentence}."

        return (
            f"{sentence}: the best of {count} equal versions stands {self.luck:+.4f} "
            "above their mean by luck alone."
        )


def seed_deviation(before: Version, after: Version, system: str) -> float:
    """Return how much the mean of `system` varies with the training seed: `evaluate.seed_sd`.

    The result is 0 if both versions have the same fine-tuned model, if `system` is another one, or
    if the deviation was never measured.
    """
    # Equal models differ by nothing, whatever the seed.
    before_model = before.output_hash(MODEL)
    same_model = before_model is not None and before_model == after.output_hash(MODEL)
    if system != FINETUNED or same_model:
        return 0.0

    return float(after.params().get("evaluate.seed_sd") or 0.0)


def restated_versions(versions: Sequence[Version], component_weight: int) -> list[str]:
    """Return the names of the versions whose own means follow another rule than that of today.

    Their results of each query stay valid, so the rule of today applies to these. Versions from
    before the weight name no rule: each query counted once.
    """
    rule = scoring_rule(component_weight)
    return [
        version.name
        for version in versions
        if version.details("evaluate").get("scoring_rule") != rule
    ]


def measure_difference(
    name: str,
    before: pd.Series[float],
    after: pd.Series[float],
    *,
    components: pd.Series[str],
    component_weight: int,
    seed: int,
    seed_sd: float = 0.0,
) -> Difference:
    """Return the difference of two results with its intervals and its p-value.

    Both sides have the same weights. They follow from the components of the queries that are
    compared.

    Args:
        name: the metric or slice.
        before: scores of the older version, shape (queries,).
        after: scores of the newer version, with the same index.
        components: the component of each query, with the same index.
        component_weight: the most queries that a component counts as.
        seed: of the random halves and sign flips.
        seed_sd: standard deviation of a mean over trainings that differ only in their seed. It
            widens both intervals. 0 if both results come from one training.
    """
    differences = np.asarray(after - before, dtype=np.float64)
    component_ids = components.to_numpy(dtype=str)
    count = len(np.unique(component_ids))

    # Means without an interval: all that too few components give.
    difference = Difference(
        name=name,
        before=_mean(before, component_ids, component_weight),
        after=_mean(after, component_ids, component_weight),
        plain=float(differences.mean()) if count else float("nan"),
        effect=None,
        narrow=(-np.inf, np.inf),
        p_value=1.0,
        queries=len(differences),
        components=count,
    )
    if count < MIN_COMPONENTS:
        return difference

    # Both intervals come from the same random halves.
    means = random_half_means(differences, component_ids, seed, component_weight=component_weight)
    low, low_90, high_90, high = np.quantile(means, [0.025, 0.05, 0.95, 0.975]).tolist()
    mean = weighted_mean(differences, component_ids, component_weight)
    mde = float(DETECTABLE_ERRORS * means.std(ddof=1))

    # Another training seed could have moved both ends of both intervals.
    narrow = add_seed_variance(
        MeanInterval(mean, low_90, high_90, mde), seed_sd * _NORMAL_90 / NORMAL_QUANTILE
    )
    return difference._replace(
        effect=add_seed_variance(MeanInterval(mean, low, high, mde), seed_sd),
        narrow=(narrow.low, narrow.high),
        p_value=sign_flip(differences, component_ids, seed, component_weight=component_weight),
    )


def _mean(scores: pd.Series[float], components: npt.NDArray[np.str_], weight: int) -> float:
    """Return the weighted mean; NaN without queries."""
    if not len(scores):
        return float("nan")
    return weighted_mean(np.asarray(scores, dtype=np.float64), components, weight)


def compare_difference(
    difference: Difference, delta: float, p_value: float | None = None
) -> Comparison:
    """Return the outcome of a difference; `p_value` replaces its own if it is one of several.

    Equivalence is tested first (two one-sided tests, Schuirmann 1987). A difference that is
    certainly smaller than `delta` is no progress, even if it is certainly not 0. Better and worse
    need an interval without 0 and a significant sign-flip test.
    """
    if p_value is None:
        p_value = difference.p_value
    effect = difference.effect

    # Without an interval, or with a wide one, there is no evidence either way.
    outcome: Outcome = "no evidence"
    if effect is not None:
        low, high = difference.narrow
        if -delta < low and high < delta:
            outcome = "equivalent"
        elif p_value <= ALPHA and effect.low > 0.0:
            outcome = "better"
        elif p_value <= ALPHA and effect.high < 0.0:
            outcome = "worse"

    return Comparison(
        name=difference.name,
        outcome=outcome,
        before=difference.before,
        after=difference.after,
        plain=difference.plain,
        effect=effect,
        p_value=p_value,
        queries=difference.queries,
        components=difference.components,
    )


def compare_differences(differences: list[Difference], delta: float) -> list[Comparison]:
    """Return the outcomes of several differences, corrected for their number (Holm 1979)."""
    corrected = holm_correction([difference.p_value for difference in differences])
    return [
        compare_difference(difference, delta, p_value)
        for difference, p_value in zip(differences, corrected, strict=True)
    ]


def read_evaluation_set(version: Version, split: str) -> tuple[EvaluationSet, dict[str, str]]:
    """Return the queries of a split with their relevant documents, and document id to topic."""
    queries = version.table(
        f"data/split/{split}/queries.parquet", "query_id", "text", "relation", "source"
    )
    qrels = version.table(f"data/split/{split}/qrels.parquet", *QRELS_COLUMNS)
    kept_id = read_aliases(version)

    # Topics make slices of their own.
    documents = version.table("data/pair/documents.parquet", "doc_id", "topic")
    topic_of_document = dict(zip(documents["doc_id"], documents["topic"], strict=True))
    return EvaluationSet(queries, resolve_qrels(qrels, kept_id), qrels), topic_of_document


def find_slices(
    evaluation_set: EvaluationSet,
    topic_of_document: Mapping[str, str],
    components: pd.Series[str],
    *,
    has_labels: bool = True,
) -> Slices:
    """Return the slices of the queries in `components`, by kind and name.

    The kinds are those of the stage evaluate. They show a loss in one kind of query that the mean
    over all queries hides.

    Args:
        evaluation_set: the queries of the newer version.
        topic_of_document: the topics of its documents.
        components: the component of each query that is compared, by query id.
        has_labels: whether topics and relations stand there by name, or by an id.
    """
    query_ids_of: dict[str, list[str]] = {}
    too_small = 0

    for kind, slice_of_query in query_slices(evaluation_set, topic_of_document).items():
        compared = slice_of_query[slice_of_query.index.isin(components.index)]

        # A slice with few components gets no outcome, but is counted.
        for name in sorted(set(compared)):
            query_ids = list(compared.index[compared == name])
            if components[query_ids].nunique() < MIN_COMPONENTS:
                too_small += 1
            else:
                is_named = has_labels or kind not in LABEL_KINDS or name == NO_NAME
                shown = name if is_named else label_id(name)
                query_ids_of[f"nDCG@10, {kind} {shown}"] = query_ids

    return Slices(query_ids_of, too_small)


def uses_of_test_set(version: Version, error: float) -> TestSetUses:
    """Return the versions with new test results on the benchmark of `version`.

    Every commit of every branch and every experiment counts, and so does `version`. Abandoned
    commits and experiments count too.

    Args:
        version: the newest version.
        error: the standard error of a difference between two versions; 0 if unknown.
    """
    # Versions of the same benchmark, each with the git blob of its test results.
    benchmark = version.details("evaluate").get("benchmark")
    results = [
        (other.name, blob)
        for other, blob in file_versions(TEST_RESULTS)
        if other.details("evaluate").get("benchmark") == benchmark
    ]

    # The working tree, or a version without a commit of its own.
    own_blob = blob_of(version, TEST_RESULTS)
    if own_blob is not None:
        results.append((version.name, own_blob))

    # Equal results count once, under the name of the first.
    name_of_blob: dict[str, str] = {}
    for name, blob in results:
        name_of_blob.setdefault(blob, name)

    # A difference holds the errors of two versions.
    error_of_version = error / 2**0.5
    luck = mean_of_best(len(name_of_blob)) * error_of_version
    return TestSetUses(list(name_of_blob.values()), luck)


def mean_of_best(count: int) -> float:
    """Return the mean of the largest of `count` standard normal draws.

    >>> [round(mean_of_best(count), 2) for count in (1, 4, 10)]
    [0.0, 1.03, 1.54]
    """
    if count < 2:
        return 0.0

    # The chance that a draw is below each value.
    draws = np.linspace(-10.0, 10.0, 20_001)
    below = np.array([(1.0 + math.erf(draw / 2**0.5)) / 2.0 for draw in draws])

    # The density of the largest is the density of one, times the chance that all others are below,
    # times the number of draws that could be the largest.
    normal = np.exp(-(draws**2) / 2.0) / (2.0 * math.pi) ** 0.5
    density = count * normal * below ** (count - 1)
    return float(np.trapezoid(draws * density, draws))
