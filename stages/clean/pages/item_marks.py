"""Numbers of list items in pages: trafilatura writes every item as "- item", and none in a cell.

While trafilatura reads a page, the number stands in brackets in the first text of its item: in the
link, if the item is one, so that a block of links stays one. Items of cells are text of their cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from stages.clean.markup.list_marks import BULLET, INDENT, LISTS, walk

# The attribute of an item that holds its mark.
MARK_ATTRIBUTE = "data-item-mark"
# Brackets of quotation, which are printable, and which hardly any page holds.
_OPENING = "\u2045"
_CLOSING = "\u2046"
# A plus for each list that stands in a list, and in no item: trafilatura gives it no depth.
_MARK = re.compile(
    rf"{_OPENING}(?P<levels>\+{{0,40}})(?P<mark>-?[0-9A-Za-z]{{1,40}}\.|-){_CLOSING}[ \t]?"
)
_MARKED_LINE = re.compile(
    r"\A(?P<indent>[ \t]*+)(?:-[ \t]++)?+"
    rf"(?P<marks>(?:{_OPENING}[^{_CLOSING}\n]{{1,90}}{_CLOSING}[ \t]?)+)"
)
_NO_TEXT = frozenset(["script", "style", "noscript", "template"])
# A cell with more characters, or with a table in it, is a part of a page.
_LONGEST_CELL = 1000


class _Place(NamedTuple):
    """A text of a tree: what an element begins with, or what follows it."""

    element: Any
    is_tail: bool

    @property
    def text(self) -> str:
        return (self.element.tail if self.is_tail else self.element.text) or ""

    def set(self, text: str) -> None:
        if self.is_tail:
            self.element.tail = text
        else:
            self.element.text = text


class ShownMarks:
    """The marks of a page, while they stand in its texts.

    Args:
        tree: the page, in which the marks of items are the values of `MARK_ATTRIBUTE`.
    """

    def __init__(self, tree: Any) -> None:
        self._texts: list[tuple[_Place, str]] = []
        self._tags: list[tuple[Any, str]] = []
        # A page that holds such brackets cannot be told from one with marks.
        self._is_possible = not any(_OPENING in text for text in tree.itertext())
        if self._is_possible:
            self._show(tree)

    def restore(self) -> None:
        """Give the page back what it held."""
        for place, text in reversed(self._texts):
            place.set(text)
        for element, tag in self._tags:
            element.tag = tag

    def read(self, text: str) -> str:
        """Return the text of trafilatura with the marks in their places."""
        if not self._is_possible or _OPENING not in text:
            return text

        lines = [_MARKED_LINE.sub(_read_line, line) for line in text.split("\n")]
        return _MARK.sub(_read_mark, "\n".join(lines))

    def drop(self, text: str) -> str:
        """Return the text as trafilatura alone would write it."""
        return _MARK.sub("", text) if self._is_possible and _OPENING in text else text

    def _show(self, tree: Any) -> None:
        # Lists of cells become text.
        for cell in list(tree.iter("td", "th")):
            if _holds_short_list(cell):
                self._texts += _separate_items(cell)
                self._tags += _flatten(cell)

        # The mark of an item stands before those of the items in it.
        for item in reversed(list(tree.iter("li"))):
            mark = item.get(MARK_ATTRIBUTE, BULLET).strip()
            levels = "+" * _lists_without_item(item)
            if mark == BULLET.strip() and not levels:
                continue

            place = _first_text(item)
            if place:
                self._texts.append((place, place.text))
                shown = f"{_OPENING}{levels}{mark}{_CLOSING}"
                place.set(_before_words(place.text, shown))


def _read_line(match: re.Match[str]) -> str:
    """Return the beginning of a line that is an item; other lines hold marks as cells do."""
    first = _MARK.match(match["marks"])
    if first is None:
        return match[0]

    marks = [mark["mark"] for mark in _MARK.finditer(match["marks"])]
    return match["indent"] + INDENT * len(first["levels"]) + " ".join(marks) + " "


def _read_mark(match: re.Match[str]) -> str:
    return "" if match["mark"] == "-" else match["mark"] + " "


def _holds_short_list(cell: Any) -> bool:
    """Return True for a cell of data with a list in it."""
    if next(cell.iter(*LISTS), None) is None or next(cell.iter("table"), None) is not None:
        return False

    return sum(len(text) for text in cell.itertext()) <= _LONGEST_CELL


def _separate_items(cell: Any) -> list[tuple[_Place, str]]:
    """Write a semicolon and the number before the items of a cell; return what it held."""
    changed: list[tuple[_Place, str]] = []
    last_sign = ":"
    for item in cell.iter("li"):
        place = _first_text(item)
        if place is None:
            continue

        mark = item.get(MARK_ATTRIBUTE, BULLET).strip()
        number = "" if mark == BULLET.strip() else mark + " "
        separator = " " if last_sign in ";:" else "; "
        changed.append((place, place.text))
        place.set(separator + number + place.text.lstrip())
        last_sign = "".join(text.text for text in _texts(item)).rstrip()[-1]

    return changed


def _flatten(cell: Any) -> list[tuple[Any, str]]:
    """Make spans of the lists of a cell and of what is in them; return the names they had."""
    renamed: list[tuple[Any, str]] = []
    for outer in list(cell.iter(*LISTS)):
        for element in outer.iter("li", "p", "div", *LISTS):
            renamed.append((element, element.tag))
            element.tag = "span"

    return renamed


def _before_words(text: str, mark: str) -> str:
    blanks = len(text) - len(text.lstrip())
    return text[:blanks] + mark + text[blanks:]


def _lists_without_item(item: Any) -> int:
    """Return the number of lists around an item that stand directly in other lists."""
    count = 0
    current = item.getparent()
    while current is not None:
        outer = current.getparent()
        count += current.tag in LISTS and outer is not None and outer.tag in LISTS
        current = outer

    return count


def _first_text(item: Any) -> _Place | None:
    """Return the first text of an item that readers see."""
    for place in _texts(item):
        if place.text.strip():
            return place

    return None


def _texts(item: Any) -> Iterator[_Place]:
    """Yield the texts of an element in order."""
    for element, closes in walk(item, without=_NO_TEXT):
        is_shown = isinstance(element.tag, str) and element.tag not in _NO_TEXT
        if closes and element is not item:
            yield _Place(element, is_tail=True)
        elif not closes and is_shown:
            yield _Place(element, is_tail=False)
