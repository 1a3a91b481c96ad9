"""The audit of splits that a source gives: by exact anchor, since they share documents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from stages.commands.audit.leaks import AuditData
from stages.lib.core import tables
from stages.lib.schemas.pairs import PairGrades
from stages.lib.schemas.splits import EVALUATION_SPLITS, GivenSplits
from stages.lib.text.normal_form import normal_form


class AuditedApart(NamedTuple):
    """Pairs that are not compared by their texts.

    Attributes:
        held_out: pairs that a source gives to validation or test.
        irrelevant: pairs whose grade says "not relevant": they are in no split of their own.
    """

    held_out: frozenset[str]
    irrelevant: frozenset[str]


def read_given_pairs(data: Path) -> AuditedApart:
    """Return the pairs of given splits under `data`; data of an older version has none."""
    splits = data / "collect/given_splits.parquet"
    grades = data / "collect/grades.parquet"
    if not (splits.is_file() and grades.is_file()):
        return AuditedApart(frozenset(), frozenset())

    given = tables.read(splits, GivenSplits)
    graded = tables.read(grades, PairGrades)
    return AuditedApart(
        frozenset(given.loc[given["split"].isin(EVALUATION_SPLITS), "id"]),
        frozenset(graded.loc[graded["role"] == "irrelevant", "pair_id"]),
    )


def repeated_queries(
    data: AuditData, split_of_pair: Mapping[str, str], given: AuditedApart
) -> list[str]:
    """Return the given held-out pairs whose anchor equals a training anchor, sorted."""
    training_forms: set[str] = set()
    for pair_id, split in split_of_pair.items():
        if split == "train":
            training_forms.update(map(normal_form, data.anchors[pair_id]))

    return sorted(
        pair_id
        for pair_id in given.held_out
        if not training_forms.isdisjoint(map(normal_form, data.anchors[pair_id]))
    )


def given_lines(given: AuditedApart, repeats: list[str], mode: str) -> list[str]:
    """Return the lines about given splits; none without any."""
    if not given.held_out:
        return []

    trusted = ", which split.given: trust allows" if repeats and mode == "trust" else ""
    return [
        "",
        f"{len(given.held_out):,} more pairs are held out by their sources; {len(repeats):,} of "
        f"them have the anchor of a training pair{trusted}",
    ]
