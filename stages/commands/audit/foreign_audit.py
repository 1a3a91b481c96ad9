"""Audit a data set of others: what leaks between its splits, or from test sets into it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.commands.audit.foreign import ForeignData, read_foreign
from stages.commands.audit.leaks import KINDS, SPLITS, Leaks, enforced_kinds, find_leaks
from stages.commands.audit.lines import MAX_EXAMPLES, example_lines, held_out_count, table_lines
from stages.lib.core import atomic
from stages.lib.core.ids import hash_hex
from stages.lib.core.params import load_section
from stages.lib.core.terminal import say
from stages.split.interface import SplitParams

_OWN = "these splits"
_BY_ROW = "a split by row"


def audit_foreign(path: Path, against: Path | None, json_file: Path | None) -> bool:
    """Print what leaks, and return whether anything does.

    Args:
        path: the data set.
        against: test sets that it is compared with; None: its own splits are.
        json_file: where the result is written too; None for nowhere.
    """
    if json_file is not None:
        atomic.check_target(json_file)
    foreign = read_foreign(path, against)

    # Its own splits, and as many rows held out by chance. Beside test sets there is no chance.
    splits_of_name = {_OWN: foreign.split_of_pair}
    if against is None:
        splits_of_name[_BY_ROW] = split_by_row(foreign.split_of_pair)
    threshold = load_section(SplitParams).near_threshold
    matches = foreign.data.matches(threshold)
    leaks_of_name = {
        name: find_leaks(foreign.data, matches, splits, against=SPLITS)
        for name, splits in splits_of_name.items()
    }

    # A leak is what a split by component would have kept apart.
    leaks = leaks_of_name[_OWN]
    leaking = any(leaks[kind] for kind in enforced_kinds("component"))
    held_out = held_out_count(foreign.split_of_pair)
    leaked = {pair for kind in enforced_kinds("component") for pair in leaks[kind]}
    lines = [
        f"{path}: {len(foreign.split_of_pair):,} pairs, {held_out:,} held out",
        "",
        *table_lines(leaks_of_name, splits_of_name),
        *example_lines(leaks, lambda pair: f"[{foreign.description(pair)}]"),
        "",
        f"{len(leaked):,} of {held_out:,} held-out pairs leak ({len(leaked) / held_out:.1%})",
    ]
    say("\n".join(lines))

    if json_file is not None:
        result = _result(foreign, leaks_of_name, len(leaked))
        atomic.write_text(json_file, json.dumps(result, indent=2, ensure_ascii=False) + "\n")
        # A leak ends the command with exit code 1, and is no error that takes the file back.
        atomic.settle()
    return leaking


def split_by_row(split_of_pair: Mapping[str, str]) -> dict[str, str]:
    """Return splits of the same sizes, with each pair by itself, in the order of a hash.

    >>> sorted(split_by_row({"p1": "train", "p2": "test", "p3": "train"}).values())
    ['test', 'train', 'train']
    """
    shuffled = sorted(split_of_pair, key=lambda pair_id: hash_hex("row", pair_id))
    return dict(zip(shuffled, split_of_pair.values(), strict=True))


def _result(
    foreign: ForeignData, leaks_of_name: Mapping[str, Leaks], leaked: int
) -> dict[str, Any]:
    held_out = held_out_count(foreign.split_of_pair)
    kinds = {}
    for kind in KINDS:
        pairs = leaks_of_name[_OWN][kind]
        examples = sorted(pairs.items())[:MAX_EXAMPLES]
        kinds[kind] = {
            "count": len(pairs),
            "share": round(len(pairs) / held_out, 4),
            "examples": [list(map(foreign.description, pair)) for pair in examples],
        }
        if _BY_ROW in leaks_of_name:
            kinds[kind]["count_by_row"] = len(leaks_of_name[_BY_ROW][kind])

    return {
        "pairs": len(foreign.split_of_pair),
        "held_out": held_out,
        "leaked": leaked,
        "leaked_share": round(leaked / held_out, 4),
        "kinds": kinds,
    }
