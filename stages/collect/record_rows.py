"""The rows that records give: documents, pairs, their labels, times and parents.

The mapped columns decide the shape. `text` gives documents. `anchor` and `text` in one row give a
document and the pair that leads to it. `anchor` and `document_key` give pairs to the documents of
another source. `positive` is `text` and may hold a list; `negative` beside it holds labelled
negatives. `time` may be mapped in every shape, `parent` beside keyed documents, and `score` or
`grade` and `split` beside anchors.

What a row says is kept as far as possible: without an anchor it is
still a document. A row that cannot be used at all is rejected, with a ledger line. A held-out row
of a given split stays even if its document is missing: its query then misses a document that
counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from stages.collect.columns import Place, Record
from stages.collect.labels import (
    GradedPair,
    check_labels,
    given_split,
    graded_pair,
    has_grades,
    is_number,
    negative_grade,
    roles,
    score_of,
)
from stages.collect.negatives import Negatives
from stages.collect.parents import ParentKeys
from stages.collect.placeholders import count_placeholders
from stages.collect.record_tables import FAULTS, LeftOutRecord, separate
from stages.collect.record_tables import RecordTable as RecordTable
from stages.collect.records import (
    DocumentRow,
    GivenSplitRow,
    GradeRow,
    PairRow,
    RowKeys,
    SourceFacts,
    SourceRows,
    TimeRow,
    document_id,
    documents_frame,
    given_splits_frame,
    grades_frame,
    hierarchy_frame,
    merge_rows,
    pair_id,
    pairs_frame,
    params_path,
    record_json,
    times_frame,
)
from stages.collect.rejections import Rejections
from stages.collect.source import ReadRequest
from stages.collect.table_source import TableSource
from stages.lib.schemas.ledger import LedgerWriter
from stages.lib.schemas.splits import EVALUATION_SPLITS
from stages.lib.text.document_text import own_words

REASONS = FAULTS
# Notes on rows that are kept.
MISSING_DOCUMENT = "missing_document"
EMPTY_ANCHOR = "empty_anchor"


def read_record_tables(tables: Sequence[RecordTable], request: ReadRequest) -> SourceRows:
    """Return the rows of all tables as one source. A raw record is one of the records.

    Raises:
        UserError: a label is on another scale than the settings say, none of the records can be
            used, or too many are rejected.
    """
    known_documents = set(request.known_documents)
    keys = RowKeys()
    ledger = LedgerWriter()
    rows_of_table: list[SourceRows] = []
    for settings, entries, remedy in tables:
        records, left_out = separate(entries)

        # Judgements may be missing beside the documents.
        if rows_of_table and not records and not left_out:
            continue
        check_labels(records, settings, params_path(request.name))

        # In the order of their content. The ordinals, and the row that is kept for a key, then
        # do not depend on the order of the file.
        records.sort()
        reader = RecordReader(
            settings,
            replace(request, known_documents=known_documents),
            keys=keys,
            ledger=ledger,
            remedy=remedy,
        )
        for record in records:
            reader.take(record)
        for entry in sorted(left_out, key=_content):
            reader.leave_out(entry)

        rows = reader.result()
        rows_of_table.append(replace(rows, placeholders=count_placeholders(records)))
        known_documents.update(rows.documents["doc_id"])

    return merge_rows(rows_of_table)


class RecordReader:
    """Turns the records of one table into documents, pairs, times and parents, one by one."""

    def __init__(
        self,
        source: TableSource,
        request: ReadRequest,
        *,
        keys: RowKeys,
        ledger: LedgerWriter,
        remedy: str = "",
    ) -> None:
        name = request.name
        self._name = name
        self._source = source
        self._known_documents = request.known_documents
        self._template = request.template
        self._max_rejected_share = request.max_rejected_share
        self._keys = keys
        self._row_id_of_key: dict[str, str] = {}
        self._documents: list[DocumentRow] = []
        self._pairs: list[PairRow] = []
        self._times: list[TimeRow] = []
        self._given_splits: list[GivenSplitRow] = []
        self._graded: list[GradedPair] = []
        self._missing = 0
        self._parents = ParentKeys()
        self._negatives = Negatives(name)
        self._records_read = 0
        self._ledger = ledger
        self._rejections = Rejections(name, source, ledger, remedy)

    def take(self, record: Record) -> None:
        """Add the rows of `record`, or reject it with a ledger line."""
        self._records_read += 1
        parts = record.parts()
        reasons = [self._reject_reason(part) for part in parts]

        # A row whose negatives alone have a text says something of its anchor.
        has_negatives = bool(record.negatives and record.anchor.strip())
        is_usable = "" in reasons or (has_negatives and reasons == ["empty_text"])
        reason = "" if is_usable else reasons[0]
        partner_id = self._row_id_of_key.get(record.key, "") if record.key else ""
        if not reason and partner_id:
            reason = "duplicate_key"
        if reason:
            self._reject(record, reason, partner_id)
            return

        # The first positive has the key of the row. The text of a later one is part of its key.
        row_id = ""
        for index, part in enumerate(parts):
            if not reasons[index]:
                part_id = self._add_part(part, self._own_key(part, index))
                row_id = row_id or part_id

        self._negatives.add(record)
        row_id = row_id or self._negatives.first_id(record)
        if record.key and "" in reasons:
            self._row_id_of_key[record.key] = row_id
        elif record.key:
            self._parents.add_empty(record)

        # What of the row cannot be used.
        for part, part_reason in zip(parts, reasons, strict=True):
            if part_reason:
                self._ledger.note(row_id, part_reason, after=part.text)

    def leave_out(self, entry: LeftOutRecord) -> None:
        """Note a record that the kind leaves out."""
        self._records_read += 1
        if entry.is_fault:
            self._rejections.add_values(entry.place, entry.reason, entry.values)
        else:
            self._rejections.add_by_rule(entry.place, entry.reason, entry.values)

    def result(self) -> SourceRows:
        """Return the rows of all records so far.

        Raises:
            UserError: no record could be used, or a larger share was rejected than the request
                allows.
        """
        self._add_negatives()
        if not self._documents and len(self._pairs) == self._missing:
            # Held-out rows without a document are of no use either, if no row has one.
            missing = Counter({MISSING_DOCUMENT: self._missing})
            raise self._rejections.no_usable_rows(self._records_read, missing)

        self._rejections.check_share(self._records_read, self._max_rejected_share)
        source = self._source
        role_of_pair = roles(self._graded, source)
        grades = [
            GradeRow(pair.pair_id, pair.grade, role_of_pair[pair.pair_id]) for pair in self._graded
        ]

        return SourceRows(
            documents=documents_frame(self._documents),
            pairs=pairs_frame(self._pairs),
            records_read=self._records_read,
            records_kept=self._records_read - self._rejections.left_out_count,
            facts=SourceFacts(
                source.path,
                release=source.release,
                licence=source.licence,
                citation=source.citation,
            ),
            times=times_frame(self._times),
            given_splits=given_splits_frame(self._given_splits),
            grades=grades_frame(grades),
            hierarchy=hierarchy_frame(self._parents.edges(self._ledger)),
            ledger=self._ledger,
        )

    def _reject_reason(self, part: Record) -> str:
        return reject_reason(part, self._source, self._known_documents, self._template)

    def _reject(self, record: Record, reason: str, partner_id: str) -> None:
        self._rejections.add(record, reason, partner_id)
        if reason == "empty_text":
            self._parents.add_empty(record)

    def _own_key(self, part: Record, index: int) -> tuple[str, ...]:
        """Return the key of a positive by its number in the row; () if the row has no key."""
        if not part.key:
            return ()
        if not index:
            return (part.key,)

        ordinal = self._keys.ordinal("positive", part.key, part.text)
        return (part.key, "positive", part.text, ordinal)

    def _add_part(self, record: Record, key: tuple[str, ...]) -> str:
        """Add the document and the pair of a record, and return the id of the last of them."""
        documents_of = self._source.documents_of
        if documents_of is None:
            doc_id = self._add_document(record, key)
        else:
            doc_id = document_id(documents_of, record.document_key)

        # The pair that leads to it. A document needs none.
        if not self._source.columns.anchor:
            return doc_id
        if not record.anchor.strip():
            self._ledger.note(doc_id, EMPTY_ANCHOR)
            return doc_id

        row_id = self._add_pair(record, doc_id, key)
        self._note_missing_document(row_id, record, doc_id)
        return row_id

    def _add_document(self, record: Record, key: tuple[str, ...]) -> str:
        # Without a text the title is the content.
        texts = (record.text,) if record.text.strip() else ("", record.title)
        key = key or self._keys.key("document", "", *texts)
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
        self._parents.add(doc_id, record)

        return doc_id

    def _add_pair(self, record: Record, doc_id: str, key: tuple[str, ...]) -> str:
        key = key or self._keys.key("pair", "", record.anchor, doc_id)
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
        if has_grades(self._source):
            self._graded.append(graded_pair(row_id, record, self._source))

        return row_id

    def _add_negatives(self) -> None:
        """Add the documents and pairs of the negatives, now that the other documents are known."""
        known = {document.doc_id for document in self._documents}
        self._documents += self._negatives.documents(known)
        for pair, record in self._negatives.pairs():
            self._pairs.append(pair)
            self._add_time(pair.pair_id, record)
            split = given_split(record, self._source)
            if split:
                self._given_splits.append(GivenSplitRow(pair.pair_id, split))
            self._graded.append(negative_grade(pair.pair_id, record, self._source))

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


def _content(entry: LeftOutRecord) -> tuple[str, str, Place]:
    return entry.reason, record_json(entry.values), entry.place


def reject_reason(
    record: Record, source: TableSource, known_documents: Collection[str], template: str
) -> str:
    """Return the reason why a record cannot be used by itself; "" if it can.

    A title without a text is a document where `template`, `pair.document_text`, holds the title.
    """
    columns = source.columns
    if columns.document and not own_words(template, record.text, record.title):
        return "empty_text"

    # Without an anchor the row is still a document, and needs no label.
    has_anchor = bool(columns.anchor and record.anchor.strip())
    if columns.anchor and not has_anchor and not columns.document:
        return "empty_anchor"

    # A mapped score, grade or time must be readable. Without a time the row has none.
    if has_anchor and columns.score and not is_number(record.score):
        return "bad_score"
    if has_anchor and columns.grade and not is_number(record.grade):
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
