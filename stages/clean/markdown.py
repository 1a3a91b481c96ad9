"""Markdown: marks of headings, emphasis, links and tables out, their words kept; code and lists stay as they are.

Only in documents that are plainly Markdown, by two different marks at least: "# of items" and "**kwargs" are prose.
Syntax: CommonMark 0.31, and the tables of GitHub's dialect.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from stages.clean.markup import code_spans

# Where a link leads, and its title; parentheses may stand in pairs.
_TARGET = r"\((?:[^()\s]|\([^()\s]{0,200}\)){1,2000}(?:[ ]\"[^\"\n]{0,200}\")?\)"
# What is replaced, each by what it keeps or by nothing. A line may end within, a paragraph not. Bounded, so that no
# text takes more than linear time.
_PARTS = {
    "heading": r"^[ ]{0,3}(?P<title>#{1,6})[ \t]+(?=\S)",
    "underline": r"^[ ]{0,3}(?:={3,}|-{3,}|\*{3,}|_{3,})[ \t]*$\n?",
    "rule": r"^[ ]{0,3}\|?[ \t]*:?-{3,}:?[ \t]*(?:\|[ \t]*:?-{3,}:?[ \t]*){1,50}\|?[ \t]*$\n?",
    "row": r"^[ ]{0,3}\|(?P<cells>[^\n]{1,2000})\|[ \t]*$",
    "image": rf"!\[(?P<alt>[^\[\]\n]{{0,500}})\]{_TARGET}",
    "link": rf"(?<![!\w\]])\[(?P<words>(?:[^\[\]\n]|\n(?=\S)){{1,500}})\]{_TARGET}",
    "strong": r"(?<![\w*])\*\*(?=[^\s*])(?P<loud>(?:[^*\n]|\n(?=\S)){1,500})(?<=\S)\*\*(?![\w*])",
    "underlined": r"(?<![\w_])__(?=[^\s_])(?P<bold>(?:[^_\n]|\n(?=\S)){1,500})(?<=\S)__(?![\w_])",
}
_KEPT = ("cells", "alt", "words", "loud", "bold")
_PART = re.compile(
    "|".join(f"(?P<{name}>{pattern})" for name, pattern in _PARTS.items()), re.MULTILINE
)
# What tells Markdown. Lines of dashes and bars stand in any plain text.
_TELLING = ("rule", "image", "link", "strong")
# A cell can hold emphasis, that a link, and that an image.
DEEPEST = 5
_LANGUAGE = re.compile(r"^```[a-z]", re.MULTILINE)


def strip(text: str) -> str:
    """Return the words of a Markdown document; any other text comes back as it is."""
    if not any(sign in text for sign in ("#", "](", "**", "--|", "-- |")):
        return text
    parts = _parts(text)
    found = {
        _kind(part) for part in parts if part["heading"] or any(part[name] for name in _TELLING)
    }
    if len(found) + bool(_LANGUAGE.search(text)) < 2:
        return text
    is_table = any(part["rule"] for part in parts)
    for _ in range(DEEPEST):
        plain = _without([part for part in _parts(text) if is_table or not part["row"]], text)
        if plain == text:
            break
        text = plain
    return text


def _parts(text: str) -> list[re.Match[str]]:
    """Return what is replaced, in order: nothing in code, though code may stand in a link or a cell."""
    found, code, at = [], code_spans(text), 0
    for part in _PART.finditer(text):
        while at < len(code) and code[at][1] <= part.start():
            at += 1
        start, end = next(
            (part.span(name) for name in _KEPT if part[name] is not None), (part.end(), part.end())
        )
        within = bisect_left(code, (part.end(), 0))
        if at >= within or (start <= code[at][0] and code[within - 1][1] <= end):
            found.append(part)
    return found


def _kind(part: re.Match[str]) -> str:
    # A title and a heading below it are two marks.
    return (
        f"heading {len(part['title'])}"
        if part["heading"]
        else next(name for name in _TELLING if part[name])
    )


def _without(parts: list[re.Match[str]], text: str) -> str:
    left, at = [], 0
    for part in parts:
        kept = next((part[name] for name in _KEPT if part[name] is not None), "")
        left += [text[at : part.start()], kept.strip(" \t") if part["row"] else kept]
        at = part.end()
    return "".join([*left, text[at:]])
