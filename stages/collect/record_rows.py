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
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

from stages.collect.columns import Place, Record
from stages.collect.id_set import IdSet
from stages.collect.labels import (
    GradedPair,
    LabelCheck,
    given_split,
    grade_rows,
    graded_pair,
    has_grades,
    negative_grade,
    score_of,
)
from stages.collect.negatives import Negatives
from stages.collect.parents import ParentKeys
from stages.collect.placeholders import PlaceholderCounts
from stages.collect.record_tables import KIND_RULES, LeftOutRecord
from stages.collect.record_tables import RecordTable as RecordTable
from stages.collect.records import (
    CollectedTables,
    DocumentRow,
    GivenSplitRow,
    PairRow,
    RowKeys,
    SourceFacts,
    SourceRows,
    TimeRow,
    document_id,
    pair_id,
    params_path,
    record_json,
)
from stages.collect.reject_reasons import reject_reason, to_utc
from stages.collect.rejections import Rejections
from stages.collect.sorted_rows import SortedRows
from stages.collect.source import ReadRequest
from stages.collect.table_source import TableSource
from stages.collect.units import Unit, units_of

# Notes on rows that are kept.
MISSING_DOCUMENT = "missing_document"
EMPTY_ANCHOR = "empty_anchor"


def read_record_tables(tables: Sequence[RecordTable], request: ReadRequest) -> SourceRows:
    """Return the rows of all tables as one source. A raw record is one of the records.

    Raises:
        UserError: a label is on another scale than the settings say, none of the records can be
            used, or too many are rejected.
    """
    rows = CollectedTables()
    own_documents = [table for table in tables if table.settings.documents_of != request.name]
    readers = _read_tables(own_documents, request, rows)

    # Pairs that lead to documents of this source.
    pairs_alone = [table for table in tables if table.settings.documents_of == request.name]
    if pairs_alone:
        known = IdSet(document[0] for document in rows.documents)
        readers += _read_tables(pairs_alone, replace(request, known_documents=known), rows)

    placeholders: Counter[str] = Counter()
    for reader in readers:
        placeholders += reader.placeholders.frequent()
    settings = tables[0].settings
    return SourceRows(
        **vars(rows),
        records_read=sum(reader.records_read for reader in readers),
        records_kept=sum(reader.records_kept for reader in readers),
        facts=SourceFacts(
            settings.path,
            release=settings.release,
            licence=settings.licence,
            citation=settings.citation,
        ),
        placeholders=placeholders,
    )


def _read_tables(
    tables: Sequence[RecordTable], request: ReadRequest, rows: CollectedTables
) -> list[RecordReader]:
    """Add what the records of `tables` give to `rows`, and return the readers."""
    readers = [RecordReader(table.settings, request, rows, remedy=table.remedy) for table in tables]
    units = SortedRows()
    left_out = SortedRows()
    for number, (reader, table) in enumerate(zip(readers, tables, strict=True)):
        for entry in table.records:
            if isinstance(entry, LeftOutRecord):
                left_out.add((number, record_json(entry.values), entry.reason, tuple(entry.place)))
                continue
            reader.look_at(entry)
            for unit in units_of(entry, number, reader.reject_reason):
                units.add(unit.packed())
        reader.labels.finish()

    # Ids depend on the other units of the group, and on nothing else.
    for _, group in groupby(units, key=itemgetter(0)):
        keys = RowKeys()
        for unit in map(Unit.unpacked, group):
            readers[unit.table].take(unit, keys)

    for number, before, reason, place in left_out:
        readers[number].leave_out(Place(*place), reason, before)

    # Judgements may be missing beside the documents.
    read = [reader for reader in readers if reader.records_read] or readers
    for reader in read:
        reader.finish()
    return read


class RecordReader:
    """Turns the records of one table into documents, pairs, times and parents, one by one."""

    def __init__(
        self,
        source: TableSource,
        request: ReadRequest,
        rows: CollectedTables,
        *,
        remedy: str = "",
    ) -> None:
        name = request.name
        self.labels = LabelCheck(source, params_path(name))
        self.placeholders = PlaceholderCounts()
        self.records_read = 0
        self._name = name
        self._source = source
        self._request = request
        self._rows = rows
        self._kept_key = ""
        self._kept_id = ""
        self._graded = SortedRows()
        self._document_count = 0
        self._pair_count = 0
        self._missing = 0
        self._parents = ParentKeys()
        self._negatives = Negatives(name)
        self._rejections = Rejections(name, source, rows.ledger, remedy)

    @property
    def records_kept(self) -> int:
        """The number of records that are not in the ledger as left out."""
        return self.records_read - self._rejections.left_out_count

    def look_at(self, record: Record) -> None:
        """Count a record and what it holds, in the order of the files."""
        self.records_read += 1
        self.labels.take(record)
        self.placeholders.take(record)

    def take(self, unit: Unit, keys: RowKeys) -> None:
        """Add the rows of a unit, or reject its record with a ledger line.

        Args:
            unit: units come sorted.
            keys: the keys of the group of the unit.
        """
        record = unit.record
        parts = record.parts()
        reasons = [self.reject_reason(part) for part in parts]

        # A row whose negatives alone have a text says something of its anchor.
        has_negatives = bool(record.negatives and record.anchor.strip())
        is_usable = "" in reasons or (has_negatives and reasons == ["empty_text"])
        reason = "" if is_usable else reasons[0]

        # Rows of a key come one after another.
        is_repeated = bool(record.key) and record.key == self._kept_key
        if not reason and is_repeated:
            reason = "duplicate_key"
        if reason:
            self._reject(record, reason, self._kept_id if is_repeated else "")
            return

        # The first positive has the key of the row. The text of a later one is part of its key.
        row_id = ""
        for index, part in enumerate(parts):
            if not reasons[index]:
                part_id = self._add_part(part, _own_key(part, index, keys), keys)
                row_id = row_id or part_id

        self._negatives.add(record)
        self._note_origins_of_negatives(record)
        row_id = row_id or self._negatives.first_id(record)
        if record.key and "" in reasons:
            self._kept_key = record.key
            self._kept_id = row_id
        elif record.key:
            self._parents.add_empty(record)

        # What of the row cannot be used.
        for part, part_reason in zip(parts, reasons, strict=True):
            if part_reason:
                self._rows.ledger.note(row_id, part_reason, after=part.text)
        for part_reason, text in unit.unusable:
            self._rows.ledger.note(row_id, part_reason, after=text)

    def leave_out(self, place: Place, reason: str, before: str) -> None:
        """Note a record that the kind leaves out. Records come sorted by what they hold."""
        self.records_read += 1
        self._note_origin("", Record(text=before, place=place))
        if reason in KIND_RULES:
            self._rejections.add_by_rule(place, reason, before)
        else:
            self._rejections.add_values(place, reason, before)

    def finish(self) -> None:
        """Add what depends on all records: negatives, grades and parents.

        Raises:
            UserError: no record could be used, or a larger share was rejected than the request
                allows.
        """
        self._add_negatives()
        if not self._document_count and self._pair_count == self._missing:
            # Held-out rows without a document are of no use either, if no row has one.
            missing = Counter({MISSING_DOCUMENT: self._missing})
            raise self._rejections.no_usable_rows(self.records_read, missing)

        self._rejections.check_share(self.records_read, self._request.max_rejected_share)
        for grade in grade_rows(map(GradedPair._make, self._graded), self._source):
            self._rows.grades.add(grade)
        for edge in self._parents.edges(self._rows.ledger):
            self._rows.hierarchy.add(edge)

    def reject_reason(self, part: Record) -> str:
        """Return the reason why a record or part of one cannot be used by itself; "" if it can."""
        request = self._request
        return reject_reason(part, self._source, request.known_documents, request.template)

    def _reject(self, record: Record, reason: str, partner_id: str) -> None:
        self._rejections.add(record, reason, partner_id)
        self._note_origin("", record)
        if reason == "empty_text":
            self._parents.add_empty(record)

    def _add_part(self, record: Record, key: tuple[str, ...], keys: RowKeys) -> str:
        """Add the document and the pair of a record, and return the id of the last of them."""
        documents_of = self._source.documents_of
        if documents_of is None:
            doc_id = self._add_document(record, key, keys)
        else:
            doc_id = document_id(documents_of, record.document_key)

        # The pair that leads to it. A document needs none.
        if not self._source.columns.anchor:
            return doc_id
        if not record.anchor.strip():
            self._rows.ledger.note(doc_id, EMPTY_ANCHOR)
            return doc_id

        row_id = self._add_pair(record, doc_id, key=key, keys=keys)
        self._note_missing_document(row_id, record, doc_id)
        return row_id

    def _add_document(self, record: Record, key: tuple[str, ...], keys: RowKeys) -> str:
        # Without a text the title is the content.
        texts = (record.text,) if record.text.strip() else ("", record.title)
        key = key or keys.key("document", "", *texts)
        doc_id = document_id(self._name, *key)
        self._document_count += 1
        self._note_origin(doc_id, record)
        self._rows.documents.add(
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
        if self._source.columns.parent:
            self._parents.add(doc_id, record)
        return doc_id

    def _add_pair(self, record: Record, doc_id: str, *, key: tuple[str, ...], keys: RowKeys) -> str:
        key = key or keys.key("pair", "", record.anchor, doc_id)
        row_id = pair_id(self._name, *key)
        self._pair_count += 1
        self._note_origin(row_id, record)
        self._rows.pairs.add(
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
        self._add_given_split(row_id, record)
        if has_grades(self._source):
            self._graded.add(graded_pair(row_id, record, self._source))

        return row_id

    def _add_negatives(self) -> None:
        """Add the documents and pairs of the negatives, now that the other documents are known."""
        if not len(self._negatives):
            return

        known = IdSet(document[0] for document in self._rows.documents)
        for document in self._negatives.documents(known):
            self._document_count += 1
            self._rows.documents.add(document)

        for negative in self._negatives.pairs():
            self._pair_count += 1
            self._rows.pairs.add(
                PairRow(
                    negative.pair_id,
                    anchor=negative.anchor,
                    doc_id=negative.doc_id,
                    relation=negative.relation,
                    score=0.0,
                    source=self._name,
                )
            )
            record = negative.record()
            self._add_time(negative.pair_id, record)
            self._add_given_split(negative.pair_id, record)
            self._graded.add(negative_grade(negative.pair_id, record, self._source))

    def _note_origin(self, row_id: str, record: Record) -> None:
        if self._request.origins is not None:
            self._request.origins.note(row_id, record)

    def _note_origins_of_negatives(self, record: Record) -> None:
        for negative_id in self._negatives.ids_of(record):
            self._note_origin(negative_id, record)

    def _add_given_split(self, row_id: str, record: Record) -> None:
        split = given_split(record, self._source)
        if split:
            self._rows.given_splits.add(GivenSplitRow(row_id, split))

    def _note_missing_document(self, row_id: str, record: Record, doc_id: str) -> None:
        if self._source.documents_of is not None and doc_id not in self._request.known_documents:
            self._missing += 1
            self._rows.ledger.note(
                row_id, MISSING_DOCUMENT, partner_id=doc_id, after=record.document_key
            )

    def _add_time(self, row_id: str, record: Record) -> None:
        time = to_utc(record.time) if record.time else ""
        if time:
            self._rows.times.add(TimeRow(row_id, time))


def _own_key(part: Record, index: int, keys: RowKeys) -> tuple[str, ...]:
    """Return the key of a positive by its number in the row; () if the row has no key."""
    if not part.key:
        return ()
    if not index:
        return (part.key,)

    ordinal = keys.ordinal("positive", part.key, part.text)
    return (part.key, "positive", part.text, ordinal)
