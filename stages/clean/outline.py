"""Outline: which line breaks, list marks, cell bars and fences the tags of a fragment stand for."""

from __future__ import annotations

import re

# Inside these a line break of the source is a space.
_FLOWING = frozenset(
    ["p", "li", "td", "th", "dd", "dt", "caption", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6"]
)
_LINES = re.compile(r"[ \t]*[\r\n]\s*")


class Outline:
    """Collects the text between tags, in order; `text()` is what stands then. Every call costs its own length."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._mark = ""  # of a list item that has no text yet: "<li><p>x" is one line
        self._flowing = self._in_cell = self._row_begun = False
        self._code_from: int | None = None

    def add(self, text: str, verbatim: bool = False) -> None:
        """Append the text between two tags; `verbatim` text keeps its line breaks."""
        if self._code_from is None:
            if self._flowing and not verbatim:
                text = _LINES.sub(" ", text)
            if self._mark:
                text = text.lstrip()
                if not text:
                    return
                text, self._mark = self._mark + text, ""
        self._parts.append(text)

    def line(self) -> None:
        """Break the line, as an element that stands apart does; in a cell its row stays one line."""
        if not self._mark:
            self._parts.append(" " if self._in_cell and self._code_from is None else "\n")

    def tag(self, name: str, end: bool) -> None:
        """Take note of the tag of an element that stands apart, by its name in small letters."""
        if self._code_from is not None:
            if name == "pre" and end:
                self._fence()
            elif name == "br" or not end:
                self._parts.append("\n" if name == "br" else "")
            return
        if name in ("td", "th"):
            self._cell(end)
        elif name in ("tr", "table", "thead", "tbody", "tfoot"):
            self._in_cell = self._row_begun = False
            self.line()
        elif name == "li":
            self._mark = ""
            self.line()
            self._mark = "" if end else "- "
        else:
            self.line()
        if name in _FLOWING:
            self._flowing = not end
        if name == "pre" and not end:
            self._code_from = len(self._parts)

    def text(self) -> str:
        """Return everything so far."""
        return "".join(self._parts)

    def _cell(self, end: bool) -> None:
        if end:
            self._in_cell = False
            return
        self._in_cell = False
        if self._row_begun:
            self._parts.append(" | ")
        else:
            self.line()
        self._in_cell = self._row_begun = True

    def _fence(self) -> None:
        """End preformatted text: several lines become a fence, a single one a line."""
        code = "".join(self._parts[self._code_from :]).strip("\r\n").rstrip()
        del self._parts[self._code_from :]
        self._code_from = None
        fenced = "\n" in code and "```" not in code and not self._in_cell
        if fenced:
            self._mark = ""
        self.add(f"\n```\n{code}\n```\n" if fenced else code, verbatim=True)
        self.line()
