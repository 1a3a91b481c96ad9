"""What hard negatives are worth, by how they are mined: full fine-tunes through the pipeline's own stages.

    python bench/negatives.py [--how full|probe|shares] [--variants NAME ...] [--seeds 3] [--negatives 1] [--json]

Reads the data of the last run, and works on copies. Variants: in_batch (no hard negatives), naive (the hardest,
whatever they score), margin, margin_structure (the margin, and no relatives of the answer), near_refused (the margin,
and no near-duplicates of the answer), ragged_dropped (the margin; rows with too few negatives are left out).

    <variant>.ndcg_at_10        of the fine-tuned model on validation, mean over the seeds; <variant>.spread: largest
                                less smallest
    <variant>.over_in_batch     the same less in_batch, seed by seed; <variant>.se: its standard error over the seeds
    <variant>.related           share of the negatives that are an ancestor or descendant of an answer
    <variant>.per_anchor        negatives per training pair; <variant>.rows: training pairs

`--how probe` trains the probe of `validate` in place of the model (a minute a variant; what it gains over the base is
told with its interval: <variant>.gain, gain_low, gain_high); `--how shares` trains nothing. `--pairs N` re-splits for a
sample of about that many training pairs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.trials import copy, run
from stages.lib.reporting.details import read_details

MARGIN = {
    "relative_margin": 0.05,
    "absolute_margin": None,
    "near_positives": "keep",
    "exclude_relatives": "off",
}
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "in_batch": MARGIN,
    "naive": {**MARGIN, "relative_margin": None},
    "margin": MARGIN,
    "margin_structure": {**MARGIN, "exclude_relatives": "both"},
    "near_refused": {**MARGIN, "near_positives": "refuse"},
    "ragged_dropped": MARGIN,
}
GIVEN = (
    "collect",
    "clean",
    "deduplicate",
    "pair",
    "split",
    "augment",
    "frozen",
    "protected",
    "glossary",
    "review",
    "written_queries",
)


def reshape(folder: Path, variant: str) -> dict[str, float]:
    """Bring the triplets of `folder` into the shape of `variant`; return what there is to say of them."""
    import pandas as pd

    from stages.lib.core import tables
    from stages.lib.schemas.documents import Hierarchy
    from stages.lib.schemas.duplicates import Aliases
    from stages.lib.schemas.training import Triplets
    from stages.mine.relations import hierarchy_relatives

    path = folder / "data/mine/triplets.parquet"
    rows = tables.read(path, Triplets)
    if variant == "in_batch":
        lists = [name for name in rows.columns if name.startswith("negative")]
        shown = [
            sorted({doc_id, name})
            for doc_id, name in zip(rows["doc_id"], rows["component_id"], strict=True)
        ]
        rows = rows.assign(**{name: pd.Series([[]] * len(rows), dtype=object) for name in lists})
        rows = rows.assign(in_batch_ids=pd.Series(shown, dtype=object))
    if variant == "ragged_dropped":
        counts = rows["negative_ids"].map(len)
        rows = rows[counts == counts.max()].reset_index(drop=True)
    if variant in ("in_batch", "ragged_dropped"):
        tables.write(rows, path, Triplets)
    copies = tables.read(folder / "data/deduplicate/aliases.parquet", Aliases)
    kept = dict(zip(copies["doc_id"], copies["kept_id"], strict=True))
    lineage = hierarchy_relatives(
        tables.read(folder / "data/collect/hierarchy.parquet", Hierarchy), kept, set(rows["doc_id"])
    )
    pairs = [
        (doc_id, one)
        for doc_id, ids in zip(rows["doc_id"], rows["negative_ids"], strict=True)
        for one in ids
    ]
    told = {"rows": float(len(rows)), "per_anchor": len(pairs) / len(rows)}
    if pairs:
        told["related"] = sum(
            one in lineage.get(doc_id, frozenset()) for doc_id, one in pairs
        ) / len(pairs)
    return told


def trained(folder: Path, cache: Path) -> float:
    """Tokenize, fine-tune and evaluate in `folder`; return nDCG@10 on validation.

    Embeddings of fine-tuned models are of no use afterwards, so they go to a `cache` that is thrown away.
    """
    for stage in ("tokenize", "finetune", "evaluate"):
        run(folder, stage, cache)
    return float(json.loads((folder / "metrics/evaluate.json").read_text("utf-8"))["ndcg@10"])


def probed(folder: Path) -> dict[str, float]:
    """Return what the stage `validate` says of the probe in `folder`."""
    run(folder, "validate")
    told = read_details(folder / "metrics/details/validate.json")
    names = ("ndcg_at_10", "gain", "gain_low", "gain_high")
    return {name: float(told[f"probe.{name}"]) for name in names if f"probe.{name}" in told}


def compare(
    variants: Sequence[str], seeds: Sequence[int], pairs: int | None, negatives: int, how: str
) -> dict[str, float]:
    """Return the figures of `variants`."""
    scores: dict[str, list[float]] = {variant: [] for variant in variants}
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as temporary:
        cache = Path(temporary, "cache")
        resplit = ("split", "augment") if pairs else ()
        for seed in seeds:
            for variant in variants:
                folder = Path(temporary, f"{variant}-{seed}")
                changes = {
                    "mine": {**VARIANTS[variant], "negatives": negatives},
                    "run": {"seed": seed},
                }
                if pairs:
                    changes["split"] = {"max_train_pairs": pairs}
                copy(folder, changes, sorted(set(GIVEN) - set(resplit)))
                for stage in (*resplit, "mine"):
                    run(folder, stage)
                told = reshape(folder, variant)
                figures |= {f"{variant}.{name}": value for name, value in told.items()}
                if how == "probe":
                    figures |= {
                        f"{variant}.{name}": value for name, value in probed(folder).items()
                    }
                if how == "full":
                    scores[variant].append(trained(folder, cache))
                    print(
                        f"{variant}, seed {seed}: {scores[variant][-1]:.4f}",
                        file=sys.stderr,
                        flush=True,
                    )
    return figures | (summary(scores) if how == "full" else {})


def summary(scores: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return mean and spread of each variant, and its mean difference to in_batch, if it is there, with its error."""
    told: dict[str, float] = {}
    for variant, found in scores.items():
        told[f"{variant}.ndcg_at_10"] = statistics.fmean(found)
        told[f"{variant}.spread"] = max(found) - min(found)
        if variant != "in_batch" and "in_batch" in scores:
            differences = [
                one - other for one, other in zip(found, scores["in_batch"], strict=True)
            ]
            told[f"{variant}.over_in_batch"] = statistics.fmean(differences)
            if len(found) > 1:
                told[f"{variant}.se"] = statistics.stdev(differences) / len(found) ** 0.5
    return told


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=None)
    parser.add_argument("--negatives", type=int, default=1)
    parser.add_argument("--how", choices=("full", "probe", "shares"), default="full")
    parser.add_argument(
        "--json", action="store_true", help="print one flat JSON object as the last line"
    )
    options = parser.parse_args()
    seeds = [13 + at for at in range(options.seeds if options.how == "full" else 1)]
    figures = compare(options.variants, seeds, options.pairs, options.negatives, options.how)
    shown = {name: round(value, 4) for name, value in sorted(figures.items())}
    print(
        json.dumps(shown)
        if options.json
        else "\n".join(f"{name:36} {value:g}" for name, value in shown.items())
    )


if __name__ == "__main__":
    main()
