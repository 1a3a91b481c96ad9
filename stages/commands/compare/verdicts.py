"""Decide what a difference between two versions is worth.

The unit of evidence is the component: components are independent, queries are not. The functions
answer three questions. Is the newer version better, worse or equivalent? Which slices of queries
have enough components for this decision? How often was the test set used? Frequent use makes the
best of several versions look better than it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np
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
    MIN_COMPONENTS,
)
from stages.lib.core.git_texts import label_id
from stages.lib.core.params import ParamsSection
from stages.lib.evaluation.evaluation_set import EvaluationSet, resolve_qrels, scoring_rule

PRIMARY = "ndcg_at_10"
TEST_RESULTS = "metrics/queries/test.tsv"


class CompareParams(ParamsSection):
    """Section `compare` of params.yaml: the smallest difference that counts."""

    section: ClassVar[str] = "compare"
    delta: float = Field(gt=0.0, le=0.5)


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
            f"{sentence}: the best of {count} equal versions stands {self.luck:+z.4f} "
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
