"""The rows that every reader returns, their ids, and the facts for the data card.

This is the only place that gives ids to documents and pairs. An id depends on the name of the
source and on the key of the row, never on its position. Rows keep their ids when other rows are
added or the file is shuffled.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from stages.collect.source import OUT_OF_DOMAIN
from stages.collect.stored_ledger import StoredLedger
from stages.collect.stored_tables import StoredTable
from stages.lib.core.ids import hash_hex
from stages.lib.schemas.documents import Documents, Hierarchy, Timestamps
from stages.lib.schemas.pairs import PairGrades, Pairs
from stages.lib.schemas.splits import GivenSplits


class DocumentRow(NamedTuple):
    """A row of Documents."""

    doc_id: str
    source: str
    title: str
    text: str
    topic: str
    group: str


class PairRow(NamedTuple):
    """A row of Pairs."""

    pair_id: str
    anchor: str
    doc_id: str
    relation: str
    score: float
    source: str


class TimeRow(NamedTuple):
    """A row of Timestamps: the id of a document or pair, and its time in UTC."""

    id: str
    time: str


class GivenSplitRow(NamedTuple):
    """A row of GivenSplits: the id of a pair, and the split that its source gives it."""

    id: str
    split: str


class GradeRow(NamedTuple):
    """A row of PairGrades: the id of a pair, its grade, and what follows from it."""

    pair_id: str
    grade: int
    role: str


class EdgeRow(NamedTuple):
    """A row of Hierarchy: the ids of a document and of its parent."""

    doc_id: str
    parent_id: str


@dataclass(frozen=True)
class SourceFacts:
    """What the data card says about a source beside its counts. Unknown facts are empty."""

    origin: str
    release: str
    licence: str
    citation: str


def stored_documents(rows: Iterable[DocumentRow] = ()) -> StoredTable:
    """Return `rows` as a Documents table, with the number of documents by topic."""
    return StoredTable(Documents, rows, counted=["topic"], names=["topic", "group"])


def stored_pairs(rows: Iterable[PairRow] = ()) -> StoredTable:
    """Return `rows` as a Pairs table, with the number of pairs by relation."""
    return StoredTable(Pairs, rows, counted=["relation"], names=["relation"])


def stored_times(rows: Iterable[TimeRow] = ()) -> StoredTable:
    """Return `rows` as a Timestamps table."""
    return StoredTable(Timestamps, rows)


def stored_given_splits(rows: Iterable[GivenSplitRow] = ()) -> StoredTable:
    """Return `rows` as a GivenSplits table, with the number of pairs by split."""
    return StoredTable(GivenSplits, rows, counted=["split"])


def stored_grades(rows: Iterable[GradeRow] = ()) -> StoredTable:
    """Return `rows` as a PairGrades table, with the number of pairs by grade and by role."""
    return StoredTable(PairGrades, rows, counted=["grade", "role"])


def stored_hierarchy(rows: Iterable[EdgeRow] = ()) -> StoredTable:
    """Return `rows` as a Hierarchy table."""
    return StoredTable(Hierarchy, rows)


@dataclass(frozen=True)
class CollectedTables:
    """The tables of one source, sorted on disk.

    Attributes:
        documents: a Documents table.
        pairs: a Pairs table.
        times: a Timestamps table; empty for sources without times.
        given_splits: a GivenSplits table; empty for sources without splits.
        grades: a PairGrades table; empty for sources without grades.
        hierarchy: a Hierarchy table; empty for sources without parents.
        ledger: a line for each record that was left out.
    """

    documents: StoredTable = field(default_factory=stored_documents)
    pairs: StoredTable = field(default_factory=stored_pairs)
    times: StoredTable = field(default_factory=stored_times)
    given_splits: StoredTable = field(default_factory=stored_given_splits)
    grades: StoredTable = field(default_factory=stored_grades)
    hierarchy: StoredTable = field(default_factory=stored_hierarchy)
    ledger: StoredLedger = field(default_factory=StoredLedger)


@dataclass(frozen=True, kw_only=True)
class SourceRows(CollectedTables):
    """The rows of one source.

    Attributes:
        records_read: the number of raw records.
        records_kept: the number of raw records that became a document, a pair or both.
        facts: origin and licence, for the data card.
        placeholders: field to the number of its texts such as "None", for fields with many.
        counts: further numbers for the details, such as files by their format.
    """

    records_read: int
    records_kept: int
    facts: SourceFacts
    placeholders: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


class RowKeys:
    """Gives each row of a source a key that no other row of its kind has."""

    def __init__(self) -> None:
        self._count_of_row: dict[tuple[str, ...], int] = {}

    def key(self, kind: str, own_key: str, *texts: str) -> tuple[str, ...]:
        """Return the row's own key, or its `texts` and an ordinal where it has none.

        >>> keys = RowKeys()
        >>> keys.key("document", "", "Yes."), keys.key("document", "", "Yes.")
        (('Yes.', '0'), ('Yes.', '1'))
        """
        if own_key:
            return (own_key,)
        return (*texts, self.ordinal(kind, *texts))

    def ordinal(self, kind: str, *texts: str) -> str:
        """Return how many rows of this kind with these texts came before, as text."""
        row = (kind, *texts)
        ordinal = self._count_of_row.get(row, 0)
        self._count_of_row[row] = ordinal + 1

        return str(ordinal)


def document_id(source: str, *key: str) -> str:
    """Return the id of the document that has `key` within `source`."""
    return "d" + hash_hex(source, "document", *key)


def pair_id(source: str, *key: str) -> str:
    """Return the id of the pair that has `key` within `source`."""
    return "p" + hash_hex(source, "pair", *key)


def record_id(source: str, *key: str) -> str:
    """Return the id of a raw record that became neither a document nor a pair."""
    return "r" + hash_hex(source, "record", *key)


def record_json(record: Mapping[str, object]) -> str:
    """Return a raw record as the JSON text that the ledger keeps.

    >>> record_json({"id": "001"})
    '{"id":"001"}'
    """
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def params_path(source: str) -> str:
    """Return the key of params.yaml that holds the settings of `source`.

    >>> params_path("faq")
    'collect.sources.faq'
    """
    if source == OUT_OF_DOMAIN:
        return "collect.out_of_domain"
    return f"collect.sources.{source}"
