"""Short forms: what a bracket must hold to be one, by its characters alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stages.clean.abbreviations.alignment import STOPWORDS

MOST_SHORT_CHARACTERS = 14
_SHORT_FORM = re.compile(
    r"(?=.*[A-Z0-9\u0370-\u03ff])(?=.*[^\W\d_])[^\W_](?:[\w/.+'&,\u2212\u2032-]|\(\w{1,4}\))*"
    r"(?:[\w+-]|(?<=\d)\u2212)"
)
# "JobId" is a name in a program.
_CAMEL_CASE = re.compile(r"(?=.{5})(?:[A-Z][a-z]+){2,}")
_LOWER_SHORT_FORM = re.compile(r"[a-z]{2,4}|(?:[a-z]\.){2,4}")
_GREEK_NAMES = ("alpha", "beta", "gamma", "delta", "kappa")
_NUMERAL = re.compile(r"(?i:ii|iii|vi|vii|viii|ix|xi|xii|xiii)")
# Units, and signs that come before a number.
_NO_SHORT_FORM_LIST = """
mg kg µg ug ng pg ml dl µl ul mm cm km nm µm um ms min hr hz Hz kHz MHz GHz mol mmol mM nM µM pM
bar kPa MPa Pa mV kV mA kDa Da kcal kJ rpm mmHg mEq meq ppm ppb mCi kb kB °C
al ca cf eds eg etc ed fig figs Fig Figs ie no No nos Nos nr Nr pp ref Ref refs Refs sec Sec
see See vol Vol vs
"""
_NO_SHORT_FORMS = frozenset(_NO_SHORT_FORM_LIST.split())
QUOTES = "\"'\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u00ab\u00bb\u00a0 "
_PIECE_END = re.compile(r"[,;]\s+|(?<!\s)\s++or\s+")
_LEAD = re.compile(
    r"(?i:the|or|also|here|i\.e\.,?|hereafter|hereinafter|henceforth|abbreviated|abbr\.|termed|"
    r"called|designated|known as|referred to as|as|to|kurz:?|im folgenden:?|nachfolgend:?|"
    r"abgek\u00fcrzt:?|ci-apr\u00e8s|dite?|en abr\u00e9g\u00e9)\s+"
)


def is_short_form(short: str) -> bool:
    """Return True for up to 14 characters with a letter, and a capital, digit or Greek letter.

    >>> is_short_form("ECG"), is_short_form("5-HT"), is_short_form("heart")
    (True, True, False)
    """
    if not 2 <= len(short) <= MOST_SHORT_CHARACTERS or short.endswith("."):
        return False
    if short.endswith("-") and not short[-2].isdigit():
        return False
    if _NUMERAL.fullmatch(short) or short in _NO_SHORT_FORMS:
        return False

    return bool(_SHORT_FORM.fullmatch(short)) and not _CAMEL_CASE.fullmatch(singular(short))


def singular(word: str) -> str:
    """Return the short form without the "s" of its plural.

    >>> singular("ECGs")
    'ECG'
    """
    if len(word) <= 2 or word[-1] != "s":
        return word

    is_plural = word[-2].isupper() or word[-2].isdigit()
    return word[:-1] if is_plural else word


def is_lower_short_form(short: str) -> bool:
    """Return True for short forms such as "bp" and "i.v."; False for units and empty words."""
    if not _LOWER_SHORT_FORM.fullmatch(short):
        return False

    letters = short.replace(".", "")
    return letters not in _NO_SHORT_FORMS and letters not in STOPWORDS


def is_short_phrase(words: Sequence[str]) -> bool:
    """Return True for a short form of several words, such as "NF-kappa B" and "Ang II".

    >>> is_short_phrase(["Ang", "II"]), is_short_phrase(["TLS", "1.3"])
    (True, False)
    """
    begins_well = words[0][0].isupper() or words[0] in _GREEK_NAMES
    return begins_well and is_short_form("".join(words)) and all(map(_is_short_word, words))


def bracket_pieces(inside: str) -> list[str]:
    """Return what a bracket holds, cut at commas, semicolons and "or", without words of lead.

    >>> bracket_pieces('the "SEC" or the "Commission"')
    ['SEC', 'Commission']
    """
    pieces: list[str] = []
    for piece in _PIECE_END.split(inside.strip()):
        words = piece.strip()
        while lead := _LEAD.match(words):
            words = words[lead.end() :]

        # In code, "'auto'" is a value.
        unquoted = words.strip(QUOTES).strip()
        pieces.append(words if unquoted.islower() else unquoted)

    return pieces


def _is_short_word(word: str) -> bool:
    """Return True for a word of a short form of several words; False for a version ("1.3")."""
    if word in STOPWORDS or re.fullmatch(r"[\d.,]+", word):
        return False

    return len(word) <= 4 or word in _GREEK_NAMES or not word.isalpha()
