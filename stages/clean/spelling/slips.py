"""Slips: what sort of error turns a known word into another string of letters.

Fingers swap two letters, leave one out, hit one twice, or hit the key beside it (Damerau 1964).
People who do not know a spelling take another vowel, or double the wrong letter. Other edits
between two words are rarely errors.
"""

from __future__ import annotations

from enum import Enum

# The letters that programmers put before a word, and the length from which others are slips.
_PREFIX_LETTERS = frozenset("mnpx")
SHORTEST_WITH_PREFIX = 6
_VOWELS = frozenset("aeiouy")
_KEYBOARD_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


class Slip(Enum):
    """The sort of one edit.

    Attributes:
        SWAP: two neighbours changed places ("recieve").
        DOUBLE: a letter too many that doubles its neighbour ("untill").
        SINGLE: a double letter became one ("accomodate").
        VOWEL: a vowel for another one ("seperate").
        MISSING: another letter left out ("goverment").
        BESIDE: the key beside the right one, instead of it or together with it ("pulminary").
        OTHER: any other edit, and any edit of the first letter but a swap or the key beside it.
    """

    SWAP = "swap"
    DOUBLE = "double"
    SINGLE = "single"
    VOWEL = "vowel"
    MISSING = "missing"
    BESIDE = "beside"
    OTHER = "other"


def slip_of(word: str, right: str) -> Slip:
    """Return the sort of the one edit between the typo `word` and the `right` word.

    >>> slip_of("recieve", "receive").value, slip_of("seperate", "separate").value
    ('swap', 'vowel')
    """
    index = first_difference(word, right)
    if len(word) < len(right):
        return _slip_of_missing(right, index)
    if len(word) > len(right):
        return _slip_of_extra(word, index)

    # Two letters changed places, or one stands for another.
    if word[index : index + 2] == right[index : index + 2][::-1]:
        return Slip.SWAP
    if index > 0 and {word[index], right[index]} <= _VOWELS:
        return Slip.VOWEL

    return Slip.BESIDE if _are_adjacent_keys(word[index], right[index]) else Slip.OTHER


def first_difference(word: str, right: str) -> int:
    """Return the first index of a difference; the shorter length if there is none."""
    for index, (letter, right_letter) in enumerate(zip(word, right, strict=False)):
        if letter != right_letter:
            return index

    return min(len(word), len(right))


def _slip_of_missing(right: str, index: int) -> Slip:
    """Return the sort of the edit that leaves out the letter `index` of `right`."""
    # People rarely omit the first letter.
    if index == 0:
        return Slip.OTHER

    # Of a double letter, the second one is missing.
    return Slip.SINGLE if right[index] == right[index - 1] else Slip.MISSING


def _slip_of_extra(word: str, index: int) -> Slip:
    """Return the sort of the edit that adds the letter `index` of `word`."""
    # A letter before a word is a prefix: nnodes, pprint.
    is_prefix = word[0] in _PREFIX_LETTERS or len(word) < SHORTEST_WITH_PREFIX
    if index <= 1 and word[0] == word[1] and is_prefix:
        return Slip.OTHER
    if index == 0:
        return Slip.OTHER
    if word[index] == word[index - 1]:
        return Slip.DOUBLE

    neighbours = {word[index - 1], word[index + 1 : index + 2]} - {""}
    is_beside = any(_are_adjacent_keys(word[index], letter) for letter in neighbours)

    return Slip.BESIDE if is_beside else Slip.OTHER


def _are_adjacent_keys(letter: str, other: str) -> bool:
    """Return True if the two keys are at most one row and one place apart."""
    position = _key_position(letter)
    other_position = _key_position(other)
    if position is None or other_position is None:
        return False

    rows_apart = abs(position[0] - other_position[0])
    places_apart = abs(position[1] - other_position[1])

    return rows_apart <= 1 and places_apart <= 1


def _key_position(letter: str) -> tuple[int, int] | None:
    """Return the row of the key and its place in the row; None if no row holds it."""
    for row, keys in enumerate(_KEYBOARD_ROWS):
        if letter in keys:
            return row, keys.index(letter)

    return None
