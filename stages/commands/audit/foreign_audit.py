"""Audit a data set of others: what leaks between its splits, or from test sets into it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from stages.commands.audit.foreign import ForeignData, read_foreign
from stages.commands.audit.leaks import KINDS, SPLITS, Leaks, enforced_kinds, find_leaks
from stages.commands.audit.lines import MAX_EXAMPLES, example_lines, held_out_count, table_lines
from stages.lib.core.ids import hash_hex
from stages.lib.core.params import load_section
from stages.split.interface import SplitParams

OWN = "these splits"
BY_ROW = "a split by row"


class ForeignAudit(NamedTuple):
    """What leaks of a data set of others.

    Attributes:
        path: where it is.
        against: the test sets that it was compared with; None: its own splits were.
        foreign: its pairs and splits.
        leaks_of_name: what leaks, of its own splits (OWN) and of a split by row (BY_ROW).
        splits_of_name: the splits of the pairs, by the same names.
        threshold: the Jaccard similarity from which texts are near.
    """

    path: Path
    against: Path | None
    foreign: ForeignData
    leaks_of_name: Mapping[str, Leaks]
    splits_of_name: Mapping[str, Mapping[str, str]]
    threshold: float

    @property
    def held_out(self) -> int:
        """The number of pairs that are held out."""
        return held_out_count(self.foreign.split_of_pair)

    @property
    def leaks(self) -> Leaks:
        """What leaks of its own splits."""
        return self.leaks_of_name[OWN]

    def leaked(self, name: str = OWN) -> int:
        """Return how many held-out pairs leak in a way that splits by component never do."""
        leaks = self.leaks_of_name[name]
        pairs: set[str] = set()
        for kind in enforced_kinds("component"):
            pairs.update(leaks[kind])
        return len(pairs)

    @property
    def outcome(self) -> str:
        """The share of the held-out pairs that leak, as a sentence without its full stop."""
        leaked = self.leaked()
        share = f"{leaked / self.held_out:.1%}"
        return f"{leaked:,} of {self.held_out:,} held-out pairs leak ({share})"


def audit_foreign(path: Path, against: Path | None) -> ForeignAudit:
    """Return what leaks of a data set.

    Args:
        path: the data set.
        against: test sets that it is compared with; None: its own splits are.

    Raises:
        UserError: a file cannot be read, or there is nothing to compare.
    """
    foreign = read_foreign(path, against)

    # Its own splits, and as many rows held out by chance. Beside test sets there is no chance.
    splits_of_name = {OWN: foreign.split_of_pair}
    if against is None:
        splits_of_name[BY_ROW] = split_by_row(foreign.split_of_pair)
    threshold = load_section(SplitParams).near_threshold
    matches = foreign.data.matches(threshold)
    leaks_of_name = {
        name: find_leaks(foreign.data, matches, splits, against=SPLITS)
        for name, splits in splits_of_name.items()
    }
    return ForeignAudit(
        path=path,
        against=against,
        foreign=foreign,
        leaks_of_name=leaks_of_name,
        splits_of_name=splits_of_name,
        threshold=threshold,
    )


def foreign_lines(audit: ForeignAudit) -> list[str]:
    """Return the lines that are printed: what leaks by kind, with examples."""
    foreign = audit.foreign
    return [
        f"{audit.path}: {len(foreign.split_of_pair):,} pairs, {audit.held_out:,} held out",
        "",
        *table_lines(audit.leaks_of_name, audit.splits_of_name),
        *example_lines(audit.leaks, lambda pair: f"[{foreign.description(pair)}]"),
        "",
        audit.outcome,
    ]


def split_by_row(split_of_pair: Mapping[str, str]) -> dict[str, str]:
    """Return splits of the same sizes, with each pair by itself, in the order of a hash.

    >>> sorted(split_by_row({"p1": "train", "p2": "test", "p3": "train"}).values())
    ['test', 'train', 'train']
    """
    shuffled = sorted(split_of_pair, key=lambda pair_id: hash_hex("row", pair_id))
    return dict(zip(shuffled, split_of_pair.values(), strict=True))


def foreign_figures(audit: ForeignAudit) -> dict[str, Any]:
    """Return counts, shares and examples for JSON."""
    kinds = {}
    for kind in KINDS:
        pairs = audit.leaks[kind]
        examples = sorted(pairs.items())[:MAX_EXAMPLES]
        kinds[kind] = {
            "count": len(pairs),
            "share": round(len(pairs) / audit.held_out, 4),
            "examples": [list(map(audit.foreign.description, pair)) for pair in examples],
        }
        if BY_ROW in audit.leaks_of_name:
            kinds[kind]["count_by_row"] = len(audit.leaks_of_name[BY_ROW][kind])

    return {
        "pairs": len(audit.foreign.split_of_pair),
        "held_out": audit.held_out,
        "leaked": audit.leaked(),
        "leaked_share": round(audit.leaked() / audit.held_out, 4),
        "kinds": kinds,
    }
