"""The words around a short form: what makes it part of a name, a quantity or a shouted line."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable

from stages.clean.abbreviations.short_forms import is_short_form

# The signs that may stand before and after a short form. Hyphens, slashes and apostrophes make
# it part of a larger word ("G-CSF", "IgG/IgM", "ECG's"), which means something else or would
# read badly. An opening parenthesis before it mostly belongs to the author's own definition.
TOKEN = re.compile(r"(?<!\S)[\[\"\u201c\u2018]*([^\s\[\"\u201c\u2018]\S*)")
CLOSING_SIGNS = '.,;:!?)]"\u201d\u2019'
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_SENTENCE_START = re.compile(r"(?:^|[.!?:]\s+|\n)[\[\"\u201c\u2018]*$")
_SENTENCE_START_REACH = 8  # characters that _SENTENCE_START looks back
# A mention between words with capitals or numbers is part of a name: "ECG Society", "5 PM".
_NAME_BEFORE = re.compile(
    r"(?<!\S)[\"'(\[\u201c\u2018]*"
    r"((?:[A-Z]|\d)(?:\S*[^\s.,;:!?)\]\"\u201d\u2019])?|[\u00a7#]+|[A-Z]\S* &|[A-Z]\.) \Z"
)
_NAME_AFTER = re.compile(r" (?:[A-Z][\w&.-]|[A-Z]\b(?!\s[a-z])|\d|[\u00a7#]|& [A-Z\d])")
_NAME_REACH = 40  # characters that _NAME_BEFORE looks back


def mentioned(text: str, shorts: Iterable[str]) -> set[str]:
    """Return what stands in a text as a word of its own: `shorts`, and what looks like one.

    >>> sorted(mentioned("An ECG, not ECGs for the pt", ["pt", "mg"]))
    ['ECG', 'ECGs', 'pt']
    """
    words = {match[1].rstrip(CLOSING_SIGNS).lstrip("(") for match in TOKEN.finditer(text)}
    listed = {short for short in shorts if short in words or (" " in short and short in text)}
    # "Increased" is a word at the start of a sentence.
    return listed | {word for word in words if not word[1:].islower() and is_short_form(word)}


def is_sentence_start(text: str, position: int) -> bool:
    """Return True if a sentence or line begins at `position`.

    >>> is_sentence_start("Low. An ECG", 5), is_sentence_start("An ECG", 3)
    (True, False)
    """
    # A short look back is enough, and keeps the time linear.
    before = text[max(0, position - _SENTENCE_START_REACH) : position]
    return bool(_SENTENCE_START.search(before))


def begins_sentence(
    text: str,
    start: int,
    short: str,
) -> bool:
    """Return True if a short form that may be a word ("As") begins a sentence."""
    if not short.isalpha() or not short.istitle():
        return False

    return is_sentence_start(text, start)


def is_in_name(text: str, start: int, end: int) -> bool:
    """Return True if the words around the mention make it part of a name or a quantity."""
    if _NAME_AFTER.match(text, end):
        return True

    before = text[max(0, start - _NAME_REACH) : start]
    match = _NAME_BEFORE.search(before)
    if match is None:
        return False

    # A capital at the start of a sentence makes no name, but "J." and numbers do.
    position = start - len(before) + match.start(1)
    is_plain_word = match[1] == "A" or (match[1].isalpha() and match[1][1:].islower())
    return not (is_plain_word and is_sentence_start(text, position))


def is_shouted(text: str, shorts: Collection[str]) -> bool:
    """Return True if all of a text is in capitals, so that they say nothing.

    >>> is_shouted("RESET THE ECG", ["ECG"]), is_shouted("ECG", ["ECG"])
    (True, False)
    """
    if not text.isupper():
        return False

    return any(word.isupper() and word not in shorts for word in _LETTERS.findall(text))


def capital_line_test(text: str, shorts: Collection[str]) -> Callable[[int], bool]:
    """Return a test for offsets in lines that are mostly in capitals, short forms aside."""
    result_of_line: dict[int, bool] = {}

    def is_capital_line(position: int) -> bool:
        # Each line is looked at once.
        line_start = text.rfind("\n", 0, position) + 1
        if line_start not in result_of_line:
            line_end = text.find("\n", position)
            line_end = len(text) if line_end < 0 else line_end
            words = _LETTERS.findall(text, line_start, line_end)
            others = [word for word in words if word not in shorts]
            capitals = sum(word.isupper() for word in others)
            result_of_line[line_start] = 2 * capitals > len(others)

        return result_of_line[line_start]

    return is_capital_line
