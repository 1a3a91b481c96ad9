"""HTML: remove markup, keep its words apart, and leave every "<" and "&" that is no markup alone.

Prose is full of "<": "p < 0.05", "<5 mm", "<account-id>", "List<String>". An HTML parser alone
would lose "<account-id>", and everything after "i <n". So strict rules decide first what counts
as markup. The parser (selectolax, on Lexbor) then reads a text in which everything else is
escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html.entities import html5

from stages.clean.markup.block_layout import BlockLayout
from stages.clean.markup.html_tokens import (
    CODE,
    HIDDEN,
    HIDDEN_BLOCK,
    Token,
    attributes_of,
    closed_names,
    find_markup,
    is_inline,
)
from stages.clean.markup.inline_elements import spell_out
from stages.clean.markup.list_marks import MARKED_ELEMENTS, ItemMarks, item_counts
from stages.clean.markup.spoken_entities import spoken_entities
from stages.clean.markup.spoken_markup import spoken_tags
from stages.clean.spans import merge_spans

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_SURROGATES = re.compile("[\ud800-\udfff]")


def strip_html(text: str) -> str:
    """Return `text` without HTML; a text that holds none is returned unchanged, byte for byte.

    Markup is: comments, declarations, scripts and styles; tags whose name HTML knows, or which
    the same text closes by name (`<note>...</note>`); character references with their semicolon
    whose name HTML knows. Markdown's code spans and fences are left alone. One level of
    escaping is undone at a time. An escaped tag is content, and becomes a code span, with one
    exception: if the text has no other tags, and these open and close each other, all of it was
    escaped once more. So it was if all of them break lines, and one stands against a word.
    """
    # Most texts hold no markup.
    if "<" not in text and "&" not in text:
        return text

    # Separate markup from text; what the text speaks of stays, as code.
    flat = spell_out(quote_spoken(text))
    tokens = find_markup(flat)
    has_tags = any(token.name != CODE for token in tokens)
    if flat == text and not has_tags and not _entity_spans(text, tokens):
        return text

    # Read the text between the tags.
    plain = _parse(_lay_out(flat, tokens) if has_tags else _escape_outside_code(flat, tokens))
    if not has_tags:
        unescaped = [token for token in find_markup(plain) if token.name != CODE]
        if closed_names(unescaped) or _break_lines(plain, unescaped):
            return strip_html(plain)

    return quote_tags(plain)


def quote_spoken(text: str) -> str:
    """Return `text` with each tag and entity that it speaks of as a code span.

    >>> quote_spoken("why does <hr> need no end, and what is &shy; for?")
    'why does `<hr>` need no end, and what is `&shy;` for?'
    """
    tokens = find_markup(text)
    tags = spoken_tags(text, tokens)
    starts = {tag.start for tag in tags}
    is_fragment = any(token.name != CODE and token.start not in starts for token in tokens)
    spans = [(tag.start, tag.end) for tag in tags]
    if "&" in text:
        entities = _entity_spans(text, [token for token in tokens if token.start not in starts])
        spans += spoken_entities(text, entities, is_fragment)

    # An empty element is one span.
    pieces: list[str] = []
    position = 0
    for start, end in merge_spans(spans):
        pieces.append(text[position:start])
        pieces.append(_as_code(text[start:end]))
        position = end

    pieces.append(text[position:])
    return "".join(pieces)


def quote_tags(text: str) -> str:
    """Return plain `text` with each literal tag as a code span, which `strip_html` keeps.

    >>> quote_tags("the <p> tag")
    'the `<p>` tag'
    """
    pieces: list[str] = []
    position = 0
    for token in find_markup(text):
        if token.name == CODE:
            continue

        pieces.append(text[position : token.start])
        pieces.append(_as_code(text[token.start : token.end]))
        position = token.end

    pieces.append(text[position:])
    return "".join(pieces)


def _break_lines(text: str, tags: Sequence[Token]) -> bool:
    """Return True if all `tags` break lines, and one of them stands against a word."""
    if not tags or any(tag.name not in ("br", "hr", "p") for tag in tags):
        return False

    return any(
        text[tag.start - 1 : tag.start].isalnum() or text[tag.end : tag.end + 1].isalnum()
        for tag in tags
    )


def _as_code(markup: str) -> str:
    """Return markup as a code span on one line; with a backquote in it, it cannot be one."""
    line = " ".join(markup.split())
    return line if "`" in line else f"`{line}`"


def _lay_out(text: str, tokens: list[Token]) -> str:
    """Return the text between the tags, escaped, with the line breaks that the tags stand for."""
    # A list that counts down begins with the number of its items.
    counts: Mapping[int, int] = {}
    if "reversed" in text.lower():
        counts = item_counts((token.start, token.name, token.closes) for token in tokens)

    # Inline tags leave no trace, block tags break the line.
    layout = BlockLayout()
    marks = ItemMarks()
    position = 0
    for token in tokens:
        if token.start > position:
            layout.add(_escape(text[position : token.start]))

        position = token.end

        if token.name == CODE:
            layout.add(_escape_code(text[token.start : token.end]), verbatim=True)
        elif token.name == HIDDEN_BLOCK:
            layout.break_line()
        elif token.name != HIDDEN and not is_inline(token.name):
            mark = ""
            if token.name in MARKED_ELEMENTS:
                mark = _mark_of(token, text, marks=marks, item_count=counts.get(token.start, 0))

            layout.add_tag(token.name, token.closes, _spans_of(token, text), mark)

    layout.add(_escape(text[position:]))
    return layout.text()


def _mark_of(token: Token, text: str, marks: ItemMarks, item_count: int) -> str:
    """Return the mark of a list item, and "" for other tags, which `marks` follows."""
    has_attributes = (not token.closes and "=" in text[token.start : token.end]) or item_count
    attributes = attributes_of(text[token.start : token.end]) if has_attributes else {}
    return marks.mark(token.name, token.closes, attributes, item_count)


def _spans_of(token: Token, text: str) -> tuple[int, int]:
    """Return the columns and rows that a cell spans."""
    if token.name not in ("td", "th") or "span" not in text[token.start : token.end].lower():
        return 1, 1

    attributes = attributes_of(text[token.start : token.end])
    values = [attributes.get(name, "").strip() for name in ("colspan", "rowspan")]
    columns, rows = [int(value) if re.fullmatch("[0-9]{1,4}", value) else 1 for value in values]
    return columns, rows


def _escape_outside_code(text: str, code: list[Token]) -> str:
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


def _entity_spans(text: str, tokens: list[Token]) -> list[tuple[int, int]]:
    """Return the spans of the entities outside `tokens`."""
    spans: list[tuple[int, int]] = []
    position = 0
    for token in [*tokens, Token(len(text), len(text), CODE)]:
        for entity in _ENTITY.finditer(text, position, token.start):
            if _is_entity(entity):
                spans.append(entity.span())

        position = token.end

    return spans


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
