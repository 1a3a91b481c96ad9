"""Tell what every version so far was worth, and whether iterating still pays.

    python -m stages progress --html progress.html

Walks the commits of this branch that changed the results on validation, and the working tree; each is compared with the
one before it, as `python -m stages compare` does. Says as well how often the test set was opened on this benchmark, and
what choosing the best of so many versions is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from stages.ask.compare.openings import Openings, openings
from stages.ask.compare.sides import Side, history, side
from stages.ask.compare.verdicts import CompareParams
from stages.ask.progress.steps import Step, advice, steps
from stages.lib import page, written
from stages.lib.errors import Problem
from stages.lib.page import BLUE, Section
from stages.lib.params import load
from stages.lib.stage import command
from stages.lib.statistics import DETECTABLE


def lines(found: Sequence[Step], opened: Openings, delta: float) -> list[str]:
    """Return the progress as Markdown, which reads as plain text too."""
    told = [
        "| version | | nDCG@10 (95 % interval) | against the one before | |",
        "|---|---|---|---|---|",
        *(_row(step) for step in found),
    ]
    return [*told, "", advice(found, delta), "", _opened(opened)]


def _row(step: Step) -> str:
    against, word = step.reason, "" if not step.reason else "not comparable"
    if step.verdict is not None:
        effect = step.verdict.effect
        against = f"{effect.mean:+.4f} ({effect.low:+.4f} to {effect.high:+.4f})" if effect else ""
        word = step.verdict.word
    interval = f"{step.mean:.4f} ({step.low:.4f} to {step.high:.4f})" if step.low == step.low else f"{step.mean:.4f}"
    return f"| `{step.name}` | {step.subject} | {interval} | {against} | {word} |"


def _opened(opened: Openings) -> str:
    count = len(opened.commits)
    told = f"The test set was opened {count} time{'s' * (count != 1)} on today's benchmark"
    if count < 2:
        return f"{told}."
    return f"{told}: the best of {count} equal versions stands {opened.luck:+.4f} above their mean by luck alone."


def as_page(found: Sequence[Step], opened: Openings, delta: float) -> str:
    """Return the progress as a whole HTML document."""
    import altair as alt

    rows = pd.DataFrame(
        [(f"{at + 1}. {step.name}", step.mean, step.low, step.high) for at, step in enumerate(found)],
        columns=["version", "mean", "low", "high"],
    )
    base = alt.Chart(rows).encode(x=alt.X("version:N", title=None, sort=None))
    scale = alt.Scale(zero=False)
    interval = base.mark_rule(color=BLUE, strokeWidth=3).encode(
        y=alt.Y("low:Q", title="nDCG@10 on validation", scale=scale), y2="high:Q"
    )
    point = base.mark_point(color=BLUE, opacity=1, size=110).encode(y=alt.Y("mean:Q", scale=scale))
    drawing = (interval + point).properties(width=max(240, 90 * len(rows)), height=280)
    cells = [
        (
            step.name,
            step.subject,
            step.mean,
            step.verdict.effect.mean if step.verdict and step.verdict.effect else float("nan"),
            step.verdict.word if step.verdict else step.reason,
        )
        for step in found
    ]
    table = pd.DataFrame(cells, columns=["version", "change", "nDCG@10", "difference", "against the one before"])
    sections = [
        Section(
            "Versions",
            [
                page.chart(drawing, "Mean nDCG@10 on validation of each version, with its 95 % interval."),
                page.table(table, "Each against the one before it", {"nDCG@10": ".4f", "difference": "+.4f"}),
            ],
        ),
        Section("Test", [page.paragraph(_opened(opened))]),
    ]
    return page.page("Progress", advice(found, delta), sections)


def main(
    split: Annotated[str, typer.Option(help="validation; choices are made there")] = "validation",
    system: Annotated[str, typer.Option(help="finetuned, base or bm25")] = "finetuned",
    html: Annotated[Path | None, typer.Option(help="write a page to this file")] = None,
) -> None:
    """Tell what every version so far was worth, and whether iterating still pays."""
    delta = load(CompareParams).delta
    now = side(None)
    sides: list[Side] = [*history(f"metrics/queries/{split}.tsv"), now]
    found = steps(sides, split, system, delta)
    if not found:
        raise Problem("no commit of this branch has results", "run 'make repro' and commit metrics/")
    effects = [step.verdict.effect for step in found if step.verdict and step.verdict.effect]
    error = effects[-1].mde / DETECTABLE if effects else 0.0
    opened = openings(now, error)
    if html is not None:
        with written.atomically(html) as temporary:
            temporary.write_text(as_page(found, opened, delta), "utf-8", newline="\n")
    typer.echo("\n".join(lines(found, opened, delta)))


app = command(main)

if __name__ == "__main__":
    app()
