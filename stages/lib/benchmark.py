"""The benchmark: what must be equal for two runs to be comparable.

It is the held-out query ids with their raw strings, the qrels as document ids, the candidate document
ids and the scoring rule. Cleaning, tokens, training data and model are under test and may vary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib import tables
from stages.lib.contracts.passages import Passages
from stages.lib.contracts.qrels import Qrels
from stages.lib.contracts.queries import Queries
from stages.lib.text import hash_hex, normal_form

RULE = "full corpus; ties at six decimals by ascending document id; linear gains; a dropped document is a miss"


class HeldOut(NamedTuple):
    """One split's queries, and per query its relevant documents with their grades, copies resolved."""

    queries: pd.DataFrame
    grades: dict[str, dict[str, float]]
    raw_qrels: pd.DataFrame


class Corpus(NamedTuple):
    """What is searched: documents in ascending order of id, and the texts of their passages, in order.

    `starts` has the position of each document's first passage; None where each has just one.
    """

    doc_ids: npt.NDArray[np.str_]
    texts: list[str]
    starts: npt.NDArray[np.int64] | None = None


def read(queries: Path, qrels: Path, aliases: Mapping[str, str]) -> HeldOut:
    """Read one split's queries and qrels; a kept document stands for its dropped copies."""
    judged = tables.read(qrels, Qrels)
    return HeldOut(tables.read(queries, Queries), grades(judged, aliases), judged)


def read_corpus(passages: Path) -> Corpus:
    """Read the passages of all documents as they are embedded."""
    return corpus_of(tables.read(passages, Passages))


def corpus_of(passages: pd.DataFrame) -> Corpus:
    """Return the corpus of `passages`, which are sorted by document and position."""
    ids = passages["doc_id"].to_numpy(dtype=str)
    first = np.ones(len(ids), dtype=bool)
    first[1:] = ids[1:] != ids[:-1]
    return Corpus(ids[first], list(passages["text"]), np.flatnonzero(first).astype(np.int64))


def grades(qrels: pd.DataFrame, aliases: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Return query id to (document id to grade), a dropped copy standing for the document that was kept."""
    table: dict[str, dict[str, float]] = {}
    for query_id, doc_id, grade in zip(qrels["query_id"], qrels["doc_id"], qrels["grade"], strict=True):
        judged = table.setdefault(query_id, {})
        kept = aliases.get(doc_id, doc_id)
        judged[kept] = max(grade, judged.get(kept, 0.0))
    return table


def identity(sets: Iterable[HeldOut], candidates: Iterable[str]) -> str:
    """Return 16 hexadecimal digits that are equal exactly when two benchmarks are.

    `candidates` are the ids of all collected documents: one that cleaning dropped is still a candidate.
    """
    digest = hashlib.sha256(RULE.encode())
    for held in sets:
        queries, qrels = held.queries.sort_values("query_id"), held.raw_qrels.sort_values(["query_id", "doc_id"])
        for query_id, raw in zip(queries["query_id"], queries["raw"], strict=True):
            digest.update(f"\nquery {query_id} {raw}".encode("utf-8", "surrogatepass"))
        for row in qrels.itertuples(index=False):
            digest.update(f"\nqrel {row.query_id} {row.doc_id} {row.grade}".encode())
    for doc_id in sorted(candidates):
        digest.update(f"\ndocument {doc_id}".encode())
    return digest.hexdigest()[:16]


def real(pairs: pd.DataFrame, positive_from: float) -> pd.DataFrame:
    """Return the collected `pairs` that are answers, by their score: where there are any, they alone are the exam."""
    return pairs[pairs["score"] >= positive_from]


def is_made(sources: pd.Series[str]) -> pd.Series[bool]:
    """Return which of the sources of pairs, or queries, are recipes."""
    return sources.str.startswith("pair.")


def held_out(pairs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the queries and qrels of one split's collected `pairs`.

    `pairs` has the columns of Pairs plus `raw` (the anchor as collected), `component_id`, and `anchor` as
    cleaned, equal to `raw` where cleaning dropped the row: such a query stays in the benchmark. A query
    is a unique raw anchor in normal form, with all its documents; the smallest pair id lends its string.
    """
    relevant = pairs[pairs["score"] > 0].sort_values("pair_id")
    if not len(relevant):
        return Queries.empty(), Qrels.empty()
    relevant = relevant.assign(query_id=["q" + hash_hex("query", normal_form(raw)) for raw in relevant["raw"]])
    first = relevant.drop_duplicates("query_id")
    queries = first.rename(columns={"anchor": "text"})[list(Queries.empty().columns)]
    best = relevant.sort_values("score", ascending=False).drop_duplicates(["query_id", "doc_id"])
    qrels = best[["query_id", "doc_id", "score"]].rename(columns={"score": "grade"})
    return queries, qrels
