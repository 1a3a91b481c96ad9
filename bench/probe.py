"""Whether the probe of `validate` foretells what fine-tuning gains: both, over variants of the training data.

    python bench/probe.py [--variants NAME ...] [--seeds 1] [--results FOLDER] [--json]

Reads the data of the last run and works on copies. The validation queries and the corpus are the same for all
variants, so that one benchmark judges them: what varies is the rows that are learned from, and their negatives.
Variants are told in VARIANTS. `<variant>.probe` and `<variant>.full` are the gains in nDCG@10 over the base model on
validation, over the full corpus.

    spearman                 rank correlation of the two gains over the variants; spearman_low and spearman_high: its
                             95 % interval over resampled components of queries
    spread                   largest less smallest gain of the fine-tunes
    close_pairs              pairs of variants whose fine-tunes differ by less than 0.02
    decided_pairs            pairs whose fine-tunes differ by more than chance (sign-flip by component, p < 0.05)
    pair_agreement           share of the decided pairs that the probe puts in the same order
    decided_close_pairs, close_agreement   the same of those decided pairs that differ by less than 0.02

A fine-tune of the default data and its ranking take about five minutes on one core, fourteen variants 70 minutes;
`--results` keeps what was measured, so that an interrupted study goes on.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.judged_copies import GIVEN, Scores, base_scores, components, fine_tuned, kept, probed
from bench.trials import copy, run
from stages.augment.lexical_variants import mistype
from stages.lib.analysis.intervals import bootstrap_interval, sign_flip
from stages.lib.core import tables
from stages.lib.core.ids import hash_hex
from stages.lib.core.params import ComponentWeight, load_section
from stages.lib.evaluation.weights import query_weights
from stages.lib.schemas.training import Triplets

CLOSE = 0.02
SIGNIFICANT = 0.05

Reshape = Callable[[pd.DataFrame], pd.DataFrame]


class Variant(NamedTuple):
    """What is other than in the default data: parameters by section, and what is done to the triplets."""

    changes: Mapping[str, Mapping[str, Any]] = {}
    reshape: Reshape = lambda rows: rows


def share_of_components(share: float) -> Reshape:
    """Return what keeps the rows of a `share` of the components; a smaller share is part of a larger one."""

    def kept(component: str) -> bool:
        return int(hash_hex("bench.probe", component), 16) % 1000 < 1000 * share

    return lambda rows: rows[rows["component_id"].map(kept)].reset_index(drop=True)


def without_negatives(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without hard negatives."""
    lists = [name for name in rows.columns if name.startswith("negative")]
    shown = [
        sorted({doc_id, name})
        for doc_id, name in zip(rows["doc_id"], rows["component_id"], strict=True)
    ]
    none: pd.Series[Any] = pd.Series([[] for _ in range(len(rows))], dtype=object)
    return rows.assign(**dict.fromkeys(lists, none), in_batch_ids=pd.Series(shown, dtype=object))


def typed_badly(share: float) -> Reshape:
    """Return what puts two slips of the finger into the anchors of a `share` of the rows."""

    def slipped(anchor: str) -> str:
        for seed in ("bench.probe 1", "bench.probe 2"):
            anchor = next(iter(mistype(anchor, seed, ())), anchor)
        return anchor

    def reshape(rows: pd.DataFrame) -> pd.DataFrame:
        chosen = _some(len(rows), share)
        anchors = [
            slipped(text) if at in chosen else text for at, text in enumerate(rows["anchor"])
        ]
        return rows.assign(anchor=anchors)

    return reshape


def mispaired(share: float) -> Reshape:
    """Return what hands the anchors of a `share` of the rows around a circle, each to another row's document."""

    def reshape(rows: pd.DataFrame) -> pd.DataFrame:
        chosen = sorted(_some(len(rows), share))
        anchors = list(rows["anchor"])
        for at, other in zip(chosen, [*chosen[1:], chosen[0]], strict=True):
            anchors[at] = rows["anchor"].iloc[other]
        # A row must not show its new anchor as a negative.
        clash = [
            anchor in set(texts) for anchor, texts in zip(anchors, rows["negatives"], strict=True)
        ]
        told = rows.assign(anchor=anchors)
        return told[~np.array(clash)].reset_index(drop=True)

    return reshape


def _some(count: int, share: float) -> frozenset[int]:
    return frozenset(random.Random("bench.probe").sample(range(count), round(share * count)))


VARIANTS: Mapping[str, Variant] = {
    "default": Variant(),
    # How negatives are mined.
    "in_batch": Variant(reshape=without_negatives),
    "naive": Variant({"mine": {"relative_margin": None, "exclude_relatives": "off"}}),
    "margin_alone": Variant({"mine": {"exclude_relatives": "off"}}),
    "near_refused": Variant({"mine": {"near_positives": "refuse"}}),
    "four_negatives": Variant({"mine": {"negatives": 4}}),
    # How much there is to learn from.
    "half": Variant(reshape=share_of_components(0.5)),
    "quarter": Variant(reshape=share_of_components(0.25)),
    "eighth": Variant(reshape=share_of_components(0.125)),
    # Augmentation, and noise.
    "no_augmentation": Variant({"augment": {"abbreviations": False, "spelling": False}}),
    "keyboard": Variant({"augment": {"keyboard": True}}),
    "typos_30": Variant(reshape=typed_badly(0.3)),
    "mispaired_5": Variant(reshape=mispaired(0.05)),
    "mispaired_20": Variant(reshape=mispaired(0.2)),
}


def measured(name: str, seed: int) -> dict[str, Scores]:
    """Return nDCG@10 of each validation query under the "probe" and under the "full" fine-tune of a variant."""
    variant = VARIANTS[name]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "project")
        copy(folder, {**variant.changes, "run": {"seed": seed}}, GIVEN)
        run(folder, "augment")
        run(folder, "mine")
        path = folder / "data/mine/triplets.parquet"
        tables.write(variant.reshape(tables.read(path, Triplets)), path, Triplets)
        return {"probe": probed(folder, seed), "full": fine_tuned(folder)}


def study(variants: Sequence[str], seeds: Sequence[int], results: Path | None) -> dict[str, float]:
    """Return the figures of `variants`, each query's score being its mean over the `seeds`.

    What `results` holds is not measured again.
    """
    base, names = base_scores(), components()
    gains: dict[str, dict[str, Scores]] = {"probe": {}, "full": {}}
    for name in variants:
        found = [
            kept(results and results / f"{name}-{seed}.npz", partial(measured, name, seed))
            for seed in seeds
        ]
        for how, of in gains.items():
            of[name] = np.mean([one[how] for one in found], axis=0) - base
        told = ", ".join(f"{how} {of[name].mean():+z.4f}" for how, of in gains.items())
        print(f"{name}: {told}", file=sys.stderr, flush=True)
    return summary(gains["probe"], gains["full"], names)


def summary(
    probe: Mapping[str, Scores], full: Mapping[str, Scores], components: npt.NDArray[np.str_]
) -> dict[str, float]:
    """Return the figures from the gain of each query, by variant, under the probe and under full fine-tunes."""
    names = list(full)
    left, right = (np.array([of[name] for name in names]) for of in (probe, full))
    weight = load_section(ComponentWeight).component_weight
    weights = query_weights(components, weight)
    means, foretold = (np.average(of, axis=1, weights=weights) for of in (right, left))
    told = {f"{name}.probe": float(value) for name, value in zip(names, foretold, strict=True)}
    told |= {f"{name}.full": float(value) for name, value in zip(names, means, strict=True)}
    told["variants"], told["spread"] = float(len(names)), float(means.max() - means.min())
    told["spearman"] = rank_correlation(foretold, means)
    ends = bootstrap_interval(
        lambda at: rank_correlation(
            *(np.average(of[:, at], axis=1, weights=weights[at]) for of in (left, right))
        ),
        components,
        seed=1,
    )
    if ends is not None:
        told |= {"spearman_low": ends.low, "spearman_high": ends.high}
    pairs = list(combinations(range(len(names)), 2))
    close = {pair for pair in pairs if abs(means[pair[0]] - means[pair[1]]) < CLOSE}
    decided = [
        (a, b)
        for a, b in pairs
        if sign_flip(right[a] - right[b], components, seed=1, component_weight=weight) < SIGNIFICANT
    ]
    agreed = {(a, b) for a, b in decided if (foretold[a] > foretold[b]) == (means[a] > means[b])}
    told |= {"close_pairs": float(len(close)), "decided_pairs": float(len(decided))}
    told["decided_close_pairs"] = float(len(close.intersection(decided)))
    if decided:
        told["pair_agreement"] = len(agreed) / len(decided)
    if close.intersection(decided):
        told["close_agreement"] = len(agreed & close) / len(close.intersection(decided))
    return told


def rank_correlation(left: Scores, right: Scores) -> float:
    """Return Spearman's rank correlation of two series."""
    from scipy import stats

    return float(stats.spearmanr(left, right).statistic)


def main() -> None:
    """Run the study and print a figure a line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--results", type=Path, help="folder that keeps what was measured")
    parser.add_argument(
        "--json", action="store_true", help="print one flat JSON object as the last line"
    )
    options = parser.parse_args()
    seeds = [13 + at for at in range(options.seeds)]
    figures = study(options.variants, seeds, options.results)
    shown = {name: round(value, 4) for name, value in sorted(figures.items())}
    print(
        json.dumps(shown)
        if options.json
        else "\n".join(f"{name:32} {value:g}" for name, value in shown.items())
    )


if __name__ == "__main__":
    main()
