"""What each method of `augment` is worth: full fine-tunes with and without it, through the pipeline's own stages.

    python bench/augmentation.py [--seeds 3] [--pairs N] [--probe] [--share 0.1] [--only abbreviations ...]
                                 [--results FOLDER] [--json]

Reads the data of the last run and works on copies; only validation is looked at. `none` switches all methods off,
`default` leaves them as params.yaml has them, `all` switches all on, the others switch on one. `<variant>.ndcg_at_10`
is that of the fine-tuned model over the full corpus, mean over the seeds; `<variant>.gain` the mean difference to
`none`, `<variant>.low` and `.high` its 95 % interval over resampled components, each query's difference being its mean
over the seeds; `<variant>.rows` the training pairs. `--pairs` splits anew for a sample of about that many; `--probe`
trains the linear probe of `validate` instead of the model, for a first look; `--results` keeps what was measured, so
that an interrupted comparison with the same options goes on. On one core a run of the default sample takes about six
minutes: three variants and three seeds an hour.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.judged_copies import GIVEN, Scores, components, fine_tuned, kept, probed
from bench.trials import copy, run
from stages.augment.lexical_variants import METHODS
from stages.lib.analysis.intervals import mean_interval
from stages.lib.core import tables
from stages.lib.core.params import ComponentWeight, load_section
from stages.lib.evaluation.weights import weighted_mean
from stages.lib.schemas.pairs import Pairs

VARIANTS = ("none", "default", *METHODS, "all")


def switched(variant: str) -> dict[str, bool | str]:
    """Return the parameters of augment that make `variant`, as far as they are not the project's own."""
    if variant == "default":
        return {}
    on = {method: variant in (method, "all") for method in METHODS}
    return {
        "abbreviations": on["abbreviations"],
        "spelling": on["spelling"],
        "keyboard": on["keyboard"],
        "back_translation": "bergamot" if on["back_translation"] else "off",
    }


def measured(
    variant: str, seed: int, pairs: int | None, share: float, probe: bool
) -> dict[str, Any]:
    """Return the `scores` and `components` of the validation queries, and the number of training `rows`."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "project")
        changes: dict[str, Mapping[str, object]] = {
            "augment": {**switched(variant), "max_share": share},
            "run": {"seed": seed},
        }
        if pairs:
            changes["split"] = {"max_train_pairs": pairs}
        copy(folder, changes, [name for name in GIVEN if not (pairs and name == "split")])
        for stage in ["split", "augment"] if pairs else ["augment"]:
            run(folder, stage)
        rows = len(tables.read(folder / "data/augment/pairs.parquet", Pairs))
        run(folder, "mine")
        scores = probed(folder, seed) if probe else fine_tuned(folder)
        return {"scores": scores, "components": components(folder / "data"), "rows": rows}


def compare(
    variants: Sequence[str],
    seeds: Sequence[int],
    pairs: int | None,
    share: float,
    probe: bool,
    results: Path | None,
) -> dict[str, float]:
    """Return the figures of `variants`, the first of which the others are compared with."""
    scores: dict[str, list[Scores]] = {variant: [] for variant in variants}
    rows: dict[str, float] = {}
    names = np.array([], dtype=np.str_)
    for seed in seeds:
        for variant in variants:
            path = results and results / f"{variant}-{seed}-{'probe' if probe else 'full'}.npz"
            found = kept(path, partial(measured, variant, seed, pairs, share, probe))
            scores[variant].append(found["scores"])
            rows[f"{variant}.rows"] = float(found["rows"])
            names = found["components"]
            print(
                f"{variant}, seed {seed}: {scores[variant][-1].mean():.4f}",
                file=sys.stderr,
                flush=True,
            )
    return rows | summary(scores, names)


def summary(
    scores: Mapping[str, Sequence[Scores]], components: npt.NDArray[np.str_]
) -> dict[str, float]:
    """Return mean, gain over the first variant and interval of each, from nDCG@10 by variant, seed and query."""
    weight = load_section(ComponentWeight).component_weight
    means = {variant: np.mean(found, axis=0) for variant, found in scores.items()}
    first, *others = means
    told = {
        f"{variant}.ndcg_at_10": weighted_mean(found, components, weight)
        for variant, found in means.items()
    }
    for variant in others:
        gain = mean_interval(means[variant] - means[first], components, 1, component_weight=weight)
        told |= {
            f"{variant}.gain": gain.mean,
            f"{variant}.low": gain.low,
            f"{variant}.high": gain.high,
        }
    return told


def main() -> None:
    """Run the comparison and print a figure a line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pairs", type=int)
    parser.add_argument(
        "--probe", action="store_true", help="train the probe of `validate` instead, in seconds"
    )
    parser.add_argument("--share", type=float, default=0.1, help="augment.max_share")
    parser.add_argument("--only", nargs="+", choices=VARIANTS[1:], default=VARIANTS[1:])
    parser.add_argument("--results", type=Path, help="folder that keeps what was measured")
    parser.add_argument(
        "--json", action="store_true", help="print one flat JSON object as the last line"
    )
    options = parser.parse_args()
    seeds = [13 + at for at in range(options.seeds)]
    variants = ["none", *options.only]
    told = compare(variants, seeds, options.pairs, options.share, options.probe, options.results)
    shown = {name: round(value, 4) for name, value in sorted(told.items())}
    print(
        json.dumps(shown)
        if options.json
        else "\n".join(f"{name:32} {value:g}" for name, value in shown.items())
    )


if __name__ == "__main__":
    main()
