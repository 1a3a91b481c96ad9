"""HTML: remove markup, keep its words apart, and leave every "<" and "&" that is no markup alone.

Prose is full of "<": "p < 0.05", "<5 mm", "<account-id>", "List<String>". An HTML parser alone
would lose "<account-id>", and everything after "i <n". So strict rules decide first what counts
as markup. The parser (selectolax, on Lexbor) then reads a text in which everything else is
escaped.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from html.entities import html5
from typing import NamedTuple

from stages.clean.block_layout import BlockLayout
from stages.clean.markdown import code_spans

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
_FLAGS = (
    "allowfullscreen|async|autoplay|checked|compact|controls|defer|disabled|hidden|itemscope|"
    "multiple|nowrap|open"
)
# Other attributes have values ("<b and c>" is prose). The bound keeps a stray quote from
# reaching across a text.
_VALUE = r"""(?:"[^"]{0,4000}"|'[^']{0,4000}'|[^\s"'<>`]+)"""
_ATTRIBUTES = rf"""(?:\s+(?:[\w:@.-]+\s*=\s*{_VALUE}|(?:{_FLAGS})(?=[\s/>]))){{0,100}}"""
_RAW_ELEMENT = re.compile(rf"<(script|style|template|iframe)\b{_ATTRIBUTES}\s*>", re.IGNORECASE)
_DECLARATION = re.compile(r"<!doctype\b[^<>]*>|<\?xml\b[^<>?]*\?>", re.IGNORECASE)
_TAG = re.compile(rf"<(?P<end>/?)(?P<name>[a-z][\w:-]*){_ATTRIBUTES}\s*/?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# 10<sup>9</sup> is not 109.
_POWER = re.compile(r"(?<=[0-9])<sup>\s*([-+\u2212]?[0-9]+)\s*</sup>", re.IGNORECASE)
_SURROGATES = re.compile("[\ud800-\udfff]")

# Names of tokens that are no tags.
_HIDDEN = "!"  # comments and declarations
_HIDDEN_BLOCK = "!!"  # scripts and styles, which stand apart
_CODE = "`"  # Markdown code


class _Token(NamedTuple):
    """A span of markup or code.

    Attributes:
        start: where it begins in the text.
        end: where it ends, exclusive.
        name: the name of the tag in small letters, or _HIDDEN, _HIDDEN_BLOCK or _CODE.
        closes: True for an end tag.
    """

    start: int
    end: int
    name: str
    closes: bool = False


def strip_html(text: str) -> str:
    """Return `text` without HTML; a text that holds none is returned unchanged, byte for byte.

    Markup is: comments, declarations, scripts and styles; tags whose name HTML knows, or which
    the same text closes by name (`<note>...</note>`); character references with their semicolon
    whose name HTML knows. Markdown's code spans and fences are left alone. One level of
    escaping is undone at a time. An escaped tag is content, and becomes a code span, with one
    exception: if the text has no other tags, and these open and close each other, all of it was
    escaped once more.
    """
    # Most texts hold no markup.
    if "<" not in text and "&" not in text:
        return text

    # Separate markup from text.
    flat = _POWER.sub(r"^\1", text)
    tokens = _find_markup(flat)
    has_tags = any(token.name != _CODE for token in tokens)
    if flat == text and not has_tags and not _has_entity(text, tokens):
        return text

    # Read the text between the tags.
    plain = _parse(_lay_out(flat, tokens) if has_tags else _escape_outside_code(flat, tokens))
    if not has_tags:
        unescaped = [token for token in _find_markup(plain) if token.name != _CODE]
        if _closed_names(unescaped):
            return strip_html(plain)

    return quote_tags(plain)


def quote_tags(text: str) -> str:
    """Return plain `text` with each literal tag as a code span, which `strip_html` keeps.

    >>> quote_tags("the <p> tag")
    'the `<p>` tag'
    """
    pieces: list[str] = []
    position = 0
    for token in _find_markup(text):
        if token.name == _CODE:
            continue

        # A tag over several lines becomes one line; one with a backquote cannot be quoted.
        tag = " ".join(text[token.start : token.end].split())
        pieces.append(text[position : token.start])
        pieces.append(tag if "`" in tag else f"`{tag}`")
        position = token.end

    pieces.append(text[position:])
    return "".join(pieces)


def is_element(name: str) -> bool:
    """Return True if HTML knows an element of this name.

    >>> is_element("td"), is_element("account-id")
    (True, False)
    """
    return bool(_BLOCK_ELEMENT.fullmatch(name) or _INLINE_ELEMENT.fullmatch(name))


def _find_markup(text: str) -> list[_Token]:
    """Return markup and Markdown code in order, without overlaps, in linear time."""
    tokens = list(_scan(text))

    # A name that HTML does not know counts if the text closes it.
    own_names = _closed_names(tokens)

    return [
        token
        for token in tokens
        if token.name[0] in "!`" or token.name in own_names or is_element(token.name)
    ]


def _scan(text: str) -> Iterator[_Token]:
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
            yield _Token(start, end, _CODE)
            last_end = end
            if 0 <= position < end:
                position = text.find("<", end)

    # Markup after the last code span.
    while position >= 0:
        token = _match_markup(text, position, closers)
        if token:
            yield token

        position = text.find("<", token.end if token else position + 1)


def _match_markup(text: str, position: int, closers: _Closers) -> _Token | None:
    """Return the markup that begins at the "<" at `position`, or None."""
    if text.startswith("<!--", position):
        comment_end = closers.end_of_next("-->", position + 4)
        return _Token(position, comment_end, _HIDDEN) if comment_end else None

    declaration = _DECLARATION.match(text, position)
    if declaration:
        return _Token(position, declaration.end(), _HIDDEN)

    raw = _RAW_ELEMENT.match(text, position)
    if raw:
        raw_end = closers.end_of_next(f"</{raw[1].lower()}", raw.end())
        if raw_end:
            return _Token(position, raw_end, _HIDDEN_BLOCK)

    tag = _TAG.match(text, position)
    if tag:
        return _Token(position, tag.end(), tag["name"].lower(), closes=bool(tag["end"]))

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


def _closed_names(tokens: Iterable[_Token]) -> set[str]:
    """Return the names of the tags that the tokens both open and close."""
    opened: set[str] = set()
    closed: set[str] = set()
    for token in tokens:
        (closed if token.closes else opened).add(token.name)

    return opened & closed


def _lay_out(text: str, tokens: list[_Token]) -> str:
    """Return the text between the tags, escaped, with the line breaks that the tags stand for."""
    # Inline tags leave no trace, block tags break the line.
    layout = BlockLayout()
    position = 0
    for token in tokens:
        if token.start > position:
            layout.add(_escape(text[position : token.start]))

        position = token.end

        if token.name == _CODE:
            layout.add(_escape_code(text[token.start : token.end]), verbatim=True)
        elif token.name == _HIDDEN_BLOCK:
            layout.break_line()
        elif token.name != _HIDDEN and not _INLINE_ELEMENT.fullmatch(token.name):
            layout.add_tag(token.name, token.closes)

    layout.add(_escape(text[position:]))
    return layout.text()


def _escape_outside_code(text: str, code: list[_Token]) -> str:
    pieces: list[str] = []
    position = 0
    for token in code:
        pieces.append(_escape(text[position : token.start]))
        pieces.append(_escape_code(text[token.start : token.end]))
        position = token.end

    pieces.append(_escape(text[position:]))
    return "".join(pieces)


def _escape_code(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\0", "")


def _escape(text: str) -> str:
    """Return `text` with each "<" escaped, and each "&" that is no entity.

    A bare "&copy=2" or "AT&T" is text; browsers would read the first as a copyright sign.
    """
    pieces: list[str] = []
    position = 0
    for entity in _ENTITY.finditer(text):
        if _is_entity(entity):
            pieces.append(text[position : entity.start()].replace("&", "&amp;"))
            pieces.append(entity[0])
            position = entity.end()

    pieces.append(text[position:].replace("&", "&amp;"))
    return "".join(pieces).replace("<", "&lt;").replace("\0", "")


def _has_entity(text: str, code: list[_Token]) -> bool:
    """Return True if an entity stands outside `code`."""
    position = 0
    for token in [*code, _Token(len(text), len(text), _CODE)]:
        if any(map(_is_entity, _ENTITY.finditer(text, position, token.start))):
            return True

        position = token.end

    return False


def _is_entity(match: re.Match[str]) -> bool:
    reference = match[0]
    return reference[1] == "#" or reference[1:] in html5


def _parse(html: str) -> str:
    """Return the text of `html` by Lexbor."""
    from selectolax.lexbor import LexborHTMLParser

    # A lone surrogate stands for no character, and has no UTF-8.
    root = LexborHTMLParser(_SURROGATES.sub("", html)).root

    # Breaks around the outermost elements separate nothing.
    return str(root.text()).strip() if root is not None else ""
