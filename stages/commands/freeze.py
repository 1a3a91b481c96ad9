"""Freeze the split of every training and held-out row in data/frozen/.

Commit the files. From then on the stage `split` keeps these ids in their splits, even if data are
added or the shares change. giants.json has the largest number of pairs that a component may have,
and what was done with larger ones, so that rows elsewhere change neither.

An id that is frozen already stays in the list when a run lacks it: it may come back, and a row of a
test set must not be trained on then. `--drop-absent` takes such ids out. An id never moves to a
split that is nearer to training, unless `--accept-moves` says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

import pandas as pd
import typer

from stages.commands.json_output import AsJson, say_json
from stages.commands.run_at_hand import refuse_sample
from stages.lib.core import atomic, tables
from stages.lib.core.errors import UserError
from stages.lib.core.stage import command
from stages.lib.core.terminal import say
from stages.lib.reporting.details import StageDetails, read_stage_details
from stages.lib.schemas.splits import GiantRows, Splits
from stages.split.constraints import (
    FROZEN_FILE,
    FROZEN_HEADER,
    FROZEN_HEADER_WITH_GIANTS,
    LEFT_OUT,
    SPLIT_PRECEDENCE,
    read_frozen_folder,
)
from stages.split.frozen_giants import GIANTS_FILE, giants_text

# From what must never be trained on to what is trained on.
_FROM_HELD_OUT_TO_TRAINING = ("test", "validation", LEFT_OUT, "train")


class Frozen(NamedTuple):
    """What data/frozen/ holds.

    Attributes:
        split_of_id: id to the split that it keeps.
        giant_of_id: id to its giant, for the rows of giants.
        handling_of: the id of a giant to "train" or "cut".
    """

    split_of_id: dict[str, str]
    giant_of_id: dict[str, str]
    handling_of: dict[str, str]


class FrozenChanges(NamedTuple):
    """Numbers of ids that are not as they were before.

    Attributes:
        absent_kept: ids that the last run does not have, and that stay.
        left: ids that left the list.
        other_split: ids with another split than before.
        nearer_to_training: those of them whose split is nearer to training.
    """

    absent_kept: int
    left: int
    other_split: int
    nearer_to_training: int


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
    drop_absent: Annotated[
        bool,
        typer.Option("--drop-absent", help="Take ids out that the last run does not have."),
    ] = False,
    accept_moves: Annotated[
        bool,
        typer.Option(
            "--accept-moves", help="Take over splits nearer to training than the frozen ones."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Freeze the split of every training and held-out row in data/frozen/."""
    table = tables.read(splits, Splits)
    refuse_sample(table, "they would not be frozen")
    giant_table = tables.read(giants, GiantRows)
    limit = StageDetails(read_stage_details([details])).require(details.stem, "component_limit")
    before = _read_frozen(frozen)
    of_run = _frozen_of(rows_to_freeze(table, giant_table), giant_table)

    # A row that was held out must not come to training unnoticed.
    moved = _moved_to_training(before.split_of_id, of_run.split_of_id)
    if moved and not accept_moves:
        row_id = moved[0]
        raise UserError(
            f"{len(moved):,} ids would move nearer to training; {row_id} is frozen in "
            f"{before.split_of_id[row_id]} and in {of_run.split_of_id[row_id]} in the last run",
            "run 'dvc repro split', which keeps the frozen splits; if the moves are meant, add "
            "--accept-moves",
        )

    absent = sorted(before.split_of_id.keys() - of_run.split_of_id.keys())
    after = of_run if drop_absent else with_absent(of_run, before)
    write_frozen(after, int(limit), frozen)

    # From the largest split to the smallest.
    count_of_split = _counts(after)
    changes = _find_changes(before, after, absent=absent, moved=moved)
    path = frozen / FROZEN_FILE
    if as_json:
        counts = {"ids": len(after.split_of_id), "splits": count_of_split}
        say_json({"file": path, **counts, **changes._asdict()})
        return
    shown = ", ".join(f"{name} {count:,}" for name, count in count_of_split.items())
    say(f"{path}: {len(after.split_of_id):,} ids keep their split ({shown}); commit it")
    for line in _change_lines(changes):
        say(line)


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


def with_absent(of_run: Frozen, before: Frozen) -> Frozen:
    """Return what the last run gives, and what was frozen of ids that it does not have."""
    absent = before.split_of_id.keys() - of_run.split_of_id.keys()
    giants = {row_id: giant for row_id, giant in before.giant_of_id.items() if row_id in absent}
    handling = {giant: before.handling_of[giant] for giant in giants.values()}
    return Frozen(
        {**{row_id: before.split_of_id[row_id] for row_id in absent}, **of_run.split_of_id},
        {**giants, **of_run.giant_of_id},
        {**handling, **of_run.handling_of},
    )


def write_frozen(frozen: Frozen, limit: int, folder: Path) -> None:
    """Write splits.csv and giants.json, both or none."""
    # Sorted lines, so that git shows what changed. Without giants there is no third column.
    has_giants = bool(frozen.handling_of)
    lines = [",".join(FROZEN_HEADER_WITH_GIANTS if has_giants else FROZEN_HEADER)]
    for row_id, split in sorted(frozen.split_of_id.items()):
        giant = frozen.giant_of_id.get(row_id, "")
        lines.append(f"{row_id},{split},{giant}" if has_giants else f"{row_id},{split}")

    # Both are whole before either is renamed; giants.json, which the other names, comes first.
    with (
        atomic.write(folder / FROZEN_FILE) as temporary_splits,
        atomic.write(folder / GIANTS_FILE) as temporary_giants,
    ):
        temporary_splits.write_text("\n".join(lines) + "\n", "utf-8", newline="\n")
        temporary_giants.write_text(giants_text(limit, frozen.handling_of), "utf-8", newline="\n")


def _read_frozen(folder: Path) -> Frozen:
    """Return what is frozen already; nothing before the first time."""
    if not (folder / FROZEN_FILE).exists():
        return Frozen({}, {}, {})
    split_of_id, giants = read_frozen_folder(folder)
    return Frozen(split_of_id, dict(giants.giant_of), dict(giants.handling_of))


def _frozen_of(rows: pd.DataFrame, giants: pd.DataFrame) -> Frozen:
    has_giant = rows["giant"] != ""
    return Frozen(
        dict(zip(rows["id"], rows["split"], strict=True)),
        dict(zip(rows.loc[has_giant, "id"], rows.loc[has_giant, "giant"], strict=True)),
        dict(zip(giants["giant"], giants["handling"], strict=True)),
    )


def _moved_to_training(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return the ids whose split is nearer to training than the one in which they are frozen."""
    rank = _FROM_HELD_OUT_TO_TRAINING.index
    return sorted(
        row_id
        for row_id, split in before.items()
        if row_id in after and rank(after[row_id]) > rank(split)
    )


def _counts(frozen: Frozen) -> dict[str, int]:
    """Return split to number of ids, from the largest split to the smallest."""
    counts = pd.Series(list(frozen.split_of_id.values()), dtype="object").value_counts()
    names = [*reversed(SPLIT_PRECEDENCE), *([LEFT_OUT] if LEFT_OUT in counts else [])]
    return {name: int(counts.get(name, 0)) for name in names}


def _find_changes(
    before: Frozen, after: Frozen, *, absent: list[str], moved: list[str]
) -> FrozenChanges:
    kept = [row_id for row_id in absent if row_id in after.split_of_id]
    other = [
        row_id
        for row_id, split in before.split_of_id.items()
        if after.split_of_id.get(row_id, split) != split
    ]
    return FrozenChanges(len(kept), len(absent) - len(kept), len(other), len(moved))


def _change_lines(changes: FrozenChanges) -> list[str]:
    """Return lines that count what stayed without a row, what left, and what moved."""
    lines = []
    if changes.absent_kept:
        lines.append(
            f"{changes.absent_kept:,} of them are not in the last run and stay "
            "(--drop-absent removes them)"
        )
    if changes.left:
        lines.append(f"{changes.left:,} ids left the list (--drop-absent)")
    if changes.other_split:
        nearer = ""
        if changes.nearer_to_training:
            nearer = f", {changes.nearer_to_training:,} of them nearer to training (--accept-moves)"
        lines.append(f"{changes.other_split:,} ids have another split than before{nearer}")
    return lines


app = command(main)

if __name__ == "__main__":
    app()
