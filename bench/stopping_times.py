"""When a verdict comes as queries are added, and how well one number can foretell it.

python bench/stopping_times.py QRELS RUN RUN [--texts FILE] [--starts 200] [--start 60] [--json]

Each replay draws --start groups of real queries with replacement. If they give no evidence, it goes
on drawing groups, --ways times from the same start. The stopping time of a way is the number of
added queries at which a verdict is there for the first time. Errors are those of sums over groups,
which are fast; `same_outcome` says how often the intervals of `verdict` agree.

no_evidence       share of the draws without evidence; the other figures are of these
even, likely      median of the two numbers told, as many times the queries at hand
at_even, at_likely share of the ways with a verdict at that number of queries, looked at once there
by_even, by_likely share of the ways with a verdict at that number or before, looked at all along
near_even, near_likely
                  share of the ways whose stopping time is within a quarter of the number
best_factor       the same for the number at `even` times the factor that is best for this collection
oracle            the same for the best number of each start, chosen with all its ways known. No rule
                  that tells one number for a start can do better
spread            the stopping time that 90 % of the ways from one start reach, divided by the one
                  that 10 % reach; median over the starts
same_outcome      share of draws on which the fast errors and the intervals of `verdict` agree
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.referee import differences_of_runs, judged, rows_by_group
from stages.commands.verdict.pairs import GROUP_WEIGHT
from stages.commands.verdict.sample_size import queries_to_decide
from stages.lib.analysis.intervals import NORMAL_QUANTILE

_NORMAL_90 = 1.645

# A way ends after so many groups.
_MOST_GROUPS = 6_000

# Factors that are tried on a number told.
_FACTORS = np.geomspace(0.02, 20.0, 140)

Values = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Names = npt.NDArray[np.str_]


class GroupSums(NamedTuple):
    """What each group adds, shape (groups,).

    Attributes:
        weight: the queries that it counts as, at most GROUP_WEIGHT.
        value: its weighted sum of differences.
        queries: its queries.
    """

    weight: Values
    value: Values
    queries: Counts


def group_sums(differences: Values, rows_of_group: list[Counts]) -> GroupSums:
    """Return what each group adds to a weighted mean."""
    queries = np.array([len(rows) for rows in rows_of_group])
    means = np.array([differences[rows].mean() for rows in rows_of_group])
    weight = np.minimum(queries, GROUP_WEIGHT).astype(float)
    return GroupSums(weight, weight * means, queries)


def has_verdict(sums: GroupSums, chosen: Counts, delta: float) -> npt.NDArray[np.bool_]:
    """Return whether a verdict is there after each group of each way.

    Args:
        sums: what each group adds.
        chosen: numbers of groups in the order in which they come, shape (ways, groups).
        delta: the largest difference that counts as none.
    """
    weight = sums.weight[chosen]
    value = sums.value[chosen]
    total = np.cumsum(weight, axis=1)
    mean = np.cumsum(value, axis=1) / total

    # The sum of (value - mean * weight) squared, for the mean so far.
    squares = np.cumsum(value * value, axis=1)
    squares -= 2 * mean * np.cumsum(value * weight, axis=1)
    squares += mean * mean * np.cumsum(weight * weight, axis=1)
    error = np.sqrt(np.maximum(squares, 0.0)) / total
    differs = np.abs(mean) > NORMAL_QUANTILE * error
    return np.asarray(differs | (np.abs(mean) + _NORMAL_90 * error < delta))


class Replays(NamedTuple):
    """What came out of each start without evidence.

    Attributes:
        even: the number told for an even chance, per start.
        likely: the number told for four in five, per start.
        stops: the stopping times, shape (starts, ways); infinite where no verdict came.
        at_even: the share of the ways with a verdict at that number, per start.
        at_likely: the same at the other number.
        queries: the queries at hand, per start.
    """

    even: Values
    likely: Values
    stops: Values
    at_even: Values
    at_likely: Values
    queries: Values


def replay(
    differences: Values,
    rows_of_group: list[Counts],
    random: np.random.Generator,
    *,
    starts: int,
    start: int,
    ways: int,
    delta: float,
) -> tuple[Replays, dict[str, float]]:
    """Return the stopping times, and how often a start has no evidence."""
    sums = group_sums(differences, rows_of_group)
    rows = []
    without = same = 0
    for _ in range(starts):
        first = random.integers(len(rows_of_group), size=start)
        difference, comparison = judged(differences, [rows_of_group[n] for n in first], delta)
        fast = bool(has_verdict(sums, first[None, :], delta)[0, -1])
        same += fast == (comparison.outcome != "no evidence")
        even = queries_to_decide(difference, comparison, delta, power=0.5)
        likely = queries_to_decide(difference, comparison, delta)
        if comparison.outcome != "no evidence":
            continue
        without += 1
        if even is None or likely is None:
            continue

        # Many ways of going on from this start.
        more = random.integers(len(rows_of_group), size=(ways, _MOST_GROUPS))
        chosen = np.concatenate([np.tile(first, (ways, 1)), more], axis=1)
        decided = has_verdict(sums, chosen, delta)[:, start:]
        added = np.cumsum(sums.queries[more], axis=1)
        stops = np.where(
            decided.any(axis=1), added[np.arange(ways), decided.argmax(axis=1)], np.inf
        )
        looks = []
        for number in (even, likely):
            places = np.minimum((added < number).sum(axis=1), _MOST_GROUPS - 1)
            looks.append(decided[np.arange(ways), places].mean())
        rows.append((even, likely, stops, *looks, sums.queries[first].sum()))

    if not rows:
        raise SystemExit("no start is without evidence: draw fewer groups with --start")
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    shares = {"no_evidence": without / starts, "same_outcome": same / starts}
    return Replays(*columns), shares


def near(stops: Values, numbers: Values) -> float:
    """Return the share of stopping times that are within a quarter of the number of their start.

    >>> near(np.array([[8.0, 12.0, 20.0, np.inf]]), np.array([10.0]))
    0.5
    """
    told = numbers[:, None]
    return float(((stops >= 0.75 * told) & (stops <= 1.25 * told)).mean())


def best_near(stops: Values) -> float:
    """Return the share that the best number of one start reaches, all its ways known.

    >>> best_near(np.array([1.0, 10.0, 11.0, 12.0]))
    0.75
    """
    # A window of 0.75 n to 1.25 n that holds most begins at a stopping time.
    lows = np.sort(stops[np.isfinite(stops)])
    if not len(lows):
        return 0.0
    held = np.searchsorted(lows, lows * (1.25 / 0.75), side="right") - np.arange(len(lows))
    return float(held.max() / len(stops))


def figures(replays: Replays) -> dict[str, float]:
    """Return what the numbers told are worth."""
    stops, even, likely = replays.stops, replays.even, replays.likely
    with np.errstate(invalid="ignore"):
        spreads = np.quantile(stops, 0.9, axis=1, method="higher") / np.maximum(
            1.0, np.quantile(stops, 0.1, axis=1, method="lower")
        )
    return {
        "starts": float(len(even)),
        "even": float(np.median(even / replays.queries)),
        "likely": float(np.median(likely / replays.queries)),
        "at_even": float(replays.at_even.mean()),
        "at_likely": float(replays.at_likely.mean()),
        "by_even": float((stops <= even[:, None]).mean()),
        "by_likely": float((stops <= likely[:, None]).mean()),
        "near_even": near(stops, even),
        "near_likely": near(stops, likely),
        "best_factor": max(near(stops, even * factor) for factor in _FACTORS),
        "oracle": float(np.mean([best_near(of_start) for of_start in stops])),
        "spread": float(np.median(spreads)),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("qrels", type=Path)
    parser.add_argument("runs", nargs=2, type=Path)
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--measure", default="nDCG@10")
    parser.add_argument("--starts", type=int, default=200)
    parser.add_argument("--start", type=int, default=60)
    parser.add_argument("--ways", type=int, default=200)
    parser.add_argument("--delta", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    measured = differences_of_runs(options.qrels, options.runs, options.texts, options.measure)
    replays, shares = replay(
        measured.differences,
        rows_by_group(measured.groups),
        np.random.default_rng(options.seed),
        starts=options.starts,
        start=options.start,
        ways=options.ways,
        delta=options.delta,
    )
    result = shares | figures(replays)
    if options.json:
        print(json.dumps({name: round(value, 4) for name, value in result.items()}))
        return
    for name, value in result.items():
        print(f"{name:16}{value:>10.3f}")


if __name__ == "__main__":
    main()
