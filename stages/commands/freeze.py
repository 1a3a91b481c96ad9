"""Freeze the split of every training and held-out row in data/frozen/splits.csv.

Commit the file. From then on the stage `split` keeps these ids in their splits, even if data are
added or the shares change.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stages.lib.core import atomic, tables
from stages.lib.core.stage import command
from stages.lib.schemas.splits import Splits
from stages.split.constraints import FROZEN_FILE, FROZEN_HEADER, SPLIT_PRECEDENCE


def main(
    splits: Annotated[Path, typer.Option(help="Splits of the last run.")] = Path(
        "data/split/splits.parquet"
    ),
    frozen: Annotated[Path, typer.Option(help="Folder of the file that is written.")] = Path(
        "data/frozen"
    ),
) -> None:
    """Freeze the split of every training and held-out row in data/frozen/splits.csv."""
    # Corpus documents and protected rows are in no split that could change.
    table = tables.read(splits, Splits)
    rows = table[table["split"].isin(SPLIT_PRECEDENCE)].sort_values("id")

    # Sorted lines, so that git shows what changed.
    lines = [",".join(FROZEN_HEADER)]
    for row_id, split in zip(rows["id"], rows["split"], strict=True):
        lines.append(f"{row_id},{split}")
    path = frozen / FROZEN_FILE
    with atomic.write(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", "utf-8", newline="\n")

    # From the largest split to the smallest.
    counts = rows["split"].value_counts()
    shown = ", ".join(f"{name} {counts.get(name, 0):,}" for name in reversed(SPLIT_PRECEDENCE))
    typer.echo(f"{path}: {len(rows):,} ids keep their split ({shown}); commit it")


app = command(main)

if __name__ == "__main__":
    app()
