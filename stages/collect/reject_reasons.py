"""The reasons why a record cannot be used, as faults of the record itself."""

from __future__ import annotations

from collections.abc import Container
from datetime import UTC, datetime

from stages.collect.columns import Record
from stages.collect.labels import given_split, is_number
from stages.collect.records import document_id
from stages.collect.table_source import Columns, TableSource
from stages.lib.schemas.splits import EVALUATION_SPLITS
from stages.lib.text.document_text import own_words


def reject_reason(
    record: Record, source: TableSource, known_documents: Container[str], template: str
) -> str:
    """Return the reason why a record cannot be used by itself; "" if it can.

    A title without a text is a document where `template`, `pair.document_text`, holds the title.
    """
    columns = source.columns
    if source.header and _is_header(record, columns):
        return "repeated_header"

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


def _is_header(record: Record, columns: Columns) -> bool:
    """Return whether a record holds the names of its columns, as where files were joined."""
    # Nearly all records differ in the first field.
    if columns.anchor and record.anchor != columns.anchor:
        return False

    column_of_field = columns.mapped()
    document = column_of_field.pop("positive", None)
    if document:
        column_of_field["text"] = document
    column_of_field.pop("negative", None)
    return len(column_of_field) > 1 and all(
        getattr(record, field) == column for field, column in column_of_field.items()
    )


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
