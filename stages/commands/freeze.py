"""Freeze the split of every row that is in training or held out: write data/frozen/splits.csv, to be committed.

From then on `split` leaves these ids where they are, whatever is added and whatever shares are chosen.
"""

from __future__ import annotations

from pathlib import Path

import typer

from stages.lib import tables, written
from stages.lib.contracts.splits import Splits
from stages.lib.stage import command
from stages.split.constraints import FROZEN_FILE, FROZEN_HEADER, SPLIT_PRECEDENCE


def main(
    splits: Path = Path("data/split/splits.parquet"), frozen: Path = Path("data/frozen")
) -> None:
    """Freeze the split of every row that is in training or held out: write data/frozen/splits.csv, to be committed."""
    path, found = frozen / FROZEN_FILE, tables.read(splits, Splits)
    kept = found[found["split"].isin(SPLIT_PRECEDENCE)].sort_values("id")
    lines = [
        ",".join(FROZEN_HEADER),
        *(",".join(row) for row in zip(kept["id"], kept["split"], strict=True)),
    ]
    with written.atomically(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", "utf-8", newline="\n")
    counts = kept["split"].value_counts()
    told = ", ".join(f"{name} {counts.get(name, 0):,}" for name in reversed(SPLIT_PRECEDENCE))
    typer.echo(f"{path}: {len(kept):,} ids keep their split ({told}); commit it")


app = command(main)

if __name__ == "__main__":
    app()
