"""MathML as one line of plain text: fractions with "/", powers with "^", indices with "_"."""

from __future__ import annotations

import re
import unicodedata
from html import unescape
from typing import NamedTuple

from stages.clean.markup.formulas import linear_exponent, linear_index, linear_term, subscript

_TAG = re.compile(
    r"<!--.*?-->|<(/?)(?:[a-z]+:)?([a-zA-Z][\w-]*+)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>", re.DOTALL
)
_ATTRIBUTE = re.compile(r"(?<![\w:-])([\w:-]++)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
# Function application, invisible product, separator and sum.
_INVISIBLE = re.compile("[\u2061-\u2064\u200b]")
_SPACED = frozenset(
    "=<>≤≥≠≈≡\u223c≃≅∝±∓+-\u2212→←↔⇒⇐⇔↦∈∉⊂⊆⊃⊇\u222a∩∧\u2228\u00d7÷\u22c5·\u2217:\u2223∥⊕⊗"
)
_BIG_OPERATORS = frozenset("∑∏∫∬∭∮\u22c3⋂⨁⨂")
_OPENING = "([{⟨⌊⌈"
_ACCENTS = {
    "¯": "\u0304",
    "\u203e": "\u0304",
    "^": "\u0302",
    "\u02c6": "\u0302",
    "~": "\u0303",
    "\u02dc": "\u0303",
    "→": "\u20d7",
    "⃗": "\u20d7",
    "˙": "\u0307",
    "¨": "\u0308",
}
_IGNORED = frozenset(["annotation", "annotation-xml", "mphantom", "none", "mprescripts"])
_PRODUCT = re.compile(r"[0-9]+[^\W\d_]\w*")
_DEEPEST = 100


class _Node(NamedTuple):
    """An element of MathML.

    Attributes:
        name: its name, without a prefix.
        attributes: the source of its attributes.
        children: elements and texts.
    """

    name: str
    attributes: str
    children: list[_Node | str]


def linear_text(source: str) -> str:
    """Return the formula of a <math> element in one line; "" if it shows nothing.

    An element without content gives its `alttext`.

    >>> linear_text("<math><mfrac><mn>1</mn><mi>x</mi></mfrac></math>")
    '1/x'
    """
    root = _read(source)
    text = " ".join(_row(root).split())
    if text:
        return unicodedata.normalize("NFC", text)

    attributes = "".join(child.attributes for child in root.children if isinstance(child, _Node))
    return _alternative(attributes)


def _read(source: str) -> _Node:
    """Return the tree of the elements of `source`, under a root without a name."""
    open_nodes = [_Node("", "", [])]
    position = 0
    for tag in _TAG.finditer(_without_open_comments(source)):
        _add_text(open_nodes[-1], source[position : tag.start()])
        position = tag.end()
        name = (tag[2] or "").lower()
        if not name:
            continue
        if not tag[1]:
            node = _Node(name, tag[3], [])
            open_nodes[-1].children.append(node)
            if not tag[3].endswith("/") and len(open_nodes) < _DEEPEST:
                open_nodes.append(node)
        elif any(node.name == name for node in open_nodes):
            while open_nodes.pop().name != name:
                pass

    _add_text(open_nodes[-1], source[position:])
    return open_nodes[0]


def _without_open_comments(source: str) -> str:
    """Return `source` with other characters where a comment begins that has no end.

    A search for the end would read the rest of the text each time.
    """
    last = max(source.rfind("-->") - len("-->"), 0)
    return source[:last] + source[last:].replace("<!--", "<!  ")


def _add_text(node: _Node, text: str) -> None:
    if text.strip():
        node.children.append(" ".join(unescape(text).split()))


def _elements(node: _Node) -> list[_Node]:
    return [child for child in node.children if isinstance(child, _Node)]


def _text(node: _Node | str) -> str:
    """Return a node in one line."""
    if isinstance(node, str):
        return _INVISIBLE.sub("", node)
    if node.name in _IGNORED:
        return ""
    if node.name in _BY_NAME:
        return _BY_NAME[node.name](node)

    return _row(node)


def _row(node: _Node) -> str:
    """Return the children side by side, with spaces around relations and between words."""
    pieces: list[str] = []
    for child in node.children:
        piece = _text(child)
        if not piece:
            continue

        is_operator = isinstance(child, _Node) and child.name == "mo" and piece in _SPACED
        is_sign = not pieces or pieces[-1][-1:] in (*_OPENING, ",") or pieces[-1].strip() in _SPACED
        if is_operator:
            piece = piece if is_sign else f" {piece} "
        elif pieces and _needs_space(pieces[-1], piece):
            pieces.append(" ")

        pieces.append(piece)

    return "".join(pieces).strip()


def _needs_space(left: str, right: str) -> bool:
    """Return True if two pieces would run together: "sin x", but "2x" and "xy"."""
    if (
        left[0] in _BIG_OPERATORS
        or left[-1] == ","
        or (right[0] in _BIG_OPERATORS and left[-1].isalnum())
    ):
        return True
    if not (left[-1].isalnum() or left[-1] == ")") or not right[0].isalnum():
        return False

    # A letter behind a power or an index would be read as a part of it; H₂O is one word.
    if "^" in left or "_" in left or "/" in left:
        return True

    has_word = (left[-2:].isalpha() and len(left) > 1) or (right[:2].isalpha() and len(right) > 1)
    return has_word or (left[-1].isdigit() and right[0].isdigit())


def _fraction(node: _Node) -> str:
    terms = [linear_term(_text(child)) for child in _elements(node)]

    # Half of a is not one over 2a.
    return "/".join(f"({term})" if _PRODUCT.fullmatch(term) else term for term in terms)


def _root(node: _Node) -> str:
    radicand = _row(node)
    return f"√{radicand}" if len(radicand) == 1 or radicand.isdigit() else f"√({radicand})"


def _nth_root(node: _Node) -> str:
    children = [_text(child) for child in _elements(node)]
    if len(children) != 2:
        return " ".join(children)

    return linear_exponent(children[0], f"1/{linear_term(children[1])}")


def _power(node: _Node) -> str:
    base, *raised = [_text(child) for child in _elements(node)] or [""]
    if not raised or not raised[0]:
        return base
    if raised[0] in ("\u2032", "'", "*", "†", "+", "-", "\u2212", "∘", "°"):
        return linear_term(base) + raised[0]

    return linear_exponent(base, raised[0])


def _index(node: _Node) -> str:
    base, *lowered = [_text(child) for child in _elements(node)] or [""]
    if not lowered or not lowered[0]:
        return base

    return base + subscript(base, lowered[0]) if base.isalpha() else linear_index(base, lowered[0])


def _index_and_power(node: _Node) -> str:
    children = [_text(child) for child in _elements(node)]
    if len(children) != 3:
        return " ".join(children)

    indexed = linear_index(children[0], children[1]) if children[1] else children[0]
    if not children[2]:
        return indexed

    raised = linear_exponent("x", children[2])[1:]
    return indexed + raised


def _over(node: _Node) -> str:
    base, *above = [_text(child) for child in _elements(node)] or [""]
    if above and above[0] in _ACCENTS and len(base) == 1:
        return base + _ACCENTS[above[0]]
    if above and above[0] in ("¯", "\u203e", "_", "⏞", "→", "^", "~"):
        return linear_term(base)

    return linear_exponent(base, above[0]) if above and above[0] else base


def _table(node: _Node) -> str:
    rows: list[str] = []
    for row in _elements(node):
        rows.append(", ".join(_text(cell) for cell in _elements(row)))

    return "; ".join(rows)


def _fenced(node: _Node) -> str:
    marks = _attributes(node.attributes)
    inner = ", ".join(_text(child) for child in _elements(node))
    return f"{marks.get('open', '(')}{inner}{marks.get('close', ')')}"


def _first(node: _Node) -> str:
    children = _elements(node)
    return _text(children[0]) if children else _row(node)


_BY_NAME = {
    "mfrac": _fraction,
    "msqrt": _root,
    "mroot": _nth_root,
    "msup": _power,
    "msub": _index,
    "munder": _index,
    "msubsup": _index_and_power,
    "munderover": _index_and_power,
    "mmultiscripts": _index_and_power,
    "mover": _over,
    "mtable": _table,
    "mfenced": _fenced,
    "semantics": _first,
    "maction": _first,
}


def _attributes(source: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(source):
        value = next(group for group in match.groups()[1:] if group is not None)
        values[match[1].lower()] = unescape(value)

    return values


def _alternative(attributes: str) -> str:
    """Return `alttext` in one line, without the command that sets it in display style."""
    text = " ".join(_attributes(attributes).get("alttext", "").split())
    display = re.fullmatch(r"\{\\displaystyle (.*)\}", text)
    return display[1].strip() if display else text
