"""The options of the command line, declared once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from stages.commands.json_output import AsJson


class OutputFormat(StrEnum):
    """How a verdict is printed."""

    text = "text"
    markdown = "markdown"
    json = "json"


class FailIf(StrEnum):
    """What ends the command with exit code 1, for the last run against the first."""

    worse = "worse"
    not_better = "not-better"


@dataclass(frozen=True)
class VerdictOptions:
    """What a user may say. The help texts tell what each field means."""

    runs: Annotated[list[Path], typer.Argument(help="Two or more runs; the base comes first.")]
    qrels: Annotated[Path, typer.Option(help="The judgements.")]
    measure: Annotated[str, typer.Option(help="nDCG@K, RR@K, AP@K, R@K or Success@K.")] = "nDCG@10"
    delta: Annotated[
        float, typer.Option(min=0.0001, max=0.5, help="The largest difference that counts as none.")
    ] = 0.01
    groups: Annotated[
        Path | None,
        typer.Option(help="The queries' texts (JSONL); or lines of query, tab, group."),
    ] = None
    missing_as_zero: Annotated[
        bool, typer.Option("--missing-as-zero", help="A query without hits counts as 0.")
    ] = False
    condensed: Annotated[
        bool, typer.Option("--condensed", help="Remove unjudged hits before measuring.")
    ] = False
    slices: Annotated[
        Path | None, typer.Option(help="A slice of each query: columns of CSV, TSV or JSONL.")
    ] = None
    judge: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, help="List so many unjudged hits that matter most."),
    ] = None
    sheet: Annotated[
        Path | None, typer.Option(help="The CSV file that lists them, for a person to fill in.")
    ] = None
    corpus: Annotated[
        Path | None, typer.Option(help="The documents' texts (JSONL), for the sheet.")
    ] = None
    labels: Annotated[
        list[Path] | None, typer.Option(help="A sheet that was filled in, as more judgements.")
    ] = None
    judge_labels: Annotated[
        Path | None,
        typer.Option(help="Labels of a judge for all queries; people labelled some of them."),
    ] = None
    format_: Annotated[OutputFormat, typer.Option("--format", help="What is printed.")] = (
        OutputFormat.text
    )
    as_json: AsJson = False
    html: Annotated[Path | None, typer.Option(help="Write a page to this file, too.")] = None
    fail_if: Annotated[
        FailIf | None, typer.Option(help="Exit with 1 if the last run is so against the first.")
    ] = None


def as_command(work: Callable[[VerdictOptions], None]) -> Callable[..., None]:
    """Return `work` as a function with an argument for each option, as Typer reads it."""

    def main(**values: Any) -> None:
        work(VerdictOptions(**values))

    # Typer reads the options from the signature.
    signature = inspect.signature(VerdictOptions, eval_str=True)
    main.__signature__ = signature.replace(return_annotation=None)  # type: ignore[attr-defined]
    main.__annotations__ = get_type_hints(VerdictOptions, include_extras=True)
    main.__doc__ = work.__doc__
    return main
