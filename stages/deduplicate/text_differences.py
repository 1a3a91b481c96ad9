"""Whether two texts say the same, character by character: the test behind the invariants.

It shares no code with `strict_form`, whose decisions it checks. Two texts say the same if they
differ in letter case, spaces, and sentence punctuation beside which no digit or sign stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from stages.lib.preprocessing.word_lists import STOPWORDS

# Sentence punctuation: quotes, dashes, and the marks of each script.
_QUOTES = "\"'\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a"
_CORNER_QUOTES = "\u300c\u300d\u300e\u300f\uff62\uff63"
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2e3a\u2e3b\u05be"
_MARKS_OF_SCRIPT = {
    "Latin, Greek and Cyrillic": ".,;:!?\u2026\u00a1\u00bf",
    "Chinese, Japanese and Korean": "\u3002\u3001\uff0c\uff1b\uff1a\uff01\uff1f\uff0e\uff61\uff64",
    "Arabic": "\u060c\u061b\u061f\u06d4",
    "Hebrew": "\u05c3",
    "Devanagari": "\u0964\u0965",
    "Armenian": "\u0589\u055d\u055c\u055e",
    "Ethiopic": "\u1362\u1363\u1364\u1365\u1366\u1367",
    "Khmer": "\u17d4",
    "Burmese": "\u104a\u104b",
}
_PUNCTUATION = frozenset(_QUOTES + _CORNER_QUOTES + _DASHES + "".join(_MARKS_OF_SCRIPT.values()))

# Words that make a question or an action of a text of few words, or of its first sentence.
_VERB_LIST = "am are be been being did do does had has have is was were"
_VERBS = frozenset(_VERB_LIST.split())
_ASKING = frozenset(["which", "who"])
_FEW_PIECES = 6

_SENTENCE_ENDS = ".!?…。\n"
_LINE_BREAK = re.compile(r"(?<!\s)[^\S\n]*+\n\s*")
_SPACES = re.compile(r"[^\S\n]+")


class _Piece(NamedTuple):
    """A word, or one sign, of a text.

    Attributes:
        folded: the piece in lower case.
        is_name: whether it is in capitals that do not come from the start of a sentence.
    """

    folded: str
    is_name: bool


def say_the_same(left: str, right: str) -> bool:
    """Return whether two texts have the same words and signs, in the same order.

    >>> say_the_same("Grade 5-7 pain: call!", "grade 5-7 pain call")
    True
    >>> say_the_same("Grade 5-7", "Grade 5.7")
    False
    """
    left_words = [piece.folded for piece in _pieces(left)]
    return left_words == [piece.folded for piece in _pieces(right)]


def differ_in_empty_words(left: str, right: str) -> bool:
    """Return whether two texts say the same without the stopwords that mean nothing in them.

    >>> differ_in_empty_words("Cause of the fever", "Cause of fever")
    True
    >>> differ_in_empty_words("Call the IT team", "Call the team")
    False
    """
    return _without_empty_words(_pieces(left)) == _without_empty_words(_pieces(right))


def _pieces(text: str) -> list[_Piece]:
    """Return the words and signs of a text, without spaces and free punctuation."""
    composed = unicodedata.normalize("NFC", text)
    characters = _SPACES.sub(" ", _LINE_BREAK.sub("\n", composed))

    # Join neighbouring letters, digits and marks to words.
    pieces: list[_Piece] = []
    word = ""
    word_start = 0
    for position, character in enumerate(f"{characters} "):
        kind = _kind(character)
        if kind in ("letter", "digit"):
            word_start = word_start if word else position
            word += character
            continue
        if word:
            is_name = _is_name(word, characters, word_start, is_first=not pieces)
            pieces.append(_Piece(_fold(word), is_name))
            word = ""
        is_content = kind == "punctuation" and _is_beside_content(characters, position)
        if kind in ("sign", "bracket", "other") or is_content:
            pieces.append(_Piece(character, is_name=False))

    return pieces


def _is_beside_content(text: str, position: int) -> bool:
    """Return whether a digit or a sign stands beside a punctuation mark."""
    left = text[position - 1] if position else ""
    right = text[position + 1 : position + 2]
    if "digit" in (_kind(left), _kind(right)):
        return True

    # Signs count beyond spaces too. So do two digits, and one digit beside a dash.
    far_left = _kind(text[position - 2] if left.isspace() and position > 1 else left)
    far_right = _kind(text[position + 2 : position + 3] if right.isspace() else right)
    if "sign" in (far_left, far_right):
        return True
    is_dash = text[position] in _DASHES
    return (far_left, far_right).count("digit") >= (1 if is_dash else 2)


def _fold(word: str) -> str:
    """Return a word in lower case, letter by letter, with one small sigma."""
    letters: list[str] = []
    for character in word:
        is_letter = unicodedata.category(character).startswith("L")
        letters.append(character.lower() if is_letter else character)

    return "".join(letters).replace("ς", "\u03c3")


def _is_name(word: str, text: str, start: int, *, is_first: bool) -> bool:
    """Return whether a word is in capitals, but not as the first letter of a sentence."""
    if not word.isupper():
        return False
    if len(word) > 1:
        return True

    # What stands before the letter, quotes and spaces aside.
    position = start - 1
    while position >= 0 and text[position] in f" {_QUOTES}":
        position -= 1
    return not is_first and position >= 0 and text[position] not in _SENTENCE_ENDS


def _without_empty_words(pieces: Sequence[_Piece]) -> list[str]:
    """Return the folded pieces without empty words; all of them if nothing would be left."""
    is_stopword = [
        piece.folded in STOPWORDS and not piece.is_name and not _makes_question(index, pieces)
        for index, piece in enumerate(pieces)
    ]

    # The last character before each piece and the first one behind it, stopwords aside.
    before = _nearest([piece.folded[-1] for piece in pieces], is_stopword)
    behind = _nearest([piece.folded[0] for piece in reversed(pieces)], is_stopword[::-1])[::-1]

    kept: list[str] = []
    for index, piece in enumerate(pieces):
        # "5 to 7" is not "5 7", and "vitamin a" is not "vitamin".
        is_joint = _is_no_letter(before[index]) and _is_no_letter(behind[index])
        is_noun = piece.folded == "a" and not behind[index].isalpha()
        if not is_stopword[index] or is_joint or is_noun:
            kept.append(piece.folded)

    return kept or [piece.folded for piece in pieces]


def _makes_question(index: int, pieces: Sequence[_Piece]) -> bool:
    """Return whether a piece may decide what is asked or done."""
    if pieces[index].folded not in _VERBS | _ASKING:
        return False

    # Behind "that" or "who" a verb only describes, unless these ask themselves.
    describes = index > 1 and pieces[index - 1].folded in _ASKING | {"that"}
    return index == 0 or (len(pieces) <= _FEW_PIECES and not describes)


def _nearest(characters: Sequence[str], is_skipped: Sequence[bool]) -> list[str]:
    """Return for each place the last character before it that is not skipped, or nothing."""
    nearest: list[str] = []
    last = ""
    for character, skipped in zip(characters, is_skipped, strict=True):
        nearest.append(last)
        last = last if skipped else character

    return nearest


def _is_no_letter(character: str) -> bool:
    return bool(character) and _kind(character) != "letter"


@lru_cache(65536)
def _kind(character: str) -> str:
    """Return letter, digit, punctuation, bracket, sign, space or other; "" for no character.

    A combining mark counts as a letter.
    """
    if not character or character.isspace():
        return "space" if character else ""

    if character in _PUNCTUATION:
        return "punctuation"

    category = unicodedata.category(character)
    if category in ("Ps", "Pe"):
        return "bracket"
    if category[0] in "LM":
        return "letter"
    if category[0] == "N":
        return "digit"
    return "sign" if category[0] in "SP" else "other"
