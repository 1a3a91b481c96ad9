"""Ids and keys in few bytes each: a set of ids, and the documents of keys.

Ids are hashes of 64 bits. They take 8 bytes here, and 100 in a set of Python. Keys are hashed too.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator

import numpy as np

from stages.lib.core.ids import hash_hex


class IdSet(Collection[str]):
    """Ids of one kind, such as documents, in 8 bytes each.

    >>> ids = IdSet(["d00000000000000ff", "d0000000000000001"])
    >>> "d00000000000000ff" in ids, "d0000000000000002" in ids, list(ids)
    (True, False, ['d0000000000000001', 'd00000000000000ff'])
    """

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._letter = ""
        self._numbers = array("Q")
        for row_id in ids:
            self._letter = row_id[0]
            self._numbers.append(int(row_id[1:], 16))

        # The array is sorted in its own memory.
        if self._numbers:
            np.frombuffer(self._numbers, dtype=np.uint64).sort()

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        return (f"{self._letter}{number:016x}" for number in self._numbers)

    def __contains__(self, row_id: object) -> bool:
        if not isinstance(row_id, str) or row_id[:1] != self._letter:
            return False

        number = int(row_id[1:], 16)
        index = bisect_left(self._numbers, number)
        return index < len(self._numbers) and self._numbers[index] == number


class DocumentOfKey:
    """The first document of each key, in 16 bytes.

    >>> document_of_key = DocumentOfKey()
    >>> document_of_key.add("shoes", "d00000000000000ff")
    >>> document_of_key.get("shoes"), document_of_key.get("hats")
    ('d00000000000000ff', '')
    """

    def __init__(self) -> None:
        self._hashes = array("Q")
        self._ids = array("Q")
        self._is_sorted = True

    def add(self, key: str, doc_id: str) -> None:
        """Add the document of a key. A later document of the same key is not used."""
        self._hashes.append(_key_hash(key))
        self._ids.append(int(doc_id[1:], 16))
        self._is_sorted = False

    def get(self, key: str) -> str:
        """Return the id of the document of `key`; "" if it has none."""
        if not self._is_sorted:
            self._sort()

        key_hash = _key_hash(key)
        index = bisect_left(self._hashes, key_hash)
        if index == len(self._hashes) or self._hashes[index] != key_hash:
            return ""
        return f"d{self._ids[index]:016x}"

    def _sort(self) -> None:
        # The sort is stable, so the first document of a key stays the first.
        order = np.argsort(np.frombuffer(self._hashes, dtype=np.uint64), kind="stable")
        for numbers in (self._hashes, self._ids):
            view = np.frombuffer(numbers, dtype=np.uint64)
            view[:] = view[order]
        self._is_sorted = True


def _key_hash(key: str) -> int:
    return int(hash_hex(key), 16)
