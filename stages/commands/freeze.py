"""Freeze the split of every training and held-out row in data/frozen/.

Commit the files. From then on the stage `split` keeps these ids in their splits, even if data are
added or the shares change. giants.json has the largest number of pairs that a component may have,
and what was done with larger ones, so that rows elsewhere change neither.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from stages.lib.core import atomic, tables
from stages.lib.core.stage import command
from stages.lib.reporting.details import StageDetails, read_stage_details
from stages.lib.schemas.splits import GiantRows, Splits
from stages.split.constraints import (
    FROZEN_FILE,
    FROZEN_HEADER,
    FROZEN_HEADER_WITH_GIANTS,
    LEFT_OUT,
    SPLIT_PRECEDENCE,
)
from stages.split.frozen_giants import GIANTS_FILE, giants_text


def main(
    splits: Annotated[Path, typer.Option(help="Splits of the last run.")] = Path(
        "data/split/splits.parquet"
    ),
    giants: Annotated[Path, typer.Option(help="Giants of the last run.")] = Path(
        "data/split/giants.parquet"
    ),
    details: Annotated[Path, typer.Option(help="Details of the last run.")] = Path(
        "metrics/details/split.json"
    ),
    frozen: Annotated[Path, typer.Option(help="Folder of the files that are written.")] = Path(
        "data/frozen"
    ),
) -> None:
    """Freeze the split of every training and held-out row in data/frozen/."""
    table = tables.read(splits, Splits)
    giant_table = tables.read(giants, GiantRows)
    limit = StageDetails(read_stage_details([details])).require(details.stem, "component_limit")
    rows = rows_to_freeze(table, giant_table)

    # Sorted lines, so that git shows what changed. Without giants there is no third column.
    lines = [",".join(FROZEN_HEADER_WITH_GIANTS if len(giant_table) else FROZEN_HEADER)]
    for row_id, split, giant in zip(rows["id"], rows["split"], rows["giant"], strict=True):
        lines.append(f"{row_id},{split},{giant}" if len(giant_table) else f"{row_id},{split}")
    path = frozen / FROZEN_FILE
    with atomic.write(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", "utf-8", newline="\n")

    # The giants, and the limit above which a component is one.
    handling_of = dict(zip(giant_table["giant"], giant_table["handling"], strict=True))
    with atomic.write(frozen / GIANTS_FILE) as temporary:
        temporary.write_text(giants_text(int(limit), handling_of), "utf-8", newline="\n")

    # From the largest split to the smallest.
    counts = rows["split"].value_counts()
    names = [*reversed(SPLIT_PRECEDENCE), *([LEFT_OUT] if LEFT_OUT in counts else [])]
    shown = ", ".join(f"{name} {counts.get(name, 0):,}" for name in names)
    typer.echo(f"{path}: {len(rows):,} ids keep their split ({shown}); commit it")


def rows_to_freeze(splits: pd.DataFrame, giants: pd.DataFrame) -> pd.DataFrame:
    """Return the columns id, split and giant of all rows that keep their split, sorted by id.

    Corpus documents and protected rows are in no split that could change. A row of a giant keeps
    its split even if it was not sampled for training.

    Args:
        splits: a Splits table.
        giants: a GiantRows table.
    """
    is_ordinary = splits["split"].isin(SPLIT_PRECEDENCE) & ~splits["id"].isin(giants["id"])
    ordinary = splits.loc[is_ordinary, ["id", "split"]].assign(giant="")
    rows = pd.concat([ordinary, giants[["id", "split", "giant"]]])
    return rows.sort_values("id", ignore_index=True)


app = command(main)

if __name__ == "__main__":
    app()
