"""The words that a paraphrase must keep: numbers, units, sides, negations, names and codes.

Each function returns what a text says about one kind, so that two texts that say the same give
equal results. The word lists (opposites.txt, units.txt and those below) are English.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from stages.lib.preprocessing.language import verbatim_spans
from stages.lib.text.normal_form import words

_CARDINALS = "two three four five six seven eight nine ten eleven twelve"
_ORDINALS = "second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"

# "One" is left out: it is a pronoun more often than a number.
_NUMBER_OF_WORD = {
    **{word: str(number) for number, word in enumerate(_CARDINALS.split(), start=2)},
    **{word: str(number) for number, word in enumerate(_ORDINALS.split(), start=2)},
    "first": "1",
    "twenty": "20",
    "thirty": "30",
    "hundred": "100",
    "thousand": "1000",
}
_NUMBER = re.compile(r"(?:(?<![\w-])-)?\d+(?:[.,]\d+)*|[<>≤≥±]=?")
_THOUSANDS = re.compile(r"[.,](?=\d{3}(?!\d))")
_UNIT_AFTER_NUMBER = re.compile(r"(?<=\d)\s?(%|°[cf]?|[a-zµμ]+)(?:/([a-zµμ]+))?(?![a-zµμ])")

# These words are units only behind a number, as are names of one or two letters ("m", "ms").
_NEED_NUMBER = {"second", "foot", "feet", "mole", "bit", "bits", "min"}

_NEGATIVE_WORDS = """no not non without never none nor neither nobody nothing cannot absent absence
missing lack lacks lacking except excluding unless fail fails failed failure"""
_NEGATIONS = frozenset(_NEGATIVE_WORDS.split())
_NEGATED_VERB = re.compile(r"n['\u2019]t\b")
_NEGATIVE_PREFIXES = ("un", "in", "im", "ir", "il", "dis", "non", "a", "an")

_CODE = re.compile(r"\d[^\W\d_]|[^\W\d_]\d|[A-Z]\w*[A-Z]|_|[a-z][A-Z]|[@\\#$~^|=]|:\w")
_SPACE_BEFORE_SIGN = re.compile(r"(?<=\w) +(?=[+#](?!\w))")
_PUNCTUATION = ".,;:!?()[]{}\"'"

_CAPITALISED_INSIDE = re.compile(r"(?<![.!?:]\s)(?<!^)\b[A-Z][a-z]+\b")
_LOWER_CASE_WORD = re.compile(r"\b[a-z]+\b")


def numbers(text: str) -> Counter[str]:
    """Return the numbers of `text`, in digits or in words, and the signs of comparison.

    An ordinal counts as its number.

    >>> sorted(numbers("the third of 1,000").elements())
    ['1000', '3']
    """
    in_digits = [_THOUSANDS.sub("", number).replace(",", ".") for number in _NUMBER.findall(text)]
    in_words = [_NUMBER_OF_WORD[word] for word in words(text) if word in _NUMBER_OF_WORD]

    return Counter(in_digits) + Counter(in_words)


def units(text: str) -> frozenset[str]:
    """Return the units of measure of `text`, by their first name in units.txt.

    >>> sorted(units("5 milligrams"))
    ['mg']
    """
    lowered = text.lower()
    unit_of_name = _units()

    # Names right behind a number. A match holds two of them in "mg/ml".
    names: set[str] = set()
    for match in _UNIT_AFTER_NUMBER.findall(lowered):
        names.update(match)

    # Long names are units anywhere.
    for word in words(lowered):
        if len(word) > 2 and word not in _NEED_NUMBER:
            names.add(word)

    return frozenset(unit_of_name[name] for name in names if name in unit_of_name)


def are_sides_kept(text: str, other: str) -> bool:
    """Return whether both texts name the same sides: left or right, upper or lower, more or less.

    A word may name several sides ("widening" is wide and large). One of them must be named in the
    other text.
    """
    sides = _sides(text)
    other_sides = _sides(other)

    return _are_named_in(sides, other_sides) and _are_named_in(other_sides, sides)


def negations(text: str) -> int:
    """Return how many words of `text` deny something.

    >>> negations("it doesn't hurt")
    1
    """
    negative_words = sum(word in _NEGATIONS for word in words(text))
    return negative_words + len(_NEGATED_VERB.findall(text.lower()))


def is_negated(text: str, other: str) -> bool:
    """Return whether a negative prefix denies a word of one text in the other.

    >>> is_negated("stable joint", "unstable joint")
    True
    """
    text_words = set(words(text))
    other_words = set(words(other))

    return _has_negated_word(text_words, other_words) or _has_negated_word(other_words, text_words)


def codes(text: str) -> frozenset[str]:
    """Return the codes, abbreviations and addresses of `text`, without the signs around them.

    >>> sorted(codes("the (ACE) in CD4 + cells"))
    ['ACE', 'CD4+']
    """
    # "CD4 +" is CD4+.
    joined = _SPACE_BEFORE_SIGN.sub("", text)
    parts: set[str] = set()
    for start, end in verbatim_spans(joined):
        parts.update(part.strip(_PUNCTUATION) for part in joined[start:end].split("/"))

    return frozenset(part for part in parts if _CODE.search(part))


def names(text: str) -> frozenset[str]:
    """Return the capitalised words inside sentences of `text`, in lower case; none in a title.

    >>> sorted(names("a database in Amazon Lightsail for you"))
    ['amazon', 'lightsail']
    """
    capitalised = _CAPITALISED_INSIDE.findall(text)

    # Where most words are capitalised, capitals mean nothing.
    if len(capitalised) > len(_LOWER_CASE_WORD.findall(text)):
        return frozenset()

    return frozenset(word.lower() for word in capitalised)


def is_critical(word: str) -> bool:
    """Return whether `word` is a number, a side or a negation, which functions above compare."""
    return word in _NUMBER_OF_WORD or word in _NEGATIONS or word in _sides_of_word()


def _are_named_in(sides: Iterable[frozenset[str]], others: Iterable[frozenset[str]]) -> bool:
    """Return whether each word's `sides` share one with `others`."""
    named = frozenset[str]().union(*others)
    return all(word_sides & named for word_sides in sides)


def _has_negated_word(text_words: set[str], other_words: set[str]) -> bool:
    """Return whether `other_words` holds a word of `text_words` with a negative prefix."""
    added_words = other_words - text_words
    for word in text_words - other_words:
        if any(prefix + word in added_words for prefix in _NEGATIVE_PREFIXES):
            return True

    return False


def _sides(text: str) -> list[frozenset[str]]:
    """Return the sides of each word of `text` that names any."""
    text_words = words(text)
    sides_of_word = _sides_of_word()
    sides = [sides_of_word[word] for word in text_words if word in sides_of_word]

    # These two prefixes name sides too.
    for prefix in ("hyper", "hypo"):
        if any(word.startswith(prefix) for word in text_words):
            sides.append(frozenset([prefix]))

    return sides


@lru_cache(maxsize=1)
def _sides_of_word() -> dict[str, frozenset[str]]:
    """Return the sides that each word names. A side is named by its first word in opposites.txt."""
    sides_of_word: dict[str, frozenset[str]] = {}
    for line in _lines("opposites.txt"):
        for side in line.split(":"):
            synonyms = side.split()
            for word in synonyms:
                sides_of_word[word] = sides_of_word.get(word, frozenset()) | {synonyms[0]}

    return sides_of_word


@lru_cache(maxsize=1)
def _units() -> dict[str, str]:
    """Return the unit of each name: the first name on its line of units.txt."""
    unit_of_name: dict[str, str] = {}
    for line in _lines("units.txt"):
        unit_names = line.split()
        for name in unit_names:
            unit_of_name[name] = unit_names[0]

    return unit_of_name


def _lines(name: str) -> list[str]:
    """Return the lines of a word list beside this file, without comments."""
    lines = Path(__file__).with_name(name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
