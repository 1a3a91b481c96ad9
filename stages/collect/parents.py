"""The documents directly above each document, by the keys of their rows."""

from __future__ import annotations

from collections.abc import Iterator

from stages.collect.columns import Record
from stages.collect.id_set import DocumentOfKey
from stages.collect.records import EdgeRow
from stages.collect.sorted_rows import SortedRows
from stages.collect.stored_ledger import StoredLedger

BAD_PARENT = "bad_parent"


class ParentKeys:
    """Notes the parents of rows, and resolves them when all keys are known.

    A row without a text is no document, but says what is above it: what is below it comes to be
    directly below that. Such rows are kept in memory.
    """

    def __init__(self) -> None:
        self._parent_keys = SortedRows()
        self._parent_of_empty: dict[str, str] = {}
        self._document_of_key = DocumentOfKey()

    def add(self, doc_id: str, record: Record) -> None:
        """Note a document and its parent. The first document of a key is what the key names."""
        if record.parent:
            self._parent_keys.add((doc_id, record.parent))
        if record.key:
            self._document_of_key.add(record.key, doc_id)

    def add_empty(self, record: Record) -> None:
        """Note the parent of a row that is no document."""
        if record.key and record.parent:
            self._parent_of_empty.setdefault(record.key, record.parent)

    def edges(self, ledger: StoredLedger) -> Iterator[EdgeRow]:
        """Yield each document with its parent. A missing parent is noted in the ledger."""
        for doc_id, parent_key in self._parent_keys:
            parent_id = self._nearest_document(parent_key)
            if parent_id and parent_id != doc_id:
                yield EdgeRow(doc_id, parent_id)
            else:
                ledger.note(doc_id, BAD_PARENT, after=parent_key)

    def _nearest_document(self, key: str) -> str:
        """Return the document of the first key at or above `key` that has one; "" for none."""
        passed: set[str] = set()
        doc_id = self._document_of_key.get(key)
        while not doc_id and key not in passed:
            passed.add(key)
            key = self._parent_of_empty.get(key, key)
            doc_id = self._document_of_key.get(key)

        return doc_id
