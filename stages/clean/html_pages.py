"""Pages: the main text of an HTML page, by trafilatura (Barbaresi 2021, ACL), and limits before any parser."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from stages.clean.markup import is_element, quote

_PAGE = re.compile(r"<!doctype\s+html\b|<(?:html|head|body)(?=[\s>])", re.IGNORECASE)
_BEFORE = re.compile(r"[\s\ufeff\0]*+(?:<\?xml\b[^<>]*>)?[\s\ufeff\0]*+", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-z][^\s/<>]*+)", re.IGNORECASE)
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "frame", "hr", "img", "input", "link", "meta", "param")
) | {
    "source",
    "track",
    "wbr",
}
# Their end tags may be left out: the next of its kind ends them.
_OPTIONAL = frozenset(
    ["p", "li", "dt", "dd", "tr", "td", "th", "option", "optgroup", "thead", "tbody", "tfoot"]
)
_ROW = re.compile(r"\|(.*)\|[ \t]*")
# A sentence that no page holds, and that trafilatura neither reflows nor drops as too short.
_PLACEHOLDER = "Preformatted text number {} stands in this very place, 7f3a91c5."
_PLACE = re.compile(re.escape(_PLACEHOLDER).replace(r"\{\}", "([0-9]+)"))


class Limits(NamedTuple):
    """What is read at most: bytes of UTF-8, tags, and elements inside each other."""

    bytes: int
    nodes: int
    depth: int


def refusal(text: str, limits: Limits) -> str:
    """Return "" or why `text` is not read: "too_many_bytes", "too_many_nodes" or "too_deep". Linear; no parser.

    Void elements have no depth, and elements whose end tag may be left out end where the next of their kind
    begins. Outside pages only names that HTML knows count: "Vector<T>" is code.
    """
    # No character takes less than a byte: a text of 50 MB is not even encoded.
    if len(text) > limits.bytes or len(text.encode("utf-8", "surrogatepass")) > limits.bytes:
        return "too_many_bytes"
    page = is_page(text)
    nodes, stack, opened = 0, list[str](), Counter[str]()
    for match in _TAG.finditer(text):
        name = match[2].lower()
        if not page and not is_element(name):
            continue
        nodes += 1
        if nodes > limits.nodes:
            return "too_many_nodes"
        if name in _VOID:
            continue
        if not match[1]:
            _end_before(name, stack, opened)
            stack.append(name)
            opened[name] += 1
        elif opened[name]:
            _pop_through(name, stack, opened)
        if len(stack) > limits.depth:
            return "too_deep"
    return ""


def is_page(text: str) -> bool:
    """Return whether `text` is a whole HTML page: it begins as one, after comments and an XML declaration."""
    at = 0
    while True:
        before = _BEFORE.match(text, at)
        at = before.end() if before else at
        if not text.startswith("<!--", at):
            return bool(_PAGE.match(text, at))
        end = text.find("-->", at + 4)
        if end < 0:
            return False
        at = end + 3


def extract(text: str) -> str:
    """Return the main text of a page, without comments and metadata; "" where none is found.

    Lists are "- item" lines, rows of tables "a | b" lines, preformatted text of several lines is a fence.
    """
    import trafilatura

    # What XML cannot hold (zero bytes, lone surrogates) would make lxml refuse the page.
    tree = trafilatura.load_html(
        re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "", text)
    )
    if tree is None:
        return ""
    held: list[str] = []
    for pre in tree.xpath("//pre[not(ancestor::pre)]"):
        code = "".join(pre.itertext()).strip("\r\n").rstrip()
        if "\n" in code and "```" not in code:
            tail = pre.tail
            pre.clear()
            pre.tag, pre.tail = "p", tail
            pre.text = _PLACEHOLDER.format(len(held))
            held.append(code)
    found = trafilatura.extract(
        tree,
        include_comments=False,
        include_tables=True,
        deduplicate=False,
        with_metadata=False,
        output_format="txt",
    )
    lines = [_row(line) for line in (found or "").splitlines()]
    plain = quote("\n".join(line for line in lines if line))
    return _PLACE.sub(lambda place: _fence(held, int(place[1])), plain).strip("\n")


def _fence(held: list[str], index: int) -> str:
    return f"\n```\n{held[index]}\n```\n" if index < len(held) else ""


def _row(line: str) -> str:
    match = _ROW.fullmatch(line)
    if not match:
        return line
    cells = [cell.strip() for cell in match[1].split("|")]
    return "" if all(re.fullmatch("-*", cell) for cell in cells) else " | ".join(cells)


def _end_before(name: str, stack: list[str], opened: Counter[str]) -> None:
    # At most one of each kind is open at the top, so this looks back a constant way.
    if name not in _OPTIONAL:
        return
    for back in range(len(stack) - 1, -1, -1):
        if stack[back] not in _OPTIONAL:
            return
        if stack[back] == name:
            _pop_through(name, stack, opened)
            return


def _pop_through(name: str, stack: list[str], opened: Counter[str]) -> None:
    while stack:
        last = stack.pop()
        opened[last] -= 1
        if last == name:
            return
