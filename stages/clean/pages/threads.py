"""Threads: the posts of forums, answers and comment pages, each with its author."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from stages.clean.pages.tree import Node, class_words, signature

# Words in classes that name a single post, and those that may stand beside them.
_POST_WORDS = frozenset(
    [
        "post",
        "postcontainer",
        "postbit",
        "postbitlegacy",
        "message",
        "comment",
        "comtr",
        "reply",
        "answer",
        "question",
        "msg",
        "response",
        "email",
        "thing",
        "posting",
        "cpost",
        "postwrapper",
        "threadpost",
    ]
)
_BESIDE_POST_LIST = (
    "js bbp topic forum thread item container wrapper wrap single row card block box unit type li "
    "node view discussion crawler full main-post is has level even odd first last new nested child "
    "parent root op c p d id t by"
)
_BESIDE_POST = frozenset(_BESIDE_POST_LIST.split())
_POST_TAGS = frozenset(
    ["div", "article", "li", "section", "tr", "table", "details", "shreddit-comment", "dl"]
)
# Articles of blogs are called posts too.
_ARTICLE_CLASS = re.compile(
    r"\b(?:hentry|type-post|blog-?post|single-post|h-entry|post-type-post)\b"
)
_POST_ID = re.compile(
    r"\b(?:post|comment|msg|message|reply|answer|question|p|c|td-post|edit|t1|pid)[-_]?[0-9a-z]*[0-9]"
)
_AUTHOR_WORDS = frozenset(
    [
        "author",
        "username",
        "poster",
        "hnuser",
        "nickname",
        "nick",
        "byline",
        "postauthor",
        "bigusername",
        "creator",
        "displayname",
        "authorname",
        "userlink",
    ]
)
_AUTHOR_CLASS = re.compile(
    r"\b(?:user-?name|user-?details|display-?name|author-?name|comment-?author|post-?author|"
    r"user-?link|c-?author|poster-?name|message-?name|member-?name)\b"
)
_USER_ADDRESS = re.compile(
    r"/(?:u|users?|members?|profile|people|author|~)[/=:]|[?&](?:u|user|author|id)=|member\.php|"
    r"memberlist|action=profile|mailto:|/user\?",
    re.IGNORECASE,
)
_BODY_WORDS = frozenset(
    [
        "content",
        "body",
        "postbody",
        "cooked",
        "usertext",
        "md",
        "bbwrapper",
        "commtext",
        "prose",
        "text",
        "messagetext",
        "postmessage",
        "commentbody",
        "msgbody",
        "richtext",
    ]
)
_BODY_CLASS = re.compile(
    r"\b(?:message-?(?:body|content|text)|post-?(?:body|content|message|text|copy)|"
    r"comment-?(?:body|content|text|copy)|s-prose|e-content|ipstype_richtext|post_message|"
    r"answer-?(?:body|content|text)|reply-?(?:body|content|text)|question-?(?:body|content|text))"
)
_NOT_BODY_WORDS = frozenset(
    [
        "signature",
        "sig",
        "author",
        "user",
        "profile",
        "avatar",
        "vote",
        "votes",
        "title",
        "subject",
        "date",
        "meta",
    ]
)
_LONGEST_AUTHOR = 60


class Post(NamedTuple):
    """One post of a thread.

    Attributes:
        node: the element of the post.
        author: the name of its author, or "".
        bodies: the elements that hold its text; the post itself if none is named.
        own_size: the number of characters of the post outside the posts inside it.
    """

    node: Node
    author: str
    bodies: list[Node]
    own_size: int


def posts_of(root: Node, items: frozenset[str], says_forum: bool) -> list[Post]:
    """Return the posts of the page in order; posts inside posts are posts of their own.

    In a page that says it is a forum, ids may name posts too, and elements with one of the
    signatures `items`, which repeat.
    """
    candidates: list[Node] = []
    for node in root.nodes():
        if not node.size:
            continue
        if _names_post(node) or (says_forum and (_has_post_id(node) or signature(node) in items)):
            candidates.append(node)

    # An element without an author is no post.
    members = set(map(id, candidates))
    authors = {id(node): _author(node, members) for node in candidates}
    members = {key for key, author in authors.items() if author}

    posts: list[Post] = []
    for node in candidates:
        if id(node) not in members:
            continue

        bodies = _bodies(node, members)
        size = sum(_own_size(body, members) for body in bodies)
        if size > 0:
            author = authors[id(node)]
            posts.append(Post(node, author, bodies, _own_size(node, members)))

    return posts


def _own_size(node: Node, members: set[int]) -> int:
    """Return the number of characters of a node outside the posts inside it."""
    inner = sum(child.size for child in _inner_posts(node, members))
    return node.size - inner


def _names_post(node: Node) -> bool:
    if node.tag not in _POST_TAGS:
        return False

    item_type = node.attributes.get("itemtype", "")
    if item_type and re.search(r"/(?:Comment|Answer|Question|DiscussionForumPosting)$", item_type):
        return True

    return _is_post_class(node.attributes.get("class", ""))


def _has_post_id(node: Node) -> bool:
    return node.tag in _POST_TAGS and bool(_POST_ID.fullmatch(node.attributes.get("id", "")))


@lru_cache(maxsize=20_000)
def _is_post_class(classes: str) -> bool:
    """Return True if one of the classes names a single post."""
    small = classes.lower()
    if _ARTICLE_CLASS.search(small) and not re.search(r"\b(?:reply|type-topic)\b", small):
        return False

    for name in small.split():
        words = frozenset(re.sub("[0-9]+", "", word) for word in class_words(name)) - {""}
        if words & _POST_WORDS and words <= (_POST_WORDS | _BESIDE_POST):
            return True

    return False


def _own_nodes(node: Node, members: set[int]) -> Iterator[Node]:
    """Yield the nodes inside, without those of posts inside."""
    stack = [child for child in reversed(node.parts) if isinstance(child, Node)]
    while stack:
        current = stack.pop()
        if id(current) in members and current.size:
            continue

        yield current
        stack.extend(child for child in reversed(current.parts) if isinstance(child, Node))


def _inner_posts(node: Node, members: set[int]) -> Iterator[Node]:
    stack = list(node.children)
    while stack:
        current = stack.pop()
        if id(current) in members:
            yield current
        else:
            stack.extend(current.children)


def _author(node: Node, members: set[int]) -> str:
    """Return the name of the author of a post, or ""."""
    given = node.attributes.get("data-author") or node.attributes.get("author") or ""
    if given:
        return given.strip()

    linked = ""
    for inner in _own_nodes(node, members):
        if not 0 < inner.size <= _LONGEST_AUTHOR:
            continue

        prop = inner.attributes.get("itemprop", "")
        is_author = (
            prop in ("author", "creator")
            or (prop == "name" and _is_in_author(inner, node))
            or inner.attributes.get("rel") == "author"
            or bool(inner.words & _AUTHOR_WORDS)
            or bool(_AUTHOR_CLASS.search(inner.classes))
        )
        if is_author:
            return _name_in(inner)
        if inner.tag == "a" and not linked:
            address = inner.attributes.get("href", "")
            if _USER_ADDRESS.search(address) and inner.text()[0].isalnum():
                linked = inner.text()

    return linked


def _is_in_author(node: Node, post: Node) -> bool:
    current = node.parent
    while current is not None and current is not post:
        if current.attributes.get("itemprop") in ("author", "creator"):
            return True

        current = current.parent

    return False


def _name_in(node: Node) -> str:
    """Return the name in an element that names an author: its first link, else its text."""
    for inner in node.nodes():
        if inner.tag == "a" and inner.size:
            return inner.text()

    return node.text()


def _bodies(node: Node, members: set[int]) -> list[Node]:
    """Return the outermost elements that hold the text of a post; the post itself if none do."""
    bodies: list[Node] = []
    for inner in _own_nodes(node, members):
        names_body = (
            inner.attributes.get("itemprop") in ("text", "articleBody")
            or bool(_BODY_CLASS.search(inner.classes))
            or (inner.tag not in ("a", "span", "p") and _named_body(inner))
        )
        # A body around the author is the frame of the post.
        is_body = names_body and inner.size and not _holds_author(inner)
        if is_body and not any(body.holds(inner) for body in bodies):
            bodies.append(inner)

    return bodies or [node]


def _named_body(node: Node) -> bool:
    words = node.words
    if node.attributes.get("class") == "post":
        return True

    return bool(words & _BODY_WORDS) and not words & _NOT_BODY_WORDS


def _holds_author(node: Node) -> bool:
    for inner in node.nodes():
        if inner is node or not inner.classes or inner.size > _LONGEST_AUTHOR:
            continue
        if inner.words & _AUTHOR_WORDS or _AUTHOR_CLASS.search(inner.classes):
            # The author of a quotation is no author of the post.
            return not _in_quotation(inner, node)

    return False


def _in_quotation(node: Node, limit: Node) -> bool:
    current: Node | None = node
    while current is not None and current is not limit:
        if current.tag in ("blockquote", "cite", "q") or "quote" in current.classes:
            return True

        current = current.parent

    return False
