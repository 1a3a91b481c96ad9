"""The headings of a page: `h1` to `h6`, elements with the role of a heading, and bold questions."""

from __future__ import annotations

from typing import NamedTuple

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
    """
    headings: list[Heading] = []
    for index, node in enumerate(tree.nodes):
        level = _level(tree, index) if node.is_element_node else 0
        if not level or not tree.is_content(index) or not tree.has_words(index):
            continue

        # A heading within a heading is a part of it.
        if headings and index < tree.end(headings[-1].place):
            continue
        headings.append(Heading(index, level, tree.text(index)))
    return headings


def _level(tree: PageTree, index: int) -> int:
    node = tree.nodes[index]
    if node.tag in _TAGS:
        return int(node.tag[1])

    if node.tag == "p":
        return BOLD_LEVEL if _is_bold_question(tree, index) else 0
    attributes = node.attributes
    if "role" in attributes and attributes["role"] == "heading":
        level = attributes.get("aria-level") or "2"
        return min(int(level), 6) if level in tuple("123456789") else 2
    return 0


def _is_bold_question(tree: PageTree, index: int) -> bool:
    bold = [
        place
        for place in range(index + 1, tree.end(index))
        if tree.nodes[place].tag in ("strong", "b")
    ]
    if not bold:
        return False
    text = tree.text(index)
    return has_mark(text) and tree.text(bold[0]) == text
