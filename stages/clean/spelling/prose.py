"""Prose: the words of a text that are words of a language, and whether they are English."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from stages.lib.preprocessing.english_words import english
from stages.lib.preprocessing.language import detect_language, verbatim_spans

# A word on its own, or a part of a hyphenated one. What touches digits, dots, slashes or signs
# is no prose.
_WORD = re.compile(
    r"(?<![^\s(\[\"'\u201c\u2018\u2013\u2014-])(?<!\s-)(?<!--)(?<!^-)(?<![\d_./\\]-)"
    r"([A-Za-z]+)(?:['\u2019]s)?(?!['\u2019]\w)"
    r"(?=[\s.,;:!?)\]\"'\u201d\u2019\u2013\u2014-]|$)(?![.,:-]+\w*[\d_./\\(]|[.:]\w|--|-\s|-$)"
)

# From this many words on, a share of listed words alone shows that a text is English.
LEAST_WORDS_BY_LIST = 8
ENGLISH_SHARE = 0.8
# A text of fewer words does not show its language by the list.
LEAST_WORDS_TO_DOUBT = 4

_SENTENCE_END = re.compile(r"(?<![.!?])[.!?]++\s+|\n+")


class Language(Enum):
    """What the words of a text show of its language; SHORT: they are too few, or unclear."""

    ENGLISH = "english"
    FOREIGN = "foreign"
    SHORT = "short"


class Word(NamedTuple):
    """A word of prose: its span in the text, and its letters."""

    start: int
    end: int
    text: str


def prose_words(text: str) -> list[Word]:
    """Return the words of `text` in Latin letters, outside code, addresses and identifiers."""
    words = [Word(match.start(1), match.end(1), match[1]) for match in _WORD.finditer(text)]
    excluded = verbatim_spans(text) if words else []
    if not excluded:
        return words

    prose: list[Word] = []
    span_index = 0
    for word in words:
        while span_index < len(excluded) and excluded[span_index][1] <= word.start:
            span_index += 1

        if span_index == len(excluded) or excluded[span_index][0] >= word.end:
            prose.append(word)

    return prose


def language_of(text: str, words: Sequence[str]) -> Language:
    """Return whether `text`, with these words, is in English; SHORT if it does not show.

    Four of five words on the English list are enough in a text of at least eight words.
    Otherwise the language decides. If that is unknown, four of five words of at least four.
    """
    # The list is fast, and certain for texts of some length.
    listed = sum(word.lower() in english() for word in words)
    is_mostly_listed = listed >= ENGLISH_SHARE * len(words)
    if len(words) >= LEAST_WORDS_BY_LIST and is_mostly_listed:
        return Language.ENGLISH

    # Otherwise the language decides, if it is known.
    code = detect_language(text)
    if code:
        return Language.ENGLISH if code == "en" else Language.FOREIGN

    if len(words) >= LEAST_WORDS_TO_DOUBT and is_mostly_listed:
        return Language.ENGLISH

    return Language.SHORT


def is_half_listed(words: Sequence[str]) -> bool:
    """Return True if at least half of `words` are on the list of frequent English words."""
    return 2 * sum(word.lower() in english() for word in words) >= len(words)


def english_words(text: str, words: Sequence[Word]) -> list[Word]:
    """Return the words of `text` that stand in no foreign sentence.

    A sentence or line is foreign if most of its words are on no list, and its language is not
    English; where that is unknown, if two of three are on none.
    """
    if not _has_unlisted_run(words):
        return list(words)

    # Group the words by sentence.
    kept: list[Word] = []
    position = 0
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    for end in [*ends, len(text) + 1]:
        first = position
        while position < len(words) and words[position].start < end:
            position += 1

        sentence = words[first:position]
        if sentence and not _is_foreign(text[sentence[0].start : sentence[-1].end], sentence):
            kept += sentence

    return kept


def _has_unlisted_run(words: Sequence[Word]) -> bool:
    """Return True if three of five words in a row are on no list."""
    places = [place for place, word in enumerate(words) if word.text.lower() not in english()]

    return any(third - first < 5 for first, third in zip(places, places[2:], strict=False))


def _is_foreign(sentence: str, words: Sequence[Word]) -> bool:
    listed = sum(word.text.lower() in english() for word in words)
    if 2 * listed >= len(words) or len(words) - listed < 3:
        return False

    code = detect_language(sentence)
    if code:
        return code != "en"

    return 3 * listed < len(words)
