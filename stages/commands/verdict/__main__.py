"""Say which of some retrieval runs is better, how sure that is, and what would decide.

    python -m stages verdict base.run new.run --qrels test.qrels
    python -m stages verdict base.json new.json --qrels qrels/test.tsv --groups queries.jsonl

Runs and qrels come from any system, in the formats of run_files.py. Intervals resample groups of
queries that belong together. With several runs each two are compared, and the p-values corrected.
With --fail-if the exit code is 1, for continuous integration.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stages.lib.core.errors import UserError
from stages.lib.core.stage import command
from stages.lib.core.terminal import say


class OutputFormat(StrEnum):
    """How a verdict is printed."""

    text = "text"
    markdown = "markdown"
    json = "json"


class FailIf(StrEnum):
    """What ends the command with exit code 1, for the last run against the first."""

    worse = "worse"
    not_better = "not-better"


def main(
    runs: Annotated[list[Path], typer.Argument(help="Two or more runs; the base comes first.")],
    qrels: Annotated[Path, typer.Option(help="The judgements.")],
    measure: Annotated[str, typer.Option(help="nDCG@K, RR@K, AP@K, R@K or Success@K.")] = "nDCG@10",
    delta: Annotated[
        float, typer.Option(min=0.0001, max=0.5, help="The largest difference that counts as none.")
    ] = 0.01,
    groups: Annotated[
        Path | None,
        typer.Option(help="The queries' texts (JSONL); or lines of query, tab, group."),
    ] = None,
    missing_as_zero: Annotated[
        bool, typer.Option("--missing-as-zero", help="A query without hits counts as 0.")
    ] = False,
    format_: Annotated[
        OutputFormat, typer.Option("--format", help="What is printed.")
    ] = OutputFormat.text,
    fail_if: Annotated[
        FailIf | None, typer.Option(help="Exit with 1 if the last run is so against the first.")
    ] = None,
) -> None:
    """Say which of some retrieval runs is better, how sure that is, and what would decide."""
    from stages.commands.verdict.judge import judge_runs
    from stages.commands.verdict.text import markdown_lines, to_dict, verdict_lines

    verdict = judge_runs(
        _names(runs),
        qrels,
        measure=measure,
        delta=delta,
        groups=groups,
        count_missing=missing_as_zero,
    )
    if format_ is OutputFormat.json:
        say(json.dumps(to_dict(verdict), indent=2, ensure_ascii=False))
    else:
        is_text = format_ is OutputFormat.text
        say("\n".join(verdict_lines(verdict) if is_text else markdown_lines(verdict)))

    # The exit code is a result and no error.
    first, last = (list(verdict.means)[index] for index in (0, -1))
    (pair,) = (pair for pair in verdict.pairs if (pair.first, pair.second) == (first, last))
    outcome = pair.comparison.outcome
    fails = {
        FailIf.worse: outcome == "worse",
        FailIf.not_better: outcome != "better",
    }
    if fail_if is not None and fails[fail_if]:
        raise typer.Exit(1)


def _names(runs: Sequence[Path]) -> dict[str, Path]:
    """Return a short name for each run: that of its file without a suffix, or its path.

    Raises:
        UserError: there is one run, or one stands there twice.
    """
    if len(runs) < 2:
        raise UserError("one run alone cannot be compared", "name two or more")
    if len(set(runs)) < len(runs):
        raise UserError("a run stands there twice", "name each once")

    # Two files of one name are told apart by their paths.
    short_names = [run.stem for run in runs]
    is_short = len(set(short_names)) == len(short_names)
    return {run.stem if is_short else str(run): run for run in runs}


app = command(main)

if __name__ == "__main__":
    app()
