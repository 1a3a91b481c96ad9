"""Add variants of training anchors, with abbreviations swapped and in American and British spelling.

Reads the pairs, their splits, the fingerprints of held-out texts and data/glossary/; writes the training pairs with
their accepted variants, and a ledger. A variant points to its parent's document. It is refused when it says what
some anchor says already, when it equals or nearly equals a held-out text (known here by hashes alone), or when it
would point to two documents; then a share bounds how many are added. Validation and test are never touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pandas as pd
from pydantic import Field

from stages.augment.refusals import REASONS, Refusal, beyond_share, refuse
from stages.augment.variants import METHODS, Variant, propose
from stages.lib import tables
from stages.lib.contracts.fingerprints import Fingerprints
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.splits import Splits
from stages.lib.errors import Problem
from stages.lib.glossary import read_abbreviations, read_spelling
from stages.lib.ledger import Ledger, balance
from stages.lib.params import Section, load
from stages.lib.stage import command, write_metrics


class AugmentParams(Section):
    """Section `augment` of params.yaml."""

    section: ClassVar[str] = "augment"
    abbreviations: bool
    spelling: bool
    near_threshold: float = Field(gt=0.0, le=1.0)
    max_share: float = Field(ge=0.0, le=1.0)


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


def augment(
    pairs: pd.DataFrame, variants: list[Variant], refused: Mapping[str, Refusal]
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, float | int | str | bool]]:
    """Return the training pairs with the accepted variants, the ledger and the metrics.

    Every variant has an `add` line; a refused one has a `drop` line after it.
    """
    ledger = Ledger()
    for variant in variants:
        ledger.add(variant.pair_id, variant.method, partner_id=variant.parent_id, after=variant.anchor)
        if variant.pair_id in refused:
            reason, partner_id, score = refused[variant.pair_id]
            ledger.drop(variant.pair_id, reason, partner_id=partner_id, score=score)
    accepted = [variant for variant in variants if variant.pair_id not in refused]
    rows = pd.concat([pairs, _rows(accepted, pairs)], ignore_index=True)
    # `added` counts what was proposed: a refused variant stands there and under `dropped`, as in the ledger.
    proposed = Counter(variant.method for variant in variants)
    metrics = balance(len(pairs), len(rows), ledger.dropped(), REASONS, proposed, METHODS)
    stayed = Counter(variant.method for variant in accepted)
    return rows, ledger.frame(), {**metrics, **{f"accepted.{method}": stayed[method] for method in METHODS}}


def _rows(variants: list[Variant], pairs: pd.DataFrame) -> pd.DataFrame:
    if not variants:
        return Pairs.empty()
    parents = pairs.set_index("pair_id").loc[[variant.parent_id for variant in variants]].reset_index(drop=True)
    rows = parents.assign(
        pair_id=[variant.pair_id for variant in variants],
        anchor=[variant.anchor for variant in variants],
        source=[f"augment.{variant.method}" for variant in variants],
    )
    return rows[list(pairs.columns)].astype(Pairs.empty().dtypes.to_dict())


def main(
    pairs: Path = Path("data/pair/pairs.parquet"),
    splits: Path = Path("data/split/splits.parquet"),
    fingerprints: Path = Path("data/split/fingerprints.parquet"),
    glossary: Path = Path("data/glossary"),
    out_pairs: Path = Path("data/augment/pairs.parquet"),
    out_ledger: Path = Path("data/augment/ledger.parquet"),
    metrics: Path = Path("metrics/augment.json"),
) -> None:
    """Add variants of training anchors, with abbreviations swapped and in American and British spelling."""
    params = load(AugmentParams)
    abbreviations = read_abbreviations(glossary / "abbreviations.csv")
    british = read_spelling(glossary / "spelling.csv")
    training, known = training_pairs(tables.read(pairs, Pairs), tables.read(splits, Splits))
    switched = {"abbreviations": params.abbreviations, "spelling": params.spelling}
    methods = frozenset(method for method, on in switched.items() if on)
    variants = propose(training, methods, abbreviations, british)
    refused = refuse(variants, known, tables.read(fingerprints, Fingerprints), params.near_threshold)
    fit = [variant for variant in variants if variant.pair_id not in refused]
    refused |= beyond_share(fit, int(params.max_share * len(training)))
    rows, ledger, report = augment(training, variants, refused)
    tables.write(rows, out_pairs, Pairs)
    tables.write(ledger, out_ledger, LedgerTable)
    write_metrics(report, metrics)


app = command(main, "tables")

if __name__ == "__main__":
    app()
