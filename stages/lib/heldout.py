"""Read an evaluation set (queries and qrels) and the corpus that is searched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib import tables
from stages.lib.contracts.passages import Passages
from stages.lib.contracts.qrels import Qrels
from stages.lib.contracts.queries import Queries


class HeldOut(NamedTuple):
    """The queries of one split, and the grades of their relevant documents.

    `qrels` maps a query id to the grade of each document id. A kept document stands there
    for its dropped copies. `raw_qrels` is the table Qrels, with the documents as collected.
    """

    queries: pd.DataFrame
    qrels: dict[str, dict[str, float]]
    raw_qrels: pd.DataFrame

    def best_document(self, query_id: str) -> str:
        """Return the id of the document with the best grade; of equals the smallest id."""
        grade_of_document = self.qrels[query_id]
        return min(
            grade_of_document,
            key=lambda doc_id: (-grade_of_document[doc_id], doc_id),
        )


class Corpus(NamedTuple):
    """The documents that are searched, in ascending order of id, and the texts of passages.

    `passage_starts` (documents,) holds the position of the first passage of each document; None if
    each document is one passage.
    """

    doc_ids: npt.NDArray[np.str_]
    texts: list[str]
    passage_starts: npt.NDArray[np.int64] | None = None


def read(queries: Path, qrels: Path, aliases: Mapping[str, str]) -> HeldOut:
    """Return the evaluation set of two files. `aliases` maps a dropped copy to its document."""
    qrels_table = tables.read(qrels, Qrels)
    return HeldOut(
        queries=tables.read(queries, Queries),
        qrels=grades(qrels_table, aliases),
        raw_qrels=qrels_table,
    )


def read_corpus(passages: Path) -> Corpus:
    """Return the corpus of a file of Passages."""
    return corpus_of(tables.read(passages, Passages))


def corpus_of(passages: pd.DataFrame) -> Corpus:
    """Return the corpus of `passages`, which are sorted by document and position.

    >>> passages = pd.DataFrame({"doc_id": ["d1", "d1", "d2"], "text": ["a", "b", "c"]})
    >>> corpus = corpus_of(passages)
    >>> corpus.doc_ids.tolist(), corpus.passage_starts.tolist()
    (['d1', 'd2'], [0, 2])
    """
    doc_ids = passages["doc_id"].to_numpy(dtype=str)

    # A passage is the first of its document where the id changes.
    is_first = np.ones(len(doc_ids), dtype=bool)
    is_first[1:] = doc_ids[1:] != doc_ids[:-1]

    return Corpus(
        doc_ids=doc_ids[is_first],
        texts=list(passages["text"]),
        passage_starts=np.flatnonzero(is_first).astype(np.int64),
    )


def grades(qrels: pd.DataFrame, aliases: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Return the grade of each document by query id, then document id.

    A kept document stands for its dropped copies, with the best of their grades.

    >>> columns = ["query_id", "doc_id", "grade"]
    >>> qrels = pd.DataFrame([("q1", "d1", 0.5), ("q1", "d2", 1.0)], columns=columns)
    >>> grades(qrels, aliases={"d2": "d1"})
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
