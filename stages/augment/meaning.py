"""What a paraphrase must keep: numbers, units, sides and other opposites, negations, names and codes.

Each function returns what a text says of one kind, so that two texts that say the same of it give the same. The word
lists (opposites.txt, units.txt and those below) are English.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

from stages.lib.protected import spans
from stages.lib.text import words

# "One" is left out: it is a pronoun more often than a number.
_NUMBERS = {
    word: str(at)
    for row in (
        "two three four five six seven eight nine ten eleven twelve",
        "second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth",
    )
    for at, word in enumerate(row.split(), start=2)
} | {"first": "1", "twenty": "20", "thirty": "30", "hundred": "100", "thousand": "1000"}
_NUMBER = re.compile(r"(?:(?<![\w-])-)?\d+(?:[.,]\d+)*|[<>≤≥±]=?")
_THOUSANDS = re.compile(r"[.,](?=\d{3}(?!\d))")
_BESIDE_NUMBER = re.compile(r"(?<=\d)\s?(%|°[cf]?|[a-zµμ]+)(?:/([a-zµμ]+))?(?![a-zµμ])")
# Names of one or two letters are also other things ("m", "ms"), and so are these: they need a number.
_NEED_NUMBER = {"second", "foot", "feet", "mole", "bit", "bits", "min"}

_NEGATIONS = frozenset(
    re.findall(
        r"\S+",
        "no not non without never none nor neither nobody nothing cannot absent absence missing lack lacks lacking "
        "except excluding unless fail fails failed failure",
    )
)
_NEGATED = re.compile(r"n['\u2019]t\b")
_PREFIXES = ("un", "in", "im", "ir", "il", "dis", "non", "a", "an")

_CODE = re.compile(r"\d[^\W\d_]|[^\W\d_]\d|[A-Z]\w*[A-Z]|_|[a-z][A-Z]|[@\\#$~^|=]|:\w")

_LOOSE_SIGN = re.compile(r"(?<=\w) +(?=[+#](?!\w))")


def numbers(text: str) -> Counter[str]:
    """Return the numbers of `text`, in digits or in words, ordinals alike, and the signs of comparison."""
    found = (_THOUSANDS.sub("", number).replace(",", ".") for number in _NUMBER.findall(text))
    return Counter(found) + Counter(_NUMBERS[word] for word in words(text) if word in _NUMBERS)


def units(text: str) -> frozenset[str]:
    """Return the units of measure of `text`."""
    lowered, known = text.lower(), _units()
    beside = {
        known[name] for match in _BESIDE_NUMBER.findall(lowered) for name in match if name in known
    }
    spelled = {
        known[word]
        for word in words(lowered)
        if len(word) > 2 and word in known and word not in _NEED_NUMBER
    }
    return frozenset(beside | spelled)


def are_sides_kept(text: str, other: str) -> bool:
    """Return whether both say the same of left and right, upper and lower, more and less, and the like.

    A word may name several sides ("widening" is wide and large); one of them must be named in the other text.
    """
    mine, theirs = _sides(text), _sides(other)
    return all(
        named & set().union(*there)
        for here, there in ((mine, theirs), (theirs, mine))
        for named in here
    )


def negations(text: str) -> int:
    """Return how many words of `text` deny something."""
    return sum(word in _NEGATIONS for word in words(text)) + len(_NEGATED.findall(text.lower()))


def is_negated(text: str, other: str) -> bool:
    """Return whether a word of one is denied by a prefix in the other: "stable" and "unstable"."""
    mine, theirs = set(words(text)), set(words(other))
    return any(
        prefix + word in there and prefix + word not in here
        for here, there in ((mine, theirs), (theirs, mine))
        for word in here - there
        for prefix in _PREFIXES
    )


def codes(text: str) -> frozenset[str]:
    """Return the codes, abbreviations and addresses of `text`, without the signs around them."""
    text = _LOOSE_SIGN.sub("", text)  # "CD4 +" is CD4+
    tokens = (text[start:end] for start, end in spans(text))
    parts = {part.strip(".,;:!?()[]{}\"'") for token in tokens for part in token.split("/")}
    return frozenset(part for part in parts if _CODE.search(part))


def names(text: str) -> frozenset[str]:
    """Return the words of `text` that stand capitalised within a sentence, in lower case; none in a title."""
    found = re.findall(r"(?<![.!?:]\s)(?<!^)\b[A-Z][a-z]+\b", text)
    plain = re.findall(r"\b[a-z]+\b", text)
    return frozenset(word.lower() for word in found) if len(found) <= len(plain) else frozenset()


def is_compared(word: str) -> bool:
    """Return whether `word` is a number, a side or a negation, and so compared by what it says."""
    return word in _NUMBERS or word in _NEGATIONS or word in _opposites()


def _sides(text: str) -> list[frozenset[str]]:
    """Return the sides that each word of `text` names which names any."""
    found = words(text)
    named = [_opposites()[word] for word in found if word in _opposites()]
    prefixes = [
        prefix for prefix in ("hyper", "hypo") if any(word.startswith(prefix) for word in found)
    ]
    return named + [frozenset([prefix]) for prefix in prefixes]


@lru_cache(maxsize=1)
def _opposites() -> dict[str, frozenset[str]]:
    table: dict[str, frozenset[str]] = {}
    for line in _lines("opposites.txt"):
        for side in line.split(":"):
            first, *_ = synonyms = side.split()
            for word in synonyms:
                table[word] = table.get(word, frozenset()) | {first}
    return table


@lru_cache(maxsize=1)
def _units() -> dict[str, str]:
    return {name: line.split()[0] for line in _lines("units.txt") for name in line.split()}


def _lines(name: str) -> list[str]:
    lines = Path(__file__).with_name(name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
