"""Markup: HTML out, its words kept apart, and every "<" and "&" that is no markup left alone.

Prose is full of "<": "p < 0.05", "<5 mm", "<account-id>", "List<String>". An HTML parser alone would swallow
"<account-id>", and everything after "i <n". So what counts as markup is decided here, strictly, and the parser
(selectolax, on Lexbor) reads a text in which everything else is escaped.
"""

from __future__ import annotations

import re
from html.entities import html5

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
_ATTRIBUTES = (
    rf"""(?:\s+(?:[\w:@.-]+\s*=\s*(?:"[^"]{{0,4000}}"|'[^']{{0,4000}}'|[^\s"'<>`]+)|(?:{_FLAGS})(?=[\s/>])))*"""
)
_HIDDEN = (
    r"<!--.*?-->|<!doctype\b[^<>]*>|<\?xml\b[^<>]*\?>"
    rf"|<(?P<raw>script|style|template|iframe)\b{_ATTRIBUTES}\s*>.*?</(?P=raw)\s*>"
)
_TAG = rf"<(?P<end>/?)(?P<name>[a-z][\w:-]*){_ATTRIBUTES}\s*/?>"
_TOKEN = re.compile(f"(?P<hidden>{_HIDDEN})|{_TAG}", re.IGNORECASE | re.DOTALL)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# 10<sup>9</sup> is not 109.
_POWER = re.compile(r"(?<=[0-9])<sup>\s*([-+\u2212]?[0-9]+)\s*</sup>", re.IGNORECASE)


def strip(text: str) -> str:
    """Return `text` without HTML; a text that holds none comes back as it is, byte for byte.

    Markup is: comments, declarations, scripts and styles; tags whose name HTML knows, or which the same text
    closes by name (`<note>...</note>`); character references with their semicolon whose name HTML knows.
    Elements that stand apart leave a line break. One level of escaping is undone at a time.
    """
    if "<" not in text and "&" not in text:
        return text
    flat = _POWER.sub(r"^\1", text)
    tokens = list(_TOKEN.finditer(flat))
    opened, closed = ({token["name"].lower() for token in tokens if token["end"] == end} for end in ("", "/"))
    tags = [
        token
        for token in tokens
        if token["hidden"] or _is_element(token["name"]) or token["name"].lower() in opened & closed
    ]
    if flat == text and not tags and not any(map(_is_entity, _ENTITY.finditer(text))):
        return text
    return _read(_plain_html(flat, tags))


def _plain_html(text: str, tags: list[re.Match[str]]) -> str:
    """Return HTML of nothing but spans, line breaks and escaped text: no table or list rule can reorder it."""
    html, at = [], 0
    for tag in tags:
        html.append(_escape(text[at : tag.start()]))
        at = tag.end()
        if tag["hidden"]:
            html.append("\n" if tag["raw"] else "")
            continue
        apart = "" if _WITHIN.fullmatch(tag["name"]) else "\n"
        html.append(f"</span>{apart}" if tag["end"] else f"{apart}<span>")
    html.append(_escape(text[at:]))
    return "".join(html)


def _escape(text: str) -> str:
    # A bare "&copy=2" or "AT&T" is text; browsers would read the first as a copyright sign.
    parts, at = [], 0
    for entity in filter(_is_entity, _ENTITY.finditer(text)):
        parts += [text[at : entity.start()].replace("&", "&amp;"), entity[0]]
        at = entity.end()
    parts.append(text[at:].replace("&", "&amp;"))
    return "".join(parts).replace("<", "&lt;").replace("\0", "")


def _is_element(name: str) -> bool:
    return bool(_APART.fullmatch(name) or _WITHIN.fullmatch(name))


def _is_entity(match: re.Match[str]) -> bool:
    return match[0][1] == "#" or match[0][1:] in html5


def _read(html: str) -> str:
    from selectolax.lexbor import LexborHTMLParser

    root = LexborHTMLParser(html).root
    # The breaks around the outermost elements part nothing.
    return str(root.text()).strip() if root is not None else ""
