"""Texts in a temporary file instead of memory: by number, and by the row that has them."""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import overload

from stages.lib.core.temporary_folders import temporary_root


class TextFile(Sequence[str]):
    """Texts by number, from 0. The file has no name and goes with the object.

    A slice is a list in memory.

    >>> texts = TextFile()
    >>> [texts.append("Reset it."), texts.append("Call us.")]
    [0, 1]
    >>> texts[1], len(texts)
    ('Call us.', 2)
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        # It lives as long as this object, and no name of it is left behind.
        self._file = tempfile.TemporaryFile(dir=temporary_root())  # noqa: SIM115
        self._ends = array("q", [0])
        self._is_written = True
        for text in texts:
            self.append(text)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def append(self, text: str) -> int:
        """Return the number of `text`, which is written to the end of the file."""
        data = text.encode("utf-8", "surrogatepass")
        self._file.write(data)
        self._ends.append(self._ends[-1] + len(data))
        self._is_written = False
        return len(self) - 1

    @overload
    def __getitem__(self, number: int) -> str: ...

    @overload
    def __getitem__(self, number: slice) -> list[str]: ...

    def __getitem__(self, number: int | slice) -> str | list[str]:
        if isinstance(number, slice):
            return [self[index] for index in range(*number.indices(len(self)))]

        # A number from the end is the number from the start.
        index = range(len(self))[number]
        return self._read(index).decode("utf-8", "surrogatepass")

    def _read(self, number: int) -> bytes:
        if not self._is_written:
            self._file.flush()
            self._is_written = True

        start = self._ends[number]
        size = self._ends[number + 1] - start
        return os.pread(self._file.fileno(), size, start)


class StoredVersions(Mapping[str, list[str]]):
    """Row id to the distinct texts of the row, which lie in a file until they are asked for.

    >>> versions = StoredVersions([("d1", "Reset it."), ("d2", "No."), ("d1", "Reset it.")])
    >>> versions["d1"], list(versions)
    (['Reset it.'], ['d1', 'd2'])
    """

    def __init__(self, rows: Iterable[tuple[str, str]], row_ids: Iterable[str] = ()) -> None:
        """Write the texts.

        Args:
            rows: pairs of row id and text, in the order that the texts of a row shall have.
            row_ids: rows that have an entry even without a text; they come first.
        """
        # Most rows have one text, and a number takes half of the memory of a tuple.
        self._texts = TextFile()
        self._numbers: dict[str, int | tuple[int, ...]] = dict.fromkeys(row_ids, ())
        for row_id, text in rows:
            known = self._numbers_of(row_id)
            if all(self._texts[number] != text for number in known):
                number = self._texts.append(text)
                self._numbers[row_id] = (*known, number) if known else number

    def _numbers_of(self, row_id: str) -> tuple[int, ...]:
        """Return the numbers of the texts of a row; none for an unknown row."""
        numbers = self._numbers.get(row_id, ())
        return numbers if isinstance(numbers, tuple) else (numbers,)

    def __getitem__(self, row_id: str) -> list[str]:
        if row_id not in self._numbers:
            raise KeyError(row_id)
        return [self._texts[number] for number in self._numbers_of(row_id)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, row_id: object) -> bool:
        return row_id in self._numbers
