"""What is said of giants: their numbers in the details, a line on the terminal, and their rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

import pandas as pd

from stages.lib.core.terminal import say
from stages.lib.schemas.splits import EVALUATION_SPLITS, GiantRows
from stages.split.constraints import Constraints
from stages.split.frozen_giants import Giant
from stages.split.giants import pair_limit
from stages.split.interface import SplitParams, Unit
from stages.split.rows import Assignment
from stages.split.straddling import MEETS_FROZEN, NEAR, STRADDLES

# Why a row of a giant is left out.
REASONS = (NEAR, STRADDLES, MEETS_FROZEN)


def giant_metrics(
    assignment: Assignment, pair_ids: pd.Series[str], constraints: Constraints, params: SplitParams
) -> dict[str, float | int | str]:
    """Return the limit, how much is held out, and, with giants, what became of their pairs.

    held_out_share is that of the pairs which can be asked; held_out_of_requested is its part of the
    share that params.yaml asks for. never_held_out_share is that of the pairs which no evaluation
    set can have: those of giants that are trained on, and those that are left out.

    Args:
        assignment: components and splits before sampling.
        pair_ids: the ids of all pairs that the unit splits, collected and built. Without any, the
            sources give every split, and there is only the limit.
        constraints: what is frozen.
        params: the section `split`.
    """
    limit = pair_limit(len(pair_ids), params, constraints.frozen_giants)
    if not len(pair_ids):
        return {"component_limit": limit}

    splits = pair_ids.map(assignment.split_by_row())
    held_out_share = float(splits.isin(EVALUATION_SPLITS).mean())
    metrics: dict[str, float | int | str] = {
        "component_limit": limit,
        "held_out_share": held_out_share,
        "held_out_of_requested": held_out_share / (1.0 - params.train),
    }
    if not assignment.giants:
        return {**metrics, "never_held_out_share": 0.0}

    # The pairs of giants, and those of them that no evaluation set can have.
    giants = pair_ids.map(assignment.giant_of)
    trained = [giant.name for giant in assignment.giants if giant.handling == "train"]
    is_left_out = splits == "left_out"
    is_never_held_out = is_left_out | (giants.isin(trained) & (splits == "train"))
    reasons = Counter(exclusion.reason for exclusion in assignment.excluded.values())
    ties = _ties(assignment.giants)
    return {
        **metrics,
        "never_held_out_share": float(is_never_held_out.mean()),
        "giants.count": len(assignment.giants),
        "giants.cut": len(assignment.giants) - len(trained),
        "giants.pairs": int(giants.notna().sum()),
        "giants.pairs_share": float(giants.notna().mean()),
        "giants.pairs_left_out": int(is_left_out.sum()),
        "giants.lost_share": float(is_left_out.sum() / giants.notna().sum()),
        "giants.near_left_out": reasons[NEAR],
        "giants.frozen_left_out": reasons[MEETS_FROZEN],
        "giants.frozen_held_out": _frozen_held_out(assignment, constraints.frozen, trained),
        "giants.other_unit": other_unit(ties, params.unit),
        **{f"giants.ties.{kind.replace(' ', '_')}": count for kind, count in ties.items()},
    }


def other_unit(ties: Mapping[str, int], unit: Unit) -> Unit:
    """Return the unit that would take giants apart, from the number of edges of each kind.

    >>> other_unit({"near text": 9, "shared document": 2}, "component")
    'group'
    """
    if unit == "anchor":
        return "time"

    most = max(ties, key=lambda kind: (ties[kind], kind), default="")
    return "group" if unit == "component" and most.startswith("near") else "anchor"


def echo_giants(details: Mapping[str, float | int | str | bool]) -> None:
    """Print a line about the giants, if there are any."""
    line = giant_line(details)
    if line:
        say(line)


def giant_line(details: Mapping[str, float | int | str | bool]) -> str:
    """Return what the terminal says of giants, from the details; "" where there is none."""
    if "giants.count" not in details:
        return ""

    # How many pairs, and what became of them.
    count = int(details["giants.count"])
    cut = int(details["giants.cut"])
    handled = f"{cut} cut, {count - cut} trained on whole"
    parts = [
        f"giants: {count} ({handled}) with {int(details['giants.pairs']):,} pairs "
        f"({float(details['giants.pairs_share']):.1%})",
        "tied by " + _tie_words(details),
        f"{int(details['giants.pairs_left_out']):,} pairs left out "
        f"({float(details['giants.lost_share']):.2%} of them)",
    ]

    # How topics differ, where there are topics.
    skews = [
        f"{name} {float(details[f'topic_skew.{name}']):.2f}"
        for name in EVALUATION_SPLITS
        if f"topic_skew.{name}" in details
    ]
    if skews:
        parts.append("topic skew " + ", ".join(skews))

    return "; ".join(parts)


def giant_rows(assignment: Assignment) -> pd.DataFrame:
    """Return the GiantRows: the split of each row of a giant before training is sampled."""
    handling_of = {giant.name: giant.handling for giant in assignment.giants}
    split_of = assignment.split_in_giants()
    rows = [
        (row_id, name, handling_of[name], split_of[row_id])
        for row_id, name in sorted(assignment.giant_of.items())
        if split_of[row_id] != "protected"
    ]
    empty = GiantRows.empty()
    return pd.DataFrame(rows, columns=list(empty.columns)).astype(empty.dtypes.to_dict())


def _frozen_held_out(
    assignment: Assignment, frozen: Mapping[str, str], trained: Collection[str]
) -> int:
    """Return the number of rows of trained giants that stayed held out because they are frozen."""
    split_of = assignment.split_in_giants()
    return sum(
        frozen.get(row_id) in EVALUATION_SPLITS and split_of[row_id] == frozen[row_id]
        for row_id, name in assignment.giant_of.items()
        if name in trained
    )


def _ties(giants: tuple[Giant, ...]) -> dict[str, int]:
    """Return kind of edge to the number of edges that hold the giants together."""
    ties: Counter[str] = Counter()
    for giant in giants:
        ties.update(giant.ties)

    return dict(sorted(ties.items()))


def _tie_words(details: Mapping[str, float | int | str | bool]) -> str:
    """Return the kinds of edges with their numbers, the most frequent first."""
    prefix = "giants.ties."
    count_by_kind = {
        key.removeprefix(prefix).replace("_", " "): int(value)
        for key, value in details.items()
        if key.startswith(prefix)
    }
    kinds = sorted(count_by_kind, key=lambda kind: (-count_by_kind[kind], kind))
    return ", ".join(f"{kind} {count_by_kind[kind]:,}" for kind in kinds)
