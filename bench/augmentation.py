"""What each method of `augment` is worth: full fine-tunes with and without it, through the pipeline's own stages.

    python bench/augmentation.py [--seeds 3] [--pairs N] [--probe] [--share 0.1] [--only abbreviations ...] [--json]

Reads the data of the last run and works on copies; only validation is looked at. `none` switches all methods off, `all`
switches all on, the others switch on one. `<variant>.ndcg_at_10` is that of the fine-tuned model over the full corpus,
mean over the seeds; `<variant>.gain` the mean difference to `none`, `<variant>.low` and `.high` its 95 % interval over
resampled components, each query's difference being its mean over the seeds; `<variant>.rows` the training pairs.
`--pairs` splits anew for a sample of about that many; `--probe` trains the linear probe of `validate` instead of the
model, for a first look. On two idle cores a run of the default sample takes five minutes:
six variants and three seeds an hour and a half.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.trials import cached_in, copy, run
from stages.augment.variants import METHODS
from stages.lib import benchmark, tables
from stages.lib.cache import cache_folder
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.ledger import Ledger
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.splits import Splits
from stages.lib.contracts.triplets import Triplets
from stages.lib.embed import Encoder
from stages.lib.models import find_model
from stages.lib.params import Model, load
from stages.lib.retrieval import dense, measure
from stages.lib.statistics import effect
from stages.validate.exam import Exam, learned

VARIANTS = ("none", *METHODS, "all")
GIVEN = ("collect", "clean", "deduplicate", "pair", "split", "frozen", "protected", "glossary", "review")

Scores = npt.NDArray[np.float64]


def switched(variant: str) -> dict[str, bool | str]:
    """Return the parameters of augment that make `variant`."""
    on = {method: variant in (method, "all") for method in METHODS}
    return {
        "abbreviations": on["abbreviations"],
        "spelling": on["spelling"],
        "keyboard": on["keyboard"],
        "back_translation": "bergamot" if on["back_translation"] else "off",
    }


def scored(folder: Path, seed: int, probe: bool) -> tuple[Scores, list[str]]:
    """Return nDCG@10 of each validation query after training on what `folder` holds, and its component.

    Trained is the model, or only the probe on the embeddings of the base model.
    """
    data, model = folder / "data", load(Model)
    run(folder, "mine")
    copies = tables.read(data / "deduplicate/aliases.parquet", Aliases)
    kept = dict(zip(copies["doc_id"], copies["kept_id"], strict=True))
    where = data / "split/validation"
    held = benchmark.read(where / "queries.parquet", where / "qrels.parquet", kept)
    corpus = benchmark.read_corpus(data / "pair/passages.parquet")
    components = list(held.queries["component_id"])
    if probe:
        encoder, cache = Encoder(find_model(model)), cache_folder()
    else:
        run(folder, "tokenize")
        run(folder, "finetune")
        encoder, cache = Encoder(data / "finetune/model"), folder / "cache"
    with cached_in(cache):
        asked = encoder.encode(list(held.queries["text"]), model.anchor_prompt)
        searched = encoder.encode(corpus.texts, model.document_prompt)
    if probe:
        rows = learned(
            tables.read(data / "mine/triplets.parquet", Triplets),
            _lineage(data),
            _components(data),
            encoder,
            model,
        )
        return Exam(held, asked, corpus, searched, rows, folds=1).scored(rows, seed), components
    hits = dense(asked, searched, 10, corpus.starts)
    results = measure(list(held.queries["query_id"]), hits, corpus.doc_ids, held.grades)
    return results["ndcg_at_10"].to_numpy(dtype=np.float64), components


def _lineage(data: Path) -> dict[str, str]:
    made = tables.read(data / "augment/ledger.parquet", Ledger).query("action == 'add'")
    return dict(zip(made["row_id"], made["partner_id"], strict=True))


def _components(data: Path) -> dict[str, str]:
    where = tables.read(data / "split/splits.parquet", Splits)
    return dict(zip(where["id"], where["component_id"], strict=True))


def compare(
    variants: Sequence[str], seeds: Sequence[int], pairs: int | None, share: float, probe: bool
) -> dict[str, float]:
    """Return the figures of `variants`, the first of which the others are compared with."""
    scores: dict[str, list[Scores]] = {variant: [] for variant in variants}
    rows: dict[str, float] = {}
    components: list[str] = []
    for seed in seeds:
        for variant in variants:
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
                rows[f"{variant}.rows"] = float(len(tables.read(folder / "data/augment/pairs.parquet", Pairs)))
                found, components = scored(folder, seed, probe)
                scores[variant].append(found)
            print(f"{variant}, seed {seed}: {found.mean():.4f}", file=sys.stderr, flush=True)
    return rows | summary(scores, components)


def summary(scores: Mapping[str, Sequence[Scores]], components: Sequence[str]) -> dict[str, float]:
    """Return mean, gain over the first variant and interval of each, from nDCG@10 by variant, seed and query."""
    means = {variant: np.mean(found, axis=0) for variant, found in scores.items()}
    first, *others = means
    told = {f"{variant}.ndcg_at_10": float(found.mean()) for variant, found in means.items()}
    for variant in others:
        gain = effect(means[variant] - means[first], np.array(components, dtype=str), 1)
        told |= {f"{variant}.gain": gain.mean, f"{variant}.low": gain.low, f"{variant}.high": gain.high}
    return told


def main() -> None:
    """Run the comparison and print a figure a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--probe", action="store_true", help="train the probe of `validate` instead, in seconds")
    parser.add_argument("--share", type=float, default=0.1, help="augment.max_share")
    parser.add_argument("--only", nargs="+", choices=VARIANTS[1:], default=VARIANTS[1:])
    parser.add_argument("--json", action="store_true", help="print one flat JSON object as the last line")
    options = parser.parse_args()
    seeds = [13 + at for at in range(options.seeds)]
    told = compare(["none", *options.only], seeds, options.pairs, options.share, options.probe)
    shown = {name: round(value, 4) for name, value in sorted(told.items())}
    print(json.dumps(shown) if options.json else "\n".join(f"{name:32} {value:g}" for name, value in shown.items()))


if __name__ == "__main__":
    main()
