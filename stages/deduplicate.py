"""Drop exact copies and link near-duplicates.

Reads the cleaned documents and pairs; writes them without copies, the edges between near-duplicates, and
which kept document stands for each dropped one. Linking and dropping are two decisions: "upper" and
"lower extremity hypokinesia" are near-duplicates and different findings, so a near-duplicate is linked
(`split` keeps it on one side, `mine` knows it) and never dropped here.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import ClassVar

import pandas as pd
from pydantic import Field

from stages.lib import engine, near, tables
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.near import Near
from stages.lib.contracts.pairs import Pairs
from stages.lib.ledger import Ledger, balance
from stages.lib.params import Section, load
from stages.lib.stage import command, write_metrics
from stages.lib.text import hash_hex, normal_form


class DeduplicateParams(Section):
    """What counts as a near-duplicate, and whose rows are never dropped."""

    section: ClassVar[str] = "deduplicate"
    near_threshold: float = Field(ge=0.5, le=1.0)
    authoritative: list[str]


def text_key(frame: pd.DataFrame) -> pd.Series[str]:
    """Return what documents are grouped by: the normal form of their text."""
    return frame["text"].map(normal_form)


def find_copies(authoritative: frozenset[str], frame: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the Aliases among documents that come in groups of equal `group_key`.

    A group is a star around its best copy: authoritative, then complete (title, topic, group), then the
    longest text, then the smallest hash of the id, so that the order of the input decides nothing. An
    authoritative source keeps all its documents, whatever their texts or other sources say.
    """
    ranked = frame.assign(
        official=frame["source"].isin(authoritative),
        complete=sum((frame[column] != "").astype(int) for column in ("title", "topic", "group")),
        length=frame["text"].str.len(),
        lot=frame["doc_id"].map(hash_hex),
    ).sort_values(["group_key", "official", "complete", "length", "lot"], ascending=[True, False, False, False, True])
    ranked["kept_id"] = ranked.groupby("group_key")["doc_id"].transform("first")
    copies = ranked[(ranked["doc_id"] != ranked["kept_id"]) & ~ranked["official"]]
    return [copies[["doc_id", "kept_id"]]]


def repoint(pairs: pd.DataFrame, kept: dict[str, str], ledger: Ledger) -> pd.DataFrame:
    """Return `pairs` naming kept documents only, each (anchor in normal form, document) once.

    Of equal pairs the one with the highest score stays, then the one whose id hashes smallest.
    """
    moved = pairs.assign(doc_id=pairs["doc_id"].map(lambda doc_id: kept.get(doc_id, doc_id)))
    for pair_id, before, after in zip(pairs["pair_id"], pairs["doc_id"], moved["doc_id"], strict=True):
        if before != after:
            ledger.repoint(pair_id, "doc_id", "exact_copy", before, after)
    ranked = moved.assign(form=moved["anchor"].map(normal_form), lot=moved["pair_id"].map(hash_hex))
    ranked = ranked.sort_values(["form", "doc_id", "score", "lot"], ascending=[True, True, False, True])
    best = ranked.groupby(["form", "doc_id"])["pair_id"].transform("first")
    for pair_id, partner in zip(ranked["pair_id"], best, strict=True):
        if pair_id != partner:
            ledger.drop(pair_id, "duplicate_pair", partner_id=partner, score=1.0)
    return moved[moved["pair_id"].isin(set(best))]


def count_faults(
    documents: pd.DataFrame, kept: dict[str, str], before: pd.DataFrame, after: pd.DataFrame
) -> dict[str, int]:
    """Return the three counts that must stand at 0, computed anew from the results.

    unsupported_drops: dropped documents whose kept one is gone or says something else. dangling_pairs:
    pairs whose document is gone. relabelled_pairs: pairs whose answer now says something else.
    """
    forms = dict(zip(documents["doc_id"], documents["text"].map(normal_form), strict=True))
    standing = set(forms) - set(kept)
    was = dict(zip(before["pair_id"], before["doc_id"], strict=True))
    now = zip(after["pair_id"], after["doc_id"], strict=True)
    return {
        "unsupported_drops": sum(to not in standing or forms[gone] != forms[to] for gone, to in kept.items()),
        "dangling_pairs": int((~after["doc_id"].isin(standing)).sum()),
        "relabelled_pairs": sum(forms.get(doc_id) != forms.get(was[pair_id]) for pair_id, doc_id in now),
    }


def main(
    documents: Path = Path("data/clean/documents.parquet"),
    pairs: Path = Path("data/clean/pairs.parquet"),
    out_documents: Path = Path("data/deduplicate/documents.parquet"),
    out_pairs: Path = Path("data/deduplicate/pairs.parquet"),
    out_near: Path = Path("data/deduplicate/near.parquet"),
    out_aliases: Path = Path("data/deduplicate/aliases.parquet"),
    out_ledger: Path = Path("data/deduplicate/ledger.parquet"),
    metrics: Path = Path("metrics/deduplicate.json"),
) -> None:
    """Drop exact copies and link near-duplicates."""
    params = load(DeduplicateParams)
    all_documents, all_pairs = tables.read(documents, Documents), tables.read(pairs, Pairs)
    with tempfile.TemporaryDirectory() as scratch:
        copies = partial(find_copies, frozenset(params.authoritative))
        parts = engine.group(copies, text_key, tables.shards(documents), Documents, [Aliases], Path(scratch))
        aliases = engine.gather(parts[0], Aliases)
    kept = dict(zip(aliases["doc_id"], aliases["kept_id"], strict=True))
    ledger = Ledger()
    for doc_id, partner in kept.items():
        ledger.drop(doc_id, "exact_copy", partner_id=partner, score=1.0)
    kept_documents = all_documents[~all_documents["doc_id"].isin(kept)]
    kept_pairs = repoint(all_pairs, kept, ledger)
    texts = dict(zip(kept_documents["doc_id"], kept_documents["text"], strict=True))
    anchors = dict(zip(kept_pairs["pair_id"], kept_pairs["anchor"], strict=True))
    edges = [near.edges(texts, params.near_threshold), near.edges(anchors, params.near_threshold)]
    links = pd.concat([frame for frame in edges if len(frame)] or [Near.empty()], ignore_index=True)
    dropped = ledger.dropped()
    of_pairs = {"duplicate_pair": dropped.pop("duplicate_pair", 0)}
    balanced = balance(len(all_documents), len(kept_documents), dropped, ["exact_copy"])
    pairs_balanced = balance(len(all_pairs), len(kept_pairs), of_pairs, ["duplicate_pair"])
    tables.write(kept_documents, out_documents, Documents)
    tables.write(kept_pairs, out_pairs, Pairs)
    tables.write(links, out_near, Near)
    tables.write(aliases, out_aliases, Aliases)
    tables.write(ledger.frame(), out_ledger, LedgerTable)
    write_metrics(
        {
            **balanced,
            **{f"pairs.{key}": value for key, value in pairs_balanced.items()},
            "near_edges": int((links["rule"] == "near").sum()),
            "equal_edges": int((links["rule"] == "equal").sum()),
            **count_faults(all_documents, kept, all_pairs, kept_pairs),
        },
        metrics,
    )


app = command(main, "tables", "near")

if __name__ == "__main__":
    app()
