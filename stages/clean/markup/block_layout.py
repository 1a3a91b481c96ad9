"""Block layout: the line breaks, list marks, cell bars and fences that HTML tags stand for."""

from __future__ import annotations

import re

from stages.clean.markup.list_marks import BULLET
from stages.clean.markup.table_rows import TableRows

# A line break in these elements of the source is a space.
_FLOWING_LIST = "p li td th dd dt caption figcaption h1 h2 h3 h4 h5 h6"
_FLOWING_ELEMENTS = frozenset(_FLOWING_LIST.split())
_ROW_ELEMENTS = frozenset(["tr", "table", "thead", "tbody", "tfoot"])
_LINE_BREAKS = re.compile(r"(?<![ \t])[ \t]*+[\r\n]\s*")


class BlockLayout:
    """Collects the text between tags, with the line breaks and marks that the tags stand for.

    Each call takes time in proportion to its own text.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        # The mark of a list item that has no text yet: "<li><p>x" is one line.
        self._list_mark = ""
        self._item_indentation = 0
        # Whether a line break of the source is a space.
        self._is_flowing = False
        self._in_cell = False
        self._row_has_cells = False
        self._rows = TableRows()
        # The index in _parts at which the open cell begins.
        self._cell_start = 0
        self._cell_has_item = False
        # Whether a term of a definition list has ended, and its definition may follow.
        self._is_after_term = False
        self._is_in_term = False
        # The index in _parts at which the open <pre> begins.
        self._code_start: int | None = None

    def add(self, text: str, verbatim: bool = False) -> None:
        """Append the text between two tags; `verbatim` text keeps its line breaks."""
        if self._code_start is None:
            if self._is_after_term:
                if text.isspace():
                    return

                self._end_term()

            # White space between two cells of a row is none of the text.
            if self._row_has_cells and not self._in_cell and text.isspace():
                return
            if self._is_flowing and not verbatim:
                text = _LINE_BREAKS.sub(" ", text)

            # The mark of a list item waits for its first text.
            if self._list_mark:
                text = text.lstrip()
                if not text:
                    return

                text = self._list_mark + text
                self._list_mark = ""

        self._parts.append(text)

    def break_line(self) -> None:
        """Break the line, as a block element does. In a cell, the row stays one line."""
        self._is_after_term = False
        if not self._list_mark:
            stays_in_row = self._in_cell and self._code_start is None
            self._parts.append(" " if stays_in_row else "\n")

    def add_tag(
        self,
        name: str,
        closes: bool,
        spans: tuple[int, int] = (1, 1),
        mark: str = BULLET,
    ) -> None:
        """Add the tag of a block element, by its name in small letters.

        `spans` are the columns and rows that a cell spans, `mark` is that of a list item.
        """
        if self._code_start is not None:
            self._add_tag_in_code(name, closes)
            return

        # Breaks, bars and marks.
        if self._is_after_term and (name, closes) != ("dd", False):
            self._end_term()
        if name in ("td", "th"):
            self._add_cell_tag(closes, spans)
        elif name in _ROW_ELEMENTS:
            self._end_row()
            if name == "table":
                self._rows = TableRows()
        elif name == "li":
            self._add_item_tag(closes, mark)
        elif name in ("dt", "dd"):
            self._add_definition_tag(name, closes)
        else:
            self.break_line()

        # What the tag means for the text that follows.
        if name in _FLOWING_ELEMENTS:
            self._is_flowing = not closes
        if name == "pre" and not closes:
            self._code_start = len(self._parts)

    def text(self) -> str:
        """Return everything so far."""
        if self._row_has_cells:
            self._end_row()

        return "".join(self._parts)

    def _add_tag_in_code(self, name: str, closes: bool) -> None:
        if name == "pre" and closes:
            self._end_code()
        elif name == "br":
            self._parts.append("\n")

    def _add_cell_tag(self, closes: bool, spans: tuple[int, int]) -> None:
        self._end_cell()
        if closes:
            return

        bars = self._rows.next_cell(*spans)
        if not self._row_has_cells:
            self.break_line()

        self._parts.append(bars)
        self._cell_start = len(self._parts)
        self._cell_has_item = False
        self._in_cell = True
        self._row_has_cells = True

    def _end_cell(self) -> None:
        if self._in_cell:
            self._rows.end_cell("".join(self._parts[self._cell_start :]).strip())

        self._in_cell = False
        self._list_mark = ""

    def _end_row(self) -> None:
        """End the row, if it has cells, and break the line."""
        self._end_cell()
        if self._row_has_cells:
            self._parts.append(self._rows.end_row())

        self._row_has_cells = False
        self.break_line()

    def _add_item_tag(self, closes: bool, mark: str) -> None:
        """Begin an item of a list as a line of its own, and in a cell behind a semicolon."""
        if self._in_cell:
            self._add_item_tag_in_cell(closes, mark.lstrip())
            return

        # The number of an item without a text of its own stands before the mark of the item in it.
        pending = self._numbered_mark()
        own_mark = mark.lstrip()
        indentation = len(mark) - len(own_mark)
        is_inside = bool(pending) and indentation > self._item_indentation
        self._list_mark = ""
        self.break_line()
        if not closes:
            self._list_mark = pending + own_mark if is_inside else mark
            self._item_indentation = indentation

    def _add_item_tag_in_cell(self, closes: bool, mark: str) -> None:
        self._list_mark = ""

        # The end of the cell's text, without the spaces of tags.
        self._drop_blanks(self._cell_start)
        has_text = len(self._parts) > self._cell_start
        is_next_item = self._cell_has_item and not closes
        if has_text:
            self._parts[-1] = self._parts[-1].rstrip()
            is_separated = self._parts[-1][-1] in ";:"
            self._parts.append("; " if is_next_item and not is_separated else " ")

        if not closes:
            self._cell_has_item = True
            self._list_mark = "" if mark == BULLET else mark

    def _numbered_mark(self) -> str:
        """Return the mark that still waits for its text, if it holds a number."""
        is_numbered = self._list_mark[-2:] == ". "
        return self._list_mark if is_numbered else ""

    def _drop_blanks(self, start: int) -> None:
        """Remove the white space at the end, but not before the part `start`."""
        while len(self._parts) > start and not self._parts[-1].strip():
            self._parts.pop()

    def _add_definition_tag(self, name: str, closes: bool) -> None:
        """Write a term and its definition as one line: "term: definition"."""
        if name == "dd" or closes or self._list_mark in (" ", ": "):
            self._list_mark = ""
        follows_term = self._is_after_term or self._is_in_term
        self._is_in_term = name == "dt" and not closes
        if name == "dt" and closes:
            self._is_after_term = True
        elif name == "dd" and not closes and follows_term:
            self._is_after_term = False
            self._drop_blanks(0)
            if self._parts:
                self._parts[-1] = self._parts[-1].rstrip()

            last_text = self._parts[-1] if self._parts else ""
            has_mark = last_text[-1:] in (":", "\uff1a", "?", "")
            self._list_mark = " " if has_mark else ": "
        else:
            self.break_line()

    def _end_term(self) -> None:
        """Break the line behind a term that has no definition."""
        self._is_after_term = False
        self.break_line()

    def _end_code(self) -> None:
        """End preformatted text: several lines become a fence, a single one becomes a line."""
        code = "".join(self._parts[self._code_start :]).strip("\r\n").rstrip()
        del self._parts[self._code_start :]
        self._code_start = None

        # A fence in a cell would break its row.
        needs_fence = "\n" in code and "```" not in code and not self._in_cell
        if self._in_cell:
            code = " ".join(line.strip() for line in code.splitlines())
        if needs_fence:
            # A number stands above the fence.
            number = self._numbered_mark()
            self._list_mark = ""
            if number:
                self._parts.append(number)

            code = f"\n```\n{code}\n```\n"

        self.add(code, verbatim=True)
        self.break_line()
