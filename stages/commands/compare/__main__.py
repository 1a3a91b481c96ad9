"""Say whether a change helped: better, worse, equivalent, no evidence, or not comparable.

    python -m stages compare                   HEAD against the working tree
    python -m stages compare main my-branch    two revisions, or experiments by their names
    python -m stages compare main --rescore    the older model scored anew on the newer benchmark

The fine-tuned model of both is judged on the same queries over the same documents, query by query. What decides is the
interval of the mean difference, over components, and a sign-flip test; and a difference that is certainly smaller than
`compare.delta` is none. Choices are made on validation; `--split test` says how often test was opened.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import pandas as pd
import typer
from rich.console import Console
from rich.markdown import Markdown

from stages.commands.compare.common import HITS, Ground, ground, ranked
from stages.commands.compare.drawn import as_page
from stages.commands.compare.lost import touched
from stages.commands.compare.openings import Openings, openings
from stages.commands.compare.report import MOST, Report, as_json, changes, is_funnel, lines
from stages.commands.compare.rescore import rescore
from stages.commands.compare.sides import METRICS, Side, side
from stages.commands.compare.slices import Slices, read_held, slices
from stages.commands.compare.verdicts import (
    CompareParams,
    Verdict,
    difference,
    judge,
    judge_all,
    seed_sd,
)
from stages.commands.pipeline import order
from stages.lib import written
from stages.lib.errors import Problem
from stages.lib.params import load
from stages.lib.stage import command
from stages.lib.statistics import DETECTABLE

PRIMARY = "ndcg_at_10"
Found = TypeVar("Found")


class AtHand:
    """Reads tables of DVC as far as they are at hand, and keeps in `missing` what the others would have told."""

    def __init__(self) -> None:
        self.missing: dict[str, str] = {}

    def read(self, told: str, what: Callable[[], Found]) -> Found | None:
        """Return what `what` reads; None where a table is missing, and then `told` is missing, for that fact."""
        try:
            return what()
        except Problem as problem:
            self.missing[told] = problem.fact
            return None


def compare(
    before: Side, after: Side, split: str, system: str, delta: float, anew: bool = False
) -> Report:
    """Return what became of `system` on `split` from one side to the other; `anew`: scored on the newer benchmark."""
    found, tables = (rescore if anew else ground)(before, after, split, system), AtHand()
    held = tables.read("slices and texts of queries", lambda: read_held(after, split))
    parts = Slices({}, 0) if held is None else slices(*held, found.after["component_id"])
    sd = seed_sd(before, after, system)
    primary, others = _judged(found, parts.judged, delta, sd)
    lost = (found.after[PRIMARY] - found.before[PRIMARY]).sort_values(kind="stable")
    lost = lost[lost < 0.0]
    # Test queries are never shown: who reads them chooses by them.
    queries = (
        pd.DataFrame(columns=["query_id", "text"])
        if held is None or split == "test"
        else held[0].queries
    )
    texts = dict(zip(queries["query_id"], queries["text"], strict=True))
    return Report(
        before=before.name,
        after=after.name,
        split=split,
        system=system,
        delta=delta,
        ground=found,
        seed_sd=sd,
        primary=primary,
        others=others,
        small=parts.small if found.comparable else 0,
        opened=_openings(after, primary) if split == "test" else None,
        overlap=tables.read(
            "hits in common",
            lambda: overlap(_hits(found, before, split, system), ranked(after, split, system)),
        ),
        lost=[
            (str(query_id), texts.get(str(query_id), ""), float(change))
            for query_id, change in lost.head(MOST).items()
        ],
        losers=len(lost),
        touched=tables.read(
            "rules behind lost queries", lambda: touched(before, after, split, list(lost.index))
        ),
        params=changes(before.params(), after.params()),
        funnel=changes(_funnel(before), _funnel(after)),
        missing=tables.missing,
    )


def _judged(
    found: Ground, parts: dict[str, list[str]], delta: float, sd: float
) -> tuple[Verdict, list[Verdict]]:
    old, new = found.before, found.after
    tested = [
        difference(name, old[name], new[name], new["component_id"], seed=0, seed_sd=sd)
        for name in METRICS
    ]
    if not found.comparable:
        return judge(tested[0], delta)._replace(word="not comparable"), []
    for name, ids in parts.items():
        of = new.loc[ids, "component_id"]
        tested.append(
            difference(name, old.loc[ids, PRIMARY], new.loc[ids, PRIMARY], of, seed=0, seed_sd=sd)
        )
    return judge(tested[0], delta), judge_all(tested[1:], delta)


def _openings(after: Side, primary: Verdict) -> Openings:
    return openings(after, primary.effect.mde / DETECTABLE if primary.effect else 0.0)


def _hits(found: Ground, before: Side, split: str, system: str) -> pd.DataFrame:
    return ranked(before, split, system) if found.anew is None else found.anew


def overlap(before: pd.DataFrame, after: pd.DataFrame) -> float | None:
    """Return the mean share of the first ten hits (HITS) that both sides have; None where no query is in both."""
    query, rank, document = HITS
    one, other = (
        hits[hits[rank] <= 10].groupby(query)[document].agg(frozenset) for hits in (before, after)
    )
    both = one.index.intersection(other.index)
    shares = [len(one[name] & other[name]) / max(len(one[name]), len(other[name])) for name in both]
    return float(pd.Series(shares, dtype="float64").mean()) if shares else None


def _funnel(one: Side) -> dict[str, object]:
    told = {
        f"{stage}.{key}": value for stage in order() for key, value in one.metrics(stage).items()
    }
    return {key: value for key, value in told.items() if is_funnel(key)}


def main(
    before: Annotated[str, typer.Argument(help="revision or experiment")] = "HEAD",
    after: Annotated[
        str | None, typer.Argument(help="revision or experiment; default: the working tree")
    ] = None,
    split: Annotated[str, typer.Option(help="validation, or test to confirm")] = "validation",
    system: Annotated[
        str, typer.Option(help="a system of evaluate, as its tables name it")
    ] = "finetuned",
    anew: Annotated[
        bool,
        typer.Option(
            "--rescore", help="score the older model on the newer version's queries and documents"
        ),
    ] = False,
    md: Annotated[bool, typer.Option("--md", help="print Markdown")] = False,
    as_object: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
    html: Annotated[Path | None, typer.Option(help="write a page to this file")] = None,
) -> None:
    """Say whether a change helped: better, worse, equivalent, no evidence, or not comparable."""
    report = compare(side(before), side(after), split, system, load(CompareParams).delta, anew)
    if html is not None:
        with written.atomically(html) as temporary:
            temporary.write_text(as_page(report), "utf-8", newline="\n")
    if md or as_object:
        typer.echo(as_json(report) if as_object else "\n".join(lines(report)))
    else:
        Console().print(Markdown("\n".join(lines(report))))


app = command(main)

if __name__ == "__main__":
    app()
