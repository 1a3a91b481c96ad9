"""Audit the splits: what leaks by kind, and what a split by row would have leaked on the same data.

    python -m stages audit                      the splits of the last run
    python -m stages audit --splits FILE        a split of your own: CSV or Parquet with id,split, over pair ids

Exact: every held-out anchor and every text that answers one is compared with every one elsewhere, as collected, as
cleaned and as embedded. It exits with 1 when text leaks that `split.unit` keeps apart.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from stages.commands.audit.leaks import KINDS, SPLITS, Leaks, World, audit, judged
from stages.lib import tables
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.splits import HELD_OUT, Splits
from stages.lib.errors import Problem
from stages.lib.params import Run, load
from stages.lib.stage import command
from stages.lib.text import hash_hex
from stages.split.components import text_versions
from stages.split.interface import SplitParams

EXAMPLES = 5


def read_world(data: Path) -> World:
    """Return all pairs under `data`, with each text of theirs: as collected, as cleaned, as embedded."""
    documents, pairs = (
        [
            tables.read(data / stage / f"{name}.parquet", table)
            for stage in ("collect", "clean", "pair")
        ]
        for name, table in (("documents", Documents), ("pairs", Pairs))
    )
    every = (
        pd.concat([pairs[0], pairs[2]]).drop_duplicates("pair_id") if len(pairs[0]) else pairs[2]
    )
    raw = documents[0]
    groups = raw["source"] + "\n" + raw["group"]
    return World(
        text_versions(*((frame, "pair_id", "anchor") for frame in (every, pairs[1], pairs[2]))),
        dict(zip(every["pair_id"], every["doc_id"], strict=True)),
        text_versions(*((frame, "doc_id", "text") for frame in documents)),
        {
            doc_id: group
            for doc_id, group in zip(raw["doc_id"], groups, strict=True)
            if not group.endswith("\n")
        },
    )


def read_splits(path: Path, known: Mapping[str, str]) -> dict[str, str]:
    """Return pair id to split from a CSV or Parquet file with the columns id and split.

    Ids that are no `known` pairs are passed over. Raises Problem when the file is not of this shape.
    """
    remedy = "give a CSV or Parquet file with the columns id (of pairs) and split (train, validation, test)"
    try:
        if path.suffix == ".parquet":
            rows = pd.read_parquet(path).to_dict("records")
        else:
            with path.open(encoding="utf-8-sig", newline="") as stream:
                rows = list(csv.DictReader(stream))
        listed = [(str(row["id"]), str(row["split"])) for row in rows]
    except FileNotFoundError:
        raise Problem(f"{path} does not exist", remedy) from None
    except (KeyError, OSError, ValueError, csv.Error) as error:
        raise Problem(
            f"{path} is no table of splits: {str(error).partition(chr(10))[0]}", remedy
        ) from None
    split_of = dict(listed)
    if twice := next((identity for identity, split in listed if split_of[identity] != split), ""):
        raise Problem(f"{path}: {twice} stands in two splits", remedy)
    if other := sorted(set(split_of.values()) - {*SPLITS, "corpus", "protected"}):
        raise Problem(f"{path}: {other[0][:40]!r} is none of {', '.join(SPLITS)}", remedy)
    found = {identity: split for identity, split in split_of.items() if identity in known}
    if not set(found.values()) & set(HELD_OUT):
        raise Problem(
            f"{path}: none of its {len(split_of):,} ids is a held-out pair of this data", remedy
        )
    return found


def by_row(pairs: Mapping[str, str], params: SplitParams, seed: int) -> dict[str, str]:
    """Return what everybody does: each pair by itself, shuffled and cut at the shares of `params`."""
    shuffled = sorted(pairs, key=lambda pair_id: hash_hex("row", str(seed), pair_id))
    ends = (
        round(params.train * len(shuffled)),
        round((params.train + params.validation) * len(shuffled)),
    )
    return {
        pair_id: "train" if at < ends[0] else "validation" if at < ends[1] else "test"
        for at, pair_id in enumerate(shuffled)
    }


def tell(
    leaks: Leaks, split_of: Mapping[str, str], rows: Leaks, rows_of: Mapping[str, str]
) -> list[str]:
    """Return the lines that set the audited split beside the split by row."""
    held, other = (
        sum(split in HELD_OUT for split in splits.values()) for splits in (split_of, rows_of)
    )
    lines = [f"{'held-out pairs that leak':26}{'these splits':>22}{'a split by row':>22}"]
    for kind in KINDS:
        mine, theirs = (
            f"{len(found[kind]):,} ({len(found[kind]) / count:.1%})"
            for found, count in ((leaks, held), (rows, other))
        )
        lines.append(f"  {kind:24}{mine:>22}{theirs:>22}")
    return [*lines, f"  {'of':24}{held:>22,}{other:>22,}"]


def tell_test(rows: Leaks, rows_of: Mapping[str, str]) -> list[str]:
    """Return what the split by row would have cost: shares of its test pairs that training gives away."""
    count = sum(split == "test" for split in rows_of.values())

    def share(*kinds: str) -> str:
        return f"{len(set().union(*(rows[kind] for kind in kinds))) / count:6.1%}"

    anchors = share("exact anchor", "normalised anchor", "near anchor")
    texts = share("shared document", "exact text", "normalised text", "near text")
    return [
        f"of the {count:,} test pairs of a split by row",
        f"  {share('shared document')}  have their document in training",
        f"  {anchors}  have an anchor equal or near to a training anchor",
        f"  {texts}  have an answer equal or near to one in training, that document or another",
    ]


def main(
    splits: Annotated[
        Path | None, typer.Option(help="CSV or Parquet with id,split over pair ids")
    ] = None,
    data: Annotated[Path, typer.Option(help="folder of the stages' tables")] = Path("data"),
) -> None:
    """Audit the splits: what leaks by kind, and what a split by row would have leaked on the same data."""
    params, seed = load(SplitParams), load(Run).seed
    world = read_world(data)
    if splits is None:
        table = tables.read(data / "split/splits.parquet", Splits)
        split_of = {
            i: split
            for i, split in zip(table["id"], table["split"], strict=True)
            if i in world.answers
        }
    else:
        split_of = read_splits(splits, world.answers)
    # By date a question may come again, later and in the next exam; training alone must not know it.
    against = ("train",) if params.unit == "time" else SPLITS
    leaks = audit(world, split_of, params.near_threshold, HELD_OUT, against)
    rows_of = by_row(world.answers, params, seed)
    rows = audit(world, rows_of, params.near_threshold, HELD_OUT, against)
    used = sum(split in SPLITS for split in split_of.values())
    lines = [
        f"{used:,} of {len(world.answers):,} pairs are in training or held out; "
        f"near is a Jaccard similarity of {params.near_threshold} or more",
        "",
    ]
    lines += [*tell(leaks, split_of, rows, rows_of), ""]
    lines += tell_test(audit(world, rows_of, params.near_threshold, ["test"], ["train"]), rows_of)
    for kind in (kind for kind in KINDS if splits is not None and leaks[kind]):
        lines += ["", f"{kind}, for example"]
        lines += [
            f"  {held} ({split_of[held]}) and {p} ({split_of[p]})" for held, p in _some(leaks[kind])
        ]
    broken = sum(len(leaks[kind]) for kind in judged(params.unit))
    lines += [
        "",
        "held-out text leaks"
        if broken
        else f"nothing leaks that split.unit: {params.unit} keeps apart",
    ]
    typer.echo("\n".join(lines))
    if broken:
        raise typer.Exit(1)


def _some(hits: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(hits.items())[:EXAMPLES]


app = command(main)

if __name__ == "__main__":
    app()
