"""The result of each version of the history and of each experiment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.commands.compare.alignment import pair_results
from stages.commands.compare.report import changes, format_value
from stages.commands.compare.samples import rows_in_words, sample_of
from stages.commands.compare.verdicts import PRIMARY, seed_deviation
from stages.commands.compare.versions import (
    METRICS,
    Version,
    commit_subject,
)
from stages.commands.verdict.differences import Comparison, compare_difference, measure_difference
from stages.lib.analysis.intervals import (
    MIN_COMPONENTS,
    MeanInterval,
    mean_interval,
)
from stages.lib.core.errors import UserError
from stages.lib.evaluation.weights import weighted_mean

NOT_A_NUMBER = float("nan")
MAX_PARAMS = 3  # parameters that are listed for an experiment


class Criterion(NamedTuple):
    """How versions are compared.

    Attributes:
        split: the evaluation set.
        system: the system.
        delta: the smallest difference that counts.
        component_weight: the most queries that a component counts as in a mean.
    """

    split: str
    system: str
    delta: float
    component_weight: int


class VersionResult(NamedTuple):
    """The result of one version.

    Attributes:
        version: the version.
        subject: its commit message, or the changed parameters of an experiment.
        mean: weighted mean nDCG@10.
        plain: mean nDCG@10 in which each query counts once.
        low: lower end of its 95 % interval; NaN with too few components.
        high: upper end of it.
        comparison: with the version before, or with the start of an experiment; None for the first.
        problem: the reason if it could not be compared.
        start: the commit that an experiment started from.
        sample: the share of the components that it was run on; None for all.
    """

    version: Version
    subject: str
    mean: float
    plain: float
    low: float
    high: float
    comparison: Comparison | None
    problem: UserError | None = None
    start: str = ""
    sample: float | None = None

    @property
    def outcome(self) -> str:
        """Return the outcome of the comparison; empty if there is nothing to compare with."""
        if self.comparison is not None:
            return self.comparison.outcome
        return "not comparable" if self.problem else ""

    @property
    def effect(self) -> MeanInterval | None:
        """Return the difference with its interval; None if there is none."""
        return self.comparison.effect if self.comparison else None

    @property
    def description(self) -> str:
        """Return the subject; of a run of a sample with its share."""
        if self.sample is None:
            return self.subject
        return f"{self.subject} [{rows_in_words(self.sample)}]"

    @property
    def label(self) -> str:
        """Return the name of the version; for an experiment with its start."""
        name = self.version.name
        return f"{name}, from {self.start}" if self.start else name


def history_results(versions: Sequence[Version], criterion: Criterion) -> list[VersionResult]:
    """Return a result for every version whose results differ from those of the version before.

    Each is compared with the last one before it that was run on the same rows: all of them, or the
    same sample. The first of a sample has no such version, and gets the reason as its problem.
    """
    results: list[VersionResult] = []
    previous: Version | None = None
    previous_metrics: pd.DataFrame | None = None
    last_of_sample: dict[float | None, Version] = {}

    for version in versions:
        metrics = metrics_of(version, criterion)
        if metrics is None:
            continue
        if previous_metrics is not None and previous_metrics.equals(metrics):
            continue

        # A run of a sample compares with one of the same sample, and else with nothing.
        share = sample_of(version)
        before = last_of_sample.get(share, previous)
        result = version_result(version, before, commit_subject(version), criterion=criterion)
        if result is not None:
            results.append(result)
            last_of_sample[share] = version
            previous = version
            previous_metrics = metrics

    return results


def experiment_results(
    pairs: Sequence[tuple[Version, Version]], criterion: Criterion
) -> list[VersionResult]:
    """Return a result for every experiment, compared with the commit it started from."""
    results = []

    for experiment, start in pairs:
        # The changed parameters describe an experiment.
        changed = changes(start.params(), experiment.params())
        parts = [
            f"{key} {format_value(old)} -> {format_value(new)}"
            for key, old, new in changed[:MAX_PARAMS]
        ]
        if len(changed) > MAX_PARAMS:
            parts.append(f"{len(changed) - MAX_PARAMS} more")

        # An experiment that failed has no results.
        result = version_result(experiment, start, ", ".join(parts), criterion=criterion)
        if result is not None:
            results.append(result._replace(start=start.name))

    return results


def metrics_of(version: Version, criterion: Criterion) -> pd.DataFrame | None:
    """Return the METRICS of one version by query id, sorted; None if it has none."""
    try:
        results = version.results(criterion.split, criterion.system)
    except UserError:
        return None

    return results[list(METRICS)].sort_index()


def version_result(
    version: Version, before: Version | None, subject: str, *, criterion: Criterion
) -> VersionResult | None:
    """Return the result of one version compared with `before`; None if it has no results."""
    try:
        results = version.results(criterion.split, criterion.system)
    except UserError:
        return None

    # The mean with its interval.
    scores = results[PRIMARY].to_numpy(dtype=np.float64)
    components = results["component_id"].to_numpy(dtype=str)
    mean = weighted_mean(scores, components, criterion.component_weight)
    low = NOT_A_NUMBER
    high = NOT_A_NUMBER
    if len(np.unique(components)) >= MIN_COMPONENTS:
        _, low, high, _ = mean_interval(
            scores, components, seed=0, component_weight=criterion.component_weight
        )
    result = VersionResult(
        version,
        subject,
        mean,
        plain=float(scores.mean()),
        low=low,
        high=high,
        comparison=None,
        sample=sample_of(version),
    )

    # The comparison, or the reason why there is none.
    if before is None:
        return result
    try:
        return result._replace(comparison=compare_versions(before, version, criterion))
    except UserError as problem:
        return result._replace(problem=problem)


def compare_versions(before: Version, after: Version, criterion: Criterion) -> Comparison:
    """Return the outcome in the primary metric.

    Raises:
        UserError: a table that the comparison needs is missing.
    """
    paired = pair_results(before, after, criterion.split, system=criterion.system)
    difference = measure_difference(
        PRIMARY,
        paired.before[PRIMARY],
        paired.after[PRIMARY],
        components=paired.after["component_id"],
        component_weight=criterion.component_weight,
        seed=0,
        seed_sd=seed_deviation(before, after, criterion.system),
    )
    comparison = compare_difference(difference, criterion.delta)

    # Versions with too little in common have a difference that means nothing.
    if not paired.comparable:
        return comparison._replace(outcome="not comparable")
    return comparison
