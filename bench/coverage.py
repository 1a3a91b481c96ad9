"""What the intervals and verdicts are worth, in simulations in which the truth is known.

    python bench/coverage.py [--sims 1000] [--seed 1] [--components 50 100 200 400] [--component-weight 10] [--json]

A component counts as at most `--component-weight` queries, 10 as in params.yaml; a large number lets each query count
once. Components are drawn with sizes and effects of several shapes, and asked queries with noise of their own. Sizes:
`own`,
a query each; `mixed`, lognormal; `one`, where a single component makes up about two thirds of the variance; `pareto`,
where the variance of sizes is infinite. Effects: `normal`; `heavy`, Student's t with three degrees of freedom; `ndcg`,
as differences of nDCG are, most of them 0; `skewed`, exponential.

`coverage.<sizes>.<effects>.<components>` is how often the 95 % interval holds the truth, `percentile.*` how often that
of the percentile bootstrap over components would (Cameron, Gelbach and Miller 2008), `effective.*` the median number of
effective components, `mde.*` the median smallest detectable effect. `null.*` is how often the verdict of `compare` on two equal versions is better or worse, and
`power.*` how often it is better where the truth is better by the stated smallest detectable effect (its median over the
null pairs); `null` and `power` alone are their means.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
import numpy.typing as npt
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent))

from stages.commands.verdict.differences import Difference, compare_difference, measure_difference
from stages.lib.analysis import intervals
from stages.lib.analysis.intervals import effective_components, mean_interval
from stages.lib.evaluation.weights import query_weights

Numbers = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Random = np.random.Generator

SIZES = ("own", "mixed", "one", "pareto")
EFFECTS = ("normal", "heavy", "ndcg", "skewed")
COMPONENTS = (50, 100, 200, 400)
TRUTH = 0.05
NOISE = 0.2  # standard deviation of what a query has for itself
DELTA = 0.01
# A fifth of the usual draws: the ends of an interval then vary by 3 % of its width.
BENCH_RESAMPLES = 2_000


class Sample(NamedTuple):
    """Differences of queries and the component of each, both (queries,)."""

    differences: Numbers
    components: npt.NDArray[np.str_]


def sizes(kind: str, count: int, random: Random) -> Integers:
    """Return how many queries each of `count` components has."""
    if kind == "own":
        return np.ones(count, dtype=np.int64)
    if kind == "pareto":
        return np.minimum(np.ceil(random.pareto(1.5, count) + 0.01), 200).astype(np.int64)
    found = np.ceil(random.lognormal(0.3, 1.0 if kind == "mixed" else 0.7, count)).astype(np.int64)
    if kind == "one":
        found[0] = 1.4 * np.sqrt((found[1:] ** 2).sum())
    return found


def shared(kind: str, count: int, random: Random) -> Numbers:
    """Return what the queries of each of `count` components have in common; 0 in expectation."""
    if kind == "heavy":
        return 0.15 * random.standard_t(3, count)
    if kind == "skewed":
        return 0.2 * (random.exponential(1.0, count) - 1.0)
    if kind == "ndcg":
        lot, up, down = (
            random.random(count),
            random.beta(1.0, 1.5, count),
            -random.beta(1.0, 2.0, count),
        )
        return np.asarray(np.where(lot < 0.6, 0.0, np.where(lot < 0.85, up, down)) - 0.05)
    return random.normal(0.0, 0.2, count)


def draw(size: str, kind: str, count: int, truth: float, random: Random) -> Sample:
    """Return a sample of `count` components whose mean difference is `truth`."""
    of = np.repeat(np.arange(count), sizes(size, count, random))
    found = truth + shared(kind, count, random)[of] + random.normal(0.0, NOISE, len(of))
    return Sample(found, np.char.mod("c%05d", of))


def percentile(sample: Sample, seed: int, weight: int) -> tuple[float, float]:
    """Return the interval that the percentile bootstrap over components gives."""
    _, of = np.unique(sample.components, return_inverse=True)
    each = query_weights(sample.components, weight)
    sums = np.bincount(of, weights=each * sample.differences)
    counts = np.bincount(of, weights=each)
    drawn = np.random.default_rng(seed).integers(0, len(sums), size=(BENCH_RESAMPLES, len(sums)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def coverage(
    name: str, samples: Callable[[float], Iterator[Sample]], weight: int
) -> dict[str, float]:
    """Return how often both intervals hold the truth."""
    hits, peer, effective, mde = list[bool](), list[bool](), list[float](), list[float]()
    for seed, sample in enumerate(samples(TRUTH)):
        found = mean_interval(*sample, seed, component_weight=weight)
        other = percentile(sample, seed, weight)
        hits.append(found.low <= TRUTH <= found.high)
        peer.append(other[0] <= TRUTH <= other[1])
        effective.append(effective_components(*sample, component_weight=weight))
        mde.append(found.mde)
    return {
        f"coverage.{name}": float(np.mean(hits)),
        f"percentile.{name}": float(np.mean(peer)),
        f"effective.{name}": float(np.median(effective)),
        f"mde.{name}": float(np.median(mde)),
    }


def tested(sample: Sample, seed: int, weight: int) -> Difference:
    """Return the difference of two versions, as `compare` tests it."""
    before = pd.Series(np.zeros(len(sample.differences)))
    return measure_difference(
        "nDCG@10",
        before,
        before + sample.differences,
        components=pd.Series(sample.components),
        component_weight=weight,
        seed=seed,
    )


def verdicts(
    name: str, samples: Callable[[float], Iterator[Sample]], weight: int
) -> dict[str, float]:
    """Return how often equal versions get a verdict, and how often a difference of the stated size is found."""
    null = [tested(sample, seed, weight) for seed, sample in enumerate(samples(0.0))]
    stated = float(np.median([one.effect.mde for one in null if one.effect]))
    better = [
        compare_difference(tested(sample, seed, weight), DELTA).outcome == "better"
        for seed, sample in enumerate(samples(stated))
    ]
    return {
        f"null.{name}": float(
            np.mean([compare_difference(one, DELTA).outcome in ("better", "worse") for one in null])
        ),
        f"power.{name}": float(np.mean(better)),
    }


def measure(
    sims: int, seed: int, components: tuple[int, ...], measures: tuple[str, ...], weight: int
) -> dict[str, float]:
    """Return all figures, `sims` samples for each shape and number of components."""
    told: dict[str, float] = {}
    with mock.patch.object(intervals, "RESAMPLES", BENCH_RESAMPLES):
        for count in components:
            for size in SIZES:
                for kind in EFFECTS:

                    def samples(
                        truth: float, to: tuple[str, str, int] = (size, kind, count)
                    ) -> Iterator[Sample]:
                        random = np.random.default_rng(
                            [seed, SIZES.index(to[0]), EFFECTS.index(to[1]), to[2]]
                        )
                        return (draw(*to, truth, random) for _ in range(sims))

                    for one in measures:
                        told |= {"coverage": coverage, "verdicts": verdicts}[one](
                            f"{size}.{kind}.{count}", samples, weight
                        )
    for name in ("null", "power"):
        if found := [value for key, value in told.items() if key.startswith(f"{name}.")]:
            told[name] = float(np.mean(found))
    return told


def main() -> None:
    """Measure and print a figure a line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sims", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--components", type=int, nargs="+", default=list(COMPONENTS))
    parser.add_argument("--component-weight", type=int, default=10)
    parser.add_argument(
        "--only", nargs="+", choices=("coverage", "verdicts"), default=["coverage", "verdicts"]
    )
    parser.add_argument(
        "--json", action="store_true", help="print one flat JSON object as the last line"
    )
    options = parser.parse_args()
    figures = measure(
        options.sims,
        options.seed,
        tuple(options.components),
        tuple(options.only),
        options.component_weight,
    )
    shown = {name: round(value, 4) for name, value in sorted(figures.items())}
    print(
        json.dumps(shown)
        if options.json
        else "\n".join(f"{name:36} {value:g}" for name, value in shown.items())
    )


if __name__ == "__main__":
    main()
