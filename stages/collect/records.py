"""The rows that every reader returns, their ids, and the facts for the data card.

This is the only place that gives ids to documents and pairs. An id depends on the name of the
source and on the key of the row, never on its position. Rows keep their ids when other rows are
added or the file is shuffled.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import pandas as pd

from stages.collect.source import OUT_OF_DOMAIN
from stages.lib.core.ids import hash_hex
from stages.lib.core.tables import Table
from stages.lib.schemas.documents import Documents, Hierarchy, Timestamps
from stages.lib.schemas.ledger import LedgerWriter
from stages.lib.schemas.pairs import PairGrades, Pairs
from stages.lib.schemas.splits import GivenSplits

AnyTable = TypeVar("AnyTable", bound=Table)


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


@dataclass(frozen=True)
class SourceRows:
    """The rows of one source.

    Attributes:
        documents: a Documents table.
        pairs: a Pairs table.
        records_read: the number of raw records.
        records_kept: the number of raw records that became a document, a pair or both.
        facts: origin and licence, for the data card.
        times: a Timestamps table; empty for sources without times.
        given_splits: a GivenSplits table; empty for sources without splits.
        grades: a PairGrades table; empty for sources without grades.
        hierarchy: a Hierarchy table; empty for sources without parents.
        ledger: a line for each record that was left out.
        placeholders: field to the number of its texts such as "None", for fields with many.
        counts: further numbers for the details, such as files by their format.
    """

    documents: pd.DataFrame
    pairs: pd.DataFrame
    records_read: int
    records_kept: int
    facts: SourceFacts
    times: pd.DataFrame = field(default_factory=Timestamps.empty)
    given_splits: pd.DataFrame = field(default_factory=GivenSplits.empty)
    grades: pd.DataFrame = field(default_factory=PairGrades.empty)
    hierarchy: pd.DataFrame = field(default_factory=Hierarchy.empty)
    ledger: LedgerWriter = field(default_factory=LedgerWriter)
    placeholders: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


class CollectedTables(NamedTuple):
    """The tables of several sources together, as in `SourceRows`."""

    documents: pd.DataFrame
    pairs: pd.DataFrame
    times: pd.DataFrame
    given_splits: pd.DataFrame
    grades: pd.DataFrame
    hierarchy: pd.DataFrame
    ledger: pd.DataFrame


class RowKeys:
    """Gives each row of a source a key that no other row of its kind has."""

    def __init__(self) -> None:
        self._count_of_row: Counter[tuple[str, ...]] = Counter()

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
        ordinal = self._count_of_row[row]
        self._count_of_row[row] += 1

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


def documents_frame(rows: Sequence[DocumentRow]) -> pd.DataFrame:
    """Return `rows` as a Documents table."""
    return _frame(rows, Documents)


def pairs_frame(rows: Sequence[PairRow]) -> pd.DataFrame:
    """Return `rows` as a Pairs table."""
    return _frame(rows, Pairs)


def times_frame(rows: Sequence[TimeRow]) -> pd.DataFrame:
    """Return `rows` as a Timestamps table."""
    return _frame(rows, Timestamps)


def given_splits_frame(rows: Sequence[GivenSplitRow]) -> pd.DataFrame:
    """Return `rows` as a GivenSplits table."""
    return _frame(rows, GivenSplits)


def grades_frame(rows: Sequence[GradeRow]) -> pd.DataFrame:
    """Return `rows` as a PairGrades table."""
    return _frame(rows, PairGrades)


def hierarchy_frame(rows: Sequence[EdgeRow]) -> pd.DataFrame:
    """Return `rows` as a Hierarchy table."""
    return _frame(rows, Hierarchy)


def concat_sources(sources: Iterable[SourceRows]) -> CollectedTables:
    """Return the tables of all `sources` together. Without sources they are empty."""
    sources = list(sources)

    # The empty table first: it gives the columns and their types.
    return CollectedTables(
        documents=_concat([Documents.empty(), *(source.documents for source in sources)]),
        pairs=_concat([Pairs.empty(), *(source.pairs for source in sources)]),
        times=_concat([Timestamps.empty(), *(source.times for source in sources)]),
        given_splits=_concat([GivenSplits.empty(), *(source.given_splits for source in sources)]),
        grades=_concat([PairGrades.empty(), *(source.grades for source in sources)]),
        hierarchy=_concat([Hierarchy.empty(), *(source.hierarchy for source in sources)]),
        ledger=_concat([LedgerWriter().frame(), *(source.ledger.frame() for source in sources)]),
    )


def merge_rows(parts: Sequence[SourceRows]) -> SourceRows:
    """Return the rows of several tables as those of one source. They share one ledger."""
    if len(parts) == 1:
        return parts[0]

    tables = concat_sources(parts)
    placeholders: Counter[str] = Counter()
    for part in parts:
        placeholders.update(part.placeholders)

    return SourceRows(
        documents=tables.documents,
        pairs=tables.pairs,
        records_read=sum(part.records_read for part in parts),
        records_kept=sum(part.records_kept for part in parts),
        facts=parts[0].facts,
        times=tables.times,
        given_splits=tables.given_splits,
        grades=tables.grades,
        hierarchy=tables.hierarchy,
        ledger=parts[0].ledger,
        placeholders=placeholders,
    )


def _concat(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)


def _frame(rows: Sequence[tuple[object, ...]], table: type[AnyTable]) -> pd.DataFrame:
    empty = table.empty()
    if not rows:
        return empty

    frame = pd.DataFrame(rows, columns=list(empty.columns))

    return frame.astype(empty.dtypes.to_dict())
