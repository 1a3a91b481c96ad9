"""Which back-translations the checks of `augment` refuse: corrupted ones, and those that a reader judged.

    python bench/paraphrases.py [--seed 1] [--curves] [--json]

Runs on the tables of the last run, by the thresholds of params.yaml. `refused.<corruption>` is the share that is
refused of the back-translations which the checks accept, once they are corrupted (bench/faults/corruptions.py), since
a text that is refused as it is tells nothing; `refused.least` is the lowest of them. What is planted comes from pairs
that no check has seen. `false.<set>` is the share of those judged the same that are refused; copies, which are refused
by design, are not counted. `false.low` and `false.high` bound it for the set `held` (Wilson, 95 %). `false.written` is
that of the paraphrases of other fields that were written by hand. `wrong.<set>` is the share of what is accepted that was judged different. `by.<check>` is the share of corrupted ones in which the check
found a fault, `alone.<check>` that of those in which no other did. `--curves` varies one threshold at a time.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.faults.corruptions import KINDS, corrupt, entities
from bench.faults.paraphrases import DOMAINS, back_translations, domains, judged
from stages.augment.content_words import learn_word_contexts
from stages.augment.interface import AugmentParams
from stages.augment.paraphrases import (
    REASONS,
    Paraphrase,
    ParaphraseScorer,
    ParaphraseScores,
    rejection_reasons,
)
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams, load_section
from stages.lib.retrieval.encoder import Encoder

COUNTS = {"term": 600, "definition": 300, "title": 300, "sentence": 300, "written": 40}
SETS = ("chosen", "held")
CURVES = {
    "min_word_cosine": (0.3, 0.35, 0.41, 0.45, 0.5),
    "max_rank_loss": (20, 100, 500, 5000),
    "min_cosine": (0.3, 0.5, 0.7),
    "min_chrf": (0.0, 0.2, 0.4),
}

Planted = tuple[
    str, ParaphraseScores, ParaphraseScores
]  # the corruption, the evidence before and after it


def judges() -> dict[str, ParaphraseScorer]:
    """Return a judge for each domain, as the stage makes it."""
    model = load_section(ModelParams)
    encoder = Encoder(find_base_model(model))
    return {
        name: ParaphraseScorer(
            model,
            encoder,
            domain.corpus,
            contexts=learn_word_contexts(domain.pairs, domain.corpus.texts),
        )
        for name, domain in domains().items()
    }


def plant(seed: int, by: dict[str, ParaphraseScorer]) -> list[Planted]:
    """Return the evidence for fresh back-translations, before and after each corruption that finds a place in them."""
    found: list[Planted] = []
    for kind, name in DOMAINS.items():
        texts, mates = back_translations(kind, COUNTS[kind], seed), entities(domains()[name].others)
        before = by[name].score(texts)
        if kind == "written":
            found += [("", evidence, evidence) for evidence in before]
        for corruption in KINDS:
            draw = random.Random(f"{corruption} {kind} {seed}")
            made = [
                corrupt(corruption, one.parent if corruption == "copied" else one.text, mates, draw)
                for one in texts
            ]
            places = [at for at, text in enumerate(made) if text is not None]
            after = by[name].score([texts[at]._replace(text=str(made[at])) for at in places])
            found += [
                (corruption, before[at], told) for at, told in zip(places, after, strict=True)
            ]
    return found


def read_gold(by: dict[str, ParaphraseScorer]) -> list[tuple[str, str, ParaphraseScores]]:
    """Return set, verdict and evidence of each back-translation that was judged."""
    rows = judged(*SETS)
    found = []
    for name, judge in by.items():
        mine = rows[rows["kind"].map(DOMAINS) == name]
        asked = [
            Paraphrase(*row)
            for row in mine[["parent", "paraphrase", "doc_id"]].itertuples(index=False)
        ]
        found += list(zip(mine["set"], mine["verdict"], judge.score(asked), strict=True))
    return found


def summarise(
    planted: Sequence[Planted],
    gold: Sequence[tuple[str, str, ParaphraseScores]],
    params: AugmentParams,
) -> dict[str, float]:
    """Return the figures by the thresholds of `params`."""
    refused = defaultdict[str, list[bool]](list)
    by, alone, count = Counter[str](), Counter[str](), 0
    written: list[bool] = []
    for corruption, before, after in planted:
        if not corruption:
            written.append(bool(rejection_reasons(before, params)))
            continue
        if rejection_reasons(before, params):
            continue
        found = list(rejection_reasons(after, params))
        refused[corruption].append(bool(found))
        count += 1
        by.update(found)
        alone.update(found if len(found) == 1 else [])
    told = {f"refused.{kind}": sum(found) / len(found) for kind, found in refused.items()}
    told["false.written"] = sum(written) / len(written)
    told["refused.least"] = min(sum(found) / len(found) for found in refused.values())
    told["planted"] = float(count)
    told |= {f"planted.{kind}": float(len(found)) for kind, found in refused.items()}
    told |= {f"by.{reason}": by[reason] / count for reason in REASONS}
    told |= {f"alone.{reason}": alone[reason] / count for reason in REASONS}
    for name in SETS:
        rows = [
            (verdict, rejection_reasons(evidence, params))
            for part, verdict, evidence in gold
            if part == name
        ]
        same = [
            bool(found) for verdict, found in rows if verdict == "same" and "copied" not in found
        ]
        accepted = [verdict for verdict, found in rows if not found]
        told |= {
            f"judged.{name}": float(len(rows)),
            f"same.{name}": float(len(same)),
            f"false.{name}": sum(same) / len(same),
            f"wrong.{name}": accepted.count("different") / len(accepted),
        }
        told["false.low"], told["false.high"] = wilson(sum(same), len(same))
    return told


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    z = 1.959964
    centre, spread = hits + z * z / 2, z * (hits * (count - hits) / count + z * z / 4) ** 0.5
    return (centre - spread) / (count + z * z), (centre + spread) / (count + z * z)


def measure(seed: int) -> dict[str, float]:
    """Return the figures by the thresholds of params.yaml."""
    by = judges()
    return summarise(plant(seed, by), read_gold(by), load_section(AugmentParams))


def main() -> None:
    """Print the figures, or how they follow one threshold after the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--curves", action="store_true")
    parser.add_argument(
        "--json", action="store_true", help="print one flat JSON object as the last line"
    )
    options = parser.parse_args()
    if options.curves:
        by, params = judges(), load_section(AugmentParams)
        planted, gold = plant(options.seed, by), read_gold(by)
        shown = ("refused.entity", "refused.least", "false.chosen", "false.held", "wrong.held")
        print(f"{'':24}" + "".join(f"{name:>16}" for name in shown))
        for key, values in CURVES.items():
            for value in values:
                told = summarise(planted, gold, params.model_copy(update={key: value}))
                print(f"{key:18}{value:6}" + "".join(f"{told[name]:16.3f}" for name in shown))
        return
    figures = {name: round(value, 4) for name, value in sorted(measure(options.seed).items())}
    print(
        json.dumps(figures)
        if options.json
        else "\n".join(f"{name:24} {value:g}" for name, value in figures.items())
    )


if __name__ == "__main__":
    main()
