"""Characters: repair encodings, remove invisible characters, collapse white space, fold case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from stages.clean.letter_forms import plain_letters
from stages.clean.markup.list_marks import INDENT, LIST_LINE
from stages.clean.markup.markdown import code_spans
from stages.clean.markup.speaking_words import (
    SPEAKING_AFTER,
    SPEAKING_BEFORE,
    stands_alone,
    word_after,
    word_before,
)
from stages.clean.spans import map_outside, merge_spans

# Characters that join letters and emoji stay between two that need it: Arabic, the scripts of
# India, emoji. Between letters of Latin, Greek, Cyrillic, Chinese or Japanese they hide a word.
_JOINED = "[^\x00-\u058f\u3040-\u9fff\uac00-\ud7ff]"
# Control characters that are not white space, two noncharacters, soft hyphens, zero-width spaces
# and joiners, marks of direction, annotation anchors and tags. A reader sees none of them; each
# splits or hides a word from a tokenizer. The flags of England and others are spelled in tags, and
# stay.
_INVISIBLE = re.compile(
    "(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f)|"
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0001\U000e0020-\U000e007f]"
    f"|(?<!{_JOINED})[\u200c\u200d]|[\u200c\u200d](?!{_JOINED})"
)

_ASCII_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1b\x7f]")
# No page can hold these, not even in code.
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\ufffe\uffff]")

# Quotation marks in pairs. What they hold is short, and on one line.
_QUOTATION = re.compile(
    '\u201c([^\u201c\u201d\n]{1,80})\u201d|\u201e([^\u201e\u201c\u201d\n]{1,80})[\u201c\u201d]|"([^"\n]{1,80})"'
    "|\u2018([^\u2018\u2019\n]{1,80})\u2019|\u00ab([^\u00ab\u00bb\n]{1,80})\u00bb|\u300c([^\u300c\u300d\n]{1,80})\u300d"
    "|\u300e([^\u300e\u300f\n]{1,80})\u300f|(?<!\\w)'([^'\\s]{1,80})'(?!\\w)"
)
# The first half of a damaged letter. With the space behind it, it looks like one.
_HALVES = ("\u00c3", "\u00c2")
_WORD = re.compile(r"\S+")
_WHITE_SPACE = re.compile(r"\s+")
_WORD_EDGES = "\"'\u201c\u201d\u2018\u2019()[]<>{},.;:!?"
# A line that shows a damaged word beside the right one is about the damage, and short.
_LONGEST_EXAMPLE_LINE = 300


def repair_encoding(text: str) -> str:
    """Return `text` with mojibake, other widths and ligatures repaired, in composed Unicode (NFC).

    By ftfy (Speer 2019). Ligatures and widths are repaired because they hide words from every
    tokenizer ("\ufb01brosis"). Quotes keep their shape, since they are not damaged. Entities
    are left to the rule `markup`, control characters and line breaks to the other rules of this
    file, so that the ledger records each edit under one rule.
    """
    if text.isascii() and "\x1b" not in text:
        return text

    # Most texts are sound.
    repaired = _repaired(text)
    if repaired == text:
        return text

    # What a text quotes, it speaks of.
    spoken = _spoken_spans(text)

    return map_outside(spoken, text, _repaired) if spoken else repaired


def _repaired(text: str) -> str:
    # ftfy repairs mojibake, ligatures and composition; other forms of letters follow.
    composed = _composed(text)
    plain = plain_letters(composed)
    if plain == composed or _composed(plain) == plain:
        return plain

    # Plain letters may look like mojibake beside others ("Å℉"). Such lines keep their forms.
    lines: list[str] = []
    for line in composed.split("\n"):
        plain_line = plain_letters(line)
        lines.append(plain_line if _composed(plain_line) == plain_line else line)

    return "\n".join(lines)


def _composed(text: str) -> str:
    import ftfy

    return str(ftfy.fix_text(text, _ftfy_config()))


def _spoken_spans(text: str) -> list[tuple[int, int]]:
    """Return the spans that the text only shows: code, quotations, damage beside its right form."""
    spans = code_spans(text)
    spans += _quoted_damage(text)
    for line in re.finditer(r"[^\n]+", text):
        if len(line[0]) <= _LONGEST_EXAMPLE_LINE:
            spans += _damage_beside_right_form(line)

    return merge_spans(spans)


def _quoted_damage(text: str) -> list[tuple[int, int]]:
    """Return the quotations that a repair would change, and that the text speaks of.

    A text whose other words are damaged too is damaged as a whole, and so are its quotations.
    Letters of other forms are spoken of if one stands alone, or beside its plain form.
    """
    import ftfy

    quotations = list(_QUOTATION.finditer(text))
    outside = _QUOTATION.sub(" ", text)
    is_sound = ftfy.fix_encoding(outside) == outside
    spans: list[tuple[int, int]] = []
    for quotation in quotations:
        quoted = str(quotation[quotation.lastindex or 0])
        right = _repaired(quoted)
        if right == quoted:
            continue

        is_single = len(unicodedata.normalize("NFC", quoted.strip())) == 1
        is_damage = ftfy.fix_encoding(quoted) != quoted
        if is_single or right in text or (is_damage and is_sound):
            spans.append(quotation.span())

    return spans


def _damage_beside_right_form(line: re.Match[str]) -> list[tuple[int, int]]:
    """Return the words of mojibake in a line that has their right form, or speaks of them."""
    import ftfy

    # A quotation mark can be a word, and has no edges then.
    words: list[tuple[int, str]] = []
    for match in _WORD.finditer(line[0]):
        words.append((match.start(), match[0].strip(_WORD_EDGES) or match[0]))

    present = {word for _, word in words}
    spans: list[tuple[int, int]] = []
    for start, word in words:
        if word.isascii():
            continue

        right = str(ftfy.fix_encoding(word))
        place = line[0].index(word, start)
        end = place + len(word)
        is_damaged = right != word or word in _HALVES
        if is_damaged and (
            (right != word and right in present)
            or (len(right) == 1 and _is_spoken_damage(line[0], place, end))
        ):
            spans.append((line.start() + place, line.start() + end))

    return spans


def _is_spoken_damage(line: str, start: int, end: int) -> bool:
    """Return True if the words beside a damaged character speak of it, and all others are sound."""
    import ftfy

    if not stands_alone(line, start, end):
        return False

    rest = line[:start] + " " + line[end:]
    if ftfy.fix_encoding(rest) != rest:
        return False

    after = word_after(line, end)
    if not line[:start].strip():
        return after in SPEAKING_AFTER

    return word_before(line, start) in SPEAKING_BEFORE and (not after or after in SPEAKING_AFTER)


@lru_cache(maxsize=1)
def _ftfy_config() -> Any:
    import ftfy

    return ftfy.TextFixerConfig(
        unescape_html=False,
        uncurl_quotes=False,
        fix_character_width=False,
        fix_line_breaks=False,
        remove_control_chars=False,
        explain=False,
    )


def remove_invisible(text: str) -> str:
    """Return `text` without control and zero-width characters; code loses control characters."""
    # Plain text is the most frequent case by far.
    pattern = _ASCII_INVISIBLE if text.isascii() else _INVISIBLE
    if not pattern.search(text):
        return text

    outside = map_outside(code_spans(text), text, _without_invisible)
    return _CONTROL.sub("", outside)


def _without_invisible(text: str) -> str:
    return _INVISIBLE.sub(lambda match: match[1] or "", text)


def collapse_whitespace(text: str, lines: bool) -> str:
    r"""Return `text` with one space for each run of white space, and none at the ends.

    With `lines`, line breaks stay, but blank lines go. Lines within ``` fences keep their spaces,
    with four for a tab before them, and code in a line keeps its own. Lines of lists get two
    blanks for a level. Without `lines`, the result is one line.

    >>> collapse_whitespace(" a  b\n\n c", lines=True)
    'a b\nc'
    """
    if not lines:
        return _collapse_line(text)

    # Keep lines that hold something, with their indentation if they are code.
    kept_lines: list[str] = []
    in_fence = False
    levels = _Levels()
    for line in text.splitlines():
        stripped = line.strip()
        is_opening = stripped.startswith("```") and "`" not in stripped[3:]
        if stripped == "```" or (is_opening and not in_fence):
            in_fence = not in_fence
            collapsed = " ".join(line.split())
        elif in_fence:
            collapsed = (" " * _indentation(line) + stripped) if stripped else ""
        else:
            collapsed = _collapse_line(line)
            if LIST_LINE.match(line):
                collapsed = INDENT * levels.depth_of(_indentation(line)) + collapsed
        if collapsed:
            kept_lines.append(collapsed)

    return "\n".join(kept_lines).strip()


class _Levels:
    """Knows the depth of the lines of a list by their indentation.

    The first line of a text has the depth 0, and a line is at most one deeper than the one before
    it. So the depths of lines that are indented by their depths are the same.
    """

    def __init__(self) -> None:
        # The indentation of each level, ascending.
        self._indentations: list[int] = []

    def depth_of(self, indentation: int) -> int:
        """Return the depth of the next line."""
        while self._indentations and self._indentations[-1] >= indentation:
            self._indentations.pop()

        self._indentations.append(indentation)
        return len(self._indentations) - 1


def _collapse_line(text: str) -> str:
    """Return `text` as one line; code in a line keeps its spaces."""
    if "`" not in text:
        return " ".join(text.split())

    in_line = [(start, end) for start, end in code_spans(text) if "\n" not in text[start:end]]
    return map_outside(in_line, text, lambda piece: _WHITE_SPACE.sub(" ", piece)).strip()


def _indentation(line: str) -> int:
    """Return the width of the white space that `line` begins with; a tab counts up to four."""
    blanks = line[: len(line) - len(line.lstrip())]
    return len(blanks.expandtabs(4))


def lowercase(text: str, excluded_spans: Sequence[tuple[int, int]]) -> str:
    """Return `text` in lower case except for `excluded_spans`, in composed Unicode."""
    # Only the text between the spans changes.
    pieces: list[str] = []
    position = 0
    for start, end in excluded_spans:
        pieces.append(text[position:start].lower())
        pieces.append(text[start:end])
        position = end

    pieces.append(text[position:].lower())

    # Lower case can decompose a letter.
    return unicodedata.normalize("NFC", "".join(pieces))
