"""Spelling: which words of a text are looked at, and what is put in their place; speller.py decides.

Words in code, in addresses and in names are not looked at, and only texts in English are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from stages.clean.edits import Edit
from stages.lib.languages import language
from stages.lib.protected import spans

# A word on its own, or a part of a hyphenated one: what touches digits, dots, slashes or signs is no prose.
_WORD = re.compile(
    r"(?<![^\s(\[\"'\u201c\u2018\u2013\u2014-])(?<!\s-)(?<!--)(?<!^-)(?<![\d_./\\]-)"
    r"([A-Za-z]+)(?:['\u2019]s)?(?=[\s.,;:!?)\]\"'\u201d\u2019\u2013\u2014-]|$)(?![.,:-]+\w*[\d_./\\(]|[.:]\w|--|-\s|-$)"
)
_LETTERS = re.compile("[a-z]+")
_SENTENCE_END = re.compile(r"(?:^|[.!?\n][\"')\]]*\s*(?:[-*]\s+)?)$")

# From a lower-cased word to what it should be, lower-cased, or None where it is right or nobody can tell.
Correct = Callable[[str], str | None]


class Word(NamedTuple):
    """A word of prose and where it stands."""

    start: int
    end: int
    text: str


def words(text: str) -> list[Word]:
    """Return the words of `text` that spelling may look at: Latin letters, outside protected spans."""
    found = [Word(match.start(1), match.end(1), match[1]) for match in _WORD.finditer(text)]
    if not found or not (closed := spans(text)):
        return found
    left, at = [], 0
    for word in found:
        while at < len(closed) and closed[at][1] <= word.start:
            at += 1
        if at == len(closed) or closed[at][0] >= word.end:
            left.append(word)
    return left


def is_english(text: str, found: Sequence[str]) -> bool:
    """Return whether `text`, whose words are `found`, is in English.

    It is where four of five of at least eight words are on the English list. Otherwise the language decides, and
    where that cannot be told most words must be listed; a text of few words is given the benefit of doubt.
    """
    listed = sum(word.lower() in english() for word in found)
    if len(found) >= 8 and listed >= 0.8 * len(found):
        return True
    code = language(text)
    return code == "en" if code else len(found) < 4 or 2 * listed >= len(found)


def fix(text: str, correct: Correct) -> list[Edit]:
    """Return the edits, from right to left, that put corrections in place.

    Words in lower case are corrected, and capitalised ones that begin a sentence; elsewhere a capital makes a name.
    """
    if not any(map(correct, _LETTERS.findall(text.lower()))):
        return []  # most texts: no need to tell words from code
    edits = []
    for start, end, word in words(text):
        right = correct(word.lower())
        if right is None:
            continue
        if word.islower():
            edits.append(Edit("typo", start, end, word, right))
        elif word.istitle() and _SENTENCE_END.search(text, max(0, start - 8), start):
            edits.append(Edit("typo", start, end, word, right.title()))
    return edits[::-1]


@lru_cache(maxsize=1)
def english() -> Mapping[str, int]:
    """Return the English frequency list: lower-cased word to how often it stood in a web corpus."""
    import symspellpy

    path = Path(symspellpy.__file__).with_name("frequency_dictionary_en_82_765.txt")
    lines = (line.split() for line in path.read_text("utf-8-sig").splitlines())
    return {word: int(count) for word, count in lines}
