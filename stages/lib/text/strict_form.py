"""The strict form of a text: two texts with one strict form say the same.

It decides what is dropped as a copy, which document stands for another, and what is one query.
The coarse form, `normal_form`, decides what must not be separated or stand as a negative. Texts
with one strict form have one coarse form. The reverse does not hold: 5-7 and 5.7 do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from stages.lib.text.capital_names import (
    before,
    is_in_capitals,
    lower_case,
    lower_sentence_starts,
)
from stages.lib.text.normal_form import MARKS, UNSPACED_SCRIPT

_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2e3a\u2e3b\u05be"
_SINGLE_QUOTES = "'\u2018\u2019\u201a\u201b"
_DOUBLE_QUOTES = '"“”„‟'

# Punctuation of sentences, by script: Latin, Chinese and Japanese, Arabic and Urdu, Hebrew, the
# scripts of India, Armenian, Ethiopic, Khmer, Burmese.
_STOPS = (
    ".,;:!?…¡¿。、\uff0c\uff1b\uff1a\uff01\uff1f\uff0e｡､،؛؟\u06d4\u05c3।॥\u0589\u055d՜՞።፣፤፥፦፧។၊။"
)
_QUOTES = f"{_SINGLE_QUOTES}{_DOUBLE_QUOTES}«»\u2039\u203a「」『』｢｣"
SENTENCE_PUNCTUATION = f"{_STOPS}{_QUOTES}{_DASHES}"
_CLASS = re.escape(SENTENCE_PUNCTUATION)

_LETTER_OR_DIGIT = re.compile(r"[^\W_]")

_ASCII_RUN = re.compile(r"""[.,;:!?"'-][\s.,;:!?"'-]*""")
_RUN = re.compile(rf"[{_CLASS}][\s{_CLASS}]*")
_DASH = re.compile(f"[{re.escape(_DASHES)}]")

# Most punctuation: a mark behind a word of two letters, and a space before the next word.
_PLAIN = re.compile(r"[.,;:!?](?<=[a-zA-Z]{2}.)\s+(?=[a-zA-Z])")

# Ranges and ratios with spaces: 5 - 7, 5 : 7.
_SPACED_RANGE = re.compile(rf" (?<=\d )([:{re.escape(_DASHES)}]) (?=\d)")

# Signs. The marks of "!=" and ":=" are part of a sign.
_ASCII_SIGNS = re.compile(r"""(?:[!:](?==)|[^\w\s.,;:!?"'-]|_)+""")
_SIGNS = re.compile(rf"(?:[!\uff01:](?==)|[^\w\s{_CLASS}{MARKS}]|_)+")

# Spaces beside these may decide what they belong to: CD4+ cells, C# code, \u22125.
_BOUND_SIGNS = frozenset("+#_\u2212")

# The point of .NET, the dash of -v, the mark of !important and the colons of ::before.
_PREFIXES = frozenset([".", "!", ":", "::", "-", "--"])


def strict_form(text: str) -> str:
    """Return `text` without differences of letter case, spacing and sentence punctuation.

    Capitals stay where they make a name of an ordinary word. Punctuation stays beside a digit or
    a sign, and an apostrophe inside a word. All other characters stay, so that 10⁴, 104, ✓ and ✗
    are four texts. Of Unicode variants only composition is set aside. A text of punctuation
    alone, or of signs, keeps them.

    >>> strict_form("  How do I RESET it?!")
    'how do i reset it'
    >>> strict_form("Grade 5-7, 10⁴ cells: the IT team's CD4+ (p<0.05).")
    "grade 5-7, 10⁴ cells the IT team's cd4+ ( p < 0.05 )"
    """
    is_ascii = text.isascii()
    composed = text if is_ascii else unicodedata.normalize("NFC", text)
    if not _LETTER_OR_DIGIT.search(composed if is_ascii else unicodedata.normalize("NFKC", text)):
        return " ".join(composed.split())

    cased = composed.lower() if is_in_capitals(composed) else lower_sentence_starts(composed)

    # Spaces beside signs do not count.
    spaced = (_ASCII_SIGNS if is_ascii else _SIGNS).sub(_spaced_signs, cased)

    # Punctuation that is no content becomes a space.
    plain = _PLAIN.sub(" ", spaced)
    bare = (_ASCII_RUN if is_ascii else _RUN).sub(_run_of_punctuation, plain)
    joined = _SPACED_RANGE.sub(r"\1", " ".join(bare.split()))

    return lower_case(joined)


def _spaced_signs(match: re.Match[str]) -> str:
    """Return the signs between two spaces, or as they are where spaces decide."""
    signs = match[0]
    is_marked = _kind(match.string[match.end() : match.end() + 1]) == "mark"
    if is_marked or not all(map(_is_free_sign, signs)):
        return signs
    return f" {signs} "


@lru_cache(4096)
def _is_free_sign(character: str) -> bool:
    """Return whether spaces beside a sign do not count.

    They do where compatibility forms would make letters or bound signs of it: ™, ⁺.
    """
    if character in _BOUND_SIGNS or unicodedata.decomposition(character).startswith("<"):
        return False
    return unicodedata.category(character)[0] in "SP"


def _run_of_punctuation(match: re.Match[str]) -> str:
    """Return the punctuation between two words: as it is if it is content, else a space."""
    run = match[0]
    text = match.string
    if _is_apostrophe(text, match.start(), match.end()):
        return "'" if run in _SINGLE_QUOTES else '"'

    is_content = any(rule(text, match.start(), match.end()) for rule in _CONTENT_RULES)
    return run if is_content else " "


def _is_beside_content(text: str, start: int, end: int) -> bool:
    """Return whether a digit or a sign stands beside the punctuation, as in 5.7 and 5 - 7."""
    # A run of punctuation may end with spaces but does not begin with them.
    place = _end_of_word(text, start)
    left = _kind(before(text, place))
    right = _kind(text[end : end + 1])
    if "sign" in (left, right):
        return True
    if "digit" not in (left, right):
        return False

    # Spaces may lie between the digit and a dash, or between two digits.
    touches_left = left == "digit" and place == start
    touches_right = right == "digit" and not text[end - 1].isspace()
    has_dash = _DASH.search(text, start, end) is not None
    return touches_left or touches_right or has_dash or left == right


def _is_apostrophe(text: str, start: int, end: int) -> bool:
    """Return whether one quote stands inside a word: it's, l'eau, צה"ל."""
    if end - start != 1 or text[start] not in _SINGLE_QUOTES + _DOUBLE_QUOTES:
        return False

    neighbours = before(text, start), text[end : end + 1]
    is_spaced = not any(map(UNSPACED_SCRIPT.match, neighbours))
    return is_spaced and all(_kind(neighbour) in ("letter", "mark") for neighbour in neighbours)


def _is_bound_hyphen(text: str, start: int, end: int) -> bool:
    """Return whether a hyphen ends a word: "pre- and postnatal", CD-."""
    if text[start] != "-" or _kind(before(text, start)) not in ("letter", "mark", "digit"):
        return False

    after = text[start + 1 : start + 2]
    return not after.isalnum()


def _is_prefix(text: str, start: int, end: int) -> bool:
    """Return whether the punctuation begins a word, as in .NET and --force."""
    chunk = text[start:end].split()[-1]
    if chunk not in _PREFIXES or text[end - 1].isspace() or not text[end : end + 1].isalpha():
        return False

    # Before it there is a space, a bracket or nothing.
    preceding = before(text, end - len(chunk))
    return not preceding or preceding.isspace() or _kind(preceding) == "bracket"


def _is_mark_of_variable(text: str, start: int, end: int) -> bool:
    """Return whether a prime or a factorial stands behind a variable or a bracket: f', n!."""
    mark = text[start]
    left = before(text, start)
    if mark == "!" and before(text, _end_of_word(text, start)) in (")", "]", "}"):
        return True
    if mark not in ("!", "'", "\u2019") or not left.isalpha() or left.lower() == left.upper():
        return False

    # The letter is a word of its own. "So did I!" has no factorial.
    is_single = _kind(before(text, start - 1)) not in ("letter", "mark", "digit")
    return is_single and not (mark == "!" and left in "Ii")


def _end_of_word(text: str, position: int) -> int:
    """Return where the spaces before `position` begin."""
    while before(text, position).isspace():
        position -= 1
    return position


_CONTENT_RULES: tuple[Callable[[str, int, int], bool], ...] = (
    _is_beside_content,
    _is_bound_hyphen,
    _is_prefix,
    _is_mark_of_variable,
)


@lru_cache(65536)
def _kind(character: str) -> str:
    """Return letter, mark, digit, bracket, sign or other for a character; other for none."""
    if not character:
        return "other"

    category = unicodedata.category(character)
    if category in ("Ps", "Pe"):
        return "bracket"
    kinds = {"L": "letter", "M": "mark", "N": "digit", "S": "sign", "P": "sign"}
    return kinds.get(category[0], "other")
