"""What a kind of source gives to be read as rows: tables of records, and records it leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from stages.collect.columns import Place, Record
from stages.collect.table_source import TableSource

# Faults of a record, in whatever kind of source. Such a record is rejected.
FAULTS = (
    "empty_text",
    "empty_anchor",
    "bad_score",
    "bad_grade",
    "bad_time",
    "unknown_document",
    "duplicate_key",
)
# Faults that only some kinds know.
KIND_FAULTS = (
    "bad_count",
    "missing_key",
    "unknown_query",
    "repeated_header",
    "broken_file",
    "encrypted",
    "no_text",
    "too_large",
    "wrong_format",
)
# Rules by which some kinds leave out records that have no fault.
KIND_RULES = ("unjudged_query", "negative_grade", "few_clicks", "low_click_share")


class LeftOutRecord(NamedTuple):
    """A record that its kind leaves out: where it stands, why, and what it holds.

    The reason is one of FAULTS, KIND_FAULTS or KIND_RULES. No limit on rejected records applies to
    a rule.
    """

    place: Place
    reason: str
    values: Mapping[str, object]


class RecordTable(NamedTuple):
    """Records, and the settings that say which of their fields hold something.

    The pairs of a table lead to the documents of its own rows, or to those of the source
    `settings.documents_of`. This may be the source that is being read: then an earlier table of
    the same source holds the documents.

    Attributes:
        settings: the fields that hold something, and the facts for the data card.
        records: the records, and those that the kind leaves out.
        remedy: what a person can do if too many records are rejected; "" for a table, whose columns
            may be mapped in another way.
    """

    settings: TableSource
    records: Iterable[Record | LeftOutRecord]
    remedy: str = ""
