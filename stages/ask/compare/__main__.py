"""Say whether a change helped: better, worse, equivalent, no evidence, or not comparable.

    python -m stages compare                   HEAD against the working tree
    python -m stages compare main my-branch    two revisions, or experiments by their names

The fine-tuned model of both is judged on the same queries over the same documents, query by query. What decides is the
interval of the mean difference, over components, and a sign-flip test; and a difference that is certainly smaller than
`compare.delta` is none. Choices are made on validation.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import pandas as pd
import typer
from rich.console import Console
from rich.markdown import Markdown

from stages.ask.compare.common import METRICS, Ground, ground
from stages.ask.compare.drawn import as_page
from stages.ask.compare.lost import touched
from stages.ask.compare.report import MOST, Report, as_json, changes, is_funnel, lines
from stages.ask.compare.sides import Side, side
from stages.ask.compare.verdicts import CompareParams, Difference, Verdict, difference, judge, judge_all
from stages.ask.pipeline import order
from stages.lib import written
from stages.lib.contracts.queries import Queries
from stages.lib.contracts.runs import Runs
from stages.lib.errors import Problem
from stages.lib.params import load
from stages.lib.stage import command

PRIMARY = "ndcg_at_10"
Found = TypeVar("Found")


class AtHand:
    """Reads tables of DVC as far as they are at hand, and keeps in `missing` why the others are not."""

    def __init__(self) -> None:
        self.missing: list[str] = []

    def read(self, what: Callable[[], Found]) -> Found | None:
        """Return what `what` reads; None where a table is missing."""
        try:
            return what()
        except Problem as problem:
            if problem.fact not in self.missing:
                self.missing.append(problem.fact)
            return None


def compare(before: Side, after: Side, split: str, system: str, delta: float) -> Report:
    """Return what became of `system` on `split` from one side to the other."""
    found, tables = ground(before, after, split, system), AtHand()
    queries = tables.read(lambda: after.table(f"data/split/{split}/queries.parquet", Queries))
    known = Queries.empty() if queries is None else queries
    primary, others = _judged(found, dict(zip(known["query_id"], known["relation"], strict=True)), delta)
    lost = (found.after[PRIMARY] - found.before[PRIMARY]).sort_values(kind="stable")
    lost = lost[lost < 0.0]
    # Test queries are never shown: who reads them chooses by them.
    texts = dict(zip(known["query_id"], known["text"], strict=True)) if split == "validation" else {}
    return Report(
        before.name,
        after.name,
        split,
        system,
        delta,
        found,
        primary,
        others,
        tables.read(lambda: _overlap(before, after, split, system)),
        [(str(query_id), texts.get(str(query_id), ""), float(change)) for query_id, change in lost.head(MOST).items()],
        len(lost),
        tables.read(lambda: touched(before, after, split, list(lost.index))),
        changes(before.params(), after.params()),
        changes(_funnel(before), _funnel(after)),
        tables.missing,
    )


def _judged(found: Ground, relations: dict[str, str], delta: float) -> tuple[Verdict, list[Verdict]]:
    components = found.after["component_id"]
    tested = {name: difference(name, found.before[name], found.after[name], components, seed=0) for name in METRICS}
    if not found.comparable:
        return judge(tested[PRIMARY], delta)._replace(word="not comparable"), []
    more: list[Difference] = [tested[name] for name in METRICS if name != PRIMARY]
    of = pd.Series({query_id: relations.get(query_id, "") for query_id in found.after.index}, dtype="str")
    if of.nunique() > 1:
        for relation in sorted(set(of)):
            ids = of.index[of == relation]
            one, other = found.before.loc[ids, PRIMARY], found.after.loc[ids, PRIMARY]
            more.append(difference(f"nDCG@10, {relation or 'no relation'}", one, other, components[ids], seed=0))
    return judge(tested[PRIMARY], delta), judge_all(more, delta)


def _overlap(before: Side, after: Side, split: str, system: str) -> float | None:
    """Return the mean share of the first ten hits that both sides have; None where no query is in both."""
    runs = [one.table("data/evaluate/runs.parquet", Runs) for one in (before, after)]
    tops = [
        run[(run["split"] == split) & (run["system"] == system) & (run["rank"] <= 10)].groupby("query_id")["doc_id"]
        for run in runs
    ]
    one, other = (top.agg(frozenset) for top in tops)
    both = one.index.intersection(other.index)
    shares = [len(one[query] & other[query]) / max(len(one[query]), len(other[query])) for query in both]
    return float(pd.Series(shares, dtype="float64").mean()) if shares else None


def _funnel(one: Side) -> dict[str, object]:
    told = {f"{stage}.{key}": value for stage in order() for key, value in one.metrics(stage).items()}
    return {key: value for key, value in told.items() if is_funnel(key)}


def main(
    before: Annotated[str, typer.Argument(help="revision or experiment")] = "HEAD",
    after: Annotated[str | None, typer.Argument(help="revision or experiment; default: the working tree")] = None,
    split: Annotated[str, typer.Option(help="validation, or test to confirm")] = "validation",
    system: Annotated[str, typer.Option(help="finetuned, base or bm25")] = "finetuned",
    md: Annotated[bool, typer.Option("--md", help="print Markdown")] = False,
    as_object: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
    html: Annotated[Path | None, typer.Option(help="write a page to this file")] = None,
) -> None:
    """Say whether a change helped: better, worse, equivalent, no evidence, or not comparable."""
    report = compare(side(before), side(after), split, system, load(CompareParams).delta)
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
