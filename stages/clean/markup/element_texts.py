"""What stands for a closed element within a line: its plain text with what its tags meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape
from typing import NamedTuple

from stages.clean.markup.formulas import subscript, superscript
from stages.clean.markup.mathml import linear_text

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_TAG_OR_COMMENT = re.compile(rf"<!--.*?-->|{_TAG.pattern}", re.DOTALL)
_REFERENCE = re.compile(r"<a\b[^<>]*\bhref\s*=\s*[\"']?[^\"'\s>]*#", re.IGNORECASE)
_REFERENCE_CLASS = re.compile(r"\b(?:reference|footnote|cite|noteref|fn)", re.IGNORECASE)
_RUBY_TAG = re.compile(r"<(/?)(rt|rp|rb|rtc)\b[^<>]*>", re.IGNORECASE)
# The other half of a fraction: <sup>1</sup>/<sub>2</sub>.
_LOWER_PART = re.compile(
    r"\s*(?:/|&frasl;|&#8260;|\u2044)\s*<sub>\s*[0-9]+\s*</sub>", re.IGNORECASE
)
_UNSPACED = re.compile("[\u3040-\u30ff\u3100-\u312f\u3400-\u9fff]")


def without_tags(html: str, space: str = "") -> str:
    """Return `html` with `space` in the place of each tag and each closed comment.

    >>> without_tags("a <b>c</b><!-- d --> <!-- e")
    'a c <!-- e'
    """
    # No comment ends behind the last mark. A search there would read on to the end each time.
    last = html.rfind("-->") + len("-->") if "-->" in html else 0

    return _TAG_OR_COMMENT.sub(space, html[:last]) + _TAG.sub(space, html[last:])


class Element(NamedTuple):
    """A closed element.

    Attributes:
        attributes: of its start tag.
        inner: the HTML inside it, spelled out.
        source: the HTML inside it as it was.
        before: the plain text of the line before it.
        after: the HTML behind it, up to the end of the line.
    """

    attributes: dict[str, str]
    inner: str
    source: str
    before: str
    after: str

    @property
    def text(self) -> str:
        """The plain text inside it, on one line."""
        return " ".join(unescape(without_tags(self.inner)).split())


def _keep_apart(text: str, element: Element) -> str:
    """Return an exponent, with a space if what follows would be read as a part of it."""
    after = unescape(without_tags(element.after))
    is_raised = bool(re.match(r"\s*<su[bp]\b", element.after, re.IGNORECASE))
    last = text[-1:]
    is_word_behind = bool(re.match(r"[^\W\d_]{2}", after))
    runs_on = (last.isalpha() and after[:1].isalnum()) or (
        last.isdigit() and (after[:1].isdigit() or is_word_behind)
    )
    is_spelled = "^" in text or "_" in text

    return text + " " if runs_on and is_spelled and not is_raised else text


def _raised(element: Element) -> str:
    classes = element.attributes.get("class", "")
    is_reference = bool(_REFERENCE.search(element.source) or _REFERENCE_CLASS.search(classes))
    after = unescape(without_tags(element.after))
    if element.text.isdigit() and _LOWER_PART.match(element.after):
        return f" {element.text}" if element.before[-1:].isdigit() else element.text

    text = superscript(element.before, element.text, after=after, is_reference=is_reference)
    return escape(_keep_apart(text, element), quote=False)


def _lowered(element: Element) -> str:
    text = subscript(element.before, element.text)
    return escape(_keep_apart(text, element), quote=False)


def _formula(element: Element) -> str:
    text = linear_text(element.source)
    before = " " if element.before[-1:].isalnum() and text[:1].isalnum() else ""
    after = unescape(without_tags(element.after))
    behind = " " if text[-1:].isalnum() and after[:1].isalnum() else ""
    return f"{before}{escape(text, quote=False)}{behind}"


def _with_reading(element: Element) -> str:
    """Return the word of a ruby element with its reading behind it, in brackets."""
    bases: list[str] = []
    readings: list[str] = []
    # The tag that is open: text outside all of them belongs to the word.
    inside = ""
    position = 0
    for tag in [*_RUBY_TAG.finditer(element.inner), None]:
        end = tag.start() if tag else len(element.inner)
        piece = element.inner[position:end]
        if inside in ("", "rb"):
            bases.append(piece)
        elif inside in ("rt", "rtc") and without_tags(piece).strip():
            readings.append(piece.strip())
        if tag:
            inside = "" if tag[1] else tag[2].lower()
            position = tag.end()

    word = "".join(base.strip() if base.isspace() else base for base in bases).strip()
    separator = "" if all(_UNSPACED.search(reading) for reading in readings) else " "
    reading = separator.join(readings)

    return f"{word}({reading})" if reading else word


def _deleted(element: Element) -> str:
    """Return "" for deleted text beside other text, and else the text: all of it was deleted."""
    after = unescape(without_tags(element.after))
    is_beside_text = bool(re.search(r"\w", element.before) or re.search(r"\w", after))
    return "" if is_beside_text else element.inner


def _struck(element: Element) -> str:
    """Return struck text, apart from what replaces it: "$99 $79"."""
    after = unescape(without_tags(element.after))[:1]
    before = " " if element.before and not element.before[-1].isspace() else ""
    is_glued = bool(after) and not after.isspace() and after not in ".,;:!?)"
    behind = " " if is_glued else ""
    return f"{before if is_glued or element.before[-1:].isalnum() else ''}{element.inner}{behind}"


SPELLERS: dict[str, Callable[[Element], str]] = {
    "sup": _raised,
    "sub": _lowered,
    "math": _formula,
    "ruby": _with_reading,
    "del": _deleted,
    "s": _struck,
    "strike": _struck,
    "abbr": lambda element: element.inner,
    "acronym": lambda element: element.inner,
}
