"""Tokens of HTML: which spans of a text are markup, and which are Markdown code.

Strict rules decide, in linear time. Everything else is text: "p < 0.05", "<5 mm", "List<String>".
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from html import unescape
from typing import NamedTuple

from stages.clean.markup.markdown import code_spans

# Elements that break a line in a browser, or stand apart as cells and options do.
_BLOCK_ELEMENT = re.compile(
    "address|article|aside|audio|blockquote|body|br|button|caption|center|col|colgroup|dd|"
    "details|dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|"
    "h[1-6]|head|header|hgroup|hr|html|iframe|img|input|legend|li|link|main|map|menu|meta|"
    "nav|noscript|object|ol|optgroup|option|p|param|pre|script|section|select|style|"
    "summary|table|tbody|td|template|textarea|tfoot|th|thead|title|tr|ul|video",
    re.IGNORECASE,
)
# Elements within a line: "m<sup>2</sup>" and "<code>Bucket</code>s" are single words.
_INLINE_ELEMENT = re.compile(
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|label|mark|"
    "nobr|output|q|rb|rp|rt|ruby|s|samp|small|span|strike|strong|sub|sup|time|tt|u|var|"
    "wbr",
    re.IGNORECASE,
)
_VOID_LIST = "area base br col embed frame hr img input link meta param source track wbr"
VOID_ELEMENTS = frozenset(_VOID_LIST.split())
_FLAGS = (
    "allowfullscreen|async|autoplay|checked|compact|controls|defer|disabled|download|hidden|inert|"
    "ismap|itemscope|loop|multiple|muted|nomodule|noshade|novalidate|nowrap|open|playsinline|"
    "readonly|required|reversed|selected"
)
# Other attributes have values ("<b and c>" is prose). The bound keeps a stray quote from
# reaching across a text.
_VALUE = r"""(?:"[^"]{0,4000}"|'[^']{0,4000}'|[^\s"'<>`]+)"""
_ATTRIBUTES = rf"""(?:\s+(?:[\w:@.-]+\s*=\s*{_VALUE}|(?:{_FLAGS})(?=[\s/>]))){{0,100}}"""
_RAW_ELEMENT = re.compile(rf"<(script|style|template|iframe)\b{_ATTRIBUTES}\s*>", re.IGNORECASE)
_DECLARATION = re.compile(r"<!doctype\b[^<>]*>|<\?xml\b[^<>?]*\?>", re.IGNORECASE)
_TAG = re.compile(rf"<(?P<end>/?)(?P<name>[a-z][\w:-]*){_ATTRIBUTES}\s*/?>", re.IGNORECASE)
_ATTRIBUTE = re.compile(rf"([\w:@.-]+)(?:\s*=\s*({_VALUE}))?")

# Names of tokens that are no tags.
HIDDEN = "!"  # comments and declarations
HIDDEN_BLOCK = "!!"  # scripts and styles, which stand apart
CODE = "`"  # Markdown code


class Token(NamedTuple):
    """A span of markup or code.

    Attributes:
        start: where it begins in the text.
        end: where it ends, exclusive.
        name: the name of the tag in small letters, or HIDDEN, HIDDEN_BLOCK or CODE.
        closes: True for an end tag.
    """

    start: int
    end: int
    name: str
    closes: bool = False


def is_element(name: str) -> bool:
    """Return True if HTML knows an element of this name.

    >>> is_element("td"), is_element("account-id")
    (True, False)
    """
    return bool(_BLOCK_ELEMENT.fullmatch(name) or _INLINE_ELEMENT.fullmatch(name))


def is_inline(name: str) -> bool:
    """Return True if HTML knows an element of this name that stands within a line."""
    return bool(_INLINE_ELEMENT.fullmatch(name))


def attributes_of(tag: str) -> dict[str, str]:
    """Return the attributes of a start tag, names in small letters; flags have "".

    >>> attributes_of('<abbr title="World &amp; co" hidden>')
    {'title': 'World & co', 'hidden': ''}
    """
    values: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(tag, len(tag.split(None, 1)[0])):
        value = match[2] if match[2] is not None else ""
        values.setdefault(match[1].lower(), unescape(value.strip("\"'")))

    return values


def find_markup(text: str) -> list[Token]:
    """Return markup and Markdown code in order, without overlaps, in linear time."""
    tokens = list(_scan(text))

    # A name that HTML does not know counts if the text closes it.
    own_names = closed_names(tokens)

    return [
        token
        for token in tokens
        if token.name[0] in "!`" or token.name in own_names or is_element(token.name)
    ]


def _scan(text: str) -> Iterator[Token]:
    """Yield Markdown code, and everything that has the form of markup, in order."""
    closers = _Closers(text)
    last_end = 0
    position = text.find("<")
    for start, end in code_spans(text):
        # Markup before this code span. Markup that begins before the span and reaches into it wins.
        while 0 <= position < start:
            token = _match_markup(text, position, closers)
            if token:
                yield token
                last_end = token.end

            position = text.find("<", token.end if token else position + 1)

        if last_end <= start:
            yield Token(start, end, CODE)
            last_end = end
            if 0 <= position < end:
                position = text.find("<", end)

    # Markup after the last code span.
    while position >= 0:
        token = _match_markup(text, position, closers)
        if token:
            yield token

        position = text.find("<", token.end if token else position + 1)


def _match_markup(text: str, position: int, closers: _Closers) -> Token | None:
    """Return the markup that begins at the "<" at `position`, or None."""
    if text.startswith("<!--", position):
        comment_end = closers.end_of_next("-->", position + 4)
        return Token(position, comment_end, HIDDEN) if comment_end else None

    declaration = _DECLARATION.match(text, position)
    if declaration:
        return Token(position, declaration.end(), HIDDEN)

    raw = _RAW_ELEMENT.match(text, position)
    if raw:
        raw_end = closers.end_of_next(f"</{raw[1].lower()}", raw.end())
        if raw_end:
            return Token(position, raw_end, HIDDEN_BLOCK)

    tag = _TAG.match(text, position)
    if tag:
        return Token(position, tag.end(), tag["name"].lower(), closes=bool(tag["end"]))

    return None


class _Closers:
    """The ends of comments and raw elements, searched once for each kind."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._spans_of_closer: dict[str, list[tuple[int, int]]] = {}

    def end_of_next(self, closer: str, position: int) -> int:
        """Return the end of the first `closer` from `position` on; 0 if there is none."""
        # All spans of this closer, found in one search.
        spans = self._spans_of_closer.get(closer)
        if spans is None:
            pattern = re.escape(closer) + (r"\s*+>" if closer[0] == "<" else "")
            spans = [match.span() for match in re.finditer(pattern, self._text, re.IGNORECASE)]
            self._spans_of_closer[closer] = spans

        index = bisect_left(spans, (position, 0))

        return spans[index][1] if index < len(spans) else 0


def closed_names(tokens: Iterable[Token]) -> set[str]:
    """Return the names of the tags that the tokens both open and close."""
    opened: set[str] = set()
    closed: set[str] = set()
    for token in tokens:
        (closed if token.closes else opened).add(token.name)

    return opened & closed
