"""Block layout: the line breaks, list marks, cell bars and fences that HTML tags stand for."""

from __future__ import annotations

import re

# A line break in these elements of the source is a space.
_FLOWING_LIST = "p li td th dd dt caption figcaption h1 h2 h3 h4 h5 h6"
_FLOWING_ELEMENTS = frozenset(_FLOWING_LIST.split())
_ROW_ELEMENTS = frozenset(["tr", "table", "thead", "tbody", "tfoot"])
_LINE_BREAKS = re.compile(r"[ \t]*[\r\n]\s*")


class BlockLayout:
    """Collects the text between tags, with the line breaks and marks that the tags stand for.

    Each call takes time in proportion to its own text.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        # The mark of a list item that has no text yet: "<li><p>x" is one line.
        self._list_mark = ""
        # Whether a line break of the source is a space.
        self._is_flowing = False
        self._in_cell = False
        self._row_has_cells = False
        # The index in _parts at which the open <pre> begins.
        self._code_start: int | None = None

    def add(self, text: str, verbatim: bool = False) -> None:
        """Append the text between two tags; `verbatim` text keeps its line breaks."""
        if self._code_start is None:
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
        if not self._list_mark:
            stays_in_row = self._in_cell and self._code_start is None
            self._parts.append(" " if stays_in_row else "\n")

    def add_tag(self, name: str, closes: bool) -> None:
        """Add the tag of a block element, by its name in small letters."""
        if self._code_start is not None:
            self._add_tag_in_code(name, closes)
            return

        # Breaks, bars and marks.
        if name in ("td", "th"):
            self._add_cell_tag(closes)
        elif name in _ROW_ELEMENTS:
            self._in_cell = False
            self._row_has_cells = False
            self.break_line()
        elif name == "li":
            self._list_mark = ""
            self.break_line()
            self._list_mark = "" if closes else "- "
        else:
            self.break_line()

        # What the tag means for the text that follows.
        if name in _FLOWING_ELEMENTS:
            self._is_flowing = not closes
        if name == "pre" and not closes:
            self._code_start = len(self._parts)

    def text(self) -> str:
        """Return everything so far."""
        return "".join(self._parts)

    def _add_tag_in_code(self, name: str, closes: bool) -> None:
        if name == "pre" and closes:
            self._end_code()
        elif name == "br":
            self._parts.append("\n")

    def _add_cell_tag(self, closes: bool) -> None:
        self._in_cell = False
        if closes:
            return
        if self._row_has_cells:
            self._parts.append(" | ")
        else:
            self.break_line()

        self._in_cell = True
        self._row_has_cells = True

    def _end_code(self) -> None:
        """End preformatted text: several lines become a fence, a single one becomes a line."""
        code = "".join(self._parts[self._code_start :]).strip("\r\n").rstrip()
        del self._parts[self._code_start :]
        self._code_start = None

        # A fence in a cell would break its row.
        needs_fence = "\n" in code and "```" not in code and not self._in_cell
        if needs_fence:
            self._list_mark = ""
            code = f"\n```\n{code}\n```\n"

        self.add(code, verbatim=True)
        self.break_line()
