"""What is searched for: the ids of a record and its texts, in tables and in files of any kind."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as arrow
import pyarrow.compute as compute
from pyarrow import parquet

# A shorter text of the record may stand in texts of others. It is searched as a whole cell.
MIN_CONTAINED = 16
_CHUNK_BYTES = 2**22
_PARQUET_MARK = b"PAR1"
_ID_LETTERS = 17  # of the document in the id of a passage
_GROUPS_AT_ONCE = 4

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sought:
    """What a search looks for.

    Attributes:
        cells: whole cells of tables: ids, places of raw records, short texts.
        texts: what must stand nowhere, not even within another text.
    """

    cells: frozenset[str]
    texts: frozenset[str]

    def is_in(self, text: str) -> bool:
        """Return whether a cell is, or holds, what is sought.

        >>> sought = Sought(frozenset({"d1", "Ann"}), frozenset({"ann@example.com"}))
        >>> [sought.is_in(cell) for cell in ("Ann", "Anna", "mail to ann@example.com")]
        [True, False, True]
        """
        return text in self.cells or any(part in text for part in self.texts)


def split_texts(texts: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the texts that are searched as whole cells, and those also within others.

    >>> split_texts(["Yes.", "The lamp takes a bulb of 40 watts."])
    ({'Yes.'}, {'The lamp takes a bulb of 40 watts.'})
    """
    short: set[str] = set()
    long: set[str] = set()
    for text in texts:
        if len(text) >= MIN_CONTAINED:
            long.add(text)
        elif text.strip():
            short.add(text)
    return short, long


def matching_rows(table: arrow.Table, sought: Sought) -> Mask:
    """Return which rows of a table hold what is sought, shape (rows,)."""
    mask = np.zeros(table.num_rows, dtype=np.bool_)
    for name, column in zip(table.column_names, table.columns, strict=True):
        if _is_string(column.type):
            mask |= _matching_cells(column, sought, is_passage=name == "passage_id")
        elif arrow.types.is_list(column.type) and _is_string(column.type.value_type):
            cells = compute.list_flatten(column)
            rows = compute.list_parent_indices(column).to_numpy()
            mask[rows[_matching_cells(cells, sought)]] = True
    return mask


def table_holds(path: Path, sought: Sought) -> bool:
    """Return whether a Parquet file holds what is sought."""
    with parquet.ParquetFile(path) as file:
        for start in range(0, file.num_row_groups, _GROUPS_AT_ONCE):
            stop = min(start + _GROUPS_AT_ONCE, file.num_row_groups)
            groups = file.read_row_groups(list(range(start, stop)))
            if matching_rows(groups, sought).any():
                return True
    return False


def file_holds(path: Path, sought: Sought, *, with_cells: bool = False) -> bool:
    """Return whether a file of any kind holds what is sought.

    Cells are searched in tables alone, unless `with_cells` says to search their bytes too.
    """
    if is_table(path):
        return table_holds(path, sought)
    needles = needles_of({*sought.texts, *(sought.cells if with_cells else ())})
    return _holds_bytes(path, needles)


def is_table(path: Path) -> bool:
    """Return whether a file is a whole Parquet file, whatever its name."""
    size = path.stat().st_size
    if size < 2 * len(_PARQUET_MARK):
        return False
    with path.open("rb") as stream:
        head = stream.read(len(_PARQUET_MARK))
        stream.seek(-len(_PARQUET_MARK), 2)
        return head == stream.read() == _PARQUET_MARK


def needles_of(texts: Iterable[str]) -> list[bytes]:
    """Return the bytes of texts as pages, JSON, CSV and plain files write them, sorted.

    >>> needles_of(["this & that"])
    [b'this & that', b'this &amp; that']
    """
    needles = set()
    for text in texts:
        forms = [
            text,
            html.escape(text),
            html.escape(text, quote=False),
            json.dumps(text)[1:-1],
            json.dumps(text, ensure_ascii=False)[1:-1],
            text.replace('"', '""'),
        ]
        needles |= {form.encode("utf-8", "surrogatepass") for form in forms}
    return sorted(needles)


def _holds_bytes(path: Path, needles: list[bytes]) -> bool:
    if not needles:
        return False
    overlap = max(map(len, needles)) - 1
    for chunk in _overlapping_chunks(path, overlap):
        if any(needle in chunk for needle in needles):
            return True
    return False


def _overlapping_chunks(path: Path, overlap: int) -> Iterator[bytes]:
    tail = b""
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield tail + chunk
            tail = (tail + chunk)[-overlap:] if overlap else b""


def _is_string(kind: arrow.DataType) -> bool:
    return bool(arrow.types.is_string(kind) or arrow.types.is_large_string(kind))


def _matching_cells(cells: arrow.ChunkedArray, sought: Sought, *, is_passage: bool = False) -> Mask:
    # The id of a passage begins with that of its document.
    whole = compute.utf8_slice_codeunits(cells, 0, _ID_LETTERS) if is_passage else cells
    mask = compute.is_in(whole, value_set=arrow.array(sorted(sought.cells), arrow.string()))
    for text in sorted(sought.texts):
        mask = compute.or_(mask, compute.match_substring(cells, text))
    return np.asarray(compute.fill_null(mask, False).to_numpy(zero_copy_only=False), dtype=np.bool_)
