"""The reader of the user's own files: a table under data/raw/, with a mapping of its columns.

The mapped columns decide the shape. `text` gives documents. `anchor` and `text` in one row give a
document and the pair that leads to it. `anchor` and `document_key` give pairs to the documents of
another source. `time` may be mapped in every shape, `parent` beside keyed documents, and `score` or
`grade` and `split` beside anchors. A broken file stops the stage. A row that cannot be used is
rejected, with a ledger line. A held-out row of a given split stays even if its document is missing:
its query then misses a document that counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from stages.collect.files import Record, read_records
from stages.collect.interface import TableSource
from stages.collect.labels import (
    GradedPair,
    check_labels,
    given_split,
    graded_pair,
    is_number,
    roles,
    score_of,
)
from stages.collect.placeholders import count_placeholders
from stages.collect.records import (
    DocumentRow,
    EdgeRow,
    GivenSplitRow,
    GradeRow,
    PairRow,
    SourceFacts,
    SourceRows,
    TimeRow,
    document_id,
    documents_frame,
    given_splits_frame,
    grades_frame,
    hierarchy_frame,
    pair_id,
    pairs_frame,
    params_path,
    record_id,
    record_json,
    times_frame,
)
from stages.collect.source_settings import RAW, check_path
from stages.lib.core.errors import UserError
from stages.lib.schemas.ledger import LedgerWriter
from stages.lib.schemas.splits import EVALUATION_SPLITS
from stages.lib.text.document_text import TEXT_ALONE, own_words

REASONS = (
    "empty_text",
    "empty_anchor",
    "bad_score",
    "bad_grade",
    "bad_time",
    "unknown_document",
    "duplicate_key",
)
BAD_PARENT = "bad_parent"
MISSING_DOCUMENT = "missing_document"
# The column to look at first when most rows are rejected for a reason.
_COLUMN_OF_REASON = {
    "empty_text": "columns.text",
    "empty_anchor": "columns.anchor",
    "bad_score": "columns.score",
    "bad_grade": "columns.grade",
    "bad_time": "columns.time",
}


def read_table(
    name: str,
    source: TableSource,
    raw: Path,
    known_documents: Collection[str] = (),
    *,
    template: str = TEXT_ALONE,
) -> SourceRows:
    """Return the rows of the file as source `name`. A raw record is a row of the file.

    Args:
        name: the name of the source. It goes into every id.
        source: the settings of the source.
        raw: the folder that stands for data/raw.
        known_documents: the document ids of the source `documents_of`.
        template: what of a document is embedded, as `pair.document_text`.

    Raises:
        UserError: the file is broken, a label is on another scale than the settings say, or none
            of its rows can be used.
    """
    setting = params_path(name)
    file = raw / check_path(source, setting).relative_to(RAW)
    records = read_records(file, source, setting)
    check_labels(records, source, setting)

    # In the order of their content. The ordinals, and the row that is kept for a key, then do not
    # depend on the order of the file.
    reader = TableReader(name, source, known_documents, template=template)

    for record in sorted(records):
        reader.take(record)

    return replace(reader.result(), placeholders=count_placeholders(records))


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


class TableReader:
    """Turns the records of one file into documents, pairs, times and parents, one by one."""

    def __init__(
        self,
        name: str,
        source: TableSource,
        known_documents: Collection[str] = (),
        *,
        template: str = TEXT_ALONE,
    ) -> None:
        self._name = name
        self._source = source
        self._known_documents = known_documents
        self._template = template
        self._keys = RowKeys()
        self._row_id_of_key: dict[str, str] = {}
        self._documents: list[DocumentRow] = []
        self._pairs: list[PairRow] = []
        self._times: list[TimeRow] = []
        self._given_splits: list[GivenSplitRow] = []
        self._graded: list[GradedPair] = []
        self._missing = 0
        self._parent_keys: list[tuple[str, str]] = []
        self._rejected: Counter[str] = Counter()
        self._records_read = 0
        self._ledger = LedgerWriter()

    def take(self, record: Record) -> None:
        """Add the rows of `record`, or reject it with a ledger line."""
        self._records_read += 1
        reason = self._reject_reason(record)
        if reason:
            self._reject(record, reason)
            return

        # The document: a new one, or one of another source.
        documents_of = self._source.documents_of
        if documents_of is None:
            doc_id = self._add_document(record)
        else:
            doc_id = document_id(documents_of, record.document_key)

        row_id = doc_id

        # The pair that leads to it.
        if self._source.columns.anchor:
            row_id = self._add_pair(record, doc_id)
            self._note_missing_document(row_id, record, doc_id)

        if record.key:
            self._row_id_of_key[record.key] = row_id

    def result(self) -> SourceRows:
        """Return the rows of all records so far.

        Raises:
            UserError: no record could be used.
        """
        if not self._documents and len(self._pairs) == self._missing:
            raise self._no_usable_rows()

        source = self._source
        role_of_pair = roles(self._graded, source)
        grades = [
            GradeRow(pair.pair_id, pair.grade, role_of_pair[pair.pair_id]) for pair in self._graded
        ]

        return SourceRows(
            documents=documents_frame(self._documents),
            pairs=pairs_frame(self._pairs),
            records_read=self._records_read,
            records_kept=self._records_read - self._rejected.total(),
            facts=SourceFacts(
                source.path,
                release=source.release,
                licence=source.licence,
                citation=source.citation,
            ),
            times=times_frame(self._times),
            given_splits=given_splits_frame(self._given_splits),
            grades=grades_frame(grades),
            hierarchy=hierarchy_frame(self._resolve_parents()),
            ledger=self._ledger,
        )

    def _reject_reason(self, record: Record) -> str:
        reason = reject_reason(record, self._source, self._known_documents, self._template)
        if not reason and record.key and record.key in self._row_id_of_key:
            return "duplicate_key"
        return reason

    def _reject(self, record: Record, reason: str) -> None:
        """Note the record in the ledger, with its mapped columns as they were read."""
        self._rejected[reason] += 1
        mapped = self._source.columns.mapped()
        before = record_json({column: getattr(record, field) for field, column in mapped.items()})
        ordinal = self._keys.ordinal("record", before)

        # A duplicate names the row that was kept.
        partner_id = self._row_id_of_key[record.key] if reason == "duplicate_key" else ""
        self._ledger.drop(
            record_id(self._name, before, ordinal),
            reason,
            partner_id=partner_id,
            before=before,
        )

    def _add_document(self, record: Record) -> str:
        # Without a text the title is the content.
        texts = (record.text,) if record.text.strip() else ("", record.title)
        key = self._keys.key("document", record.key, *texts)
        doc_id = document_id(self._name, *key)
        self._documents.append(
            DocumentRow(
                doc_id,
                source=self._name,
                title=record.title,
                text=record.text,
                topic=record.topic,
                group=record.group,
            )
        )

        # The parent is resolved when all keys are known.
        self._add_time(doc_id, record)
        self._parent_keys.append((doc_id, record.parent))

        return doc_id

    def _add_pair(self, record: Record, doc_id: str) -> str:
        texts = (record.anchor, doc_id)
        key = self._keys.key("pair", record.key, *texts)
        row_id = pair_id(self._name, *key)
        self._pairs.append(
            PairRow(
                row_id,
                anchor=record.anchor,
                doc_id=doc_id,
                relation=record.relation,
                score=score_of(record, self._source),
                source=self._name,
            )
        )
        self._add_time(row_id, record)

        # What its source says about evaluation.
        split = given_split(record, self._source)
        if split:
            self._given_splits.append(GivenSplitRow(row_id, split))
        if self._source.columns.grade:
            self._graded.append(graded_pair(row_id, record, self._source))

        return row_id

    def _note_missing_document(self, row_id: str, record: Record, doc_id: str) -> None:
        if self._source.documents_of is not None and doc_id not in self._known_documents:
            self._missing += 1
            self._ledger.note(
                row_id, MISSING_DOCUMENT, partner_id=doc_id, after=record.document_key
            )

    def _add_time(self, row_id: str, record: Record) -> None:
        time = to_utc(record.time)
        if time:
            self._times.append(TimeRow(row_id, time))

    def _resolve_parents(self) -> list[EdgeRow]:
        """Return each document with its parent. A missing parent is noted in the ledger."""
        edges: list[EdgeRow] = []
        for doc_id, parent_key in self._parent_keys:
            parent_id = self._row_id_of_key.get(parent_key, doc_id)
            if parent_id != doc_id:
                edges.append(EdgeRow(doc_id, parent_id))
            elif parent_key:
                self._ledger.note(doc_id, BAD_PARENT, after=parent_key)

        return edges

    def _no_usable_rows(self) -> UserError:
        # Held-out rows without a document are of no use either, if no row has one.
        rejected = Counter(self._rejected)
        rejected[MISSING_DOCUMENT] += self._missing
        rejected = +rejected
        counts = ", ".join(f"{reason} {count}" for reason, count in sorted(rejected.items()))

        # The remedy names the column behind the most frequent reason.
        most_frequent = max(sorted(rejected), key=lambda reason: rejected[reason])
        column = _COLUMN_OF_REASON.get(most_frequent, "columns.document_key")

        return UserError(
            f"{self._source.path}: none of its {self._records_read} rows can be used ({counts})",
            f"correct {params_path(self._name)}.{column} in params.yaml, or the file",
        )


def reject_reason(
    record: Record, source: TableSource, known_documents: Collection[str], template: str
) -> str:
    """Return the reason why a record cannot be used by itself; "" if it can.

    A title without a text is a document where `template`, `pair.document_text`, holds the title.
    """
    columns = source.columns
    if columns.text and not own_words(template, record.text, record.title):
        return "empty_text"
    if columns.anchor and not record.anchor.strip():
        return "empty_anchor"

    # A mapped score, grade or time must be readable. Without a time the row has none.
    if columns.score and not is_number(record.score):
        return "bad_score"
    if columns.grade and not is_number(record.grade):
        return "bad_grade"
    if record.time.strip() and not to_utc(record.time):
        return "bad_time"

    if source.documents_of is not None:
        doc_id = document_id(source.documents_of, record.document_key)
        if doc_id not in known_documents and given_split(record, source) not in EVALUATION_SPLITS:
            return "unknown_document"

    return ""


def to_utc(text: str) -> str:
    """Return an ISO 8601 date or date-time in the form of the table Timestamps; "" if it is none.

    A date means its midnight. A time without a zone is in UTC.

    >>> to_utc("2026-01-31T01:00+02:00")
    '2026-01-30T23:00:00.000000Z'
    """
    try:
        time = datetime.fromisoformat(text.strip())
        if time.tzinfo:
            time = time.astimezone(UTC)
    except (ValueError, OverflowError):
        return ""

    return time.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
