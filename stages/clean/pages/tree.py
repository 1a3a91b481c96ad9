"""The tree of a page: its text, its elements, and what of them is furniture.

Furniture is what a page holds beside its content: navigation, banners of cookies, buttons to
share, teasers of other pages. HTML says so by elements and roles. Most pages say it by classes.
A class is believed only for a small part of the page, because names such as "has-sidebar" stand
on whole pages too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

# Elements without text for readers, and those that HTML declares as furniture.
_NO_TEXT_LIST = (
    "head script style noscript template svg iframe object embed canvas audio video "
    "select textarea input datalist dialog map area link meta progress source track"
)
_NO_TEXT = frozenset(_NO_TEXT_LIST.split())
_FURNITURE_TAGS = frozenset(["nav", "aside", "menu"])
_FURNITURE_ROLES = frozenset(
    [
        "navigation",
        "banner",
        "contentinfo",
        "search",
        "complementary",
        "dialog",
        "alertdialog",
        "menu",
        "menubar",
        "toolbar",
        "tablist",
        "alert",
        "status",
    ]
)
_HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
_INLINE_LIST = (
    "a abbr acronym b bdi bdo big button cite code data del dfn em font i ins kbd label mark nobr "
    "output q rb rp rt ruby s samp small span strike strong sub sup time tt u var wbr"
)
INLINE_ELEMENTS = frozenset(_INLINE_LIST.split())
# Words in classes and ids that name furniture.
_FURNITURE_WORD_LIST = (
    "nav navbar navigation menu submenu megamenu breadcrumb breadcrumbs crumbs footer sidebar "
    "sidenav cookie cookies consent gdpr share sharing sharebar sharedaddy social related "
    "recommended recommendations recommendation newsletter subscribe subscription signup signin "
    "login pagination pager paginator paging advert advertisement advertising ads adsense "
    "sponsor sponsored promo modal popup toolbar toc upsell crosssell trending popular outbrain "
    "taboola masthead offcanvas hamburger drawer minicart facets facet filters toast noprint "
    "tagcloud skip skiplink sronly webring blogroll"
)
_FURNITURE_WORDS = frozenset(_FURNITURE_WORD_LIST.split())
_SURE_WORDS = frozenset(
    [
        "related",
        "recommended",
        "recommendations",
        "cookie",
        "cookies",
        "consent",
        "gdpr",
        "share",
        "sharing",
        "newsletter",
        "breadcrumb",
        "breadcrumbs",
        "pagination",
        "upsell",
        "crosssell",
        "sidebar",
        "footer",
        "navbar",
        "outbrain",
        "taboola",
    ]
)
_FURNITURE_PHRASES = re.compile(
    r"\b(?:sr-only|visually-?hidden|screen-reader|also-(?:viewed|bought|like)|cross-sell|up-sell|"
    r"back-to-top|skip-(?:to|link|nav)|search-?(?:form|box|bar)|sort-?(?:by|bar|options)|"
    r"tag-?(?:list|cloud|links)|author-?(?:bio|box|card)|about-(?:the-)?author|post-?nav|"
    r"more-(?:stories|articles|posts|from)|read-(?:next|more)|recently-viewed|"
    r"quick-?(?:reply|links)|reply-form|edit-(?:page|link)|page-(?:actions|tools))\b"
)
_COMMENT_WORDS = frozenset(["comments", "commentlist", "respond", "disqus", "discussion"])
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORDS = re.compile(r"[a-z0-9]+")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_MAIN_CLASS = re.compile(
    r"\b(?:main|content|main-?content|page-?content|page-?body|site-?content|primary|mainbar|"
    r"article-?body|entry-?content|post-?content|story-?body|mw-content-text|body-?content|"
    r"document|doc-?content|td-content|md-content|rst-content|contents)\b"
)
# A class is believed for at most this share of the text of a page.
MOST_FURNITURE_SHARE = 0.3
# Some classes leave less doubt: teasers, banners and forms.
MOST_SURE_FURNITURE_SHARE = 0.6
# Items fill the main element from this share of its text on.
LEAST_ITEM_SHARE = 0.3
_NO_ATTRIBUTES: dict[str, str] = {}
_BREAKS = frozenset(["br", "hr"])
# Inline elements that stand apart in a browser if nothing stands between them.
_APART = frozenset(["a", "span", "time", "label", "button"])
_APART_AFTER = _APART | {"b", "strong"}


class Node:
    """An element of a page that can hold text for readers.

    Attributes:
        tag: the name of the element.
        classes: its classes and its id, in small letters.
        attributes: all its attributes.
        parent: the node around it; None for the root.
        parts: its text and its nodes, in order.
        children: the nodes among them.
        size: the number of characters of its text.
        link_size: how many of them are in links.
        links: the number of links.
    """

    __slots__ = (
        "_end",
        "_order",
        "_start",
        "attributes",
        "children",
        "classes",
        "link_size",
        "links",
        "parent",
        "parts",
        "size",
        "tag",
    )

    def __init__(
        self,
        tag: str,
        attributes: dict[str, str],
        parent: Node | None,
        order: list[Node],
    ) -> None:
        self.tag = tag
        self.classes = _classes(attributes) if attributes else ""
        self.attributes = attributes
        self.parent = parent
        self.parts: list[str | Node] = []
        self.children: list[Node] = []
        self.size = 0
        self.link_size = 0
        self.links = 0
        # All nodes of the page in their order; those inside this one stand side by side.
        self._order = order
        self._start = len(order)
        self._end = self._start + 1
        order.append(self)

    def nodes(self) -> list[Node]:
        """Return this node and all nodes inside it, in order."""
        return self._order[self._start : self._end]

    def close(self) -> None:
        """Note that all nodes inside this one are complete."""
        self._end = len(self._order)

    def holds(self, node: Node) -> bool:
        """Return True if `node` is inside this one."""
        return self._start < node._start < self._end

    def text(self) -> str:
        """Return the text inside, on one line."""
        return " ".join("".join(self._ordered_text()).split())

    def _ordered_text(self) -> Iterator[str]:
        stack: list[str | Node] = [self]
        while stack:
            part = stack.pop()
            if isinstance(part, str):
                yield part
                continue

            if part.tag not in INLINE_ELEMENTS:
                yield " "
            stack.extend(reversed(part.parts))

    @property
    def words(self) -> frozenset[str]:
        """The words of classes and id."""
        return class_words(self.classes)

    @property
    def link_share(self) -> float:
        """The share of the text that is in links, 0 to 1."""
        return self.link_size / self.size if self.size else 0.0


def page_tree(root: Any) -> Node:
    """Return the tree of the lxml element `root` without what HTML declares as furniture."""
    body = root.find(".//body")
    order: list[Node] = []
    node = _build(root if body is None else body, None, order=order, in_code=False)

    return node or Node("body", _NO_ATTRIBUTES, None, [])


@lru_cache(maxsize=20_000)
def class_words(classes: str) -> frozenset[str]:
    """Return the words of the classes of an element.

    >>> sorted(class_words("post-body js_expand"))
    ['body', 'expand', 'js', 'post']
    """
    return frozenset(_WORDS.findall(classes))


@lru_cache(maxsize=20_000)
def names_furniture(classes: str) -> bool:
    """Return True if the classes of an element name furniture.

    >>> names_furniture("share-buttons"), names_furniture("market")
    (True, False)
    """
    if not classes:
        return False

    return bool(class_words(classes) & _FURNITURE_WORDS or _FURNITURE_PHRASES.search(classes))


def most_furniture_share(classes: str) -> float:
    """Return the largest share of a page that may be furniture by these classes."""
    is_sure = class_words(classes) & _SURE_WORDS or "also-" in classes
    return MOST_SURE_FURNITURE_SHARE if is_sure else MOST_FURNITURE_SHARE


def names_comments(node: Node) -> bool:
    """Return True if the classes of an element name the comments on an article."""
    return bool(node.words & _COMMENT_WORDS)


def signature(node: Node) -> str:
    """Return what elements that repeat have in common: tag and first class, without digits."""
    return _signature(node.tag, node.attributes.get("class", ""))


@lru_cache(maxsize=20_000)
def _signature(tag: str, classes: str) -> str:
    names = classes.split(maxsplit=1)
    return tag + "." + re.sub(r"[0-9]+", "", names[0] if names else "")


def repeated_signatures(main: Node) -> frozenset[str]:
    """Return the signatures of siblings that repeat at least three times and fill `main`."""
    size_by_signature: Counter[str] = Counter()
    for node in main.nodes():
        # Only siblings count, so that a paragraph is no item.
        if len(node.children) < 3:
            continue

        sizes_by_name: dict[str, list[int]] = {}
        for child in node.children:
            if child.size >= 10 and "class" in child.attributes:
                sizes_by_name.setdefault(signature(child), []).append(child.size)

        for name, sizes in sizes_by_name.items():
            if len(sizes) >= 3:
                size_by_signature[name] += sum(sizes)

    return frozenset(
        name for name, size in size_by_signature.items() if size >= LEAST_ITEM_SHARE * main.size
    )


def main_element(root: Node) -> Node:
    """Return the element that holds the content of a page, by name or by size."""
    mains: list[Node] = []
    named: list[Node] = []
    for node in root.nodes():
        if node.tag == "main" or node.attributes.get("role") == "main":
            mains.append(node)
        elif node.tag in ("div", "section", "article", "td") and _MAIN_CLASS.search(node.classes):
            named.append(node)

    # What HTML declares as the main element, if it is not nearly empty.
    mains.sort(key=lambda node: -node.size)
    if mains and mains[0].size >= 0.2 * root.size:
        return mains[0]

    # The smallest element whose class says so, and which holds most of the text.
    named = [node for node in named if node.size >= 0.5 * root.size]
    start = min(named, key=lambda node: node.size) if named else root

    # Down to where the text divides.
    current = start
    while True:
        largest = max(current.children, key=lambda node: node.size, default=None)
        if largest is None or largest.size < 0.9 * current.size or largest.tag in ("p", "table"):
            return current

        current = largest


def is_hidden(attributes: dict[str, str]) -> bool:
    """Return True if an element with these attributes is not shown."""
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True

    return "style" in attributes and bool(_HIDDEN_STYLE.search(attributes["style"]))


def _build(element: Any, parent: Node | None, order: list[Node], in_code: bool) -> Node | None:
    """Return the node of an element, or None if it holds nothing for readers."""
    tag = element.tag
    if tag in _NO_TEXT or tag in _FURNITURE_TAGS:
        return None

    items = element.items()
    attributes = dict(items) if items else _NO_ATTRIBUTES
    if items and (attributes.get("role") in _FURNITURE_ROLES or is_hidden(attributes)):
        return None
    if tag == "button" and (parent is None or parent.tag not in _HEADINGS):
        return None

    node = Node(tag, attributes, parent, order)
    in_code = in_code or tag == "pre"
    if element.text:
        _add_text(node, element.text, in_code)
    for child in element:
        # Comments and instructions have no names, but text can follow them.
        inner = _build(child, node, order, in_code) if isinstance(child.tag, str) else None
        if inner is not None and (inner.parts or inner.tag in _BREAKS):
            _add_node(node, inner, in_code)

        tail = child.tail
        if tail:
            _add_text(node, tail, in_code)

    node.close()
    if tag == "a":
        node.link_size = node.size
        node.links = 1

    return node


def _classes(attributes: dict[str, str]) -> str:
    """Return classes and id in small letters, with words that capitals part set apart."""
    classes = attributes.get("class", "")
    if "id" in attributes:
        classes = f"{classes} {attributes['id']}"

    return _small(classes) if classes else ""


@lru_cache(maxsize=20_000)
def _small(classes: str) -> str:
    return _CAMEL.sub("-", classes).lower()


def _add_text(node: Node, text: str, in_code: bool) -> None:
    if in_code:
        node.parts.append(text)
        node.size += len(text.strip())
        return

    # Between block elements there are mostly line breaks and indentation.
    words = text.split()
    if words:
        before = " " if text[0].isspace() else ""
        after = " " if text[-1].isspace() else ""
        flat = " ".join(words)
        node.parts.append(before + flat + after)
        node.size += len(flat)
    elif node.parts:
        node.parts.append(" ")


def _add_node(node: Node, inner: Node, in_code: bool) -> None:
    # Two spans side by side are two things, but not in code.
    if not in_code and inner.tag in _APART_AFTER and node.parts and node.tag != "code":
        previous = node.parts[-1]
        if isinstance(previous, Node) and previous.tag in _APART:
            node.parts.append(" ")

    node.parts.append(inner)
    node.children.append(inner)
    node.size += inner.size
    node.link_size += inner.link_size
    node.links += inner.links
