"""Markup: HTML out, its words kept apart, and every "<" and "&" that is no markup left alone.

Prose is full of "<": "p < 0.05", "<5 mm", "<account-id>", "List<String>". An HTML parser alone would swallow
"<account-id>", and everything after "i <n". So what counts as markup is decided here, strictly, and the parser
(selectolax, on Lexbor) reads a text in which everything else is escaped.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from html.entities import html5
from typing import NamedTuple

from stages.clean.outline import Outline

# Elements that break a line in a browser, or stand apart as cells and options do. The others run on:
# "m<sup>2</sup>" and "<code>Bucket</code>s" are single words.
_APART = re.compile(
    "address|article|aside|audio|blockquote|body|br|button|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|"
    "fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hgroup|hr|html|iframe|img|input|legend|li|"
    "link|main|map|menu|meta|nav|noscript|object|ol|optgroup|option|p|param|pre|script|section|select|style|summary|"
    "table|tbody|td|template|textarea|tfoot|th|thead|title|tr|ul|video",
    re.IGNORECASE,
)
_WITHIN = re.compile(
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|label|mark|nobr|output|q|rb|rp|rt|ruby|s|"
    "samp|small|span|strike|strong|sub|sup|time|tt|u|var|wbr",
    re.IGNORECASE,
)
_FLAGS = "allowfullscreen|async|autoplay|checked|compact|controls|defer|disabled|hidden|itemscope|multiple|nowrap|open"
# Attributes have values ("<b and c>" is prose); the bound keeps a stray quote from reaching across a document.
_ATTRIBUTES = rf"""(?:\s+(?:[\w:@.-]+\s*=\s*(?:"[^"]{{0,4000}}"|'[^']{{0,4000}}'|[^\s"'<>`]+)|(?:{_FLAGS})(?=[\s/>]))){{0,100}}"""
_RAW = re.compile(rf"<(script|style|template|iframe)\b{_ATTRIBUTES}\s*>", re.IGNORECASE)
_DECLARATION = re.compile(r"<!doctype\b[^<>]*>|<\?xml\b[^<>?]*\?>", re.IGNORECASE)
_TAG = re.compile(rf"<(?P<end>/?)(?P<name>[a-z][\w:-]*){_ATTRIBUTES}\s*/?>", re.IGNORECASE)
# Markdown's code: spans on one line, and fences. A span does not begin or end with a space: "a ` b ` c" is none.
_SPAN = re.compile(r"(?<!`)(?:`(?![`\s])[^`\n]*(?<!\s)`|``(?!`)[^`\n]+``)(?!`)")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# 10<sup>9</sup> is not 109.
_POWER = re.compile(r"(?<=[0-9])<sup>\s*([-+\u2212]?[0-9]+)\s*</sup>", re.IGNORECASE)


class _Token(NamedTuple):
    """Markup at `start` to `end`: the tag `name`, or "!" (hidden), "!!" (hidden, apart) or "`" (code)."""

    start: int
    end: int
    name: str
    closes: bool = False


def strip(text: str) -> str:
    """Return `text` without HTML; a text that holds none comes back as it is, byte for byte.

    Markup is: comments, declarations, scripts and styles; tags whose name HTML knows, or which the same text
    closes by name (`<note>...</note>`); character references with their semicolon whose name HTML knows.
    Markdown's code spans and fences are left alone. One level of escaping is undone at a time. An escaped tag is
    content and comes back as a code span, unless the text has no other tags and these open and close each other:
    then all of it was escaped once more.
    """
    if "<" not in text and "&" not in text:
        return text
    flat = _POWER.sub(r"^\1", text)
    tokens = _markup(flat)
    tagged = any(token.name != "`" for token in tokens)
    if flat == text and not tagged and not _has_entity(text, tokens):
        return text
    plain = _read(_outline(flat, tokens)) if tagged else _read(_escaped(flat, tokens))
    found = [token for token in _markup(plain) if token.name != "`"]
    if not tagged:
        opened, closed = (
            {token.name for token in found if token.closes is end} for end in (False, True)
        )
        if opened & closed:
            return strip(plain)
    return quote(plain)


def quote(text: str) -> str:
    """Return `text`, which is no HTML, with each literal tag in it as a code span: `strip` will leave it alone."""
    parts, at = [], 0
    for token in _markup(text):
        if token.name != "`":
            tag = " ".join(text[token.start : token.end].split())
            parts += [text[at : token.start], tag if "`" in tag else f"`{tag}`"]
            at = token.end
    return "".join([*parts, text[at:]])


def is_element(name: str) -> bool:
    """Return whether HTML knows an element of this name."""
    return bool(_APART.fullmatch(name) or _WITHIN.fullmatch(name))


def _markup(text: str) -> list[_Token]:
    """Return markup and Markdown code, in order, none overlapping. Linear: no end is looked for twice in vain."""
    tokens: list[_Token] = []
    code = iter(code_spans(text))
    span = next(code, None)
    ends = _Ends(text)
    at = text.find("<")
    while at >= 0:
        while span and span[0] <= at:
            if not tokens or tokens[-1].end <= span[0]:
                tokens.append(_Token(*span, "`"))
                at = max(at, span[1])
            span = next(code, None)
        at = text.find("<", at)
        if at < 0 or (span and span[0] <= at):
            continue
        token = _token(text, at, ends)
        if token:
            tokens.append(token)
        at = text.find("<", token.end if token else at + 1)
    while span:
        if not tokens or tokens[-1].end <= span[0]:
            tokens.append(_Token(*span, "`"))
        span = next(code, None)
    opened, closed = (
        {token.name for token in tokens if token.closes is end} for end in (False, True)
    )
    own = opened & closed
    return [
        token
        for token in tokens
        if token.name[0] in "!`" or is_element(token.name) or token.name in own
    ]


def _token(text: str, at: int, ends: _Ends) -> _Token | None:
    if text.startswith("<!--", at):
        end = ends.after("-->", at + 4)
        return _Token(at, end, "!") if end else None
    if declaration := _DECLARATION.match(text, at):
        return _Token(at, declaration.end(), "!")
    if raw := _RAW.match(text, at):
        end = ends.after(f"</{raw[1].lower()}", raw.end())
        if end:
            return _Token(at, end, "!!")
    if tag := _TAG.match(text, at):
        return _Token(at, tag.end(), tag["name"].lower(), bool(tag["end"]))
    return None


class _Ends:
    """Where comments and raw elements end: each kind is found once, and then looked up by bisection."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: dict[str, list[tuple[int, int]]] = {}

    def after(self, end: str, at: int) -> int:
        """Return where the first `end` from `at` on stops; 0 when there is none."""
        if end not in self._found:
            pattern = re.escape(end) + (r"\s*+>" if end[0] == "<" else "")
            self._found[end] = [
                match.span() for match in re.finditer(pattern, self._text, re.IGNORECASE)
            ]
        spans = self._found[end]
        index = bisect_left(spans, (at, 0))
        return spans[index][1] if index < len(spans) else 0


def code_spans(text: str) -> list[tuple[int, int]]:
    """Return the spans of Markdown code. A fence that is never closed is none."""
    if "`" not in text:
        return []
    fences: list[tuple[int, int]] = []
    begun, at = -1, 0
    for line in text.splitlines(keepends=True):
        mark = line.strip()
        if begun >= 0 and mark == "```":
            fences.append((begun, at + len(line)))
            begun = -1
        elif begun < 0 and mark.startswith("```") and "`" not in mark[3:]:
            begun = at
        at += len(line)
    spans, last = [], 0
    for fence in [*fences, (len(text), len(text))]:
        spans += [match.span() for match in _SPAN.finditer(text, last, fence[0])]
        spans.append(fence)
        last = fence[1]
    return spans[:-1]


def _outline(text: str, tokens: list[_Token]) -> str:
    outline, at = Outline(), 0
    for token in tokens:
        if token.start > at:
            outline.add(_escape(text[at : token.start]))
        at = token.end
        if token.name == "`":
            outline.add(_verbatim(text[token.start : token.end]), verbatim=True)
        elif token.name == "!!":
            outline.line()
        elif token.name != "!" and not _WITHIN.fullmatch(token.name):
            outline.tag(token.name, token.closes)
    outline.add(_escape(text[at:]))
    return outline.text()


def _escaped(text: str, code: list[_Token]) -> str:
    parts, at = [], 0
    for token in code:
        parts += [_escape(text[at : token.start]), _verbatim(text[token.start : token.end])]
        at = token.end
    return "".join([*parts, _escape(text[at:])])


def _verbatim(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\0", "")


def _has_entity(text: str, code: list[_Token]) -> bool:
    at = 0
    for token in [*code, _Token(len(text), len(text), "`")]:
        if any(map(_is_entity, _ENTITY.finditer(text, at, token.start))):
            return True
        at = token.end
    return False


def _escape(text: str) -> str:
    # A bare "&copy=2" or "AT&T" is text; browsers would read the first as a copyright sign.
    parts, at = [], 0
    for entity in filter(_is_entity, _ENTITY.finditer(text)):
        parts += [text[at : entity.start()].replace("&", "&amp;"), entity[0]]
        at = entity.end()
    parts.append(text[at:].replace("&", "&amp;"))
    return "".join(parts).replace("<", "&lt;").replace("\0", "")


def _is_entity(match: re.Match[str]) -> bool:
    return match[0][1] == "#" or match[0][1:] in html5


def _read(html: str) -> str:
    from selectolax.lexbor import LexborHTMLParser

    # Half a pair of surrogates stands for no character, and has no UTF-8.
    root = LexborHTMLParser(re.sub("[\ud800-\udfff]", "", html)).root
    # The breaks around the outermost elements part nothing.
    return str(root.text()).strip() if root is not None else ""
