"""Add variants of training anchors by word lists, slips of the finger and back-translation.

Reads the pairs, their splits, the passages, the fingerprints of held-out texts and data/glossary/; writes the training
pairs with their accepted variants, and a ledger. A variant points to its parent's document. What was translated back is
refused unless it still says what its parent says; any variant is refused when it says what some anchor says already,
when it equals or nearly equals a held-out text (known here by hashes alone), or when it would point to two documents;
then a share bounds how many a method adds. Validation and test are never touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from stages.augment.judging import REASONS as MEANING
from stages.augment.judging import Judge, Paraphrase, faults
from stages.augment.keyboard import mistype
from stages.augment.params import AugmentParams
from stages.augment.refusals import REASONS, Refusal, beyond_share, refuse
from stages.augment.translation import round_trips, translator
from stages.augment.variants import (
    METHODS,
    Maker,
    Variant,
    propose,
    swap_abbreviations,
    swap_spelling,
)
from stages.augment.wording import learn, vocabulary
from stages.lib import tables
from stages.lib.benchmark import corpus_of
from stages.lib.contracts.fingerprints import Fingerprints
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.passages import Passages
from stages.lib.contracts.splits import Splits
from stages.lib.embed import Encoder
from stages.lib.errors import Problem
from stages.lib.glossary import read_abbreviations, read_spelling
from stages.lib.ledger import Ledger, balance
from stages.lib.models import find_model
from stages.lib.params import Model, load
from stages.lib.stage import check_pins, command, write_metrics


def training_pairs(pairs: pd.DataFrame, splits: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the pairs to train on, and all pairs that are not held out.

    Raises Problem when a pair has no split: it might be a held-out one.
    """
    where = pairs["pair_id"].map(splits.set_index("id")["split"])
    if where.isna().any():
        raise Problem(
            f"pair {pairs.loc[where.isna(), 'pair_id'].iloc[0]} (one of {int(where.isna().sum())}) has no split",
            "run 'dvc repro split', so that pairs and splits fit together",
        )
    return pairs[where == "train"], pairs[where.isin(["train", "corpus"])]


def open_passages(passages: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """Return the passages of documents that are not held out."""
    where = passages["doc_id"].map(splits.set_index("id")["split"])
    return passages[where.isin(["train", "corpus"])]


def augment(
    pairs: pd.DataFrame, variants: list[Variant], refused: Mapping[str, Refusal]
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, float | int | str | bool]]:
    """Return the training pairs with the accepted variants, the ledger and the metrics.

    Every variant has an `add` line; a refused one has a `drop` line after it.
    """
    ledger = Ledger()
    for variant in variants:
        ledger.add(
            variant.pair_id, variant.method, partner_id=variant.parent_id, after=variant.anchor
        )
        if variant.pair_id in refused:
            reason, partner_id, score = refused[variant.pair_id]
            ledger.drop(variant.pair_id, reason, partner_id=partner_id, score=score)
    accepted = [variant for variant in variants if variant.pair_id not in refused]
    rows = pd.concat([pairs, _rows(accepted, pairs)], ignore_index=True)
    # `added` counts what was proposed: a refused variant stands there and under `dropped`, as in the ledger.
    proposed = Counter(variant.method for variant in variants)
    metrics = balance(
        len(pairs), len(rows), ledger.dropped(), (*MEANING, *REASONS), proposed, METHODS
    )
    stayed = Counter(variant.method for variant in accepted)
    failed = Counter(
        one.method
        for one in variants
        if one.pair_id in refused and refused[one.pair_id].reason != "over_share"
    )
    return (
        rows,
        ledger.frame(),
        {
            **metrics,
            **{f"accepted.{method}": stayed[method] for method in METHODS},
            **{
                f"passed_share.{method}": 1 - failed[method] / count
                for method, count in sorted(proposed.items())
            },
        },
    )


def _rows(variants: list[Variant], pairs: pd.DataFrame) -> pd.DataFrame:
    if not variants:
        return Pairs.empty()
    parents = (
        pairs.set_index("pair_id")
        .loc[[variant.parent_id for variant in variants]]
        .reset_index(drop=True)
    )
    rows = parents.assign(
        pair_id=[variant.pair_id for variant in variants],
        anchor=[variant.anchor for variant in variants],
        source=[f"augment.{variant.method}" for variant in variants],
    )
    return rows[list(pairs.columns)].astype(Pairs.empty().dtypes.to_dict())


def makers(
    params: AugmentParams, training: pd.DataFrame, known_words: frozenset[str], glossary: Path
) -> dict[str, Maker]:
    """Return what makes variants, by method, of the methods that are on; anchors are translated here, all at once."""
    abbreviations = read_abbreviations(glossary / "abbreviations.csv")
    british = read_spelling(glossary / "spelling.csv")
    made: dict[str, Maker] = {}
    if params.abbreviations:
        made["abbreviations"] = lambda _, anchor: swap_abbreviations(anchor, abbreviations)
    if params.spelling:
        made["spelling"] = lambda _, anchor: swap_spelling(anchor, british)
    if params.keyboard:
        made["keyboard"] = lambda pair_id, anchor: mistype(anchor, pair_id, known_words)
    if (model := translator(params.back_translation, params.marian_models)) is not None:
        returned = round_trips(model, list(training["anchor"]))
        made["back_translation"] = lambda _, anchor: [returned[anchor]] if returned[anchor] else []
    return made


def unfaithful(
    variants: list[Variant], training: pd.DataFrame, judge: Judge, params: AugmentParams
) -> dict[str, Refusal]:
    """Return why back-translations among `variants` are refused on account of what they say, by id."""
    asked = [variant for variant in variants if variant.method == "back_translation"]
    anchors = dict(zip(training["pair_id"], training["anchor"], strict=True))
    evidence = judge.measure(
        [Paraphrase(anchors[one.parent_id], one.anchor, one.doc_id) for one in asked]
    )
    found = {one.pair_id: faults(told, params) for one, told in zip(asked, evidence, strict=True)}
    return {identity: Refusal(*_first(told)) for identity, told in found.items() if told}


def _first(told: dict[str, float]) -> tuple[str, str, float]:
    reason = next(iter(told))
    return reason, "", told[reason]


def main(
    pairs: Path = Path("data/pair/pairs.parquet"),
    splits: Path = Path("data/split/splits.parquet"),
    fingerprints: Path = Path("data/split/fingerprints.parquet"),
    passages: Path = Path("data/pair/passages.parquet"),
    glossary: Path = Path("data/glossary"),
    out_pairs: Path = Path("data/augment/pairs.parquet"),
    out_ledger: Path = Path("data/augment/ledger.parquet"),
    metrics: Path = Path("metrics/augment.json"),
) -> None:
    """Add variants of training anchors by word lists, slips of the finger and back-translation."""
    params, model = load(AugmentParams), load(Model)
    if params.back_translation != "off":
        check_pins(("text", "model", "paraphrase"))
    where = tables.read(splits, Splits)
    training, known = training_pairs(tables.read(pairs, Pairs), where)
    stretches = open_passages(tables.read(passages, Passages), where)
    known_words = (
        vocabulary([*known["anchor"], *stretches["text"]]) if params.keyboard else frozenset()
    )
    made = makers(params, training, known_words, glossary)
    variants = propose(training, made)
    refused: dict[str, Refusal] = {}
    if "back_translation" in made:
        knowledge = learn(known, stretches["text"])
        judge = Judge(model, Encoder(find_model(model)), corpus_of(stretches), knowledge)
        refused = unfaithful(variants, training, judge, params)
    faithful = [variant for variant in variants if variant.pair_id not in refused]
    refused |= refuse(
        faithful, known, tables.read(fingerprints, Fingerprints), params.near_threshold
    )
    fit = [variant for variant in variants if variant.pair_id not in refused]
    refused |= beyond_share(fit, int(params.max_share * len(training)))
    rows, ledger, report = augment(training, variants, refused)
    tables.write(rows, out_pairs, Pairs)
    tables.write(ledger, out_ledger, LedgerTable)
    write_metrics(report, metrics)


app = command(main, "tables")

if __name__ == "__main__":
    app()
