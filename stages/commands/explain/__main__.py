"""Print a row's whole story: from the raw record to its split, or to the rule that removed it.

Reads whatever tables the stages have written so far under data/, and only the row groups that hold the
row, so that it answers at once however large they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stages.commands.explain.lookup import Run
from stages.commands.explain.story import story
from stages.lib.errors import Problem
from stages.lib.stage import command

AT_MOST = 20  # matches that are printed


def main(
    row_id: Annotated[
        str, typer.Argument(metavar="ID", help="id of a pair, document or query, or its beginning")
    ],
    data: Annotated[Path, typer.Option(help="folder of the stages' tables")] = Path("data"),
) -> None:
    """Print a row's whole story: from the raw record to its split, or to the rule that removed it."""
    if len(row_id) < 4:
        raise Problem(
            f"'{row_id}' is too short to name a row",
            "give at least the first 4 characters of its id",
        )
    run = Run(data)
    if not run.files:
        raise Problem(f"{data}/ holds no tables yet", "run 'dvc repro' (or 'dvc pull') first")
    found = run.matches(row_id)
    if not found:
        raise Problem(
            f"no table under {data}/ and no ledger knows an id that begins with '{row_id}'",
            "ids stand in data/*/*.parquet and metrics/queries/*.tsv: a letter (d, p, q) and 16 hexadecimal digits",
        )
    if len(found) > 1 and row_id not in found:
        texts = run.texts(found[:AT_MOST])
        typer.echo(f"{len(found)} ids begin with '{row_id}':", err=True)
        for one in found[:AT_MOST]:
            typer.echo(f"  {one}  {texts.get(one, '')}".rstrip(), err=True)
        if len(found) > AT_MOST:
            typer.echo(f"  and {len(found) - AT_MOST} more", err=True)
        raise typer.Exit(1)
    typer.echo("\n".join(story(run, row_id if row_id in found else found[0])))


app = command(main)

if __name__ == "__main__":
    app()
