"""Tell what every version so far was worth, and whether iterating still pays.

    python -m stages progress --html progress.html

Walks the commits of this branch that changed the results on validation, the working tree, and DVC's experiments. Each
version is compared with the one before it, each experiment with the commit it started from, as `python -m stages
compare` does. Says as well how often the test set was opened on this benchmark, and what choosing the best of so many
versions is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from stages.commands.compare.openings import openings
from stages.commands.compare.sides import Side, experiments, history, side
from stages.commands.compare.verdicts import CompareParams, Verdict
from stages.commands.progress.advice import advice, advice_on_tries
from stages.commands.progress.drawn import as_page
from stages.commands.progress.steps import Asked, Step, against, steps, tries
from stages.lib import written
from stages.lib.errors import Problem
from stages.lib.params import load
from stages.lib.stage import command
from stages.lib.statistics import DETECTABLE


def lines(found: Sequence[Step], tried: Sequence[Step], told: Sequence[str]) -> list[str]:
    """Return the progress as Markdown, which reads as plain text too."""
    head = ["| version | | nDCG@10 (95 % interval) | difference | |", "|---|---|---|---|---|"]
    table = [*head, *(_row(step) for step in found)]
    if tried:
        table += [
            "",
            "Experiments, each against the version it started from:",
            "",
            *head,
            *map(_row, tried),
        ]
    return [told[0], "", *table, *(part for line in told[1:] for part in ("", line))]


def _row(step: Step) -> str:
    effect = step.verdict.effect if step.verdict else None
    difference = f"{effect.mean:+.4f} ({effect.low:+.4f} to {effect.high:+.4f})" if effect else ""
    interval = (
        f"{step.mean:.4f} ({step.low:.4f} to {step.high:.4f})"
        if step.low == step.low
        else f"{step.mean:.4f}"
    )
    name = f"`{step.side.name}`, from `{step.start}`" if step.start else f"`{step.side.name}`"
    return f"| {name} | {step.subject.replace('|', chr(92) + '|')} | {interval} | {difference} | {step.word} |"


def sentences(found: Sequence[Step], tried: Sequence[Step], now: Side, asked: Asked) -> list[str]:
    """Say what to make of it: whether iterating pays, which experiment does, and how often test was opened."""

    def together(first: Step, last: Step) -> Verdict | None:
        try:
            return against(first.side, last.side, asked)
        except Problem:
            return None

    effects = [
        step.verdict.effect for step in [*tried, *found] if step.verdict and step.verdict.effect
    ]
    opened = openings(now, effects[-1].mde / DETECTABLE if effects else 0.0)
    told = [advice(found, asked.delta, together), advice_on_tries(tried), str(opened)]
    reasons: dict[str, list[str]] = {}
    for step in [*found, *tried]:
        if step.problem is not None:
            reasons.setdefault(f"{step.problem.fact}: {step.problem.remedy}", []).append(
                f"`{step.side.name}`"
            )
    told += [
        f"Not compared: {', '.join(names)}, since {reason}." for reason, names in reasons.items()
    ]
    return [line for line in told if line]


def main(
    split: Annotated[str, typer.Option(help="validation; choices are made there")] = "validation",
    system: Annotated[
        str, typer.Option(help="a system of evaluate, as its tables name it")
    ] = "finetuned",
    html: Annotated[Path | None, typer.Option(help="write a page to this file")] = None,
) -> None:
    """Tell what every version so far was worth, and whether iterating still pays."""
    asked, now = Asked(split, system, load(CompareParams).delta), side(None)
    found = steps([*history(f"metrics/queries/{split}.tsv"), now], asked)
    if not found:
        raise Problem(
            "no commit of this branch has results", "run 'make repro' and commit metrics/"
        )
    tried = tries(experiments(), asked)
    told = sentences(found, tried, now, asked)
    if html is not None:
        with written.atomically(html) as temporary:
            temporary.write_text(as_page(found, tried, told, split), "utf-8", newline="\n")
    typer.echo("\n".join(lines(found, tried, told)))


app = command(main)

if __name__ == "__main__":
    app()
