"""Two texts as one, with the words marked that only the older or only the newer one has."""

from __future__ import annotations

import html
import re
from difflib import SequenceMatcher
from typing import NamedTuple

from stages.lib.reporting.html import Html

# A word, a run of spaces, or another sign. A sign of a script without spaces stands alone.
_TOKEN = re.compile(
    r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]"
    r"|[^\W\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]+|\s+|.",
    re.DOTALL,
)

# Longer texts are cut before they are compared.
_MAX_COMPARED = 6_000

# Characters that are shown around a difference, and of a text altogether.
_CONTEXT = 50
_MAX_SHOWN = 420

_SPACE_SIGNS = {" ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍", "\u00a0": "⍽"}


class TextPart(NamedTuple):
    """A part of two texts: `kind` is both, old (only the older one has it) or new."""

    kind: str
    text: str


def word_differences(old: str, new: str) -> list[TextPart]:
    """Return both texts as one, by words.

    >>> [tuple(part) for part in word_differences("a red skin", "a dry skin")]
    [('both', 'a '), ('old', 'red'), ('new', 'dry'), ('both', ' skin')]
    """
    old_words = _TOKEN.findall(old[:_MAX_COMPARED])
    new_words = _TOKEN.findall(new[:_MAX_COMPARED])
    parts: list[TextPart] = []
    matcher = SequenceMatcher(None, old_words, new_words, autojunk=False)
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        before = "".join(old_words[old_start:old_end])
        after = "".join(new_words[new_start:new_end])
        if tag == "equal":
            parts.append(TextPart("both", before))
            continue
        parts += [TextPart("old", before)] if before else []
        parts += [TextPart("new", after)] if after else []
    return parts


def marked_differences(old: str, new: str) -> Html:
    """Return both texts as one, with `<del>` and `<ins>`, cut to the surroundings of differences.

    >>> marked_differences("a red skin", "a dry skin")
    'a <del>red</del><ins>dry</ins> skin'
    """
    parts = word_differences(old, new)
    pieces: list[str] = []
    shown = 0
    for number, (kind, text) in enumerate(parts):
        if shown >= _MAX_SHOWN:
            pieces.append("…")
            break
        if kind == "both":
            text = _shortened(text, is_first=number == 0, is_last=number == len(parts) - 1)
            pieces.append(html.escape(text))
        else:
            text = _cut(_visible(text), _MAX_SHOWN - shown)
            tag = "del" if kind == "old" else "ins"
            pieces.append(f"<{tag}>{html.escape(text)}</{tag}>")
        shown += len(text)
    return Html("".join(pieces))


def plain_text(text: str) -> Html:
    """Return a text, cut and escaped.

    >>> plain_text("a < b")
    'a &lt; b'
    """
    return Html(html.escape(_cut(text, _MAX_SHOWN)))


def _visible(text: str) -> str:
    """Return a text of spaces alone as signs, since a mark around spaces shows nothing."""
    if text.strip():
        return text
    return "".join(_SPACE_SIGNS.get(sign, sign) for sign in text)


def _shortened(text: str, *, is_first: bool, is_last: bool) -> str:
    """Return what both texts have, without what is far from a difference."""
    if is_first and is_last:
        return _cut(text, _MAX_SHOWN)
    if is_first and len(text) > _CONTEXT:
        return f"…{text[-_CONTEXT:]}"
    if is_last and len(text) > _CONTEXT:
        return f"{text[:_CONTEXT]}…"
    if len(text) > 2 * _CONTEXT:
        return f"{text[:_CONTEXT]} … {text[-_CONTEXT:]}"
    return text


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most].rstrip()}…"
