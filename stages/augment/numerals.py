"""The numbers of a text, whether they stand in digits, in words or in Roman numerals.

An ordinal counts as its number. The word lists are English.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from stages.lib.text.normal_form import words

_CARDINALS = """two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen"""
_ORDINALS = """second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth
thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINAL_TENS = """twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth"""

# "One" is left out: it is a pronoun more often than a number.
_UNIT_OF_WORD = {
    **{word: number for number, word in enumerate(_CARDINALS.split(), start=2)},
    **{word: number for number, word in enumerate(_ORDINALS.split(), start=2)},
    "first": 1,
    "twice": 2,
    "thrice": 3,
    "dozen": 12,
}
_TEN_OF_WORD = {
    **{word: 10 * number for number, word in enumerate(_TENS.split(), start=2)},
    **{word: 10 * number for number, word in enumerate(_ORDINAL_TENS.split(), start=2)},
}
_FACTOR_OF_WORD = {"hundred": 100, "hundredth": 100, "thousand": 1000, "thousandth": 1000}
_NUMBER_WORDS = _UNIT_OF_WORD.keys() | _TEN_OF_WORD.keys() | _FACTOR_OF_WORD.keys()

_DIGITS = re.compile(r"(?:(?<![\w-])-)?\d+(?:[.,]\d+)*|[<>≤≥±]=?")
_THOUSANDS = re.compile(r"[.,](?=\d{3}(?!\d))")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|[oºª])")

# Letters that are Roman numerals anywhere, and those that are behind one of these words alone.
_VALUES = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII"]
_ROMAN = re.compile(r"\b(?:XIII|XII|XI|IX|VIII|VII|VI|IV|III|II)\b")
_CLASSES = "type|grade|stage|class|phase|group|degree|factor|level|category|part|chapter|nerve"
_ROMAN_BEHIND_CLASS = re.compile(rf"\b(?i:{_CLASSES})s?\s+(I|V|X)\b")


def numbers(text: str) -> Counter[str]:
    """Return the numbers of `text`, and the signs of comparison.

    >>> sorted(numbers("the third of 1,000, type II, twenty-one").elements())
    ['1000', '2', '21', '3']
    """
    in_digits = [_THOUSANDS.sub("", number).replace(",", ".") for number in _DIGITS.findall(text)]
    numerals = _ROMAN.findall(text) + _ROMAN_BEHIND_CLASS.findall(text)
    in_letters = [str(_VALUES.index(numeral)) for numeral in numerals]

    return Counter(in_digits) + Counter(in_letters) + Counter(_numbers_in_words(words(text)))


def are_numbers_kept(text: str, other: str) -> bool:
    """Return whether both texts hold the same numbers. The word "one" may stand for a 1.

    >>> are_numbers_kept("one or more keys", "1 or more keys")
    True
    """
    text_numbers = numbers(text)
    other_numbers = numbers(other)
    missing = other_numbers - text_numbers
    added = text_numbers - other_numbers

    # What is left over is no more than a 1 for each "one" of the other text.
    return (
        not (missing.keys() | added.keys()) - {"1"}
        and missing["1"] <= words(text).count("one")
        and added["1"] <= words(other).count("one")
    )


def is_number(word: str) -> bool:
    """Return whether `word`, in lower case, is a number in digits or in words, or an ordinal."""
    return word.isdigit() or word in _NUMBER_WORDS or _ORDINAL.fullmatch(word) is not None


def is_numeral(token: str) -> bool:
    """Return whether `token` is an ordinal in digits or a Roman numeral, and so no code.

    >>> is_numeral("2nd"), is_numeral("IV"), is_numeral("CD4")
    (True, True, False)
    """
    return _ORDINAL.fullmatch(token) is not None or _ROMAN.fullmatch(token) is not None


def _numbers_in_words(text_words: Sequence[str]) -> list[str]:
    """Return the numbers of the longest runs of number words: "two hundred and five" is 205."""
    values: list[int] = []
    # What the next factor multiplies: 200 of "three thousand two hundred".
    group = 0
    previous = ""
    for index, word in enumerate(text_words):
        is_behind_factor = previous in _FACTOR_OF_WORD
        next_word = text_words[index + 1] if index + 1 < len(text_words) else ""

        # "And" joins behind a factor, and "one" is a number inside a run alone.
        if word == "and" and is_behind_factor and next_word in _NUMBER_WORDS:
            continue
        is_one = word == "one" and (previous in _TEN_OF_WORD or is_behind_factor)
        value = 1 if is_one else _UNIT_OF_WORD.get(word, _TEN_OF_WORD.get(word, 0))

        if word in _FACTOR_OF_WORD:
            # A factor multiplies the number right before it.
            if previous not in _NUMBER_WORDS and not (previous == "one" and group):
                values.append(1)
                group = 1
            values[-1] += group * (_FACTOR_OF_WORD[word] - 1)
            group *= _FACTOR_OF_WORD[word]
        elif value and (is_behind_factor or (previous in _TEN_OF_WORD and value < 10)):
            # A smaller number is added. Behind a thousand a new group begins.
            values[-1] += value
            group = value if previous.startswith("thousand") else group + value
        elif value:
            values.append(value)
            group = value
        else:
            group = 0
        previous = word

    return [str(value) for value in values]
