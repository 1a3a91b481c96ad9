"""The documents directly above each document, by the keys of their rows."""

from __future__ import annotations

from stages.collect.columns import Record
from stages.collect.records import EdgeRow
from stages.lib.schemas.ledger import LedgerWriter

BAD_PARENT = "bad_parent"


class ParentKeys:
    """Notes the parents of rows, and resolves them when all keys are known.

    A row without a text is no document, but says what is above it: what is below it comes to be
    directly below that.
    """

    def __init__(self) -> None:
        self._parent_keys: list[tuple[str, str]] = []
        self._parent_of_empty: dict[str, str] = {}
        self._document_of_key: dict[str, str] = {}

    def add(self, doc_id: str, record: Record) -> None:
        """Note a document and its parent. The first document of a key is what the key names."""
        self._parent_keys.append((doc_id, record.parent))
        if record.key:
            self._document_of_key.setdefault(record.key, doc_id)

    def add_empty(self, record: Record) -> None:
        """Note the parent of a row that is no document."""
        if record.key and record.parent:
            self._parent_of_empty.setdefault(record.key, record.parent)

    def edges(self, ledger: LedgerWriter) -> list[EdgeRow]:
        """Return each document with its parent. A missing parent is noted in the ledger."""
        edges: list[EdgeRow] = []
        for doc_id, parent_key in self._parent_keys:
            parent_id = self._document_of_key.get(self._nearest_key(parent_key), doc_id)
            if parent_id != doc_id:
                edges.append(EdgeRow(doc_id, parent_id))
            elif parent_key:
                ledger.note(doc_id, BAD_PARENT, after=parent_key)

        return edges

    def _nearest_key(self, key: str) -> str:
        """Return the first key at or above `key` that is the key of a document."""
        passed: set[str] = set()
        while key not in self._document_of_key and key not in passed:
            passed.add(key)
            key = self._parent_of_empty.get(key, key)

        return key
