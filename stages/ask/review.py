"""Write what people are to judge: data/review/negatives.csv and data/review/first_hits.csv, to be committed.

A sample of the mined negatives, and one of the documents that the fine-tuned model ranks first on validation and that
no label calls an answer. Into the column `verdict` goes `yes` where what was found answers after all, `no` where it
does not; what is left empty has not been judged. `mine` then tells the share of false negatives with its interval, and
`evaluate` that of label errors. Verdicts stay when this is run again; those on what is no longer drawn stand at the end
and count for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd
import typer

from stages.evaluate.diagnostics import sample_errors
from stages.evaluate.interface import EvaluateParams
from stages.lib import heldout, tables, written
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.runs import Runs
from stages.lib.contracts.triplets import Triplets
from stages.lib.heldout import HeldOut
from stages.lib.params import Run, load
from stages.lib.reviewed import FIRST_HITS, NEGATIVES, Verdict, read_verdicts, write_verdicts
from stages.lib.stage import command
from stages.mine.estimate import sample
from stages.mine.params import MineParams

_MISSING = "which is no longer in the corpus"


def renewed(found: Iterable[Verdict], path: Path, header: Sequence[str], what: str) -> str:
    """Write `found` to `path` with the verdicts that stand there, and return a line that says how many there are."""
    judged = {
        (one.asked_id, one.found_id): one
        for one in read_verdicts(path, header)
        if one.answers is not None
    }
    lines = []
    for one in found:
        known = judged.pop((one.asked_id, one.found_id), None)
        lines.append(one._replace(verdict=known.verdict if known else ""))
    rest = sorted(judged.values())
    with written.atomically(path) as temporary:
        write_verdicts([*lines, *rest], temporary, header)
    done = sum(line.answers is not None for line in lines)
    return f"{path}: {len(lines):,} {what}, {done:,} of them judged; {len(rest):,} verdicts on others kept"


def negatives(triplets: pd.DataFrame, wanted: int, seed: int) -> list[Verdict]:
    """Return the mined negatives to judge."""
    rows = sample(triplets, wanted, seed)
    ids = (rows["pair_id"], rows["negative_id"])
    lines = zip(*ids, rows["anchor"], rows["positive"], rows["negative"], strict=True)
    return [Verdict(*map(str, (*line, ""))) for line in lines]


def first_hits(errors: pd.DataFrame, held: HeldOut, documents: pd.DataFrame) -> list[Verdict]:
    """Return the `errors` of `sample_errors` to judge, with the best known answer of each query."""
    texts = {
        doc_id: f"{title}: {text}" if title else text
        for doc_id, title, text in zip(
            documents["doc_id"], documents["title"], documents["text"], strict=True
        )
    }
    queries = dict(zip(held.queries["query_id"], held.queries["text"], strict=True))
    lines = []
    for query_id, doc_id in zip(errors["query_id"], errors["doc_id"], strict=True):
        best = held.best(query_id)
        answer = texts.get(best, f"{best}, {_MISSING}")
        lines.append(
            Verdict(query_id, doc_id, queries[query_id], answer, texts.get(doc_id, doc_id), "")
        )
    return lines


def main(
    triplets: Path = Path("data/mine/triplets.parquet"),
    reviews: Path = Path("data/review/negatives.csv"),
    runs: Path = Path("data/evaluate/runs.parquet"),
    documents: Path = Path("data/pair/documents.parquet"),
    aliases: Path = Path("data/deduplicate/aliases.parquet"),
    queries: Path = Path("data/split/validation/queries.parquet"),
    qrels: Path = Path("data/split/validation/qrels.parquet"),
    hits: Path = Path("data/review/first_hits.csv"),
) -> None:
    """Write what people are to judge: data/review/negatives.csv and data/review/first_hits.csv, to be committed."""
    seed = load(Run).seed
    found = negatives(tables.read(triplets, Triplets), load(MineParams).judged_negatives, seed)
    typer.echo(renewed(found, reviews, NEGATIVES, "negatives"))
    if not runs.exists():
        typer.echo(f"{hits}: stays as it is, since {runs} does not exist; run 'make repro' for it")
        return
    copies = tables.read(aliases, Aliases)
    held = heldout.read(queries, qrels, dict(zip(copies["doc_id"], copies["kept_id"], strict=True)))
    first = tables.read(runs, Runs, split="validation", system="finetuned", rank=1)
    errors = sample_errors(first, held, load(EvaluateParams).judged_errors, seed)
    typer.echo(
        renewed(
            first_hits(errors, held, tables.read(documents, Documents)),
            hits,
            FIRST_HITS,
            "first hits",
        )
    )


app = command(main)

if __name__ == "__main__":
    app()
