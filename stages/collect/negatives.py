"""Labelled negatives of a table: documents that an anchor should not find.

They become pairs of grade 0, as rows of a file of judgements would. Equal texts are one document,
since the same negative often stands in many rows. A negative that is the document of a row without
a key is that document.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from stages.collect.columns import Record
from stages.collect.records import DocumentRow, PairRow, document_id, pair_id


class Negative(NamedTuple):
    """A negative, and the record that holds it."""

    record: Record
    text: str


class NegativePair(NamedTuple):
    """The pair of an anchor and a negative, and the record that holds them."""

    pair: PairRow
    record: Record


class Negatives:
    """Collects the negatives of the records, until all documents of the rows are known."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._negatives: list[Negative] = []

    def add(self, record: Record) -> None:
        """Note the negatives of a record."""
        self._negatives += [Negative(record, text) for text in record.negatives]

    def documents(self, known: Collection[str]) -> list[DocumentRow]:
        """Return the documents of the negatives that are not `known` yet, each once."""
        new: dict[str, DocumentRow] = {}
        for negative in self._negatives:
            doc_id = self._document_id(negative)
            if doc_id not in known:
                new[doc_id] = DocumentRow(
                    doc_id, self._name, title="", text=negative.text, topic="", group=""
                )

        return list(new.values())

    def pairs(self) -> Iterator[NegativePair]:
        """Yield the pairs of the negatives whose records have an anchor, each once."""
        pair_ids: set[str] = set()
        for negative in self._negatives:
            record = negative.record
            negative_id = self._pair_id(negative)
            if not record.anchor.strip() or negative_id in pair_ids:
                continue

            pair_ids.add(negative_id)
            pair = PairRow(
                negative_id,
                anchor=record.anchor,
                doc_id=self._document_id(negative),
                relation=record.relation,
                score=0.0,
                source=self._name,
            )
            yield NegativePair(pair, record)

    def first_id(self, record: Record) -> str:
        """Return the id of the pair of the first negative of a record."""
        return self._pair_id(Negative(record, record.negatives[0]))

    def _pair_id(self, negative: Negative) -> str:
        # In two splits the same anchor and negative are two pairs.
        record = negative.record
        doc_id = self._document_id(negative)
        return pair_id(self._name, "negative", record.anchor, doc_id, record.split)

    def _document_id(self, negative: Negative) -> str:
        # The id of the first row of this text that has no key.
        return document_id(self._name, negative.text, "0")
