"""The words that a paraphrase must keep: units, opposites, negations, strengths, names and codes.

Some functions return what a text says about one kind, so that two texts that say the same give
equal results. Others compare two texts. Numbers have a file of their own. The word lists
(opposites.txt, units.txt and those below) are English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from stages.augment.numerals import is_number, is_numeral
from stages.lib.preprocessing.language import verbatim_spans
from stages.lib.text.normal_form import words

_UNIT_AFTER_NUMBER = re.compile(r"(?<=\d)\s?(%|°[cf]?|[a-zµμ]+)(?:/([a-zµμ]+))?(?![a-zµμ])")

# These words are units only behind a number, as are names of one or two letters ("m", "ms").
_NEED_NUMBER = {"second", "foot", "feet", "mole", "bit", "bits", "min"}

_NEGATIVE_WORDS = """no not non without never none nor neither nobody nothing cannot absent absence
missing lack lacks lacking except excluding unless fail fails failed failure unable inability
incapable incapacity"""
_NEGATIONS = frozenset(_NEGATIVE_WORDS.split())
_NEGATED_VERB = re.compile(r"n['\u2019]t\b")
_DENIED_WORD = re.compile(r"\b(?:not|non)[ -]+([a-z]{3,})")
_ABSENT_THING = re.compile(r"\b(?:without|no|lacking)[ -]+([a-z]{3,})")
_NEGATIVE_PREFIXES = ("un", "in", "im", "ir", "il", "dis", "non", "a", "an")

# Words of strength. A paraphrase may leave one out, but not exchange it for its counterpart.
_STRENGTHS = (
    (
        frozenset(["must", "shall", "should", "mandatory", "required"]),
        frozenset(["may", "might", "can", "could", "optional", "optionally"]),
    ),
    (
        frozenset(["all", "every", "each", "entire", "whole", "always"]),
        frozenset(["some", "several", "few", "many", "most", "certain", "sometimes", "often"]),
    ),
)

_CODE = re.compile(r"\d[^\W\d_]|[^\W\d_]\d|[A-Z]\w*[A-Z]|_|[a-z][A-Z]|[@\\#$~^|=]|:\w")
# The s of "IDs", and what stands behind the apostrophe of "AWS's".
_PLURAL_CODE = re.compile(r"(?<=[A-Z]{2})(?:['\u2019]?s)$")
_SPACE_BEFORE_SIGN = re.compile(r"(?<=\w) +(?=[+#](?!\w))")
_PUNCTUATION = ".,;:!?()[]{}\"'"

_CAPITALISED_INSIDE = re.compile(r"(?<![.!?:]\s)(?<!^)\b[A-Z][a-z]+\b")
_LOWER_CASE_WORD = re.compile(r"\b[a-z]+\b")


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
    names.update(word for word in words(lowered) if _is_unit_anywhere(word))

    return frozenset(unit_of_name[name] for name in names if name in unit_of_name)


def are_opposites_kept(text: str, other: str) -> bool:
    """Return whether both texts name the same opposites: left or right, more or less.

    A word may name several opposites ("widening" is wide and large). The other text must name
    one of them.
    """
    opposites = _opposites(text)
    other_opposites = _opposites(other)

    return _are_named_in(opposites, other_opposites) and _are_named_in(other_opposites, opposites)


def negations(text: str) -> int:
    """Return how many words of `text` deny something.

    >>> negations("it doesn't hurt")
    1
    """
    negative_words = sum(word in _NEGATIONS for word in words(text))
    return negative_words + len(_NEGATED_VERB.findall(text.lower()))


def are_negations_kept(text: str, other: str) -> bool:
    """Return whether both texts deny as often, and no prefix denies a word of one in the other.

    "Not stable" denies as "unstable" does, and "without pain" as "painless".

    >>> are_negations_kept("stable joint", "unstable joint")
    False
    """
    text = _with_denying_words(text, set(words(other)))
    other = _with_denying_words(other, set(words(text)))
    text_words = set(words(text))
    other_words = set(words(other))

    return (
        negations(text) == negations(other)
        and not _has_negated_word(text_words, other_words)
        and not _has_negated_word(other_words, text_words)
    )


def are_strengths_kept(text: str, other: str) -> bool:
    """Return whether neither text makes a duty of what the other allows, or "all" of its "some".

    >>> are_strengths_kept("keys may expire", "keys must expire")
    False
    """
    text_words = words(text)
    other_words = words(other)
    for strong, weak in _STRENGTHS:
        strong_gained = _count_of(text_words, strong) - _count_of(other_words, strong)
        weak_gained = _count_of(text_words, weak) - _count_of(other_words, weak)

        # A word of one strength went, and one of the other came.
        if strong_gained * weak_gained < 0:
            return False

    return True


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

    # A code may be joined to a word: "T2-weighted" names T2. Numerals are compared as numbers.
    pieces: set[str] = set()
    for part in parts:
        pieces.update(piece.strip(_PUNCTUATION) for piece in part.split("-"))

    return frozenset(
        _PLURAL_CODE.sub("", piece)
        for piece in pieces
        if _CODE.search(piece) and not is_numeral(piece)
    )


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
    """Return whether `word` is a number, a unit, a side or a negation, which are compared."""
    return (
        is_number(word)
        or _is_unit_anywhere(word)
        or word in _NEGATIONS
        or word in _opposites_of_word()
    )


def _is_unit_anywhere(word: str) -> bool:
    """Return whether a word is a unit of measure also where no number stands before it."""
    return len(word) > 2 and word not in _NEED_NUMBER and word in _units()


def _count_of(text_words: Iterable[str], listed: frozenset[str]) -> int:
    return sum(word in listed for word in text_words)


def _are_named_in(opposites: Iterable[frozenset[str]], others: Iterable[frozenset[str]]) -> bool:
    """Return whether each word's `opposites` share one with `others`."""
    named = frozenset[str]().union(*others)
    return all(word_opposites & named for word_opposites in opposites)


def _with_denying_words(text: str, known: set[str]) -> str:
    """Return `text` in lower case with "not stable" as a denying word that is in `known`."""

    def joined(match: re.Match[str]) -> str:
        candidates = [prefix + match[1] for prefix in _NEGATIVE_PREFIXES]
        return next((word for word in candidates if word in known), match[0])

    def shortened(match: re.Match[str]) -> str:
        candidates = [match[1] + "less", match[1].removesuffix("s") + "less"]
        return next((word for word in candidates if word in known), match[0])

    return _ABSENT_THING.sub(shortened, _DENIED_WORD.sub(joined, text.lower()))


def _has_negated_word(text_words: set[str], other_words: set[str]) -> bool:
    """Return whether `other_words` holds a word of `text_words` with a negative prefix."""
    added_words = other_words - text_words
    for word in text_words - other_words:
        if any(prefix + word in added_words for prefix in _NEGATIVE_PREFIXES):
            return True

    return False


def _opposites(text: str) -> list[frozenset[str]]:
    """Return the opposites of each word of `text` that names any."""
    text_words = words(text)
    opposites_of_word = _opposites_of_word()
    opposites = [opposites_of_word[word] for word in text_words if word in opposites_of_word]

    # These two prefixes name opposites too.
    for prefix in ("hyper", "hypo"):
        if any(word.startswith(prefix) for word in text_words):
            opposites.append(frozenset([prefix]))

    return opposites


@lru_cache(maxsize=1)
def _opposites_of_word() -> dict[str, frozenset[str]]:
    """Return the opposites that each word names, by their first word in opposites.txt."""
    opposites_of_word: dict[str, frozenset[str]] = {}
    for line in _lines("opposites.txt"):
        for side in line.split(":"):
            synonyms = side.split()
            for word in synonyms:
                opposites_of_word[word] = opposites_of_word.get(word, frozenset()) | {synonyms[0]}

    return opposites_of_word


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
