"""Markdown: remove the marks of headings, emphasis, links and tables, and keep the words.

This applies only to documents that are plainly Markdown, most with two different marks at least:
"# of items" and "**kwargs" are prose. Syntax: CommonMark 0.31, with the tables, task lists and
footnotes of GitHub's dialect. In doubt it is stricter: 2*3*4 and __init__ hold no emphasis.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence

# Letters and digits, without those of scripts that have no spaces: a mark within a word of others
# is part of it, as in snake_case and 2*3*4.
_WORD = r"[^\W\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]"
_NOT_IN_WORD = rf"(?<!{_WORD})(?<![\\*_~])"
_NOT_BEFORE_WORD = rf"(?![*_~])(?!{_WORD})"
# The target of a link, and its title. Parentheses may stand in pairs.
_TITLE = r"(?:[ ](?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'))?"
_TARGET = rf"\((?:<[^<>\n]{{0,2000}}>|(?:[^()\s]|\([^()\s]{{0,200}}\)){{1,2000}}){_TITLE}\)"
_WORDS = r"(?:[^\[\]\n]|\n(?=\S)){1,500}"
# The line below the head of a table. A single dash between bars is an empty value.
_COLUMN = r"(?::?-{3,}+:?|:-{1,2}+:?|-{1,2}+:)"
# Names of Python are written as strong emphasis would be.
_NAME_LIST = (
    "init main name str repr call len iter getitem setitem dict class file doc new del eq hash "
    "enter exit next slots version import builtins future pycache typename module package"
)
_NAMES = "|".join(_NAME_LIST.split())
# Each mark is replaced by its kept group (below), or by nothing. A mark may span lines, but no
# paragraphs. Repetitions are bounded, so that every text takes linear time.
_MARKS = {
    "heading": r"^[ ]{0,3}(?P<title>#{1,6})[ \t]++(?=\S)",
    "closing": r"(?<=[^\s#])[ \t]{1,20}#{1,6}[ \t]*$",
    "underline": (
        r"^[ ]{0,3}(?:={3,}|-{3,}|\*{3,}|_{3,}|\*(?:[ ]\*){2,20}|-(?:[ ]-){2,20})[ \t]*$\n?"
    ),
    "rule": (
        rf"^[ ]{{0,3}}\|?[ \t]*+{_COLUMN}[ \t]*+"
        rf"(?:\|[ \t]*+{_COLUMN}[ \t]*+){{1,50}}\|?[ \t]*+$\n?"
    ),
    "row": r"^[ ]{0,3}\|(?P<cells>[^\n]{1,2000})\|[ \t]*$",
    "task": r"^(?P<bullet>[ \t]{0,20}(?:[-*+]|[0-9]{1,9}[.)])[ \t]{1,4})\[[ xX]\][ \t]{1,4}(?=\S)",
    "note_text": r"^[ ]{0,3}\[\^(?P<note_label>[\w-]{1,40})\]:[ \t]*",
    "note": r"\[\^(?P<note_number>[\w-]{1,40})\]",
    "definition": (
        r"^[ ]{0,3}\[(?P<defined>[^\[\]\n]{1,100})\]:[ \t]+<?[^\s<>]{1,2000}>?"
        r"(?:[ \t]+(?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'|\([^()\n]{0,200}\)))?[ \t]*$\n?"
    ),
    "image": (
        rf"!\[(?P<alt>[^\[\]\n]{{0,500}})\]"
        rf"(?:{_TARGET}|\[(?P<alt_label>[^\[\]\n]{{0,100}})\])"
    ),
    "link": rf"(?<![!\]])(?<!{_WORD})\[(?P<words>{_WORDS})\]{_TARGET}",
    "reference": (
        rf"(?<![!\]])(?<!{_WORD})\[(?P<named>{_WORDS})\]"
        rf"(?:[ ]?\[(?P<label>[^\[\]\n]{{0,100}})\])?(?![(\[:])"
    ),
    "address": r"<(?P<url>https?://[^\s<>]{1,2000})>",
    "strong": (
        rf"{_NOT_IN_WORD}\*\*(?=\*?[^\s*])(?P<loud>(?:[^*\n]|\*(?!\*)|\*(?=\*\*(?!\*))|\n(?=\S)){{1,500}}?)"
        rf"(?<=[^\s\\])\*\*(?!\*)(?!{_WORD})"
    ),
    "underlined": (
        rf"{_NOT_IN_WORD}__(?=_?[^\s_])(?!(?:{_NAMES})__)"
        rf"(?P<bold>(?:[^_\n]|_(?!_)|_(?=__(?!_))|\n(?=\S)){{1,500}}?)(?<=[^\s\\])__(?!_)(?!{_WORD})"
    ),
    "soft": (
        rf"{_NOT_IN_WORD}\*(?=[^\s*])(?P<slanted>(?:[^*\n]|\*\*[^*\n]{{1,200}}\*\*|\n(?=\S)){{1,500}}?)"
        rf"(?<=[^\s\\])\*{_NOT_BEFORE_WORD}"
    ),
    "softer": (
        rf"{_NOT_IN_WORD}_(?=[^\s_])(?P<italic>(?:[^_\n]|(?<=\w)_(?=\w)|\n(?=\S)){{1,500}}?)"
        rf"(?<=[^\s\\])_{_NOT_BEFORE_WORD}"
    ),
    "struck": r"(?<![~\\])~~(?=[^\s~])(?P<gone>[^~\n]{1,500})(?<=\S)~~(?!~)",
    "escape": r"(?<=\w)\\(?=_\w)",
}
_KEPT_GROUPS = (
    *("cells", "bullet", "note_label", "note_number", "alt", "words", "named", "url"),
    *("loud", "bold", "slanted", "italic", "gone"),
)
# No mark begins with another character, so most places are passed at once.
_MARK = re.compile(
    r"(?=[#*_~\[!<|\\=:\-+ \t0-9])(?:"
    + "|".join(f"(?P<{name}>{pattern})" for name, pattern in _MARKS.items())
    + ")",
    re.MULTILINE,
)
# These marks show that a text is Markdown. Lines of dashes and bars stand in any plain text.
_EVIDENCE = (
    *("rule", "task", "note_text", "definition", "image", "link", "strong", "soft", "struck"),
    *("underlined", "note", "reference"),
)
# These marks are evidence twice where a text has several of them.
_REPEATED = ("task", "strong", "underlined")
LEAST_EVIDENCE = 2
# A cell can hold emphasis, emphasis a link, and a link an image.
DEEPEST_NESTING = 6
_FENCE_WITH_LANGUAGE = re.compile(r"^```[a-z]", re.MULTILINE)
# A code span on one line. It does not begin or end with a space: "a ` b ` c" holds none.
_CODE_SPAN = re.compile(r"(?<!`)(?:`(?![`\s])[^`\n]*(?<!\s)`|``(?!`)[^`\n]+``)(?!`)")
_SIGNS = ("*", "#", "]", "__", "~~", "--|", "-- |", "\n===")
# A block of properties at the beginning. Those that are words of the document stay as lines.
_FRONT_MATTER = re.compile(
    r"\A\ufeff?---[ \t]*\n(?P<lines>(?:[^\n]{0,2000}\n){1,100}?)(?:---|\.\.\.)[ \t]*(?:\n|\Z)"
)
_PROPERTY = re.compile(r"[A-Za-z][\w-]*:(?:[ \t].*|[ \t]*)|[ \t]+\S.*|-[ \t].*|#.*|[ \t]*")
_WORDY_PROPERTY = re.compile(
    r"(?:title|subtitle|description|summary|abstract|excerpt):[ \t]+(?P<value>\S.*)", re.IGNORECASE
)
_SETEXT = re.compile(r"^[ ]{0,3}[^\s=|][^\n]*\n[ ]{0,3}={3,}[ \t]*$", re.MULTILINE)


def strip_markdown(text: str) -> str:
    """Return the words of a Markdown document; any other text is returned unchanged."""
    if not any(sign in text for sign in _SIGNS):
        return text

    # Is it Markdown at all?
    front_matter = _front_matter(text)
    body = text[front_matter.end() :] if front_matter else text
    labels = _defined_labels(body)
    marks = _find_marks(body, labels)
    if _evidence(marks) + _signs(front_matter, body) < LEAST_EVIDENCE:
        return text

    # Each round removes the outermost marks.
    is_table = any(mark["rule"] for mark in marks)
    for _ in range(DEEPEST_NESTING):
        removed = [mark for mark in marks if is_table or not mark["row"]]
        if not removed:
            break

        body = _without_marks(removed, body)
        marks = _find_marks(body, labels)

    return _words_of(front_matter) + _without_new_definitions(body, labels)


def _evidence(marks: Sequence[re.Match[str]]) -> int:
    """Return the number of kinds of marks that show Markdown; some count twice where repeated."""
    counts = Counter(kind for kind in map(_evidence_of, marks) if kind)
    return len(counts) + sum(counts[kind] > 1 for kind in _REPEATED)


def _signs(front_matter: re.Match[str] | None, body: str) -> int:
    """Return the evidence of front matter, code and titles that are underlined with "="."""
    # Nothing else has a line of "=" right below a line of text.
    evidence = int(bool(front_matter)) + int(bool(_FENCE_WITH_LANGUAGE.search(body)))
    return evidence + (LEAST_EVIDENCE if _SETEXT.search(body) else 0)


def _front_matter(text: str) -> re.Match[str] | None:
    """Return the block of properties at the beginning of `text`, or None."""
    match = _FRONT_MATTER.match(text) if text.startswith(("---", "\ufeff---")) else None
    if not match:
        return None

    lines = match["lines"].splitlines()
    has_property = any(re.match(r"[A-Za-z][\w-]*:", line) for line in lines)
    is_block = all(_PROPERTY.fullmatch(line) for line in lines)
    return match if has_property and is_block else None


def _words_of(front_matter: re.Match[str] | None) -> str:
    """Return the title and the description as lines."""
    if not front_matter:
        return ""

    lines: list[str] = []
    for line in front_matter["lines"].splitlines():
        wordy = _WORDY_PROPERTY.fullmatch(line)
        value = wordy["value"].strip().strip("\"'") if wordy else ""
        if value and value not in (">", "|", ">-", "|-"):
            lines.append(value + "\n")

    return "".join(lines)


def _defined_labels(text: str) -> Mapping[str, int]:
    """Return the labels of link definitions, with the number of places that use each."""
    if "]: " not in text and "]:\t" not in text:
        return {}

    definitions = re.compile(_MARKS["definition"], re.MULTILINE)
    labels = {_label(match["defined"]) for match in definitions.finditer(text)}
    uses = Counter(
        _label(match[1]) for match in re.finditer(r"\[([^\[\]\n]{1,500})\](?![:(])", text)
    )
    return {label: uses[label] for label in sorted(labels) if label in uses}


def _without_new_definitions(text: str, labels: Mapping[str, int]) -> str:
    """Return `text` without the colons of lines that became link definitions: "[1]: a" is "[1] a".

    Such a line was a heading or a footnote, say. It would be removed if the text was cleaned again.

    Args:
        text: a text without marks.
        labels: the labels of link definitions before the marks were removed.
    """
    new_labels = {
        label: uses for label, uses in _defined_labels(text).items() if label not in labels
    }
    if not new_labels:
        return text

    pieces: list[str] = []
    position = 0
    for mark in _find_marks(text, new_labels):
        if mark["definition"]:
            colon = mark.end("defined") + len("]")
            pieces.append(text[position:colon])
            position = colon + len(":")

    pieces.append(text[position:])
    return "".join(pieces)


def _label(text: str) -> str:
    return " ".join(text.lower().split())


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


def _find_marks(text: str, labels: Mapping[str, int]) -> list[re.Match[str]]:
    """Return the marks in order. None is in code, though its kept words may hold code.

    `labels` are those of link definitions: other words in brackets are no links.
    """
    marks: list[re.Match[str]] = []
    code = code_spans(text)
    first = 0
    position = 0
    while mark := _MARK.search(text, position):
        # Brackets that are no link can hold other marks.
        is_valid = _is_valid(mark, labels)
        position = max(mark.end(), mark.start() + 1) if is_valid else mark.start() + 1
        if not is_valid:
            continue

        # code[first:last] are the code spans that overlap the mark.
        while first < len(code) and code[first][1] <= mark.start():
            first += 1

        last = bisect_left(code, (mark.end(), 0))

        kept_start, kept_end = _kept_span(mark)
        no_code = first >= last
        if no_code or (kept_start <= code[first][0] and code[last - 1][1] <= kept_end):
            marks.append(mark)

    return marks


def _is_valid(mark: re.Match[str], labels: Mapping[str, int]) -> bool:
    """Return False for brackets without a definition, and for "#" at the end of other lines."""
    if mark["definition"]:
        return _label(mark["defined"]) in labels
    if mark["reference"]:
        return _label(mark["label"] or mark["named"]) in labels
    if mark["alt_label"] is not None:
        return _label(mark["alt_label"] or mark["alt"]) in labels
    if mark["closing"]:
        line_start = mark.string.rfind("\n", 0, mark.start()) + 1
        return bool(re.match(r"[ ]{0,3}#{1,6}[ \t]", mark.string[line_start : mark.start()]))

    return True


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
        pieces.append(_replacement(mark, kept))
        position = mark.end()

    pieces.append(text[position:])
    return "".join(pieces)


def _replacement(mark: re.Match[str], kept: str) -> str:
    """Return what stands for a mark, by its kept words."""
    if mark["row"]:
        return kept.strip(" \t")
    if mark["note"]:
        return f"[{kept}]"
    if mark["note_text"]:
        return f"[{kept}] "

    return kept
