"""Write the runs and judgements of the last run as TREC files, for trec_eval and all that read them.

`<split>.<system>.run` has the first hundred hits of each query, `<split>.qrels` the judgements as they were scored,
copies resolved. A hit's score there is 101 less its rank: trec_eval sorts anew, in single precision and with an order
of ties of its own, and would not give our ranking by the scores themselves. Grades, which TREC wants whole, are
multiplied by a power of ten where they are fractions; nDCG, whose gains are linear, stays what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from stages.lib import benchmark, heldout, tables, written
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.runs import Runs
from stages.lib.errors import Problem
from stages.lib.measures import DEPTH
from stages.lib.stage import command

Grades = Mapping[str, Mapping[str, float]]

_MOST_DECIMALS = 6


def whole(qrels: Grades) -> dict[str, dict[str, int]]:
    """Return the grades times the smallest power of ten that makes them all whole; of fractions up to six decimals."""
    grades = {grade for judged in qrels.values() for grade in judged.values()}
    for decimals in range(_MOST_DECIMALS + 1):
        if all(abs(grade * 10**decimals - round(grade * 10**decimals)) < 1e-6 for grade in grades):
            break
    factor = 10**decimals
    # A grade of less than half of the smallest step would become no answer.
    return {
        query: {doc: max(1, round(grade * factor)) for doc, grade in judged.items()}
        for query, judged in qrels.items()
    }


def judgements(split: Path, aliases: Path, out_of_domain: Path) -> Callable[[str], Grades]:
    """Return what gives the judgements of a set by its name, as evaluate scored them."""
    copies = tables.read(aliases, Aliases)
    kept = dict(zip(copies["doc_id"], copies["kept_id"], strict=True))

    def judged(name: str) -> Grades:
        if name != "out_of_domain":
            return heldout.read(
                split / name / "queries.parquet", split / name / "qrels.parquet", kept
            ).qrels
        asked = tables.read(out_of_domain, Pairs)
        _, qrels = benchmark.held_out(
            asked.assign(raw=asked["anchor"], component_id=asked["doc_id"])
        )
        return heldout.grades(qrels, {})

    return judged


def main(
    out: Annotated[Path, typer.Argument(help="folder for the files; made if it is not there")],
    runs: Path = Path("data/evaluate/runs.parquet"),
    aliases: Path = Path("data/deduplicate/aliases.parquet"),
    split: Path = Path("data/split"),
    out_of_domain: Path = Path("data/clean/out_of_domain_pairs.parquet"),
) -> None:
    """Write the runs and judgements of the last run as TREC files, for trec_eval and all that read them."""
    found, judged = tables.read(runs, Runs), judgements(split, aliases, out_of_domain)
    if not len(found):
        raise Problem(f"{runs} holds no run", "run 'dvc repro evaluate' first")
    out.mkdir(parents=True, exist_ok=True)
    for (name, system), rows in found.groupby(["split", "system"], sort=True):
        told = zip(rows["query_id"], rows["doc_id"], rows["rank"], strict=True)
        lines = [
            f"{query} Q0 {doc} {rank} {DEPTH + 1 - rank} {system}" for query, doc, rank in told
        ]
        _write(out / f"{name}.{system}.run", lines)
    for name in found["split"].drop_duplicates():
        graded = sorted((query, sorted(of.items())) for query, of in whole(judged(name)).items())
        _write(
            out / f"{name}.qrels",
            [f"{query} 0 {doc} {grade}" for query, of in graded for doc, grade in of],
        )
    typer.echo(
        f"{out}: {found.groupby(['split', 'system']).ngroups} runs, with the judgements of their splits"
    )


def _write(path: Path, lines: list[str]) -> None:
    with written.atomically(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", "utf-8", newline="\n")


app = command(main)

if __name__ == "__main__":
    app()
