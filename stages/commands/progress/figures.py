"""The progress as values for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stages.commands.progress.history import Criterion, VersionResult


def progress_figures(
    history: Sequence[VersionResult],
    tried: Sequence[VersionResult],
    sentences: Sequence[str],
    criterion: Criterion,
) -> dict[str, Any]:
    """Return the results of all versions and experiments, with the sentences about them.

    Args:
        history: the versions, each compared with the one before it.
        tried: the experiments, each compared with the commit it started from.
        sentences: what to make of it; the first says whether to go on.
        criterion: how they were compared.
    """
    return {
        **criterion._asdict(),
        "advice": list(sentences),
        "versions": [_version_figures(result) for result in history],
        "experiments": [_version_figures(result) for result in tried],
    }


def _version_figures(result: VersionResult) -> dict[str, Any]:
    """Return the figures of one version. NaN says that there are too few components."""
    problem = result.problem
    effect = result.effect
    return {
        "name": result.version.name,
        "commit": result.version.commit,
        "start": result.start or None,
        "subject": result.subject,
        "sample": result.sample,
        "mean": result.mean,
        "low": result.low,
        "high": result.high,
        "plain": result.plain,
        # The first version is compared with nothing.
        "outcome": result.outcome or None,
        "difference": None if effect is None else effect._asdict(),
        "problem": None if problem is None else problem.fact,
    }
