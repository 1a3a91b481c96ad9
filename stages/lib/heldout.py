"""What is asked and what is searched, read from disk: held-out queries with their judgements, and the corpus."""

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
    """One split's queries, and per query its relevant documents with their grades, copies resolved."""

    queries: pd.DataFrame
    grades: dict[str, dict[str, float]]
    raw_qrels: pd.DataFrame

    def best(self, query_id: str) -> str:
        """Return the document that answers a query best; of equals the one with the smallest id."""
        judged = self.grades[query_id]
        return min(judged, key=lambda doc_id: (-judged[doc_id], doc_id))


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
    for query_id, doc_id, grade in zip(
        qrels["query_id"], qrels["doc_id"], qrels["grade"], strict=True
    ):
        judged = table.setdefault(query_id, {})
        kept = aliases.get(doc_id, doc_id)
        judged[kept] = max(grade, judged.get(kept, 0.0))
    return table
