"""The benchmark: everything that must be equal for two runs to be comparable.

It consists of the ids of the test queries with their raw strings, the qrels as document ids,
the ids of the candidate documents and the scoring rule. Cleaning, tokens, training data and the
model are under test and may differ.
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

# Hashed into the identity: another wording makes all earlier runs incomparable.
RULE = "full corpus; ties at six decimals by ascending document id; linear gains; a dropped document is a miss"


def identity(evaluation_sets: Iterable[HeldOut], document_ids: Iterable[str]) -> str:
    """Return 16 hexadecimal digits that are equal if and only if two benchmarks are.

    `document_ids` are the ids of all collected documents: a document that cleaning dropped is
    still part of the benchmark.

    >>> identity([], ["d1", "d2"]) == identity([], ["d2", "d1"])
    True
    """
    digest = hashlib.sha256(RULE.encode())
    for evaluation_set in evaluation_sets:
        # Sort, so that the order of rows does not matter.
        queries = evaluation_set.queries.sort_values("query_id")
        qrels = evaluation_set.raw_qrels.sort_values(["query_id", "doc_id"])

        # A raw string may hold half of a surrogate pair.
        for query_id, raw in zip(queries["query_id"], queries["raw"], strict=True):
            digest.update(f"\nquery {query_id} {raw}".encode("utf-8", "surrogatepass"))
        for row in qrels.itertuples(index=False):
            digest.update(f"\nqrel {row.query_id} {row.doc_id} {row.grade}".encode())

    for document_id in sorted(document_ids):
        digest.update(f"\ndocument {document_id}".encode())
    return digest.hexdigest()[:16]


def real(pairs: pd.DataFrame, positive_from: float) -> pd.DataFrame:
    """Return the `pairs` whose score is at least `positive_from`.

    If a split has such collected pairs, its evaluation set has no synthetic pairs.

    >>> pairs = pd.DataFrame({"pair_id": ["p1", "p2"], "score": [0.2, 0.9]})
    >>> real(pairs, positive_from=0.5)["pair_id"].tolist()
    ['p2']
    """
    return pairs[pairs["score"] >= positive_from]


def is_made(sources: pd.Series[str]) -> pd.Series[bool]:
    """Return a mask of the `sources`, of pairs or queries, that are recipes.

    >>> is_made(pd.Series(["faq", "pair.title"])).tolist()
    [False, True]
    """
    return sources.str.startswith("pair.")


def query_id(raw: str) -> str:
    """Return the id of a query from `raw`, its string as collected.

    >>> query_id("No signal?") == query_id("no signal")
    True
    """
    return "q" + hash_hex("query", normal_form(raw))


def held_out(pairs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables Queries and Qrels of the collected `pairs` of one split.

    `pairs` has the columns of Pairs, `raw` (the anchor as collected) and `component_id`.
    `anchor` is cleaned, or equal to `raw` if cleaning dropped the row: such a query stays in
    the benchmark. A query is a unique normal form of raw anchors, with all their documents.
    Its string is that of the smallest pair id.
    """
    relevant = pairs[pairs["score"] > 0].sort_values("pair_id")
    if not len(relevant):
        return Queries.empty(), Qrels.empty()
    relevant = relevant.assign(query_id=relevant["raw"].map(query_id))

    # One row per query, from its first pair.
    first_pairs = relevant.drop_duplicates("query_id")
    query_columns = list(Queries.empty().columns)
    queries = first_pairs.rename(columns={"anchor": "text"})[query_columns]

    # One row per query and document, with the best score.
    best_first = relevant.sort_values("score", ascending=False)
    best_pairs = best_first.drop_duplicates(["query_id", "doc_id"])
    qrels = best_pairs[["query_id", "doc_id", "score"]].rename(columns={"score": "grade"})
    return queries, qrels
