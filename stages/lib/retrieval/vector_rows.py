"""Vectors by row: in memory, or in a temporary file where they are many.

The system reads a part of the file when it is needed, and gives its memory back when another
needs it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from itertools import chain

import numpy as np

from stages.lib.core.temporary_folders import temporary_root
from stages.lib.retrieval.search import Vectors

# Vectors that take more than 256 MB are in a file.
BYTES_IN_MEMORY = 1 << 28


def vectors_by_row(rows: Iterable[tuple[int, Vectors]], count: int) -> Vectors:
    """Return the vectors of all rows, of shape (count, dimension), float32.

    Args:
        rows: each row from 0 to `count` - 1, in any order, with its vector of shape (dimension,).
        count: the number of rows.

    Raises:
        OSError: the disk is full.

    >>> vectors_by_row([(1, np.float32([0.0, 1.0])), (0, np.float32([1.0, 0.0]))], count=2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    iterator = iter(rows)
    first = next(iterator, None)
    if first is None:
        return np.empty((0, 0), dtype=np.float32)

    all_rows = chain([first], iterator)
    dimension = len(first[1])
    row_bytes = dimension * np.dtype(np.float32).itemsize
    if count * row_bytes <= BYTES_IN_MEMORY:
        vectors = np.empty((count, dimension), dtype=np.float32)
        for row, vector in all_rows:
            vectors[row] = vector
        return vectors

    # A row is written and not assigned: so a full disk is an error, and does not end the process.
    # The file has no name, and goes with the array.
    with tempfile.TemporaryFile(dir=temporary_root()) as file:
        for row, vector in all_rows:
            file.seek(row * row_bytes)
            file.write(vector.astype("<f4").tobytes())
        file.flush()

        # What somebody changes in the array stays in memory.
        return np.asarray(np.memmap(file, dtype="<f4", mode="c", shape=(count, dimension)))
