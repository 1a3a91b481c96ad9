"""HTML pages: their main text by trafilatura (Barbaresi 2021), and limits on texts."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, NamedTuple

from stages.clean.markup.fragments import quote_tags
from stages.clean.markup.html_tokens import VOID_ELEMENTS, is_element
from stages.clean.markup.inline_elements import spell_out
from stages.clean.markup.list_marks import mark_tree
from stages.clean.pages.item_marks import MARK_ATTRIBUTE, ShownMarks
from stages.clean.pages.structure_text import is_well_read, prefers_structure, structured_text

_PAGE = re.compile(r"<!doctype\s+html\b|<(?:html|head|body)(?=[\s>])", re.IGNORECASE)
_BEFORE_PAGE = re.compile(r"[\s\ufeff\0]*+(?:<\?xml\b[^<>]*>)?[\s\ufeff\0]*+", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-z][^\s/<>]*+)", re.IGNORECASE)
# Their end tags may be left out: the next element of the same kind ends them.
_OPTIONAL_END_LIST = "p li dt dd tr td th option optgroup thead tbody tfoot"
_OPTIONAL_END_ELEMENTS = frozenset(_OPTIONAL_END_LIST.split())
_TABLE_ROW = re.compile(r"\|(.*)\|[ \t]*")
# A sentence that no page holds, and that trafilatura neither reflows nor drops as too short.
_PLACEHOLDER = "Preformatted text number {} stands in this very place, 7f3a91c5."
_PLACEHOLDER_PATTERN = re.compile(re.escape(_PLACEHOLDER).replace(r"\{\}", "([0-9]+)"))


class Limits(NamedTuple):
    """The largest text that is parsed.

    Attributes:
        bytes: bytes in UTF-8.
        nodes: tags.
        depth: elements inside each other.
    """

    bytes: int
    nodes: int
    depth: int


def exceeded_limit(text: str, limits: Limits) -> str:
    """Return "too_many_bytes", "too_many_nodes", "too_deep", or "" for a text within `limits`.

    It takes linear time and uses no parser. Outside pages, only names that HTML knows count as
    tags: "Vector<T>" is code.
    """
    # A character takes at least one byte. So a text of 50 MB need not be encoded.
    if len(text) > limits.bytes:
        return "too_many_bytes"
    if len(text.encode("utf-8", "surrogatepass")) > limits.bytes:
        return "too_many_bytes"

    any_name_counts = is_page(text)
    open_elements = OpenElements()
    nodes = 0
    for match in _TAG.finditer(text):
        name = match[2].lower()
        if not any_name_counts and not is_element(name):
            continue

        nodes += 1
        if nodes > limits.nodes:
            return "too_many_nodes"

        is_end_tag = bool(match[1])
        open_elements.add_tag(name, is_end_tag)
        if open_elements.depth > limits.depth:
            return "too_deep"

    return ""


def is_page(text: str) -> bool:
    """Return True if `text` begins as an HTML page, after comments and an XML declaration."""
    position = 0
    while True:
        # Skip white space, marks and an XML declaration.
        before = _BEFORE_PAGE.match(text, position)
        position = before.end() if before else position
        if not text.startswith("<!--", position):
            return bool(_PAGE.match(text, position))

        # Skip a comment.
        comment_end = text.find("-->", position + 4)
        if comment_end < 0:
            return False

        position = comment_end + 3


def main_text(text: str) -> str:
    """Return the main text of a page, without comments and metadata; "" if none is found.

    Items of lists become "- item" and "1. item" lines, with two blanks for a level, and rows of
    tables "a | b" lines. Preformatted text of several lines becomes a code fence.
    """
    import trafilatura

    # Formulas, readings and corrections lose their meaning with their tags. trafilatura removes
    # what XML cannot hold, but not lone surrogates.
    text = spell_out(text.encode("utf-8", "ignore").decode("utf-8"), drops_hidden=False)
    tree = trafilatura.load_html(text)

    # lxml finds no element in some damaged texts.
    if tree is None:
        return ""

    # Code would lose its line breaks in trafilatura. A placeholder stands for it meanwhile. Numbers
    # of items stand in their text, until it has read them.
    code_blocks = _replace_code_blocks(tree)
    mark_tree(tree, MARK_ATTRIBUTE)
    marks = ShownMarks(tree)
    extracted = trafilatura.extract(
        tree,
        include_comments=False,
        include_tables=True,
        deduplicate=False,
        with_metadata=False,
        output_format="txt",
    )
    marks.restore()
    lines = [_plain_row(line) for line in (extracted or "").splitlines()]
    marked = quote_tags("\n".join(line for line in lines if line))
    plain = marks.drop(marked)

    def code_fence(placeholder: re.Match[str]) -> str:
        index = int(placeholder[1])
        return f"\n```\n{code_blocks[index]}\n```\n" if index < len(code_blocks) else ""

    # Numbers are no words of the page.
    by_trafilatura = _PLACEHOLDER_PATTERN.sub(code_fence, marks.read(marked)).strip("\n")
    if is_well_read(text, _PLACEHOLDER_PATTERN.sub(code_fence, plain)):
        return by_trafilatura

    # Of other pages, and of what trafilatura lost too much, the structure is read.
    page = structured_text(text, tree)
    if not prefers_structure(text, page, plain):
        return by_trafilatura

    return _PLACEHOLDER_PATTERN.sub(code_fence, quote_tags(page.text)).strip("\n")


def _replace_code_blocks(tree: Any) -> list[str]:
    """Replace each <pre> of several lines by a placeholder; return their texts in order."""
    code_blocks: list[str] = []
    for element in tree.xpath("//pre[not(ancestor::pre)]"):
        code = "".join(element.itertext()).strip("\r\n").rstrip()
        if "\n" in code and "```" not in code:
            # clear() would remove the text after the element too.
            tail = element.tail
            element.clear()
            element.tag = "p"
            element.tail = tail
            element.text = _PLACEHOLDER.format(len(code_blocks))
            code_blocks.append(code)

    return code_blocks


def _plain_row(line: str) -> str:
    """Return a row of a table as "a | b", "" for a row of dashes, and any other line as it is."""
    match = _TABLE_ROW.fullmatch(line)
    if not match:
        return line

    # The row under the head of a table holds only dashes.
    cells = [cell.strip() for cell in match[1].split("|")]
    if all(re.fullmatch("-*", cell) for cell in cells):
        return ""

    return " | ".join(cells)


class OpenElements:
    """The elements that are open at a place of a text.

    Void elements have no depth. An element whose end tag may be left out ends where the next
    one of its kind begins.
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._count_by_name: Counter[str] = Counter()

    @property
    def depth(self) -> int:
        """The number of open elements."""
        return len(self._names)

    def add_tag(self, name: str, is_end_tag: bool) -> None:
        """Open or close the element `name`."""
        if name in VOID_ELEMENTS:
            return
        if not is_end_tag:
            self._end_previous(name)
            self._names.append(name)
            self._count_by_name[name] += 1
        elif self._count_by_name[name]:
            self._close_through(name)

    def _end_previous(self, name: str) -> None:
        """Close the element of the same kind that `name` ends without an end tag."""
        if name not in _OPTIONAL_END_ELEMENTS:
            return

        # At most one element of each kind is open at the top, so this looks back a constant way.
        for open_name in reversed(self._names):
            if open_name not in _OPTIONAL_END_ELEMENTS:
                return
            if open_name == name:
                self._close_through(name)
                return

    def _close_through(self, name: str) -> None:
        """Close the innermost element `name`, and all elements inside it."""
        while self._names:
            innermost = self._names.pop()
            self._count_by_name[innermost] -= 1
            if innermost == name:
                return
