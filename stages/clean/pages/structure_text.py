"""The text of a page by its structure: the main element without furniture, or the posts.

trafilatura is made for articles. Its text is preferred as long as it holds most of the main
element. Where it lost more, the page is read by its structure: this is the fragment path.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from stages.clean.markup.block_layout import BlockLayout
from stages.clean.markup.list_marks import BULLET, INDENT, LIST_LINE, LISTS
from stages.clean.pages.item_marks import MARK_ATTRIBUTE
from stages.clean.pages.kinds import Recognised, claims_of, recognise
from stages.clean.pages.loss import main_words, split_words
from stages.clean.pages.threads import Post
from stages.clean.pages.tree import (
    INLINE_ELEMENTS,
    MOST_FURNITURE_SHARE,
    MOST_SURE_FURNITURE_SHARE,
    Node,
    most_furniture_share,
    names_comments,
    names_furniture,
    page_tree,
    signature,
)

_HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
_RELATED_HEADING = re.compile(
    r"(?:related|similar|recommended|suggested|popular|trending|latest|recent|more|other)\s+"
    r"(?:articles?|posts?|stories|products?|items?|news|topics?|threads?|questions?|reading|from|"
    r"in|pages?|content|jobs?|listings?)\b.*|(?:you (?:may|might|will|could) (?:also|like)|"
    r"customers (?:also|who)|people also|read (?:more|next)|keep reading|up next|"
    r"recently viewed|frequently bought|share this|follow us|subscribe|newsletter|sign up|"
    r"(?:das|dies) könnte (?:sie|dich)|ähnliche|weitere (?:artikel|beiträge|themen)|"
    r"mehr zum thema|auch interessant|kunden kauften|lesen sie auch|à lire aussi|articles liés|"
    r"vous aimerez|artículos relacionados|también te puede).*",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")
# Elements of posts that are neither author nor text.
_POST_FURNITURE = re.compile(
    r"\b(?:sig|signature|profile|avatar|controls?|actions?|buttons?|toolbar|votes?|vote-?count|"
    r"score|rank|badges?|likes?|reactions?|quick-?reply|permalink|edited|report|post-?number|"
    r"user-?(?:info|stats|title|details)|poster-?info|post-?links?|post-?foot(?:er)?|tools?|"
    r"post-?head(?:er)?|message-?(?:user|attribution|footer|last-?edit)|lastedit|share|rep)\b"
)
_LONGEST_NAV_LINK = 40
_MOST_LINK_SHARE = 0.8
# The text by trafilatura is taken if it holds this share of the words of the main element.
_LEAST_SHARE_BY_KIND = {
    "article": 0.35,
    "documentation": 0.85,
    "service": 0.9,
    "product": 0.9,
    # Above 1: the text by structure is always better.
    "listing": 1.01,
    "collection": 1.01,
    "forum": 1.01,
}
# The share of lost words up to which the structure is not read, by what a page says of itself.
_MOST_LOST_BY_CLAIM = {
    "article": 0.7,
    "long": 0.4,
    "": 0.2,
    "documentation": 0.1,
}
# The share of words of trafilatura from outside the main element up to which they are no noise.
_MOST_NOISE = 0.05
# The number of spaces in a text, and in its mean line, that is rather an article.
_LONG_TEXT = 300
_LONG_LINE = 12
# From a page with fewer characters trafilatura takes all there is, navigation included.
_SHORT_TEXT = 500
_MOST_NOISE_IN_SHORT = 0.02
# The text by structure must hold this share of the words of trafilatura.
_LEAST_AGREEMENT = 0.6
KINDS_OF_ITEMS = frozenset(["listing", "collection"])


class PageText(NamedTuple):
    """The text of a page by its structure.

    Attributes:
        kind: the kind of the page, one of kinds.KINDS.
        text: its text; "" if it has none.
        furniture: the text of what was left out of the main element.
    """

    kind: str
    text: str
    furniture: str


def is_well_read(html: str, extracted: str) -> bool:
    """Return True if `extracted`, by trafilatura, surely is the text of the page `html`.

    It spares articles the reading by structure, which takes a quarter of the time of trafilatura.
    """
    claims = claims_of(html)
    # Those of trafilatura hold much that is no content.
    if claims.kind in ("forum", "product"):
        return False

    # A long text of long lines is most often an article, if the page says nothing.
    kind = claims.kind
    spaces = extracted.count(" ")
    if not kind and spaces >= max(_LONG_TEXT, _LONG_LINE * extracted.count("\n")):
        kind = "long"

    main = main_words(html)
    words = Counter(split_words(extracted))
    most_noise = _MOST_NOISE_IN_SHORT if len(extracted) < _SHORT_TEXT else _MOST_NOISE
    is_noisy = (words - main).total() > most_noise * words.total()
    if is_noisy and kind not in ("article", "long"):
        return False

    return (main - words).total() <= _MOST_LOST_BY_CLAIM[kind] * main.total()


def structured_text(html: str, root: object) -> PageText:
    """Return the kind of the page `html` and its text by structure; `root` is its lxml tree."""
    tree = page_tree(root)
    recognised = recognise(html, tree)
    if recognised.kind == "forum":
        return thread_text(tree, recognised.posts)

    return main_element_text(tree, recognised)


def prefers_structure(html: str, page: PageText, extracted: str) -> bool:
    """Return True if the text by structure is better than `extracted`, by trafilatura.

    It is where it holds most words of `extracted` but furniture, and `extracted` lacks too many
    words of it, or holds too many from outside the main element.
    """
    if not page.text:
        return False

    # What trafilatura took from outside the main element. If it took most, the element is wrong.
    own_words = words_of(page.text)
    extracted_words = words_of(extracted)
    noise = extracted_words - words_of(" ".join(main_words(html).elements()))
    if 2 * noise.total() > extracted_words.total() and page.kind == "article":
        noise.clear()

    shared = (own_words & extracted_words).total()
    furniture_words = words_of(page.furniture)
    content = (extracted_words - noise - furniture_words).total()
    if shared < _LEAST_AGREEMENT * content and own_words.total() < 2 * content:
        return False
    excess = (extracted_words - own_words) & (noise + furniture_words)
    most_noise = 1.0 if page.kind == "article" else _MOST_NOISE
    if len(extracted) < _SHORT_TEXT:
        most_noise = _MOST_NOISE_IN_SHORT
    if excess.total() > most_noise * extracted_words.total():
        return True

    return shared < _LEAST_SHARE_BY_KIND[page.kind] * own_words.total()


def words_of(text: str) -> Counter[str]:
    """Return the words of a text in small letters, with their numbers.

    >>> words_of("Tea, tea")
    Counter({'tea': 2})
    """
    return Counter(_WORD.findall(" ".join(split_words(text.lower()))))


def thread_text(root: Node, posts: list[Post]) -> PageText:
    """Return title and posts of a thread: a line with the author, then the text of the post."""
    members = frozenset(id(post.node) for post in posts)
    render = _Renderer(members, kind="forum", items=frozenset(), most=root.size)
    lines: list[str] = []

    # The title stands before the first post, or in it.
    title = _title(root)
    if title:
        lines.append(title)

    for post in posts:
        texts = [render.text(body, is_whole=body is post.node) for body in post.bodies]
        body_lines = [line for text in texts for line in text.splitlines()]
        if post.author:
            lines.append(post.author)

        own_lines = {title, f"Re: {title}", f"RE: {title}", post.author}
        lines.extend(line for line in body_lines if line not in own_lines)

    return PageText("forum", "\n".join(lines), "\n".join(render.furniture))


def main_element_text(root: Node, recognised: Recognised) -> PageText:
    """Return the text of the main element of a page without furniture."""
    main = recognised.main
    items = recognised.items if recognised.kind in KINDS_OF_ITEMS else frozenset[str]()
    render = _Renderer(frozenset(), kind=recognised.kind, items=items, most=main.size)
    lines = render.text(main, is_whole=True).splitlines()

    # The title of a page may stand above its main element.
    title = _title(root)
    if title and title not in lines:
        lines.insert(0, title)

    return PageText(recognised.kind, "\n".join(lines), "\n".join(render.furniture))


def _title(root: Node) -> str:
    """Return the text of the first <h1>, or of the first <h2> in an element named title."""
    for node in root.nodes():
        if node.tag == "h1" and 0 < node.size <= 300:
            return node.text()

    for node in root.nodes():
        is_title = node.tag in ("h2", "h3") and {"title", "topic"} & node.words
        if is_title and 0 < node.size <= 300:
            return node.text()

    return ""


class _Renderer:
    """Lays out the text of nodes, without furniture.

    Args:
        posts: ids of the nodes of posts; posts inside posts are left out.
        kind: the kind of the page.
        items: signatures of the items of a listing, which are no furniture.
        most: the size of the main element.
    """

    def __init__(self, posts: frozenset[int], kind: str, items: frozenset[str], most: int) -> None:
        self._posts = posts
        self._kind = kind
        self._items = items
        self._most = most
        self._depth = 0
        self.furniture: list[str] = []
        self._links_are_content = kind in ("listing", "collection")

    def text(self, node: Node, is_whole: bool) -> str:
        """Return the lines of a node; `is_whole` means that it is no body of a post."""
        layout = BlockLayout()
        self._depth = _depth_of(node)
        self._add(node, layout, in_post=self._kind == "forum" and is_whole, limit=node)
        lines: list[str] = []
        in_code = False
        for line in layout.text().splitlines():
            if line.startswith("```"):
                in_code = not in_code
            flat = line.rstrip() if in_code else _flat_line(line)
            if flat and flat != "-":
                lines.append(flat)

        return "\n".join(lines)

    def _add(self, node: Node, layout: BlockLayout, in_post: bool, limit: Node) -> None:
        for part in node.parts:
            if isinstance(part, str):
                layout.add(part)
                continue

            if self._is_left_out(part, in_post, limit):
                layout.break_line()
                if id(part) not in self._posts:
                    self.furniture.append(part.text())
            elif part.tag in INLINE_ELEMENTS:
                self._add(part, layout, in_post, limit)
            else:
                layout.add_tag(part.tag, closes=False, mark=self._mark_of(part))
                self._add(part, layout, in_post, limit)
                layout.add_tag(part.tag, closes=True)

    def _mark_of(self, node: Node) -> str:
        """Return the mark of an item of a list, with its depth within the text."""
        mark = node.attributes.get(MARK_ATTRIBUTE, BULLET)
        # The style of the page decides what an item of a listing looks like.
        if signature(node) in self._items:
            return BULLET

        own_mark = mark.lstrip()
        blanks = len(mark) - len(own_mark) - len(INDENT) * self._depth
        return " " * blanks + own_mark

    def _is_left_out(self, node: Node, in_post: bool, limit: Node) -> bool:
        """Return True for furniture, and for a post inside a post."""
        if not node.size:
            return False
        if id(node) in self._posts:
            return True
        if self._kind == "forum":
            return self._is_post_furniture(node, in_post, limit)
        if node.tag == "footer":
            return True
        if names_comments(node) and node.tag in ("div", "section", "ol", "ul"):
            return True
        if signature(node) in self._items:
            return False

        share = node.size / max(1, self._most)
        if names_furniture(node.classes) and share <= most_furniture_share(node.classes):
            return True
        if share <= MOST_FURNITURE_SHARE and (node.tag == "form" or self._is_link_list(node)):
            return True

        return share <= MOST_SURE_FURNITURE_SHARE and _is_related(node)

    def _is_post_furniture(self, node: Node, in_post: bool, limit: Node) -> bool:
        if in_post and node.tag == "time":
            return True
        if not node.classes or node.size > 0.7 * limit.size:
            return False
        if in_post and node.tag in ("footer", "header", "form"):
            return True

        return bool(_POST_FURNITURE.search(node.classes)) or names_furniture(node.classes)

    def _is_link_list(self, node: Node) -> bool:
        """Return True for a block of short links; in listings links are the content."""
        if self._links_are_content or node.links < 3 or node.tag in INLINE_ELEMENTS:
            return False
        if node.tag in ("p", "table", "tr", "td") and self._kind == "documentation":
            return False

        return (
            node.link_share > _MOST_LINK_SHARE and node.link_size <= _LONGEST_NAV_LINK * node.links
        )


def _depth_of(node: Node) -> int:
    """Return the number of lists around a node."""
    depth = 0
    current = node.parent
    while current is not None:
        depth += current.tag in LISTS
        current = current.parent

    return depth


def _flat_line(line: str) -> str:
    """Return a line with single spaces; an item of a list keeps its depth."""
    flat = " ".join(line.split()).strip("| ")
    blanks = len(line) - len(line.lstrip(" ")) if LIST_LINE.match(line) else 0
    return " " * blanks + flat


def _is_related(node: Node) -> bool:
    """Return True for a block that begins with a heading such as "Related articles"."""
    if node.tag not in ("div", "section", "ul"):
        return False

    current = node
    for _ in range(3):
        first = next((child for child in current.children if child.size), None)
        if first is None:
            return False
        if first.tag in _HEADINGS or first.tag in ("strong", "p"):
            return bool(_RELATED_HEADING.fullmatch(first.text()))

        current = first

    return False
