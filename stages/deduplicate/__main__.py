"""Drop exact copies and link near-duplicates.

Reads the cleaned documents and pairs; writes them without copies, the edges between near-duplicates, and
which kept document stands for each dropped one. Linking and dropping are two decisions: "upper" and
"lower extremity hypokinesia" are near-duplicates and different findings, so near-duplicates are linked
(`split` keeps them on one side, `mine` knows them), and one is dropped only where nothing but empty words
tells it from the other, or where the user says so.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from stages.deduplicate.faults import containment_of_texts, count_faults
from stages.deduplicate.joining import Joined, Measure, join, near_table
from stages.deduplicate.pairs import REASONS as PAIR_REASONS
from stages.deduplicate.pairs import drop_near, repoint
from stages.deduplicate.semantic import semantic_edges
from stages.deduplicate.stars import Edge, StandIn, ranks, stand_ins
from stages.lib import tables
from stages.lib.content import content, noise
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.near import Near
from stages.lib.contracts.pairs import Pairs
from stages.lib.ledger import Ledger, balance
from stages.lib.params import Section, load
from stages.lib.stage import command, write_metrics
from stages.lib.text import normal_form, similarity

REASONS = ("exact_copy", "near_copy", "semantic_copy")


class DeduplicateParams(Section):
    """What counts as a near-duplicate, which of them are dropped, and whose rows never are."""

    section: ClassVar[str] = "deduplicate"
    near: Literal["link", "drop_empty_difference", "drop"]
    near_threshold: float = Field(ge=0.5, le=1.0)
    measure: Measure
    semantic: Literal["off", "flag", "drop"]
    semantic_threshold: float = Field(ge=0.5, le=1.0)
    authoritative: list[str]
    source_order: list[str]


def involved(path: Path, joined: Joined, everything: bool) -> pd.DataFrame:
    """Return the documents that equal or near another; with `everything` all of them."""
    near = np.full(len(joined.ids), everything)
    near[joined.left] = near[joined.right] = True
    sizes = np.bincount(joined.equal, minlength=len(joined.ids))
    return tables.pick(path, near[joined.equal] | (sizes[joined.equal] > 1), Documents)


def droppable(joined: Joined, texts: dict[str, str], params: DeduplicateParams) -> list[Edge]:
    """Return the near edges over which a text may be dropped."""
    if params.near == "link":
        return []
    edges = [
        Edge(left, right, "near_copy", similarity)
        for left, right, similarity in zip(
            joined.ids[joined.left],
            joined.ids[joined.right],
            joined.similarity.tolist(),
            strict=True,
        )
    ]
    if params.near == "drop":
        return edges
    said = {
        doc_id: content(normal_form(texts[doc_id]))
        for edge in edges
        for doc_id in (edge.left, edge.right)
    }
    return [edge for edge in edges if said[edge.left] == said[edge.right]]


def choose(
    joined: Joined, documents: pd.DataFrame, params: DeduplicateParams, ledger: Ledger
) -> dict[str, StandIn]:
    """Return which document stands for each that goes, of the `documents` that are like others."""
    texts = dict(zip(documents["doc_id"], documents["text"], strict=True))
    equal: dict[str, list[str]] = defaultdict(list)
    for doc_id, at in zip(texts, np.searchsorted(joined.ids, list(texts)), strict=True):
        equal[joined.ids[joined.equal[at]]].append(doc_id)
    edges = droppable(joined, texts, params)
    if params.semantic != "off":
        semantic = semantic_edges({name: texts[name] for name in equal}, params.semantic_threshold)
        if params.semantic == "drop":
            edges += semantic
        for edge in semantic:
            ledger.note(
                edge.left, "semantic_duplicate", partner_id=edge.right, score=edge.similarity
            )
    return stand_ins(
        equal, edges, ranks(documents, params.authoritative, params.source_order, noise)
    )


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
    params, ledger = load(DeduplicateParams), Ledger()
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        like = partial(join, threshold=params.near_threshold, measure=params.measure)
        joined = like(documents, Documents, "doc_id", "text", scratch=scratch / "documents")
        of_pairs = like(pairs, Pairs, "pair_id", "anchor", scratch=scratch / "pairs")
        alike = involved(documents, joined, params.semantic != "off")
        kept = choose(joined, alike, params, ledger)
        for doc_id in sorted(kept):
            ledger.drop(
                doc_id,
                kept[doc_id].reason,
                partner_id=kept[doc_id].kept_id,
                score=kept[doc_id].similarity,
            )
        dropped = ledger.dropped()
        given = tables.read(pairs, Pairs)
        asked = repoint(given, kept, ledger)
        if params.near != "link":
            asked = drop_near(asked, params.near_threshold, ledger)
        of_pairs_dropped = ledger.dropped() - dropped
        stays = np.array([doc_id not in kept for doc_id in joined.ids], dtype=bool)
        balanced = balance(
            len(joined.ids),
            tables.keep(documents, stays, out_documents, Documents),
            dropped,
            REASONS,
        )
    standing = frozenset(joined.ids[stays].tolist())
    pairs_balanced = balance(len(given), len(asked), of_pairs_dropped, PAIR_REASONS)
    links = _links([joined, of_pairs])
    tables.write(asked, out_pairs, Pairs)
    tables.write(links, out_near, Near)
    aliases = [(doc_id, told.kept_id) for doc_id, told in kept.items()]
    tables.write(_typed(aliases), out_aliases, Aliases)
    tables.write(ledger.frame(), out_ledger, LedgerTable)
    texts = dict(zip(alike["doc_id"], alike["text"], strict=True))
    measured = similarity if params.measure == "jaccard" else containment_of_texts
    write_metrics(
        {
            **balanced,
            **{f"pairs.{key}": value for key, value in pairs_balanced.items()},
            "near_edges": int((links["rule"] == "near").sum()),
            "equal_edges": int((links["rule"] == "equal").sum()),
            "crowded_tables": int(joined.crowded) + int(of_pairs.crowded),
            "semantic_edges": int((ledger.frame()["reason"] == "semantic_duplicate").sum()),
            **count_faults(texts, kept, given, asked, standing, measured, params.near_threshold),
        },
        metrics,
    )


def _links(joined: Sequence[Joined]) -> pd.DataFrame:
    found = [frame for frame in map(near_table, joined) if len(frame)]
    return pd.concat(found, ignore_index=True) if found else Near.empty()


def _typed(aliases: Sequence[tuple[str, str]]) -> pd.DataFrame:
    empty = Aliases.empty()
    return pd.DataFrame(aliases, columns=list(empty.columns)).astype(empty.dtypes.to_dict())


app = command(main, "tables", "near")

if __name__ == "__main__":
    app()
