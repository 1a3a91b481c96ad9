"""The tree of an HTML text, in the order of the document: its elements, and what readers see of it.

Lexbor builds the tree as browsers do. A node is an entry of a list, and its subtree is the span of
entries that follow it, so that questions of order and of containment need no walk.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import accumulate
from typing import Any

# A tree takes time with the square of its depth. Cleaning drops fields with fewer tags than this.
MOST_TAGS = 30_000

_HIDDEN = frozenset(["head", "script", "style", "template", "noscript", "title", "meta", "link"])
_FURNITURE = frozenset(["nav", "footer", "aside"])
_FURNITURE_ROLES = frozenset(["navigation", "contentinfo", "complementary", "banner"])
# Elements that do not end a word.
_INLINE_NAMES = (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd mark q rp rt ruby s "
    "samp small span strike strong sub sup time tt u var wbr"
)
_INLINE = frozenset(_INLINE_NAMES.split())
_PAGE = re.compile(r"<!doctype\s+html\b|<(?:html|head|body)(?=[\s>])", re.IGNORECASE)
_WORD = re.compile(r"\w+")


class PageTree:
    """A parsed HTML text.

    Attributes:
        nodes: all nodes in the order of the document, as selectolax gives them.
        is_whole: whether the text is a whole page; else it is a fragment.
    """

    def __init__(self, html: str) -> None:
        from selectolax.lexbor import LexborHTMLParser

        self._parser: Any = LexborHTMLParser(_parsable(html))
        self.is_whole = _PAGE.search(html[:20_000]) is not None
        self.nodes: list[Any] = []
        self._end: list[int] = []
        self._parent: list[int] = []
        self._index_of_node: dict[int, int] = {}
        self._list_nodes()
        self._is_hidden = self._inherited(_hides)
        self._is_furniture = self._inherited(_is_furniture)
        is_in_link = self._inherited(_is_link)

        # Sums over the nodes before each place, so that counts need no walk.
        counts = [self._count_words(index) for index in range(len(self.nodes))]
        outside = [
            0 if is_link else count for count, is_link in zip(counts, is_in_link, strict=True)
        ]
        self._words_before = list(accumulate(counts, initial=0))
        self._words_outside_links_before = list(accumulate(outside, initial=0))

    def index(self, node: Any) -> int:
        """Return the place of a node in the order of the document."""
        return self._index_of_node[node.mem_id]

    def end(self, index: int) -> int:
        """Return the place behind the subtree of the node."""
        return self._end[index]

    def parent(self, index: int) -> int:
        """Return the place of the parent of the node; -1 for the root."""
        return self._parent[index]

    def is_content(self, index: int) -> bool:
        """Return whether the node is seen, and no part of the navigation or the footer."""
        return not self._is_hidden[index] and not self._is_furniture[index]

    def following(self, index: int) -> Iterator[int]:
        """Yield the siblings that follow the node."""
        parent = self._parent[index]
        limit = self._end[parent] if parent >= 0 else len(self.nodes)
        sibling = self._end[index]
        while sibling < limit:
            yield sibling
            sibling = self._end[sibling]

    def count_inside(self, index: int, places: Sequence[int]) -> int:
        """Return how many of `places`, which ascend, are the node or in its subtree."""
        return bisect_left(places, self._end[index]) - bisect_left(places, index)

    def text(self, index: int, *, without: Collection[int] = ()) -> str:
        """Return the words that readers see in the subtree, without those of other subtrees."""
        pieces: list[str] = []
        place = index
        while place < self._end[index]:
            node = self.nodes[place]
            if place in without or self._is_hidden[place]:
                pieces.append(" ")
                place = self._end[place]
                continue
            if node.is_text_node:
                pieces.append(node.text_content)
            elif node.tag not in _INLINE:
                pieces.append(" ")
            place += 1
        return " ".join("".join(pieces).split())

    def has_words(self, index: int) -> bool:
        """Return whether readers see a word in the subtree."""
        return self.count_words(index) > 0

    def count_words(self, index: int, *, outside_links: bool = False) -> int:
        """Return the number of words that readers see in the subtree."""
        sums = self._words_outside_links_before if outside_links else self._words_before
        return sums[self._end[index]] - sums[index]

    def elements(self, *tags: str) -> Iterator[int]:
        """Yield the places of the elements with one of these names."""
        for index, node in enumerate(self.nodes):
            if node.tag in tags:
                yield index

    def html(self, index: int) -> str:
        """Return the HTML of the node as it is now."""
        return str(self.nodes[index].html or "")

    def remove(self, index: int) -> None:
        """Take the node and its subtree out of the page."""
        self.nodes[index].decompose()

    def rest(self) -> str:
        """Return the HTML of what was not taken out."""
        if self.is_whole:
            return str(self._parser.html)

        parts = [self._parser.head, self._parser.body]
        return "".join(part.inner_html or "" for part in parts if part is not None)

    def body(self) -> int:
        """Return the place of the body; of the root if there is none."""
        return next(self.elements("body"), 0)

    def _list_nodes(self) -> None:
        for node in self._parser.root.traverse(include_text=True):
            self._index_of_node[node.mem_id] = len(self.nodes)
            parent = node.parent
            self._parent.append(self._index_of_node.get(parent.mem_id, -1) if parent else -1)
            self.nodes.append(node)

        # A subtree ends where that of its last child ends.
        self._end = [index + 1 for index in range(len(self.nodes))]
        for index in range(len(self.nodes) - 1, 0, -1):
            parent_index = self._parent[index]
            if parent_index >= 0:
                self._end[parent_index] = max(self._end[parent_index], self._end[index])

    def _count_words(self, index: int) -> int:
        node = self.nodes[index]
        if not node.is_text_node or self._is_hidden[index]:
            return 0
        return len(_WORD.findall(node.text_content))

    def _inherited(self, holds: Callable[[Any], bool]) -> list[bool]:
        """Return for each node whether `holds` is true of it or of a node around it."""
        values: list[bool] = []
        for index, node in enumerate(self.nodes):
            parent = self._parent[index]
            values.append((parent >= 0 and values[parent]) or holds(node))
        return values


def can_be_parsed(html: str) -> bool:
    """Return whether a text has few enough tags for a tree."""
    return html.count("<") <= MOST_TAGS


def _parsable(html: str) -> str:
    # A lone surrogate stands for no character, and has no UTF-8.
    return html.encode("utf-8", "replace").decode("utf-8")


def _hides(node: Any) -> bool:
    return node.tag in _HIDDEN or node.is_comment_node


def _is_link(node: Any) -> bool:
    return bool(node.tag == "a")


def _is_furniture(node: Any) -> bool:
    if node.tag in _FURNITURE:
        return True
    return node.is_element_node and (node.attributes.get("role") or "") in _FURNITURE_ROLES
