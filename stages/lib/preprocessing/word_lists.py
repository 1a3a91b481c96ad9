"""Word lists: abbreviations, spelling variants, stop words and noise."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from stages.lib.core.errors import UserError


class Abbreviations(NamedTuple):
    """Short forms with one long form, in the order of the file, and those with several, sorted."""

    known: dict[str, str]
    ambiguous: dict[str, list[str]]


def read_abbreviations(path: Path) -> Abbreviations:
    """Return the abbreviations in `path`, a CSV file with the columns short and long.

    A short form with two long forms is ambiguous: the text does not show which is meant. Long
    forms that differ in case alone are one.

    Raises UserError, with the number of the line, if a row is wrong.
    """
    # For each short form: its long forms, by their case-folded writing.
    long_forms_of: dict[str, dict[str, str]] = defaultdict(dict)
    for line_number, (short, long) in _word_list_rows(path, ("short", "long")):
        if short.casefold() == long.casefold():
            raise UserError(
                f"{path}:{line_number}: {short!r} stands for itself",
                "write out what it means, or remove the line",
            )

        # The first writing of a long form counts.
        long_forms_of[short].setdefault(long.casefold(), long)

    # Part the short forms with one long form from those with several.
    known: dict[str, str] = {}
    ambiguous: dict[str, list[str]] = {}
    for short, long_forms in long_forms_of.items():
        if len(long_forms) == 1:
            known[short] = next(iter(long_forms.values()))
        else:
            ambiguous[short] = sorted(long_forms.values())
    return Abbreviations(known, dict(sorted(ambiguous.items())))


def read_spelling(path: Path) -> dict[str, str]:
    """Return the American to British spellings in `path`, a CSV file with the columns us and uk.

    Words are in lower case. Each word is in the file once, so that it has exactly one
    counterpart.

    Raises UserError, with the number of the line, if a row is wrong.
    """
    british_of_american: dict[str, str] = {}
    line_of_word: dict[str, int] = {}
    for line_number, (american, british) in _word_list_rows(path, ("us", "uk")):
        # Both words must be new, whichever column has them.
        for word in (american, british):
            if not word.isalpha() or word != word.lower():
                raise UserError(
                    f"{path}:{line_number}: {word!r} is not one word in lower case",
                    "write single words of letters",
                )
            if word in line_of_word:
                raise UserError(
                    f"{path}:{line_number}: {word!r} stands in line {line_of_word[word]} already",
                    "keep one of the two; a word with two counterparts cannot be swapped",
                )
            line_of_word[word] = line_number

        british_of_american[american] = british
    return british_of_american


def _word_list_rows(path: Path, columns: tuple[str, str]) -> list[tuple[int, tuple[str, str]]]:
    """Return the rows of a CSV file with two `columns`, with their line numbers."""
    text = _read_text(path, columns)
    reader = csv.reader(text.splitlines(keepends=True))
    expected = ",".join(columns)

    # The first line names the columns.
    if tuple(next(reader, ())) != columns:
        raise UserError(
            f"{path} does not begin with the columns {expected}",
            "put them in its first line",
        )

    # Each other line, unless it is empty, has both values.
    rows: list[tuple[int, tuple[str, str]]] = []
    for values in reader:
        if not values:
            continue

        if len(values) != len(columns) or not all(_is_tidy(value) for value in values):
            raise UserError(
                f"{path}:{reader.line_num}: {','.join(values)[:60]!r} is not '{expected}'",
                "give both, without spaces around them, in composed Unicode (NFC)",
            )
        rows.append((reader.line_num, (values[0], values[1])))
    return rows


def _read_text(path: Path, columns: tuple[str, str]) -> str:
    try:
        # Spreadsheets put a byte order mark in front.
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise UserError(
            f"{path} does not exist",
            f"restore it, or make it with the header '{','.join(columns)}'",
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 (byte {error.start})", "save it as UTF-8") from None


def _is_tidy(value: str) -> bool:
    """Return whether `value` is not empty, in NFC, and without superfluous white space."""
    composed = unicodedata.normalize("NFC", value)
    return value == " ".join(composed.split()) != ""


# Articles, copulas and the plainest connectives. Not in this list, because they change the meaning:
# negations, sides, quantities, modals ("may", "must"), and connectives with an opposite: or, from,
# without, before, on.
STOPWORDS = frozenset(
    re.findall(
        r"\S+",
        "a an the this that these those which who is are was were be been being am has have had "
        "do does did of and to in with for it its there also please",
    )
)

# Stop words that make a question, a state or an action: "do babies dream", "how to be". Without
# them a short text, or the first sentence of a long one, says something else.
_QUESTION_WORD_LIST = "who which is are was were be been being am has have had do does did"
QUESTION_WORDS = frozenset(_QUESTION_WORD_LIST.split())
MOST_SHORT_WORDS = 8
_RELATIVE_WORDS = frozenset(["that", "which", "who"])

# Repeated punctuation, and what cleaning should have removed: tags, entities, undecodable
# characters, marks of emphasis.
_NOISE_MARKS = re.compile(
    r"[!?,;:*_~^|#=]{2,}|\.{4,}|</?[a-z][^<>]*>|&#?\w{2,8};|\ufffd| {2,}", re.IGNORECASE
)
_LETTERS = re.compile(r"[^\W\d_]")


def without_stopwords(form: str) -> str:
    """Return a text in strict form without its stop words; unchanged if it has no other words.

    The order of the words stays: "A causes B" is not "B causes A". So do stop words between two
    numbers or signs, as in "5 to 7", an "a" that no word follows, as in "vitamin a", names in
    capitals, as in "the IT team", and verbs and question words in a short text or at its start.

    >>> without_stopwords("what is the cause of this fever")
    'what is cause fever'
    >>> without_stopwords("rate of 3 to 5")
    'rate 3 to 5'
    """
    words = form.split()
    is_stopword = [
        word in STOPWORDS and not _makes_question(index, words) for index, word in enumerate(words)
    ]

    # The nearest other words on both sides of each word.
    befores = _nearest_words(words, is_stopword)
    behinds = _nearest_words(words[::-1], is_stopword[::-1])[::-1]

    kept: list[str] = []
    for word, skipped, before, behind in zip(words, is_stopword, befores, behinds, strict=True):
        begins_word = behind[:1].isalpha()
        is_joint = before != "" and not before[-1].isalpha() and behind != "" and not begins_word
        is_noun = word == "a" and not begins_word
        if not skipped or is_joint or is_noun:
            kept.append(word)

    return " ".join(kept) or form


def _makes_question(index: int, words: Sequence[str]) -> bool:
    """Return whether a word makes a question, a state or an action.

    The verb of a relative clause does not: "fractures that are present at birth".
    """
    is_relative = index > 1 and words[index - 1] in _RELATIVE_WORDS
    is_placed = index == 0 or len(words) <= MOST_SHORT_WORDS
    return words[index] in QUESTION_WORDS and is_placed and not is_relative


def _nearest_words(words: Sequence[str], is_skipped: Sequence[bool]) -> list[str]:
    """Return for each place the last word before it that is not skipped, or nothing."""
    nearest: list[str] = []
    last = ""
    for word, skipped in zip(words, is_skipped, strict=True):
        nearest.append(last)
        last = last if skipped else word

    return nearest


def count_noise(text: str) -> int:
    """Return the number of pieces of noise in `text`, plus one if most letters are capitals.

    >>> count_noise("Fever!! <br> is common")
    2
    """
    pieces = len(_NOISE_MARKS.findall(text))

    # Texts in capitals are noise as a whole.
    letters = len(_LETTERS.findall(text))
    capitals = sum(map(str.isupper, text))
    is_mostly_capitals = 2 * capitals > letters

    return pieces + is_mostly_capitals
