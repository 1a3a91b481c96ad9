"""How much training varies with its seed alone, and whether `compare` takes that for progress: a real A/A test.

    python bench/seeds.py [--seeds 5] [--results FOLDER] [--json]

Fine-tunes the triplets of the last run on copies that differ in run.seed, which decides the order of the rows and all
that is random, and ranks validation with each.

    ndcg_at_10               mean over the seeds; smallest, largest
    sd                       standard deviation of that mean over the seeds: what evaluate.seed_sd should say
    pairs                    pairs of seeds; better, worse, equivalent, no_evidence: what `compare` says of them with
                             the seed_sd and delta of params.yaml. Better and worse are false: only the seed differs
    largest_difference       of two seeds

A fine-tune of the default sample and its ranking take about six minutes on one core; `--results` keeps what was
measured.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.judged_copies import GIVEN, Scores, components, fine_tuned, kept
from bench.trials import copy
from stages.commands.compare.verdicts import CompareParams
from stages.commands.verdict.differences import compare_difference, measure_difference
from stages.evaluate.interface import EvaluateParams
from stages.lib.core.params import load_section
from stages.lib.evaluation.weights import weighted_mean


def measured(seed: int) -> dict[str, Scores]:
    """Return nDCG@10 of each validation query under the model that is trained with `seed`, as `scores`."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "project")
        copy(folder, {"run": {"seed": seed}}, [*GIVEN, "augment", "mine"])
        return {"scores": fine_tuned(folder)}


def summary(
    scores: Mapping[int, Scores],
    components: npt.NDArray[np.str_],
    seed_sd: float | None,
    delta: float,
    *,
    component_weight: int,
) -> dict[str, float]:
    """Return the figures from nDCG@10 of each query by seed."""
    means = {
        seed: weighted_mean(found, components, component_weight) for seed, found in scores.items()
    }
    named = pd.Series(components, dtype=str)
    words = Counter(
        compare_difference(
            measure_difference(
                "",
                pd.Series(one),
                pd.Series(other),
                components=named,
                component_weight=component_weight,
                seed=0,
                seed_sd=seed_sd or 0.0,
            ),
            delta,
        ).outcome
        for one, other in combinations(scores.values(), 2)
    )
    return {
        "ndcg_at_10": statistics.fmean(means.values()),
        "smallest": min(means.values()),
        "largest": max(means.values()),
        "sd": statistics.stdev(means.values()),
        "largest_difference": max(means.values()) - min(means.values()),
        "pairs": float(words.total()),
        **{
            word.replace(" ", "_"): float(words[word])
            for word in ("better", "worse", "equivalent", "no evidence")
        },
    }


def main() -> None:
    """Train with each seed and print a figure a line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, choices=range(2, 101), metavar="N")
    parser.add_argument("--results", type=Path, help="folder that keeps what was measured")
    parser.add_argument(
        "--json", action="store_true", help="print one flat JSON object as the last line"
    )
    options = parser.parse_args()
    scores: dict[int, Scores] = {}
    for seed in range(13, 13 + options.seeds):
        scores[seed] = kept(
            options.results and options.results / f"{seed}.npz", partial(measured, seed)
        )["scores"]
        print(f"seed {seed}: {scores[seed].mean():.4f}", file=sys.stderr, flush=True)
    figures = summary(
        scores,
        components(),
        load_section(EvaluateParams).seed_sd,
        load_section(CompareParams).delta,
        component_weight=load_section(EvaluateParams).component_weight,
    )
    shown = {name: round(value, 4) for name, value in figures.items()}
    print(
        json.dumps(shown)
        if options.json
        else "\n".join(f"{name:24} {value:g}" for name, value in shown.items())
    )


if __name__ == "__main__":
    main()
