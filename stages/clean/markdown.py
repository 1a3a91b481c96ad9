"""Markdown: remove the marks of headings, emphasis, links and tables, and keep the words.

This applies only to documents that are plainly Markdown, with two different marks at least: "#
of items" and "**kwargs" are prose. Syntax: CommonMark 0.31, and the tables of GitHub's dialect.
"""

from __future__ import annotations

import re
from bisect import bisect_left

# The target of a link, and its title. Parentheses may stand in pairs.
_TARGET = r"\((?:[^()\s]|\([^()\s]{0,200}\)){1,2000}(?:[ ]\"[^\"\n]{0,200}\")?\)"
# Each mark is replaced by its kept group (below), or by nothing. A mark may span lines, but no
# paragraphs. Repetitions are bounded, so that every text takes linear time.
_MARKS = {
    "heading": r"^[ ]{0,3}(?P<title>#{1,6})[ \t]+(?=\S)",
    "underline": r"^[ ]{0,3}(?:={3,}|-{3,}|\*{3,}|_{3,})[ \t]*$\n?",
    "rule": r"^[ ]{0,3}\|?[ \t]*:?-{3,}:?[ \t]*(?:\|[ \t]*:?-{3,}:?[ \t]*){1,50}\|?[ \t]*$\n?",
    "row": r"^[ ]{0,3}\|(?P<cells>[^\n]{1,2000})\|[ \t]*$",
    "image": rf"!\[(?P<alt>[^\[\]\n]{{0,500}})\]{_TARGET}",
    "link": rf"(?<![!\w\]])\[(?P<words>(?:[^\[\]\n]|\n(?=\S)){{1,500}})\]{_TARGET}",
    "strong": r"(?<![\w*])\*\*(?=[^\s*])(?P<loud>(?:[^*\n]|\n(?=\S)){1,500})(?<=\S)\*\*(?![\w*])",
    "underlined": r"(?<![\w_])__(?=[^\s_])(?P<bold>(?:[^_\n]|\n(?=\S)){1,500})(?<=\S)__(?![\w_])",
}
_KEPT_GROUPS = ("cells", "alt", "words", "loud", "bold")
_MARK = re.compile(
    "|".join(f"(?P<{name}>{pattern})" for name, pattern in _MARKS.items()), re.MULTILINE
)
# These marks show that a text is Markdown. Lines of dashes and bars stand in any plain text.
_EVIDENCE = ("rule", "image", "link", "strong")
LEAST_EVIDENCE = 2
# A cell can hold emphasis, emphasis a link, and a link an image.
DEEPEST_NESTING = 5
_FENCE_WITH_LANGUAGE = re.compile(r"^```[a-z]", re.MULTILINE)
# A code span on one line. It does not begin or end with a space: "a ` b ` c" holds none.
_CODE_SPAN = re.compile(r"(?<!`)(?:`(?![`\s])[^`\n]*(?<!\s)`|``(?!`)[^`\n]+``)(?!`)")


def strip_markdown(text: str) -> str:
    """Return the words of a Markdown document; any other text is returned unchanged."""
    if not any(sign in text for sign in ("#", "](", "**", "--|", "-- |")):
        return text

    # Is it Markdown at all?
    marks = _find_marks(text)
    evidence = {_evidence_of(mark) for mark in marks} - {""}
    if len(evidence) + bool(_FENCE_WITH_LANGUAGE.search(text)) < LEAST_EVIDENCE:
        return text

    # Each round removes the outermost marks.
    is_table = any(mark["rule"] for mark in marks)
    for _ in range(DEEPEST_NESTING):
        removed = [mark for mark in _find_marks(text) if is_table or not mark["row"]]
        plain = _without_marks(removed, text)
        if plain == text:
            break

        text = plain

    return text


def code_spans(text: str) -> list[tuple[int, int]]:
    """Return the spans of Markdown code: closed fences, and code in a line."""
    if "`" not in text:
        return []

    # Code in a line stands between two fences.
    spans: list[tuple[int, int]] = []
    position = 0
    for fence in _closed_fences(text):
        spans += [match.span() for match in _CODE_SPAN.finditer(text, position, fence[0])]
        spans.append(fence)
        position = fence[1]

    spans += [match.span() for match in _CODE_SPAN.finditer(text, position)]

    return spans


def _closed_fences(text: str) -> list[tuple[int, int]]:
    """Return the spans of code fences, with the lines of their marks."""
    fences: list[tuple[int, int]] = []
    fence_start = -1
    line_start = 0
    for line in text.splitlines(keepends=True):
        stripped = line.strip()
        line_end = line_start + len(line)
        if fence_start >= 0 and stripped == "```":
            fences.append((fence_start, line_end))
            fence_start = -1
        elif fence_start < 0 and stripped.startswith("```") and "`" not in stripped[3:]:
            fence_start = line_start

        line_start = line_end

    return fences


def _find_marks(text: str) -> list[re.Match[str]]:
    """Return the marks in order. None is in code, though its kept words may hold code."""
    marks: list[re.Match[str]] = []
    code = code_spans(text)
    first = 0
    for mark in _MARK.finditer(text):
        # code[first:last] are the code spans that overlap the mark.
        while first < len(code) and code[first][1] <= mark.start():
            first += 1

        last = bisect_left(code, (mark.end(), 0))

        kept_start, kept_end = _kept_span(mark)
        no_code = first >= last
        if no_code or (kept_start <= code[first][0] and code[last - 1][1] <= kept_end):
            marks.append(mark)

    return marks


def _kept_span(mark: re.Match[str]) -> tuple[int, int]:
    """Return the span of the words that a mark keeps; an empty span at its end if it keeps none."""
    # At most one of the groups matches.
    for name in _KEPT_GROUPS:
        if mark[name] is not None:
            return mark.span(name)

    return mark.end(), mark.end()


def _evidence_of(mark: re.Match[str]) -> str:
    """Return the kind of a mark that shows Markdown; "" for other marks."""
    # A title and a heading below it are two kinds.
    if mark["heading"]:
        return f"heading {len(mark['title'])}"

    for name in _EVIDENCE:
        if mark[name]:
            return name

    return ""


def _without_marks(marks: list[re.Match[str]], text: str) -> str:
    """Return `text` with the kept words of each mark in its place."""
    pieces: list[str] = []
    position = 0
    for mark in marks:
        kept_start, kept_end = _kept_span(mark)
        kept = text[kept_start:kept_end]
        pieces.append(text[position : mark.start()])
        pieces.append(kept.strip(" \t") if mark["row"] else kept)
        position = mark.end()

    pieces.append(text[position:])
    return "".join(pieces)
