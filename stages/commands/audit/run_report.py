"""What the audit of the last run says: as lines of text, and as values for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from stages.commands.audit.given import AuditedApart, given_lines
from stages.commands.audit.leaks import KINDS, SPLITS, Leaks, enforced_kinds
from stages.commands.audit.lines import (
    example_lines,
    held_out_count,
    table_lines,
    test_set_lines,
)
from stages.lib.text.overlap import RUN_WORDS, SENTENCE_WORDS
from stages.split.interface import SplitParams


class RunAudit(NamedTuple):
    """The audit of the last run, or of other splits of its pairs.

    Attributes:
        pairs: number of pairs of the run.
        split_of_pair: the audited splits.
        row_split: a random split by row of the same pairs.
        leaks: what leaks in the audited splits.
        row_leaks: what leaks in the split by row.
        test_leaks: what leaks from training into the test set of the split by row.
        given: the pairs that are audited apart.
        repeats: given held-out pairs whose anchor equals a training anchor, sorted.
        params: the parameters of the stage split.
    """

    pairs: int
    split_of_pair: Mapping[str, str]
    row_split: Mapping[str, str]
    leaks: Leaks
    row_leaks: Leaks
    test_leaks: Leaks
    given: AuditedApart
    repeats: list[str]
    params: SplitParams

    @property
    def is_leaking(self) -> bool:
        """Return whether a text leaks that must not."""
        is_leaking = any(self.leaks[kind] for kind in enforced_kinds(self.params.unit))
        return is_leaking or (bool(self.repeats) and self.params.given != "trust")

    @property
    def used(self) -> int:
        """Return how many pairs are in training or held out."""
        return sum(split in SPLITS for split in self.split_of_pair.values())


def run_lines(audit: RunAudit, *, has_examples: bool) -> list[str]:
    """Return what is compared, both splits side by side, examples and the outcome."""
    params = audit.params
    lines = [
        f"{audit.used:,} of {audit.pairs:,} pairs are in training or held out; "
        f"near is a Jaccard similarity of {params.near_threshold} or more, overlapping a run of "
        f"{RUN_WORDS} words or a sentence of {SENTENCE_WORDS} in common",
        "",
        *table_lines(
            {"these splits": audit.leaks, "a split by row": audit.row_leaks},
            {"these splits": audit.split_of_pair, "a split by row": audit.row_split},
        ),
        "",
        *test_set_lines(audit.test_leaks, audit.row_split),
    ]
    lines += given_lines(audit.given, audit.repeats, params.given)
    if has_examples:
        lines += example_lines(audit.leaks, lambda pair: f"{pair} ({audit.split_of_pair[pair]})")

    outcome = f"nothing leaks that split.unit: {params.unit} keeps apart"
    if audit.is_leaking:
        outcome = "held-out text leaks"
    return [*lines, "", outcome]


def run_figures(audit: RunAudit) -> dict[str, Any]:
    """Return the counts of the audit for JSON, and every pair that leaks by its id."""
    kinds: dict[str, Any] = {}
    for kind in KINDS:
        kinds[kind] = {
            "count": len(audit.leaks[kind]),
            "count_by_row": len(audit.row_leaks[kind]),
            "pairs": audit.leaks[kind],
        }

    return {
        "pairs": audit.pairs,
        "used": audit.used,
        "held_out": held_out_count(audit.split_of_pair),
        "held_out_by_row": held_out_count(audit.row_split),
        "unit": audit.params.unit,
        "near_threshold": audit.params.near_threshold,
        "enforced": enforced_kinds(audit.params.unit),
        "kinds": kinds,
        "given_held_out": len(audit.given.held_out),
        "repeated_queries": audit.repeats,
        "leaking": audit.is_leaking,
    }
