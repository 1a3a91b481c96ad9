"""Spelling: put corrections of single words in place, where they are words of English prose.

Which words are corrected is decided in speller.py. Words in code, in addresses, in names and in
foreign sentences are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from stages.clean.edits import Edit
from stages.clean.spelling.prose import Word, english_words, prose_words
from stages.lib.preprocessing.english_words import english

_LETTERS = re.compile("[a-z]+")
_SENTENCE_START = re.compile(r"(?:^|[.!?\n][\"')\]]*\s*(?:[-*]\s+)?)$")
_SENTENCE_START_REACH = 8  # characters that _SENTENCE_START looks back

# From a lower-cased word to its correction in lower case, or None if it is right or unclear.
Correct = Callable[[str], str | None]


def correct_text(text: str, correct: Correct) -> list[Edit]:
    """Return the edits, from right to left, that put corrections in place.

    Words in lower case are corrected, and capitalised words at the beginning of a sentence.
    Elsewhere a capital makes a name. Foreign sentences stay as they are.
    """
    if not has_correction(text, correct):
        return []

    edits: list[Edit] = []
    for start, end, word in english_words(text, prose_words(text)):
        # Only prose words are replaced, with the case of the word.
        correction = correct(word.lower())
        if correction is None:
            continue
        if word.istitle() and _is_plain_start(text, start, end, correction=correction):
            correction = correction.title()
        elif not word.islower():
            continue

        edits.append(Edit("typo", start=start, end=end, before=word, after=correction))

    return edits[::-1]


def has_correction(text: str, correct: Correct) -> bool:
    """Return True if some word of `text` may be corrected; code has not been excluded yet."""
    return any(map(correct, _LETTERS.findall(text.lower())))


def names(text: str, words: Iterable[Word]) -> set[str]:
    """Return the lower-cased words that `text` writes with a capital inside a sentence.

    Words on the list of frequent words are left out: they are no typos anyway.
    """
    capitalised: set[str] = set()
    for start, _, word in words:
        lowered = word.lower()
        if word != lowered and lowered not in english() and not _begins_sentence(text, start):
            capitalised.add(lowered)

    return capitalised


# What follows a capitalised word that is a name or an abbreviation: another capitalised word, or
# a full stop before one ("Sumit Kumar", "Numer. Math.").
_NAME_GOES_ON = re.compile(r"\.?[^\S\n]+[A-Z]|\.,")


SHORTEST_CAPITALISED = 6  # letters; a shorter word at the beginning of a sentence may be a name


def _is_plain_start(
    text: str,
    start: int,
    end: int,
    *,
    correction: str,
) -> bool:
    """Return True if the capitalised word begins a sentence, and is no name."""
    if end - start < SHORTEST_CAPITALISED or text[start].lower() != correction[0]:
        return False

    return _begins_sentence(text, start) and not _NAME_GOES_ON.match(text, end)


def _begins_sentence(text: str, start: int) -> bool:
    look_back = max(0, start - _SENTENCE_START_REACH)
    return _SENTENCE_START.search(text, look_back, start) is not None
