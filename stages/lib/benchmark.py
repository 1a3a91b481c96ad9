"""The benchmark: what must be equal for two runs to be comparable.

It is the held-out query ids with their raw strings, the qrels as document ids, the candidate document
ids and the scoring rule. Cleaning, tokens, training data and model are under test and may vary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import pandas as pd

from stages.lib.contracts.qrels import Qrels
from stages.lib.contracts.queries import Queries
from stages.lib.heldout import Corpus as Corpus
from stages.lib.heldout import HeldOut as HeldOut
from stages.lib.heldout import corpus_of as corpus_of
from stages.lib.heldout import grades as grades
from stages.lib.heldout import read as read
from stages.lib.heldout import read_corpus as read_corpus
from stages.lib.text import hash_hex, normal_form

RULE = "full corpus; ties at six decimals by ascending document id; linear gains; a dropped document is a miss"


def identity(sets: Iterable[HeldOut], candidates: Iterable[str]) -> str:
    """Return 16 hexadecimal digits that are equal exactly when two benchmarks are.

    `candidates` are the ids of all collected documents: one that cleaning dropped is still a candidate.
    """
    digest = hashlib.sha256(RULE.encode())
    for held in sets:
        queries, qrels = (
            held.queries.sort_values("query_id"),
            held.raw_qrels.sort_values(["query_id", "doc_id"]),
        )
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


def query_id(raw: str) -> str:
    """Return the id of the query that asks `raw`, an anchor as collected."""
    return "q" + hash_hex("query", normal_form(raw))


def held_out(pairs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the queries and qrels of one split's collected `pairs`.

    `pairs` has the columns of Pairs plus `raw` (the anchor as collected), `component_id`, and `anchor` as
    cleaned, equal to `raw` where cleaning dropped the row: such a query stays in the benchmark. A query
    is a unique raw anchor in normal form, with all its documents; the smallest pair id lends its string.
    """
    relevant = pairs[pairs["score"] > 0].sort_values("pair_id")
    if not len(relevant):
        return Queries.empty(), Qrels.empty()
    relevant = relevant.assign(query_id=relevant["raw"].map(query_id))
    first = relevant.drop_duplicates("query_id")
    queries = first.rename(columns={"anchor": "text"})[list(Queries.empty().columns)]
    best = relevant.sort_values("score", ascending=False).drop_duplicates(["query_id", "doc_id"])
    qrels = best[["query_id", "doc_id", "score"]].rename(columns={"score": "grade"})
    return queries, qrels
