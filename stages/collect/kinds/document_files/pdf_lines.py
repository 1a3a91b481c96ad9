"""The lines of a PDF page in reading order, with their places and sizes, by pdfium.

pdfium gives the characters in the order in which they were drawn. That is the reading order of what
programs write, with two exceptions. A page without columns is read from the top to the bottom,
whatever was drawn first. Prose in two columns that was drawn row by row is read column by column.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

# A line break within a word: pdfium writes this for the hyphen.
_HYPHEN = "\x02"
# A gap of so many heights of the line separates columns.
_COLUMN_GAP = 1.5
# Rows side by side that show columns of prose, and how much of their width they fill.
_LEAST_ROWS = 8
_LEAST_FILL = 0.75
_LEAST_FULL_ROWS = 0.7
_BOLD_WEIGHT = 600
_MOST_FONT_NAME = 200


class Line(NamedTuple):
    """A line, or the part of it that stands in one column.

    Attributes:
        text: its words.
        left, bottom, right, top: its place in points; the page begins below and left.
        is_bold: whether it begins and ends with a bold letter.
        is_broken: whether its last word goes on in the next line.
        is_row: whether it is a row of several parts, as of a table.
    """

    text: str
    left: float
    bottom: float
    right: float
    top: float
    is_bold: bool = False
    is_broken: bool = False
    is_row: bool = False

    @property
    def size(self) -> float:
        """The height of the line, which grows with its font."""
        return self.top - self.bottom

    @property
    def width(self) -> float:
        """The width of the line."""
        return self.right - self.left


class _Character(NamedTuple):
    text: str
    left: float
    bottom: float
    right: float
    top: float
    number: int


def page_lines(text_page: Any) -> list[Line]:
    """Return the lines of a text page of pypdfium2 in reading order."""
    rows: list[list[Line]] = []
    for characters, is_broken in _rows(text_page):
        parts = _split_columns(characters)
        row = [_line(part, text_page, is_broken=False) for part in parts]
        row = [line for line in row if line.text]
        if row:
            row[-1] = row[-1]._replace(is_broken=is_broken)
            rows.append(row)
    return in_reading_order(rows)


def in_reading_order(rows: Sequence[Sequence[Line]]) -> list[Line]:
    """Return the lines of rows, each with its parts from left to right, in reading order.

    The parts of a row that is not of two columns are one line: "Lamp | 10 EUR".
    """
    gutter = _gutter(rows)
    if gutter is None:
        lines = [_as_row(row) for row in rows]
        is_one_column = _is_one_column(lines)
        return sorted(lines, key=lambda line: -line.top) if is_one_column else lines

    # Rows that cross the gutter end the columns above them.
    ordered: list[Line] = []
    left: list[Line] = []
    right: list[Line] = []
    for row in rows:
        if any(line.left < gutter < line.right for line in row):
            ordered += [*left, *right, _as_row(row)]
            left = []
            right = []
            continue
        left += [line for line in row if line.right <= gutter]
        right += [line for line in row if line.left >= gutter]
    return [*ordered, *left, *right]


def _as_row(parts: Sequence[Line]) -> Line:
    if len(parts) == 1:
        return parts[0]
    return parts[0]._replace(
        text=" | ".join(part.text for part in parts),
        right=max(part.right for part in parts),
        is_bold=all(part.is_bold for part in parts),
        is_broken=parts[-1].is_broken,
        is_row=True,
    )


def _is_one_column(lines: Sequence[Line]) -> bool:
    """Return whether no line stands beside another one, as the lines of columns do."""
    ordered = sorted(lines, key=lambda line: -line.top)
    for upper, lower in pairwise(ordered):
        is_beside = lower.left >= upper.right or lower.right <= upper.left
        if is_beside and lower.top > upper.bottom + 0.5 * upper.size:
            return False
    return True


def _gutter(rows: Sequence[Sequence[Line]]) -> float | None:
    """Return the middle of the space between two columns of prose that was drawn row by row."""
    pairs = [row for row in rows if len(row) == 2]
    if len(pairs) < _LEAST_ROWS:
        return None

    # The columns do not overlap, and nearly all of their lines are full: tables have short cells.
    left_end = max(row[0].right for row in pairs)
    right_start = min(row[1].left for row in pairs)
    if left_end >= right_start:
        return None
    for column in (0, 1):
        lines = [row[column] for row in pairs]
        width = max(line.right for line in lines) - min(line.left for line in lines)
        full = sum(line.width >= _LEAST_FILL * width for line in lines)
        if full < _LEAST_FULL_ROWS * len(lines):
            return None
    return (left_end + right_start) / 2


def _rows(text_page: Any) -> list[tuple[list[_Character], bool]]:
    """Return the characters of each row, and whether its last word goes on in the next row."""
    rows: list[tuple[list[_Character], bool]] = []
    row: list[_Character] = []
    for character in _characters(text_page):
        if character.text in ("\r", "\n"):
            rows.append((row, False))
            row = []
        elif character.text == _HYPHEN:
            rows.append((row, True))
            row = []
        else:
            row.append(character)
    rows.append((row, False))
    return [(row, is_broken) for row, is_broken in rows if row]


def _characters(text_page: Any) -> list[_Character]:
    import pypdfium2.raw as pdfium

    box = pdfium.FS_RECTF()
    characters: list[_Character] = []
    for index in range(text_page.count_chars()):
        code = pdfium.FPDFText_GetUnicode(text_page.raw, index)
        pdfium.FPDFText_GetLooseCharBox(text_page.raw, index, ctypes.byref(box))
        characters.append(_Character(chr(code), box.left, box.bottom, box.right, box.top, index))
    return characters


def _split_columns(characters: Sequence[_Character]) -> list[list[_Character]]:
    """Return the parts of a row between wide gaps."""
    parts: list[list[_Character]] = [[]]
    last: _Character | None = None
    for character in characters:
        if character.text.isspace():
            parts[-1].append(character)
            continue
        height = character.top - character.bottom
        if last is not None and character.left - last.right > _COLUMN_GAP * height > 0:
            parts.append([])
        parts[-1].append(character)
        last = character
    return parts


def _line(characters: Sequence[_Character], text_page: Any, *, is_broken: bool) -> Line:
    # Characters beyond the first plane come in two halves.
    halves = "".join(character.text for character in characters if _is_text(character.text))
    text = halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    letters = [character for character in characters if not character.text.isspace()]
    if not letters:
        return Line("", 0.0, 0.0, 0.0, 0.0)

    # The height of a mixed line is that of its middle letter.
    heights = sorted((character.top - character.bottom, character.bottom) for character in letters)
    height, bottom = heights[len(heights) // 2]
    is_bold = _is_bold(text_page, letters[0].number) and _is_bold(text_page, letters[-1].number)
    return Line(
        " ".join(text.split()),
        left=min(character.left for character in letters),
        bottom=bottom,
        right=max(character.right for character in letters),
        top=bottom + height,
        is_bold=is_bold,
        is_broken=is_broken,
    )


def _is_text(character: str) -> bool:
    return character.isspace() or (character >= " " and character not in ("\ufffe", "\uffff"))


def _is_bold(text_page: Any, index: int) -> bool:
    import pypdfium2.raw as pdfium

    if pdfium.FPDFText_GetFontWeight(text_page.raw, index) >= _BOLD_WEIGHT:
        return True
    name = ctypes.create_string_buffer(_MOST_FONT_NAME)
    flags = ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(text_page.raw, index, name, _MOST_FONT_NAME, ctypes.byref(flags))
    return b"bold" in name.value.lower() or b"black" in name.value.lower()
