"""Alignment of a short form with the words that may be its long form, by the cost of its letters.

Schwartz and Hearst (2003) take the shortest window that holds the letters, and so read
"systemic sclerosis (SS)" as "sclerosis". Ab3P (Sohn et al., 2008, "Abbreviation definition
identification based on automatic precision estimates") tries strategies in the order of their
precision: initials first, then letters within a word whose initial matched, then any letters.
Here each strategy has a cost, and the window of least cost wins; of equals, the longest.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple


class Part(NamedTuple):
    """A run of letters or digits, or "&", in a window of text.

    Attributes:
        start: where it begins in the window.
        end: where it ends, exclusive.
        readings: its letters in lower case without accents, and other spellings of the same.
        is_joined: whether it stands behind a hyphen or another sign of the same word.
        is_behind_locants: whether the word before it is but digits and letters of chemistry.
    """

    start: int
    end: int
    readings: tuple[str, ...]
    is_joined: bool
    is_behind_locants: bool


class Alignment(NamedTuple):
    """The best window for a short form.

    Attributes:
        start: where it begins in the text.
        cost: 0 for pure initials; the more letters are hidden or words left over, the higher.
    """

    start: int
    cost: float


# What a letter or a word adds to the cost of an alignment.
_INNER_LETTER = 1.0  # within a word whose initial stands for an earlier letter
_HIDDEN_LETTER = 3.0  # the first letter that a word stands for is not its initial
_LEFT_OUT_WORD = 1.5
_LEFT_OUT_LAST_WORD = 2.0
_LEFT_OUT_PIECE = 0.5  # a piece of a word with hyphens, or a letter
_LEFT_OUT_STOPWORD = 0.1
_LEFT_OUT_NUMBER = 0.2
_MISSING_DIGIT = 1.0
_START_IN_WORD = 1.0
_START_WITH_STOPWORD = 1.0

# What may stand before the first letters of a name of chemistry: "3,4-", "N-", "(+)-", "[18F]".
LOCANTS = re.compile(
    r"(?:(?:\d++[a-z]?['\u2032]*(?:,\d++[a-z]?['\u2032]*)*|[A-Z]|[\u0370-\u03ff]|alpha|beta|gamma|"
    r"cis|trans|all-trans|tert|meta|para|ortho|\([-+\u2212\u00b1\d,RSEZ]{1,6}\)|"
    r"\[\d+[A-Z][a-z]?\])-?)+"
)
_PIECE = re.compile(r"\d+|[\u0370-\u03ff]|[^\W\d_\u0370-\u03ff]+|&")
_SPACE = re.compile(r"\s")
_SIGN = re.compile(r"[^\W_]|&")
_ENGLISH_STOPWORDS = """
a an the of in on to for by from with without at as and or but is are was be this that these
its via not which against into also called known we they our
"""
_OTHER_STOPWORDS = """
der die das des dem den und oder von vom zur zum mit für
de la le les du et ou à au aux en sur l d el los y del un une pour par
"""
ENGLISH_STOPWORDS = frozenset(_ENGLISH_STOPWORDS.split())
STOPWORDS = ENGLISH_STOPWORDS | frozenset(_OTHER_STOPWORDS.split())
# Spellings of a number, for the digit of a short form: "dioxide" in CO2, "to" in B2B.
_NUMBER_NAMES = {
    "1": ("one", "mono", "first", "i"),
    "2": ("two", "to", "di", "bis", "second", "ii", "bi"),
    "3": ("three", "tri", "tris", "third", "iii"),
    "4": ("four", "for", "tetra", "fourth", "iv"),
    "5": ("five", "penta", "v"),
}
# Words of chemistry with signs that are not their letters.
_CHEMICAL_SIGNS = {
    "sodium": "na",
    "potassium": "k",
    "iron": "fe",
    "ferr": "fe",
    "silver": "ag",
    "gold": "au",
    "mercury": "hg",
    "hydroxy": "oh",
    "peroxide": "o2",
    "cross": "x",
}
_MOST_LOCANTS = 100  # characters of the locants before a word
_CHEMICAL_WORD = re.compile("|".join([*_CHEMICAL_SIGNS, " and ", " und ", " et "]))


@lru_cache(maxsize=4096)
def signs_of(short: str) -> str:
    """Return the letters and digits of a short form in lower case, and "&"; Greek as Latin.

    >>> signs_of("TGF-β1")
    'tgfb1'
    """
    return "".join(_latin(sign)[0] for sign in short if _SIGN.match(sign))


def has_chemical_signs(folded: str) -> bool:
    """Return True if a window in lower case holds a word whose sign has other letters.

    >>> has_chemical_signs("sodium chloride")
    True
    """
    return _CHEMICAL_WORD.search(folded) is not None


def parts_of(window: str) -> list[Part]:
    """Return the parts of a window of text, in order.

    >>> [part.readings[0] for part in parts_of("factor-β 2")]
    ['factor', 'beta', '2']
    """
    parts: list[Part] = []
    word_start = 0
    for match in _PIECE.finditer(window):
        text = match[0].lower() if match[0].isascii() else "".join(map(_latin, match[0]))
        start, end = match.span()
        between = window[parts[-1].end : start] if parts else " "
        is_joined = between != " " and not _SPACE.search(between)
        word_start = word_start if is_joined else start
        is_near = start - word_start <= _MOST_LOCANTS
        is_behind_locants = (
            is_joined and is_near and LOCANTS.fullmatch(window, word_start, start) is not None
        )
        parts.append(Part(start, end, _readings(text), is_joined, is_behind_locants))

    return parts


def align(
    signs: str,
    parts: Sequence[Part],
    *,
    at_start: bool = False,
) -> Alignment | None:
    """Return the best window for `signs` that ends with the last part; None if nothing fits.

    The first sign is the initial of the window's first part. Signs come in the order of the
    parts. A digit may be missing if there are two letters. The work is bounded by the number of
    signs times parts.

    Args:
        signs: the short form, as `signs_of` returns it.
        parts: the parts of the text before the bracket.
        at_start: whether the window must begin with the first part.
    """
    if not signs or not parts:
        return None

    # Pure initials need no search: no longer window costs nothing too.
    if _are_initials(signs, parts, at_start):
        return Alignment(parts[-len(signs)].start, 0.0)

    rest = _rest_costs(signs, parts)
    best: Alignment | None = None
    for index, part in enumerate(parts[:1] if at_start else parts):
        cost = _start_cost(signs, parts, index, rest=rest)
        if cost < math.inf and (best is None or cost < best.cost):
            best = Alignment(part.start, cost)

    return best


def _start_cost(
    signs: str,
    parts: Sequence[Part],
    index: int,
    *,
    rest: list[list[float]],
) -> float:
    """Return the cost of the window that begins with part `index`; infinite if none does."""
    # A long form does not begin with an empty word, except in "des-gamma".
    part = parts[index]
    word = part.readings[0]
    is_bound = part.is_joined or (index + 1 < len(parts) and parts[index + 1].is_joined)
    if word in ENGLISH_STOPWORDS and not is_bound:
        return math.inf

    cost = math.inf
    for reading in part.readings:
        if reading.startswith(signs[0]):
            for taken, inner_cost in _matches(signs, 0, reading):
                cost = min(cost, inner_cost + rest[index + 1][taken])

    # "El Niño" does begin with one.
    if part.is_joined and not part.is_behind_locants:
        return cost + _START_IN_WORD
    if word in STOPWORDS and not is_bound:
        return cost + _START_WITH_STOPWORD

    return cost


def _are_initials(signs: str, parts: Sequence[Part], at_start: bool) -> bool:
    """Return True if the last parts begin with the signs, one for each."""
    last = parts[-len(signs) :]
    if last[0].is_joined or last[0].readings[0] in STOPWORDS:
        return False
    if at_start and len(parts) != len(signs):
        return False

    return "".join(part.readings[0][0] for part in last) == signs


def _rest_costs(signs: str, parts: Sequence[Part]) -> list[list[float]]:
    """Return the least cost of signs[index:] in parts[part_index:], by both indices."""
    count = len(signs)
    can_miss_digits = sum(sign.isalpha() for sign in signs) >= 2
    rest = [[math.inf] * (count + 1) for _ in range(len(parts) + 1)]
    rest[len(parts)][count] = 0.0

    for part_index in range(len(parts), -1, -1):
        for index in range(count, -1, -1):
            cost = rest[part_index][index]
            if part_index < len(parts):
                part = parts[part_index]
                cost = rest[part_index + 1][index] + _left_out_cost(parts, part_index)
                for reading in part.readings:
                    for taken, inner_cost in _matches(signs, index, reading):
                        cost = min(cost, inner_cost + rest[part_index + 1][index + taken])

            is_digit = index < count and signs[index].isdigit()
            if is_digit and can_miss_digits:
                cost = min(cost, _MISSING_DIGIT + rest[part_index][index + 1])

            rest[part_index][index] = cost

    return rest


@lru_cache(maxsize=4096)
def _matches(signs: str, index: int, reading: str) -> tuple[tuple[int, float], ...]:
    """Return (number of signs, cost) for each run of signs from `index` that `reading` holds."""
    if index >= len(signs):
        return ()

    # "dioxide" is read as "oxide2" only where the short form has the digit.
    if reading[-1].isdigit() and reading[-1] not in signs:
        return ()

    position = reading.find(signs[index])
    if position < 0:
        return ()

    # Each next letter right behind the last one costs nothing.
    cost = 0.0 if position == 0 else _HIDDEN_LETTER
    matches = [(1, cost)]
    for taken in range(1, len(signs) - index):
        next_position = reading.find(signs[index + taken], position + 1)
        if next_position < 0:
            break

        cost += 0.0 if next_position == position + 1 else _INNER_LETTER
        matches.append((taken + 1, cost))
        position = next_position

    return tuple(matches)


def _left_out_cost(parts: Sequence[Part], index: int) -> float:
    """Return the cost of a part that stands for no sign."""
    part = parts[index]
    text = part.readings[0]
    is_last = index + 1 == len(parts)
    if text in STOPWORDS or text == "&":
        return _LEFT_OUT_STOPWORD

    if text.isdigit():
        return _LEFT_OUT_NUMBER

    is_piece = part.is_joined or (not is_last and parts[index + 1].is_joined)
    if is_piece or len(text) == 1:
        return _LEFT_OUT_PIECE

    return _LEFT_OUT_LAST_WORD if is_last else _LEFT_OUT_WORD


@lru_cache(maxsize=4096)
def _readings(text: str) -> tuple[str, ...]:
    """Return a word in lower case, and other spellings of it.

    >>> _readings("dioxide")
    ('dioxide', '2oxide', 'oxide2')
    """
    readings = [text]
    if text in ("and", "et", "und"):
        readings.append("&")

    # The digit stands before or behind the rest: "2D", and "O2" for "dioxide".
    for digit, names in _NUMBER_NAMES.items():
        for name in names:
            # Numerals of one or two letters and "to" must be the entire word.
            is_prefix = len(name) > 2 or name in ("di", "bi")
            if text == name or (is_prefix and text.startswith(name)):
                rest = text[len(name) :]
                readings += dict.fromkeys((digit + rest, rest + digit))

    for reading in list(readings):
        for word, sign in _CHEMICAL_SIGNS.items():
            if reading.startswith(word):
                readings.append(sign + reading[len(word) :])

    return tuple(readings)


@lru_cache(maxsize=4096)
def _latin(sign: str) -> str:
    """Return a letter or digit in lower case without accents; a Greek letter by its name."""
    if "\u0370" <= sign <= "\u03ff":
        # "GREEK SMALL LETTER BETA"
        name = unicodedata.name(sign, "").lower().partition(" letter ")[2].split(" ")[0]
        return {"lamda": "lambda"}.get(name, name) or sign

    if sign == "\u00b5":
        return "mu"

    # Without its accents; a letter that is several signs in lower case keeps the first.
    decomposed = unicodedata.normalize("NFKD", sign).casefold()
    return decomposed[0] if decomposed else sign
