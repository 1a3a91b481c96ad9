"""The headings of a page: `h1` to `h6`, elements with the role of a heading, and bold questions."""

from __future__ import annotations

from typing import Any, NamedTuple

from stages.collect.kinds.document_files.page_tree import PageTree
from stages.collect.kinds.document_files.questions import has_mark

_TAGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# Below all headings.
BOLD_LEVEL = 7


class Heading(NamedTuple):
    """A heading: its place in the tree, its level from 1, and its text."""

    place: int
    level: int
    text: str


def list_headings(tree: PageTree) -> list[Heading]:
    """Return the headings of the content of a page that hold words, in order.

    A paragraph that is bold as a whole and ends with a question mark is one of the lowest level.
    So are bold words that begin a paragraph, if they end so.
    """
    headings: list[Heading] = []
    for index, node in enumerate(tree.nodes):
        if not node.is_element_node or not tree.is_content(index) or not tree.has_words(index):
            continue
        # A heading within a heading is a part of it.
        if headings and index < tree.end(headings[-1].place):
            continue

        place = _bold_question(tree, index) if node.tag in ("p", "li") else index
        level = _level(node) if place == index else 0
        if node.tag in ("p", "li"):
            level = BOLD_LEVEL if place >= 0 else 0
        if level:
            headings.append(Heading(place, level, tree.text(place)))
    return headings


def _level(node: Any) -> int:
    if node.tag in _TAGS:
        return int(node.tag[1])

    attributes = node.attributes
    if "role" in attributes and attributes["role"] == "heading":
        level = attributes.get("aria-level") or "2"
        return min(int(level), 6) if level in tuple("123456789") else 2
    return 0


def _bold_question(tree: PageTree, index: int) -> int:
    """Return the place of a bold question: a paragraph, or the words at its beginning; or -1."""
    for place in range(index + 1, tree.end(index)):
        if not tree.has_words(place):
            continue
        if tree.nodes[place].tag in ("strong", "b"):
            text = tree.text(place)
            is_whole = tree.count_words(place) == tree.count_words(index)
            whole = tree.text(index)
            if is_whole and has_mark(whole):
                return index
            return place if has_mark(text) and whole.startswith(text) else -1
        if tree.nodes[place].is_text_node:
            return -1
    return -1
