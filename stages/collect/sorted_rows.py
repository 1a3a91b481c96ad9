"""Rows in the order of their values, in temporary files instead of memory.

Rows are sorted in runs of some megabytes, and the runs are merged while they are read: an external
merge sort. So memory does not grow with the number of rows.
"""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from stages.lib.core.temporary_folders import temporary_root

# How much is held in memory: of a run before it is written, and of each run that is read.
RUN_BYTES = 48 * 2**20
CHUNK_BYTES = 2**16
# So many different values are counted in memory.
MAX_COUNTED = 100_000

Row = tuple[Any, ...]


class _Chunk(NamedTuple):
    """Where some rows of a run stand in the file."""

    start: int
    size: int


class SortedRows:
    """Tuples, added in any order and read sorted, as often as needed. The file has no name.

    They are read as plain tuples, since named ones take longer to write and to read.

    >>> rows = SortedRows()
    >>> rows.add(("b", 1))
    >>> rows.add(("a", 2))
    >>> list(rows), len(rows)
    ([('a', 2), ('b', 1)], 2)
    """

    def __init__(self) -> None:
        self._held: list[Row] = []
        self._held_bytes = 0
        self._runs: list[list[_Chunk]] = []
        self._row_count = 0
        # Small tables need no file.
        self._file: Any = None
        self._end = 0

    def __len__(self) -> int:
        return self._row_count

    def __iter__(self) -> Iterator[Row]:
        self._held.sort()
        if not self._runs:
            return iter(self._held)
        return merge(*map(self._read_run, self._runs), self._held)

    def add(self, row: Row) -> None:
        """Add a row. Rows must not be added while they are read."""
        plain_row = tuple(row)
        self._held.append(plain_row)
        self._row_count += 1
        self._held_bytes += _size(plain_row)
        if self._held_bytes >= RUN_BYTES:
            self._write_run()

    def _write_run(self) -> None:
        if self._file is None:
            # It lives as long as this object, and no name of it is left behind.
            self._file = tempfile.TemporaryFile(dir=temporary_root())  # noqa: SIM115

        # Chunks of whole rows, of about the same size.
        self._held.sort()
        rows_of_chunk = max(1, len(self._held) * CHUNK_BYTES // self._held_bytes)
        chunks: list[_Chunk] = []
        for start in range(0, len(self._held), rows_of_chunk):
            data = pickle.dumps(self._held[start : start + rows_of_chunk], pickle.HIGHEST_PROTOCOL)
            self._file.write(data)
            chunks.append(_Chunk(self._end, len(data)))
            self._end += len(data)

        self._file.flush()
        self._runs.append(chunks)
        self._held.clear()
        self._held_bytes = 0

    def _read_run(self, chunks: list[_Chunk]) -> Iterator[Row]:
        for start, size in chunks:
            yield from pickle.loads(os.pread(self._file.fileno(), size, start))


class ValueCounts:
    """The number of times that each value was added. Many different values are counted on disk.

    >>> counts = ValueCounts()
    >>> for value in ("b", "a", "b"):
    ...     counts.add(value)
    >>> list(counts)
    [('a', 1), ('b', 2)]
    """

    def __init__(self) -> None:
        self._counts: Counter[Any] = Counter()
        self._partial_counts = SortedRows()

    def add(self, value: str | int) -> None:
        """Count a value once more."""
        self._counts[value] += 1
        if len(self._counts) >= MAX_COUNTED:
            self._write_counts()

    def __iter__(self) -> Iterator[tuple[Any, int]]:
        self._write_counts()
        for value, rows in groupby(self._partial_counts, key=itemgetter(0)):
            yield value, sum(count for _, count in rows)

    def _write_counts(self) -> None:
        for item in self._counts.items():
            self._partial_counts.add(item)
        self._counts.clear()


def _size(row: tuple[Any, ...]) -> int:
    """Return about how many bytes of memory a row takes."""
    size = sum(map(sys.getsizeof, row))
    if tuple in map(type, row):
        size += sum(_size(value) for value in row if isinstance(value, tuple))

    return size
