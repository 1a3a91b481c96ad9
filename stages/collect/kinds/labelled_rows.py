"""Queries with passages that are named by ids: documents and judgements out of them.

A passage that is named by an id is one document, whatever the number of rows that hold it. So is a
passage without an id, by its text. Copies that say the same are one record. An id with a second
text is rejected (`duplicate_key`), and so is a negative that is a positive of the same query.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

from stages.collect.columns import Place, Record
from stages.collect.record_tables import LeftOutRecord

POSITIVE = "1"
NEGATIVE = "0"


class Passage(NamedTuple):
    """A passage: its id, and its title and text where the row holds them. Any may be empty."""

    key: str
    title: str = ""
    text: str = ""

    @property
    def name(self) -> str:
        """The id, or else what the passage says."""
        if self.key.strip():
            return self.key
        return "\n".join((self.title, self.text)) if self.title or self.text else ""


class LabelledRow(NamedTuple):
    """A query with its positive and negative passages, and where it stands."""

    place: Place
    query_id: str
    query: str
    positives: tuple[Passage, ...]
    negatives: tuple[Passage, ...]

    @property
    def query_name(self) -> str:
        """The id of the query, or else its text."""
        return self.query_id if self.query_id.strip() else self.query


# Each call reads the rows from the beginning.
ReadRows = Callable[[], Iterable[LabelledRow | LeftOutRecord]]


def passage_records(read: ReadRows) -> Iterator[Record | LeftOutRecord]:
    """Yield each passage of the rows once, as the record of a document."""
    seen: set[bytes] = set()
    for row in read():
        if isinstance(row, LeftOutRecord):
            continue

        for passage in (*row.positives, *row.negatives):
            content = _digest(*passage)
            if content in seen:
                continue

            seen.add(content)
            yield document_record(passage.name, passage.title, passage.text, row.place)


def document_record(key: str, title: str, text: str, place: Place) -> Record | LeftOutRecord:
    """Return the record of a document; without a key it is left out, since no other names it."""
    if not key.strip():
        return LeftOutRecord(place, "missing_key", {"id": key, "title": title, "text": text})
    return Record(key=key, title=title, text=text, place=place)


def judgement_records(read: ReadRows) -> Iterator[Record | LeftOutRecord]:
    """Yield each judgement once: a query with a positive passage, or with a negative one."""
    # Positives of all rows first: a negative may be the positive of another row.
    positives: set[bytes] = set()
    for row in read():
        if isinstance(row, LabelledRow):
            positives.update(_digest(row.query_name, passage.name) for passage in row.positives)

    seen: set[bytes] = set()
    for row in read():
        if isinstance(row, LeftOutRecord):
            yield row
            continue
        if not row.positives and not row.negatives:
            yield LeftOutRecord(row.place, "unjudged_query", _row_values(row))
            continue

        for label, passages in ((POSITIVE, row.positives), (NEGATIVE, row.negatives)):
            for passage in passages:
                content = _digest(row.query_name, row.query, passage.name, label)
                if content in seen:
                    continue

                seen.add(content)
                is_contradiction = (
                    label == NEGATIVE and _digest(row.query_name, passage.name) in positives
                )
                yield _judgement(row, passage, label, is_contradiction=is_contradiction)


def judgement_key(*parts: str) -> str:
    """Return the key of a judgement by the ids of its parts.

    >>> judgement_key("q1", "d1")
    '["q1","d1"]'
    """
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def _judgement(
    row: LabelledRow, passage: Passage, label: str, *, is_contradiction: bool
) -> Record | LeftOutRecord:
    name = passage.name
    values = {"query": row.query, "document": name, "label": label}
    if is_contradiction:
        return LeftOutRecord(row.place, "duplicate_key", values)
    if not name.strip():
        return LeftOutRecord(row.place, "missing_key", values)

    return Record(
        key=judgement_key(row.query_name, name),
        anchor=row.query,
        document_key=name,
        grade=label,
        place=row.place,
    )


def _row_values(row: LabelledRow) -> Mapping[str, object]:
    return {"query_id": row.query_id, "query": row.query}


def _digest(*texts: str) -> bytes:
    return blake2b(json.dumps(texts).encode(), digest_size=16).digest()
