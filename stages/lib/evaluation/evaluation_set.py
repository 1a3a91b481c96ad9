"""Evaluation sets: queries with their qrels, and the identity of the benchmark.

Two runs are comparable when they have the same benchmark: the held-out query ids with their raw
strings, the qrels as document ids, the candidate document ids and the rule that scores a query.
Cleaning, tokens, training data and model are under test and may vary. So may the weight of a query
in a mean: whoever compares two runs applies one weight to the results of both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.core import tables
from stages.lib.core.device import CPU, Device
from stages.lib.core.ids import hash_hex
from stages.lib.retrieval.corpus import Corpus
from stages.lib.retrieval.search import Hits, Vectors, dense_search
from stages.lib.schemas.evaluation_set import Qrels, Queries

# Where a query has more relevant documents, the probe and the panels look at a sample of them.
# A topic of 200 documents gives each of its 200 queries 199 of them.
MAX_RELEVANT = 10


class EvaluationSet(NamedTuple):
    """The queries of one split, and the grades of their relevant documents.

    `qrels` maps a query id to the grade of each document id. A kept document stands there
    for its dropped copies. `raw_qrels` is the table Qrels, with the documents as collected.
    `masked` maps a query id to the documents that count for nothing, if it has such documents.
    """

    queries: pd.DataFrame
    qrels: dict[str, dict[str, float]]
    raw_qrels: pd.DataFrame
    masked: Mapping[str, frozenset[str]] = MappingProxyType({})

    def dense_hits(
        self,
        query_ids: Sequence[str],
        queries: Vectors,
        passages: Vectors,
        *,
        corpus: Corpus,
        depth: int,
        device: Device = CPU,
    ) -> Hits:
        """Return the `depth` nearest documents of each query, without masked ones."""
        hits = dense_search(
            queries,
            passages,
            self.search_depth(depth),
            corpus.passage_starts,
            device=device,
        )
        return self.without_masked(query_ids, hits, corpus.doc_ids, depth)

    def search_depth(self, depth: int) -> int:
        """Return how many hits to search, so that `depth` are left without masked documents."""
        return depth + max((len(doc_ids) for doc_ids in self.masked.values()), default=0)

    def without_masked(
        self, query_ids: Iterable[str], hits: Hits, doc_ids: npt.NDArray[np.str_], depth: int
    ) -> Hits:
        """Return the first `depth` hits of each query that are not masked.

        In a corpus that is smaller than the search was deep, masked documents come last instead.

        Args:
            query_ids: the query of each row of `hits`.
            hits: the result of a search of `search_depth`.
            doc_ids: the id at each position that `hits` may have, shape (documents,).
            depth: how many hits to keep.
        """
        if not self.masked:
            return hits

        positions = hits.positions.copy()
        scores = hits.scores.copy()
        for row_index, query_id in enumerate(query_ids):
            masked = self.masked.get(query_id)
            if masked is None or not positions.shape[1]:
                continue

            # A stable order: documents that count, then masked ones with the lowest score.
            is_masked = np.isin(doc_ids[positions[row_index]], sorted(masked))
            order = np.argsort(is_masked, kind="stable")
            lowest = scores[row_index].min()
            scores[row_index] = np.where(is_masked, lowest, scores[row_index])[order]
            positions[row_index] = positions[row_index][order]

        return Hits(positions[:, :depth], scores[:, :depth])

    def best_document(self, query_id: str) -> str:
        """Return the id of the document with the best grade; of equals the smallest id."""
        grade_of_document = self.qrels[query_id]
        return min(
            grade_of_document,
            key=lambda doc_id: (-grade_of_document[doc_id], doc_id),
        )


def read_evaluation_set(queries: Path, qrels: Path, aliases: Mapping[str, str]) -> EvaluationSet:
    """Return the evaluation set of two files. `aliases` maps a dropped copy to its document."""
    qrels_table = tables.read(qrels, Qrels)
    return EvaluationSet(
        queries=tables.read(queries, Queries),
        qrels=resolve_qrels(qrels_table, aliases),
        raw_qrels=qrels_table,
    )


def resolve_qrels(qrels: pd.DataFrame, aliases: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Return the grade of each document by query id, then document id.

    A kept document stands for its dropped copies, with the best of their grades.

    >>> columns = ["query_id", "doc_id", "grade"]
    >>> qrels = pd.DataFrame([("q1", "d1", 0.5), ("q1", "d2", 1.0)], columns=columns)
    >>> resolve_qrels(qrels, aliases={"d2": "d1"})
    {'q1': {'d1': 1.0}}
    """
    # The largest grade counts if several copies of a document are relevant.
    grades_of_query: dict[str, dict[str, float]] = {}
    columns = (qrels["query_id"], qrels["doc_id"], qrels["grade"])
    for query_id, doc_id, grade in zip(*columns, strict=True):
        grade_of_document = grades_of_query.setdefault(query_id, {})
        kept_id = aliases.get(doc_id, doc_id)
        grade_of_document[kept_id] = max(grade, grade_of_document.get(kept_id, 0.0))

    return grades_of_query


def sample_relevant(query_id: str, doc_ids: Sequence[str]) -> list[str]:
    """Return up to MAX_RELEVANT of the relevant documents of a query, in their order.

    A hash of the query and the document decides, so that the sample depends on no other document.

    >>> sample_relevant("q1", ["d2", "d1"])
    ['d2', 'd1']
    >>> len(sample_relevant("q1", [f"d{number}" for number in range(50)]))
    10
    """
    if len(doc_ids) <= MAX_RELEVANT:
        return list(doc_ids)

    by_hash = sorted(doc_ids, key=lambda doc_id: hash_hex("relevant", query_id, doc_id))
    chosen = set(by_hash[:MAX_RELEVANT])
    return [doc_id for doc_id in doc_ids if doc_id in chosen]


def resolve_masked(
    masked: pd.DataFrame,
    aliases: Mapping[str, str],
    qrels: Mapping[str, Mapping[str, float]],
) -> dict[str, frozenset[str]]:
    """Return query id to its masked documents, for the queries of `qrels` that have some.

    A kept document stands for its dropped copies. One that is relevant as well is not masked.

    >>> masked = pd.DataFrame([("q1", "d1"), ("q1", "d2")], columns=["query_id", "doc_id"])
    >>> resolve_masked(masked, {}, {"q1": {"d2": 1.0}, "q2": {"d1": 1.0}})
    {'q1': frozenset({'d1'})}
    """
    documents_of: dict[str, set[str]] = {}
    for query_id, doc_id in zip(masked["query_id"], masked["doc_id"], strict=True):
        kept_id = aliases.get(doc_id, doc_id)
        if query_id in qrels and kept_id not in qrels[query_id]:
            documents_of.setdefault(query_id, set()).add(kept_id)

    return {query_id: frozenset(doc_ids) for query_id, doc_ids in documents_of.items()}


# Hashed into the identity: another wording makes all earlier runs incomparable.
SCORING_RULE = (
    "full corpus; ties at six decimals by ascending document id; linear gains; "
    "a dropped document is a miss"
)


def scoring_rule(component_weight: int) -> str:
    """Return in words how a ranking becomes a mean: of a query, then over queries.

    The first part is hashed into the benchmark. The second part is not, since the results of each
    query do not depend on it: `compare` applies the rule of today to results of any version.

    >>> scoring_rule(10).rpartition("; ")[2]
    'a component counts as at most 10 queries'
    """
    return f"{SCORING_RULE}; a component counts as at most {component_weight} queries"


def benchmark_id(evaluation_sets: Iterable[EvaluationSet], document_ids: Iterable[str]) -> str:
    """Return 16 hexadecimal digits that are equal if and only if two benchmarks are.

    `document_ids` are the ids of all collected documents: a document that cleaning dropped is
    still part of the benchmark.

    >>> benchmark_id([], ["d1", "d2"]) == benchmark_id([], ["d2", "d1"])
    True
    """
    digest = hashlib.sha256(SCORING_RULE.encode())
    for evaluation_set in evaluation_sets:
        # Sort, so that the order of rows does not matter.
        queries = evaluation_set.queries.sort_values("query_id")
        qrels = evaluation_set.raw_qrels.sort_values(["query_id", "doc_id"])

        # A raw string may hold half of a surrogate pair.
        for query_id, raw in zip(queries["query_id"], queries["raw"], strict=True):
            digest.update(f"\nquery {query_id} {raw}".encode("utf-8", "surrogatepass"))
        for row in qrels.itertuples(index=False):
            digest.update(f"\nqrel {row.query_id} {row.doc_id} {row.grade}".encode())
        for query_id in sorted(evaluation_set.masked):
            for doc_id in sorted(evaluation_set.masked[query_id]):
                digest.update(f"\nmasked {query_id} {doc_id}".encode())

    for document_id in sorted(document_ids):
        digest.update(f"\ndocument {document_id}".encode())
    return digest.hexdigest()[:16]
