"""Splits by date: the oldest pairs train, the newest are the test, and nothing is moved across a date."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from stages.lib.errors import Problem
from stages.split.assignment import Assignment, Left, Rows
from stages.split.audit import Alike, forbidden, kept_apart, leaks
from stages.split.components import by_hash, star, tie
from stages.split.params import SplitParams
from stages.split.protect import Match
from stages.split.ties import equal_ties


def by_date(
    rows: Rows,
    times: Mapping[str, str],
    found: Alike,
    params: SplitParams,
    frozen: Mapping[str, str],
    matches: Mapping[str, Match],
) -> Assignment:
    """Return where every pair belongs by its time.

    `times` gives the UTC time of a pair or, for pairs that were made from a document, of that; `found` says what is
    alike among all anchors and all documents. A training pair
    whose anchor equals or nears a held-out one leaves training, and so does one that holds a protected text.
    Components are ties within a split, which intervals resample. Raises Problem when a pair has no time.
    """
    if frozen:
        raise Problem(
            "split.unit is 'time', but data/frozen/splits.csv holds ids: a date and a frozen list cannot both decide",
            "empty the file down to its header, or choose another split.unit",
        )
    where = cut(_times_of(rows, times), params.train, params.validation)
    left: dict[str, Left] = {}
    for leak in leaks(kept_apart(found, params.unit), where):
        if forbidden(leak, "time", where):
            trained, held = sorted(
                [leak.left, leak.right], key=lambda pair_id: where[pair_id] != "train"
            )
            left.setdefault(trained, Left("repeats_held_out", held, float("nan")))
    where.update(dict.fromkeys(left, "corpus"))
    for pair_id, doc_id in sorted(rows.answers.items()):
        partner = pair_id if pair_id in matches else doc_id
        if partner in matches and where[pair_id] == "train":
            left[pair_id] = Left(
                "protected", partner if partner != pair_id else "", matches[partner].similarity
            )
            where[pair_id] = "protected"
    component_of = _components(rows, where)
    return Assignment(
        component_of, {name: where[pair_id] for pair_id, name in component_of.items()}, [], left
    )


def cut(times: Mapping[str, str], train: float, validation: float) -> dict[str, str]:
    """Return the split of each id: oldest first, `train` of them, then `validation`, the rest is test.

    Equal times stay together, on the side where the middle one of them falls.
    """
    split_of: dict[str, str] = {}
    counts, before = Counter(times.values()), 0
    for time in sorted(counts):
        middle = (before + counts[time] / 2) / len(times)
        split_of[time] = (
            "train" if middle < train else "validation" if middle < train + validation else "test"
        )
        before += counts[time]
    return {identity: split_of[time] for identity, time in times.items()}


def _times_of(rows: Rows, times: Mapping[str, str]) -> dict[str, str]:
    found = {
        pair_id: times.get(pair_id) or times.get(doc_id, "")
        for pair_id, doc_id in rows.answers.items()
    }
    if missing := sorted(pair_id for pair_id, time in found.items() if not time):
        raise Problem(
            f"split.unit is 'time', but {len(missing):,} of {len(found):,} pairs have no time (first: {missing[0]})",
            "map a column to 'time' under collect.sources in params.yaml, fill it, or choose another split.unit",
        )
    return found


def _components(rows: Rows, where: Mapping[str, str]) -> dict[str, str]:
    shared: dict[str, list[str]] = defaultdict(list)
    for pair_id, doc_id in sorted(rows.answers.items()):
        shared[f"{doc_id} {where[pair_id]}"].append(pair_id)
    equal = [
        (one.left, one.right)
        for one in equal_ties([rows.anchors])
        if where[one.left] == where[one.right]
    ]
    return tie(sorted(rows.anchors), [*star(shared), *equal], by_hash)
