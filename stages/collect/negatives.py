"""Labelled negatives of a table: documents that an anchor should not find.

They become pairs of grade 0, as rows of a file of judgements would. Equal texts are one document,
since the same negative often stands in many rows. A negative that is the document of a row without
a key is that document.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from stages.collect.columns import Record
from stages.collect.records import DocumentRow, document_id, pair_id
from stages.collect.sorted_rows import SortedRows


class NegativePair(NamedTuple):
    """The pair of an anchor and a negative, and the fields of its record that describe it."""

    pair_id: str
    relation: str
    time: str
    split: str
    anchor: str
    doc_id: str

    def record(self) -> Record:
        """Return the fields as those of a record."""
        return Record(anchor=self.anchor, relation=self.relation, time=self.time, split=self.split)


class Negatives:
    """Collects the negatives of the records, until all documents of the rows are known."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._documents = SortedRows()
        self._pairs = SortedRows()

    def __len__(self) -> int:
        return len(self._documents)

    def add(self, record: Record) -> None:
        """Note the negatives of a record."""
        for text in record.negatives:
            doc_id = self._document_id(text)
            self._documents.add(
                DocumentRow(doc_id, self._name, title="", text=text, topic="", group="")
            )
            if record.anchor.strip():
                self._pairs.add(self._pair(record, text))

    def documents(self, known: Container[str]) -> Iterator[DocumentRow]:
        """Yield the documents of the negatives that are not `known` yet, each once."""
        for doc_id, rows in groupby(self._documents, key=itemgetter(0)):
            if doc_id not in known:
                yield DocumentRow._make(next(rows))

    def pairs(self) -> Iterator[NegativePair]:
        """Yield the pairs of the negatives whose records have an anchor, each once.

        Of several records with the same negative the smallest relation and time count.
        """
        for _, rows in groupby(self._pairs, key=itemgetter(0)):
            yield NegativePair._make(next(rows))

    def first_id(self, record: Record) -> str:
        """Return the id of the pair of the first negative of a record."""
        return self._pair(record, record.negatives[0]).pair_id

    def ids_of(self, record: Record) -> Iterator[str]:
        """Yield the ids of the documents and pairs that the negatives of a record give."""
        for text in record.negatives:
            yield self._document_id(text)
            if record.anchor.strip():
                yield self._pair(record, text).pair_id

    def _pair(self, record: Record, text: str) -> NegativePair:
        # In two splits the same anchor and negative are two pairs.
        doc_id = self._document_id(text)
        return NegativePair(
            pair_id(self._name, "negative", record.anchor, doc_id, record.split),
            relation=record.relation,
            time=record.time,
            split=record.split,
            anchor=record.anchor,
            doc_id=doc_id,
        )

    def _document_id(self, text: str) -> str:
        # The id of the first row of this text that has no key.
        return document_id(self._name, text, "0")
