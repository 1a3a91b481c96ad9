"""Repair documents and anchors, rule by rule, and drop what is left empty or out of bounds.

Reads collect's four tables and data/glossary/; writes the same tables, cleaned, and a ledger from which every
text can be put back. Ids never change. The rules, in their order:

    markup         HTML tags and entities                                   markup.py
    encoding       mojibake, ligatures, composed Unicode                    characters.py
    characters     control and zero-width characters                        characters.py
    whitespace     every run of it is one space                             characters.py
    abbreviation   the first bare "ECG" becomes "electrocardiogram (ECG)"   glossary.py
    case           lower case, if wished                                    characters.py

They are repeated until none finds anything to do: "&amp;lt;p&amp;gt;" is a tag that was escaped twice, and a
zero-width space can hide an entity. So cleaning what is clean changes nothing, by construction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Literal, NamedTuple

import pandas as pd
import pyarrow.parquet as parquet
from pydantic import Field

from stages.clean import characters, markup
from stages.clean.edits import Edit, apply, between
from stages.clean.filters import REASONS, refusal
from stages.clean.glossary import Entries, expand, warm
from stages.lib import engine, tables
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.pairs import Pairs
from stages.lib.errors import Problem
from stages.lib.glossary import Abbreviations, read_abbreviations
from stages.lib.ledger import Ledger, balance
from stages.lib.params import Section, load
from stages.lib.stage import command, write_metrics

RULES = ("markup", "encoding", "characters", "whitespace", "abbreviation", "case")
PAIR_REASONS = (*REASONS, "document_dropped")
# Honest text settles in two or three rounds. What does not after this many was escaped for fun.
ROUNDS = 10


class CleanParams(Section):
    """Section `clean` of params.yaml."""

    section: ClassVar[str] = "clean"
    abbreviations: Literal["off", "expand"]
    lowercase: bool
    min_document_characters: int = Field(ge=1)
    max_document_characters: int = Field(ge=1)
    min_anchor_characters: int = Field(ge=1)
    max_anchor_characters: int = Field(ge=1)


class Cleaned(NamedTuple):
    """The cleaned parts of a set of documents and pairs, still in scratch, and what was decided."""

    documents: list[Path]
    pairs: list[Path]
    ledger: pd.DataFrame


def clean_text(text: str, entries: Entries, lowercase: bool) -> tuple[str, list[Edit], bool]:
    """Return the cleaned text, the edits that led there, and whether it settled."""
    rules = _rules(entries, lowercase)
    edits: list[Edit] = []
    for _ in range(ROUNDS):
        found = False
        for rule in rules:
            made = rule(text)
            text, found = apply(text, made), found or bool(made)
            edits += made
        if not found:
            return text, edits, True
    return text, edits, False


def clean_documents(frame: pd.DataFrame, params: CleanParams, entries: Entries) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the documents that stay, title and text cleaned, and the ledger."""
    ledger = Ledger()
    titles: list[str] = []
    texts: list[str] = []
    kept: list[bool] = []
    for doc_id, title, text in zip(frame["doc_id"], frame["title"], frame["text"], strict=True):
        title, title_settled = _clean_field(ledger, doc_id, "title", title, params, entries)
        text, text_settled = _clean_field(ledger, doc_id, "text", text, params, entries)
        reason = refusal(text, params.min_document_characters, params.max_document_characters)
        if not (title_settled and text_settled):
            reason = "unstable"
        if reason:
            ledger.drop(doc_id, reason, score=float(len(text)))
        titles.append(title)
        texts.append(text)
        kept.append(not reason)
    return _rows(frame.assign(title=titles, text=texts), kept, Documents), ledger.frame()


def clean_pairs(
    frame: pd.DataFrame, params: CleanParams, entries: Entries, dropped: frozenset[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the pairs that stay, anchors cleaned, and the ledger; pairs of `dropped` documents leave with them."""
    ledger = Ledger()
    anchors: list[str] = []
    kept: list[bool] = []
    for pair_id, anchor, doc_id in zip(frame["pair_id"], frame["anchor"], frame["doc_id"], strict=True):
        if doc_id in dropped:
            ledger.drop(pair_id, "document_dropped", partner_id=doc_id)
            reason = "document_dropped"
        else:
            anchor, settled = _clean_field(ledger, pair_id, "anchor", anchor, params, entries)
            reason = refusal(anchor, params.min_anchor_characters, params.max_anchor_characters)
            reason = reason if settled else "unstable"
            if reason:
                ledger.drop(pair_id, reason, score=float(len(anchor)))
        anchors.append(anchor)
        kept.append(not reason)
    return _rows(frame.assign(anchor=anchors), kept, Pairs), ledger.frame()


def clean(documents: Path, pairs: Path, params: CleanParams, entries: Entries, scratch: Path) -> Cleaned:
    """Clean two tables shard by shard: documents first, since a dropped one takes its pairs with it."""
    document_parts, document_ledgers = engine.map(
        partial(clean_documents, params=params, entries=entries),
        tables.shards(documents),
        Documents,
        (Documents, LedgerTable),
        scratch / "documents",
    )
    ledger = engine.gather(document_ledgers, LedgerTable)
    dropped = frozenset(ledger.loc[ledger["action"] == "drop", "row_id"])
    pair_parts, pair_ledgers = engine.map(
        partial(clean_pairs, params=params, entries=entries, dropped=dropped),
        tables.shards(pairs),
        Pairs,
        (Pairs, LedgerTable),
        scratch / "pairs",
    )
    ledger = pd.concat([ledger, engine.gather(pair_ledgers, LedgerTable)], ignore_index=True)
    return Cleaned(document_parts, pair_parts, ledger)


def account(documents: Path, pairs: Path, cleaned: Cleaned) -> dict[str, int]:
    """Return the row accounting of documents and of pairs, and how many edits each rule made in both."""
    lines = cleaned.ledger
    drops = lines[lines["action"] == "drop"]
    is_pair = drops["row_id"].str.startswith("p")
    of_documents = Counter(drops.loc[~is_pair, "reason"])
    of_pairs = balance(
        _count([pairs]), _count(cleaned.pairs), Counter(drops.loc[is_pair, "reason"]), reasons=PAIR_REASONS
    )
    edits = Counter(lines.loc[lines["action"] == "edit", "reason"])
    return {
        **balance(_count([documents]), _count(cleaned.documents), of_documents, reasons=REASONS),
        **{f"pairs.{key}": value for key, value in of_pairs.items()},
        **{f"edits.{rule}": edits[rule] for rule in RULES},
    }


def notes(abbreviations: Abbreviations) -> pd.DataFrame:
    """Return a ledger line for each short form that is not expanded because it has several meanings."""
    ledger = Ledger()
    for short, longs in abbreviations.ambiguous.items():
        ledger.note(f"glossary:{short}", "ambiguous_abbreviation", after=" | ".join(longs), score=float(len(longs)))
    return ledger.frame()


def _rules(entries: Entries, lowercase: bool) -> list[Callable[[str], list[Edit]]]:
    def edits(rule: str, function: Callable[[str], str], old: str) -> list[Edit]:
        return between(rule, old, function(old))

    rules: list[Callable[[str], list[Edit]]] = [
        partial(edits, "markup", markup.strip),
        partial(edits, "encoding", characters.repair),
        partial(edits, "characters", characters.remove),
        partial(edits, "whitespace", characters.collapse),
        partial(expand, entries=entries),
    ]
    return [*rules, partial(edits, "case", characters.lower)] if lowercase else rules


def _clean_field(
    ledger: Ledger, row_id: str, field: str, text: str, params: CleanParams, entries: Entries
) -> tuple[str, bool]:
    text, edits, settled = clean_text(text, entries, params.lowercase)
    for edit in edits:
        ledger.edit(row_id, field, edit.rule, edit.before, edit.after, start=edit.start, end=edit.end)
    return text, settled


def _rows(frame: pd.DataFrame, kept: list[bool], table: type[Documents] | type[Pairs]) -> pd.DataFrame:
    left = frame[pd.Series(kept, index=frame.index, dtype=bool)]
    return left.astype(table.empty().dtypes.to_dict())


def _count(paths: list[Path]) -> int:
    return sum(parquet.read_metadata(path).num_rows for path in paths)


def _check_limits(params: CleanParams) -> None:
    for what in ("document", "anchor"):
        shortest, longest = (getattr(params, f"{end}_{what}_characters") for end in ("min", "max"))
        if shortest > longest:
            raise Problem(
                f"params.yaml: clean.min_{what}_characters = {shortest} is above max_{what}_characters = {longest}",
                "no text could pass; lower the one or raise the other",
            )


def main(
    documents: Path = Path("data/collect/documents.parquet"),
    pairs: Path = Path("data/collect/pairs.parquet"),
    out_of_domain_documents: Path = Path("data/collect/out_of_domain_documents.parquet"),
    out_of_domain_pairs: Path = Path("data/collect/out_of_domain_pairs.parquet"),
    glossary: Path = Path("data/glossary"),
    out_documents: Path = Path("data/clean/documents.parquet"),
    out_pairs: Path = Path("data/clean/pairs.parquet"),
    out_out_of_domain_documents: Path = Path("data/clean/out_of_domain_documents.parquet"),
    out_out_of_domain_pairs: Path = Path("data/clean/out_of_domain_pairs.parquet"),
    out_ledger: Path = Path("data/clean/ledger.parquet"),
    metrics: Path = Path("metrics/clean.json"),
) -> None:
    """Repair documents and anchors, rule by rule, and drop what is left empty or out of bounds."""
    params = load(CleanParams)
    _check_limits(params)
    abbreviations = read_abbreviations(glossary / "abbreviations.csv")
    entries = tuple(abbreviations.known.items()) if params.abbreviations == "expand" else ()
    warm(entries)
    with TemporaryDirectory() as scratch:
        own = clean(documents, pairs, params, entries, Path(scratch, "own"))
        other = clean(out_of_domain_documents, out_of_domain_pairs, params, entries, Path(scratch, "other"))
        ledger = pd.concat([own.ledger, other.ledger, notes(abbreviations)], ignore_index=True)
        accounts = account(documents, pairs, own)
        other_accounts = account(out_of_domain_documents, out_of_domain_pairs, other)
        tables.write(ledger, out_ledger, LedgerTable)
        tables.merge(own.documents, out_documents, Documents)
        tables.merge(own.pairs, out_pairs, Pairs)
        tables.merge(other.documents, out_out_of_domain_documents, Documents)
        tables.merge(other.pairs, out_out_of_domain_pairs, Pairs)
    other_metrics = {f"out_of_domain.{key}": value for key, value in other_accounts.items()}
    write_metrics({**accounts, **other_metrics, "ambiguous_abbreviations": len(abbreviations.ambiguous)}, metrics)


app = command(main, "tables", "text")
if __name__ == "__main__":
    app()
