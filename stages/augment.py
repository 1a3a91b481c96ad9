"""Add variants of training anchors, with abbreviations swapped and in American and British spelling.

Reads the pairs, their splits, the fingerprints of held-out texts and data/glossary/; writes the training pairs with
their accepted variants, and a ledger. A variant points to its parent's document. It is refused when it says what
some anchor says already, when it equals or nearly equals a held-out text (known here by hashes alone), or when it
would point to two documents; then a share bounds how many are added. Validation and test are never touched.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

import pandas as pd
from pydantic import Field

from stages.lib import tables
from stages.lib.contracts.fingerprints import Fingerprints
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.splits import Splits
from stages.lib.errors import Problem
from stages.lib.glossary import Abbreviations, read_abbreviations, read_spelling
from stages.lib.ledger import Ledger, balance
from stages.lib.near import exact_edges
from stages.lib.params import Section, load
from stages.lib.stage import command, write_metrics
from stages.lib.text import hash_hex, hash_shingles, normal_form, shingles

METHODS = ("abbreviations", "spelling")
# In the order in which they are asked; the first that applies is the one told.
REASONS = ("equal_to_known", "held_out", "near_held_out", "contradiction", "over_share")


class AugmentParams(Section):
    """Section `augment` of params.yaml."""

    section: ClassVar[str] = "augment"
    abbreviations: bool
    spelling: bool
    near_threshold: float = Field(gt=0.0, le=1.0)
    max_share: float = Field(ge=0.0, le=1.0)


class Variant(NamedTuple):
    """A proposed training pair and the pair that it was made from."""

    pair_id: str
    parent_id: str
    method: str
    anchor: str
    doc_id: str


class Refusal(NamedTuple):
    """Why a variant is not added, on account of which row, and how alike the two are."""

    reason: str
    partner_id: str = ""
    score: float = float("nan")


def swap_abbreviations(text: str, abbreviations: Abbreviations) -> list[str]:
    """Return `text` with all long forms and with all short forms, as far as they differ from it.

    "Electrocardiogram (ECG)", as `clean` writes it, counts as one mention and becomes either of its halves.
    Short forms match in exact case, long ones in any; ambiguous ones not at all.
    """
    mentions = _mentions(abbreviations)
    if mentions is None:
        return []
    shorts: dict[str, str] = {}
    for short, long in abbreviations.known.items():
        shorts.setdefault(long.casefold(), short)

    def is_other(match: re.Match[str]) -> bool:
        # "electrocardiogram (EEG)" is a slip or says something else; neither is for us to spread.
        return bool(match["own"]) and abbreviations.known[match["own"]].casefold() != match["long"].casefold()

    def long_of(match: re.Match[str]) -> str:
        return match[0] if is_other(match) else match["long"] or abbreviations.known[match["short"]]

    def short_of(match: re.Match[str]) -> str:
        return match[0] if is_other(match) else match["short"] or match["own"] or shorts[match["long"].casefold()]

    return _others(text, (mentions.sub(long_of, text), mentions.sub(short_of, text)))


def swap_spelling(text: str, british: Mapping[str, str]) -> list[str]:
    """Return `text` in British and in American spelling, as far as they differ from it; case is kept."""
    american = {uk: us for us, uk in british.items()}
    return _others(text, (_spelled(text, british), _spelled(text, american)))


def propose(
    pairs: pd.DataFrame, params: AugmentParams, abbreviations: Abbreviations, british: Mapping[str, str]
) -> list[Variant]:
    """Return every variant of the anchors of `pairs`, each once, sorted by id."""
    variants: dict[str, Variant] = {}
    for pair_id, anchor, doc_id in zip(pairs["pair_id"], pairs["anchor"], pairs["doc_id"], strict=True):
        made = {
            "abbreviations": swap_abbreviations(anchor, abbreviations) if params.abbreviations else [],
            "spelling": swap_spelling(anchor, british) if params.spelling else [],
        }
        for method in METHODS:
            for text in made[method]:
                identity = "p" + hash_hex(pair_id, method, text)
                variants[identity] = Variant(identity, pair_id, method, text, doc_id)
    return [variants[identity] for identity in sorted(variants)]


def refuse(
    variants: list[Variant], known: pd.DataFrame, held_out: pd.DataFrame, near_threshold: float
) -> dict[str, Refusal]:
    """Return why variants are refused, by id; those that may stay are missing.

    `known` are pairs whose anchors may be seen, `held_out` are Fingerprints. Near is exact: every
    fingerprint is compared whose Jaccard similarity could reach `near_threshold`.
    """
    refused: dict[str, Refusal] = {}
    for found in (
        _equal_to_known(variants, known),
        _held_out(variants, held_out),
        _near_held_out(variants, held_out, near_threshold),
        _contradictions(variants),
    ):
        refused = {**found, **refused}  # the rule that was asked first is told
    return {**_repeated([variant for variant in variants if variant.pair_id not in refused]), **refused}


def beyond_share(variants: Iterable[Variant], limit: int) -> dict[str, Refusal]:
    """Return the refusals of all but `limit` variants, chosen by a hash of the id, never by the order of rows."""
    ordered = sorted(variants, key=lambda variant: hash_hex("augment.max_share", variant.pair_id))
    return {variant.pair_id: Refusal("over_share") for variant in ordered[limit:]}


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


def _mentions(abbreviations: Abbreviations) -> re.Pattern[str] | None:
    if not abbreviations.known:
        return None
    ambiguous = {long.casefold() for longs in abbreviations.ambiguous.values() for long in longs}
    shorts = _any_of(abbreviations.known)
    longs = _any_of({long for long in abbreviations.known.values() if long.casefold() not in ambiguous})
    # A hyphen or slash makes a short form part of a larger word ("G-CSF"); long forms may be followed by one.
    return re.compile(
        rf"(?<![\w/-])(?:(?P<long>(?i:{longs}))(?:\s\((?P<own>{shorts})\))?(?!\w)|(?P<short>{shorts})(?![\w/'\u2019-]))"
    )


def _any_of(forms: Iterable[str]) -> str:
    # The longest first: "HDL-C" before "HDL". Nothing at all never matches.
    return "|".join(re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form))) or r"(?!)"


def _spelled(text: str, spelling: Mapping[str, str]) -> str:
    def respelled(match: re.Match[str]) -> str:
        word = match[0]
        other = spelling.get(word.lower())
        if other is None:
            return word
        for case in (str.lower, str.capitalize, str.upper):
            if word == case(word):
                return case(other)
        return word

    return re.sub(r"[^\W\d_]+", respelled, text)


def _others(text: str, variants: Iterable[str]) -> list[str]:
    return sorted({variant for variant in variants if variant != text})


def _equal_to_known(variants: list[Variant], known: pd.DataFrame) -> dict[str, Refusal]:
    first = _first(zip(known["anchor"].map(normal_form), known["pair_id"], strict=True))
    forms = {variant.pair_id: normal_form(variant.anchor) for variant in variants}
    return {identity: Refusal("equal_to_known", first[form]) for identity, form in forms.items() if form in first}


def _held_out(variants: list[Variant], held_out: pd.DataFrame) -> dict[str, Refusal]:
    first = _first(zip(held_out["normal_hash"], held_out["id"], strict=True))
    hashes = {variant.pair_id: hash_hex(normal_form(variant.anchor)) for variant in variants}
    return {identity: Refusal("held_out", first[form]) for identity, form in hashes.items() if form in first}


def _near_held_out(variants: list[Variant], held_out: pd.DataFrame, threshold: float) -> dict[str, Refusal]:
    mine = {variant.pair_id: frozenset(hash_shingles(shingles(variant.anchor))) for variant in variants}
    # A held-out row may have two fingerprints, as collected and as cleaned.
    theirs = {
        f"{identity} {normal_hash}": frozenset(int(item) for item in items)
        for identity, normal_hash, items in held_out[["id", "normal_hash", "shingles"]].itertuples(index=False)
    }
    refused: dict[str, Refusal] = {}
    for identity, other, similarity in exact_edges(mine, theirs, threshold):
        if identity not in refused or similarity > refused[identity].score:
            refused[identity] = Refusal("near_held_out", other.split()[0], similarity)
    return refused


def _contradictions(variants: list[Variant]) -> dict[str, Refusal]:
    documents: dict[str, set[str]] = defaultdict(set)
    for variant in variants:
        documents[normal_form(variant.anchor)].add(variant.doc_id)
    refused = {}
    for variant in variants:
        others = sorted(documents[normal_form(variant.anchor)] - {variant.doc_id})
        if others:
            refused[variant.pair_id] = Refusal("contradiction", others[0])
    return refused


def _repeated(variants: list[Variant]) -> dict[str, Refusal]:
    """Refuse what says the same as another variant; the smallest id stays."""
    forms = {variant.pair_id: normal_form(variant.anchor) for variant in variants}
    first = _first((form, identity) for identity, form in forms.items())
    return {
        identity: Refusal("equal_to_known", first[form]) for identity, form in forms.items() if first[form] != identity
    }


def _first(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the smallest id of each key."""
    smallest: dict[str, str] = {}
    for key, identity in sorted(rows):
        smallest.setdefault(key, identity)
    return smallest


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
    variants = propose(training, params, abbreviations, british)
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
