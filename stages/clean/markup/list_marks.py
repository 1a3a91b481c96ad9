"""Marks of list items, as a browser shows them: "- ", "3. ", "iv. ", with two blanks for a level.

    <ol start=3><li>Bread<ul><li>rye</ul></ol>      3. Bread
                                                      - rye

A list in a cell begins a depth of its own. Standard: HTML, sections 4.4.5 and 4.4.8.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

BULLET = "- "
INDENT = "  "
LISTS = frozenset(["ul", "ol", "menu", "dir"])
_CELLS = frozenset(["td", "th"])
_TABLE_PARTS = frozenset(["tr", "table", "thead", "tbody", "tfoot", *_CELLS])
# The end tag of one of these ends the lists inside it, too.
_CONTAINER_LIST = (
    "div section article aside main header footer nav blockquote fieldset form details"
)
_CONTAINERS = frozenset(_CONTAINER_LIST.split())
MARKED_ELEMENTS = LISTS | _CONTAINERS | _TABLE_PARTS | {"li"}
# A line of a list: a bullet, a number, a letter or a Roman number, and words.
LIST_LINE = re.compile(
    r"\s*+(?:[-*+\u2022]|\(?(?:-?[0-9]{1,9}|[A-Za-z]|[ivxlcdm]{2,9}|[IVXLCDM]{2,9})[.)])[ \t]++\S"
)
_INTEGER = re.compile(r"\s*([+-]?[0-9]{1,9})")
_LIST_STYLE = re.compile(r"\blist-style(?:-type)?\s*:\s*([^;]{1,200})", re.IGNORECASE)
# The attribute `type`, which knows capitals, and the names of CSS.
_STYLE_OF_TYPE = {"1": "1", "a": "a", "A": "A", "i": "i", "I": "I"}
_STYLE_OF_NAME = {
    **dict.fromkeys(["disc", "circle", "square", "none"], "-"),
    "decimal": "1",
    "lower-alpha": "a",
    "lower-latin": "a",
    "upper-alpha": "A",
    "upper-latin": "A",
    "lower-roman": "i",
    "upper-roman": "I",
}
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l")),
    *((40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_MOST_ROMAN = 3999


class _Level:
    """An element that is open: a list, or a container around lists.

    Attributes:
        name: its name.
        style: "-" for bullets, or the type of its numbers.
        number: the number of the next item.
        step: what an item adds to it.
    """

    def __init__(self, name: str, style: str = "-", number: int = 1, step: int = 1) -> None:
        self.name = name
        self.style = style
        self.number = number
        self.step = step


class _Scope:
    """The lists and containers that are open in a cell, or outside all cells."""

    def __init__(self) -> None:
        self.levels: list[_Level] = []
        self.lists: list[_Level] = []
        self._open_names: Counter[str] = Counter()

    def open(self, level: _Level) -> None:
        self.levels.append(level)
        self._open_names[level.name] += 1
        if level.name in LISTS:
            self.lists.append(level)

    def close(self, name: str) -> None:
        """Close the innermost element `name`, if there is one, and all elements inside it."""
        while self._open_names[name]:
            level = self.levels.pop()
            self._open_names[level.name] -= 1
            if level.name in LISTS:
                self.lists.pop()
            if level.name == name:
                return


class ItemMarks:
    """Follows the tags of a page and knows the mark of each item.

    Each call takes constant time, over all tags of a page.
    """

    def __init__(self) -> None:
        self._page = _Scope()
        self._cell: _Scope | None = None

    def mark(
        self,
        name: str,
        closes: bool,
        attributes: Mapping[str, str],
        item_count: int = 0,
    ) -> str:
        """Return the mark for a start tag of an item, "" for all other tags.

        `item_count` is the number of items of a list that begins.
        """
        if name in _TABLE_PARTS:
            self._cell = _Scope() if name in _CELLS and not closes else None
            return ""

        scope = self._cell or self._page
        if name == "li":
            return "" if closes else _next_mark(scope.lists, attributes)
        if name in LISTS or name in _CONTAINERS:
            if closes:
                scope.close(name)
            else:
                scope.open(_level(name, attributes, item_count))

        return ""


class _OpenList(NamedTuple):
    """A list in the text that is open, by the place of its start tag."""

    start: int
    name: str


def item_counts(tags: Iterable[tuple[int, str, bool]]) -> Counter[int]:
    """Return the number of items of each list, by the place of its start tag.

    `tags` are place, name and whether it closes, in order.
    """
    counts: Counter[int] = Counter()
    open_lists: list[_OpenList] = []
    for start, name, closes in tags:
        if name in LISTS and not closes:
            open_lists.append(_OpenList(start, name))
        elif name in LISTS and open_lists:
            open_lists.pop()
        elif name == "li" and not closes and open_lists:
            counts[open_lists[-1].start] += 1

    return counts


def mark_tree(root: Any, attribute: str) -> None:
    """Give each item of a tree of lxml its mark as the value of `attribute`."""
    marks = ItemMarks()
    for element, closes in walk(root):
        if element.tag not in MARKED_ELEMENTS:
            continue

        items = sum(child.tag == "li" for child in element) if element.tag == "ol" else 0
        mark = marks.mark(element.tag, closes, element.attrib, items)
        if mark:
            element.set(attribute, mark)


def walk(root: Any, without: frozenset[str] = frozenset()) -> Iterator[tuple[Any, bool]]:
    """Yield the elements of a tree in order, each where it begins and, with True, where it ends.

    Comments are elements too. What is inside the elements `without` is left out.
    """
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        element, closes = stack.pop()
        yield element, closes
        if not closes:
            stack.append((element, True))
            if element.tag not in without:
                stack.extend((child, False) for child in reversed(element))


def _level(name: str, attributes: Mapping[str, str], item_count: int) -> _Level:
    """Return a list or a container by its start tag."""
    if name not in LISTS:
        return _Level(name)

    is_reversed = name == "ol" and "reversed" in attributes
    start = _integer(attributes.get("start", ""))
    if start is None:
        start = item_count if is_reversed else 1

    style = _style(attributes) or ("1" if name == "ol" else "-")
    return _Level(name, style, number=start, step=-1 if is_reversed else 1)


def _next_mark(lists: list[_Level], attributes: Mapping[str, str]) -> str:
    """Return the mark of the next item of the innermost list."""
    indent = INDENT * (len(lists) - 1)
    if not lists:
        return BULLET

    level = lists[-1]
    value = _integer(attributes.get("value", ""))
    number = level.number if value is None else value
    level.number = number + level.step
    style = _style(attributes) or level.style
    if style == "-":
        return indent + BULLET

    return f"{indent}{_shown(number, style)}. "


def _integer(text: str) -> int | None:
    match = _INTEGER.match(text)
    return int(match[1]) if match else None


def _style(attributes: Mapping[str, str]) -> str:
    """Return the style that a tag asks for, or ""."""
    by_css = _LIST_STYLE.search(attributes.get("style", ""))
    for word in by_css[1].lower().split() if by_css else ():
        if word in _STYLE_OF_NAME:
            return _STYLE_OF_NAME[word]

    kind = attributes.get("type", "").strip()
    return _STYLE_OF_TYPE.get(kind) or _STYLE_OF_NAME.get(kind.lower(), "")


def _shown(number: int, style: str) -> str:
    """Return a number as its style shows it; what letters cannot show is shown in digits.

    >>> _shown(28, "a"), _shown(1994, "I"), _shown(0, "a")
    ('ab', 'MCMXCIV', '0')
    """
    if style in "aA" and number > 0:
        letters = _in_letters(number)
    elif style in "iI" and 0 < number <= _MOST_ROMAN:
        letters = _in_roman(number)
    else:
        return str(number)

    return letters.upper() if style.isupper() else letters


def _in_letters(number: int) -> str:
    letters = ""
    while number > 0:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("a") + letter) + letters

    return letters


def _in_roman(number: int) -> str:
    letters = ""
    for value, symbol in _ROMAN:
        count, number = divmod(number, value)
        letters += count * symbol

    return letters
