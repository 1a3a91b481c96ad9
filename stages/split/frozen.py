"""Ids that keep their split: data/frozen/splits.csv, written by `python -m stages freeze` and kept in git."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from stages.lib.errors import Problem

NAME = "splits.csv"
HEADER = ["id", "split"]
# Of a component with members of several splits: what has been an exam question once must not be trained on.
PRECEDENCE = ("test", "validation", "train")

_ID = re.compile(r"[dp][0-9a-f]{16}")
_REMEDY = "correct the line, or restore the file with git; 'python -m stages freeze' writes it anew"


def read_frozen(path: Path) -> dict[str, str]:
    """Return id to the split it keeps. Raises Problem, which names the line, when the file is malformed."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream, strict=True))
    except FileNotFoundError:
        raise Problem(f"{path} does not exist", f"restore it with 'git checkout {path}'") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise Problem(f"{path} is not a CSV file in UTF-8: {error}", _REMEDY) from None
    if not rows or rows[0] != HEADER:
        raise Problem(f"{path}, line 1: the header is not 'id,split'", _REMEDY)
    frozen: dict[str, str] = {}
    for line, row in enumerate(rows[1:], 2):
        if not row:
            continue
        fault = _fault(row)
        if not fault and frozen.setdefault(row[0], row[1]) != row[1]:
            fault = f"{row[0]} stands in '{frozen[row[0]]}' above and in '{row[1]}' here"
        if fault:
            raise Problem(f"{path}, line {line}: {fault}", _REMEDY)
    return frozen


def _fault(row: list[str]) -> str:
    if len(row) != len(HEADER):
        return f"{len(row)} fields where 'id,split' are wanted"
    if not _ID.fullmatch(row[0]):
        return f"{row[0][:40]!r} is no id of a pair or document"
    return "" if row[1] in PRECEDENCE else f"{row[1][:40]!r} is none of train, validation, test"


def kept_splits(component_of: Mapping[str, str], frozen: Mapping[str, str]) -> dict[str, str]:
    """Return the split of each component that has frozen members; ids that are gone count for nothing."""
    found: dict[str, set[str]] = defaultdict(set)
    for identity, split in frozen.items():
        if identity in component_of:
            found[component_of[identity]].add(split)
    return {name: min(splits, key=PRECEDENCE.index) for name, splits in found.items()}


def moved(
    component_of: Mapping[str, str], split_of: Mapping[str, str], frozen: Mapping[str, str]
) -> list[str]:
    """Return the frozen ids that are elsewhere now, because their component grew together with another."""
    return sorted(
        identity
        for identity, split in frozen.items()
        if identity in component_of and split_of[component_of[identity]] != split
    )
