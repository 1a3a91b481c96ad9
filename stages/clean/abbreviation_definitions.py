"""Definitions of abbreviations: found in a text, and brought together over a corpus.

Source: Schwartz and Hearst (2003), "A simple algorithm for identifying abbreviation definitions in biomedical text".
Added to it: square brackets, plural short forms, digits that the long form spells otherwise ("carbon dioxide (CO2)"),
a word that both sides share ("Systems Manager document (SSM document)"), and checks that prefer none to a wrong one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import dropwhile
from typing import NamedTuple

from stages.lib.glossary import Abbreviations


class Definition(NamedTuple):
    """A short form and its long form as written (blanks as one), and where the whole definition stands in the text."""

    short: str
    long: str
    start: int
    end: int


# What a bracket holds is bounded, as is what is read before it: the work is linear in the text, whatever it holds.
_BRACKET = re.compile(r"(?<=[^\S\n])(?:\(([^()\[\]\n]{2,100})\)|\[([^()\[\]\n]{2,100})\])")
_REACH = 200
_SHORT = re.compile(r"(?=.{2,10}$)(?=.*[A-Z0-9])(?=.*[^\W\d_].*)[^\W_][\w/.+'-]*[\w+]")
# "JobId" is a name in a program, with words for humps.
_CAMEL = re.compile(r"(?:[A-Z][a-z]+){2,}")
_SENTENCE = re.compile(r"[.!?;:]\s|[()\[\]{}\n]|,\s")
_WORD = re.compile(r"[^\W_]+")
_SMALL = frozenset(
    re.findall(
        r"\S+",
        "a an the of in on to for by from with without at as and or but is are was be this that these its via per not "
        "which against into also called known",
    )
)
# Fences, code in a line, addresses.
CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.DOTALL)


def definitions(text: str) -> list[Definition]:
    """Return the abbreviations that `text` defines, in the order of their brackets."""
    found: list[Definition] = []
    code = [match.span() for match in CODE.finditer(text)] if "`" in text or "://" in text else []
    at = 0
    for match in _BRACKET.finditer(text):
        while at < len(code) and code[at][1] <= match.start():
            at += 1
        if at < len(code) and code[at][0] < match.end():
            continue
        group = match.lastindex or 1
        definition = _long_before(text, match, group) or _short_before(text, match, group)
        # A bracket may not take its words from the one before it.
        if definition and (not found or definition.start >= found[-1].end):
            found.append(definition)
    return found


def is_short(word: str) -> bool:
    """Tell whether `word` can be a short form: 2 to 10 characters, a letter, a capital or a digit, one token."""
    return (
        bool(_SHORT.fullmatch(word))
        and not _CAMEL.fullmatch(word)
        and not word.endswith(("-", "."))
    )


def singular(word: str) -> str:
    """Return the short form without the "s" of its plural: "ECGs" is "ECG"."""
    return (
        word[:-1]
        if len(word) > 2 and word[-1] == "s" and (word[-2].isupper() or word[-2].isdigit())
        else word
    )


def dictionary(
    counts: Mapping[tuple[str, str], int], given: Abbreviations, minimum: int | None
) -> Abbreviations:
    """Return what a corpus and the user's glossary agree on, and the short forms that have several meanings.

    `counts` says how many documents define (short, long); long forms that differ only in case, plural or hyphens
    are one meaning, written as most documents do, then as comes first in the alphabet. The user's spelling stands.
    A meaning of the corpus is used from `minimum` documents on, but even a single one is a contradiction: whatever
    has two meanings is never expanded. With `minimum` None the corpus has no say.
    """
    meanings: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for (short, long), documents in counts.items() if minimum is not None else ():
        one = singular(short)
        spelled = long if one == short else _singular_words(long)
        meanings[one][same(long)][spelled] += documents
    known = dict(given.known)
    ambiguous = dict(given.ambiguous)
    for short, by_meaning in sorted(meanings.items()):
        corpus = {meaning: _commonest(spellings) for meaning, spellings in by_meaning.items()}
        mine = given.ambiguous.get(short) or ([given.known[short]] if short in given.known else [])
        longs = {**corpus, **{same(long): long for long in mine}}
        if len(longs) > 1:
            known.pop(short, None)
            ambiguous[short] = sorted({*longs.values(), *mine})
        elif (
            short not in known
            and short not in ambiguous
            and _documents(by_meaning) >= (minimum or 0)
        ):
            known[short] = next(iter(longs.values()))
    return Abbreviations(known, dict(sorted(ambiguous.items())))


def same(long: str) -> str:
    """Return the key under which two writings of one long form meet: case, plural and hyphens left out."""
    words = re.split(r"[\s\-\u2010\u2011]+", long.casefold())
    return "".join(_singular_word(word) for word in words)


def _documents(by_meaning: Mapping[str, Counter[str]]) -> int:
    return sum(sum(spellings.values()) for spellings in by_meaning.values())


def _commonest(spellings: Mapping[str, int]) -> str:
    # Of equals the one in lower case: a capital is mostly that of a sentence.
    return min(spellings, key=lambda long: (-spellings[long], long.casefold(), long.swapcase()))


def _singular_words(long: str) -> str:
    head, blank, last = long.rpartition(" ")
    return f"{head}{blank}{_singular_word(last)}"


def _singular_word(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("xes", "ches", "shes", "sses", "'s")) else word[:-1]


def _long_before(text: str, match: re.Match[str], group: int) -> Definition | None:
    """Read "electrocardiogram (ECG)"."""
    inside = re.split(r"[,;]\s", match[group].strip())[0].strip("\"'\u201c\u201d\u2018\u2019 ")
    start = max(0, match.start() - _REACH)
    window = text[start : match.start()].rstrip()
    window_start = max((cut.end() for cut in _SENTENCE.finditer(window)), default=0)
    for short, begin, end in _candidates(inside, window, window_start):
        at = _best(singular(short), window[begin:end])
        if at is not None and _is_sound(short, window[begin + at : end]):
            long = " ".join(window[begin + at : end].split())
            return Definition(short, long, start + begin + at, match.end())
    return None


def _candidates(inside: str, window: str, begin: int) -> Iterator[tuple[str, int, int]]:
    """Yield short forms, with the part of the window that may hold the long form."""
    words = inside.split()
    if len(words) == 1:
        for short in dict.fromkeys((inside, inside.split("/")[0])):
            if is_short(short):
                yield short, _last_words(window, begin, len(window), short), len(window)
    elif len(words) == 2:
        first, last = words
        if is_short(first) and window.endswith(f" {last}"):
            end = len(window) - len(last) - 1
            yield first, _last_words(window, begin, end, first), end
        shared = window.rfind(f"{first} ", begin)
        if is_short(last) and first[0].isupper() and shared >= 0:
            yield last, shared + len(first) + 1, len(window)


def _short_before(text: str, match: re.Match[str], group: int) -> Definition | None:
    """Read "ECG (electrocardiogram)": here the long form is all that the bracket holds, up to a comma."""
    inside = re.split(r"[,;]\s", match[group].strip())[0].strip()
    before = text[max(0, match.start() - 13) : match.start()].split(" ")
    short = before[-2].strip("\"'\u201c\u2018[(") if len(before) > 1 else ""
    letters = singular(short)
    if len(inside) <= len(short) or not is_short(short) or _SENTENCE.search(inside):
        return None
    many = len(_WORD.findall(inside)) > 2 * len(letters)
    if (
        many
        or inside[0].casefold() != short[0].casefold()
        or _best(letters, inside) != 0
        or not _is_sound(short, inside)
    ):
        return None
    start = text.rfind(short, 0, match.start())
    return Definition(short, " ".join(inside.split()), start, match.end())


def _last_words(window: str, begin: int, end: int, short: str) -> int:
    """Return where the last min(n + 5, 2 n) words before `end` begin, n being the length of the short form."""
    words = [word.start() for word in re.finditer(r"\S+", window[begin:end])]
    most = min(len(short) + 5, 2 * len(short))
    return begin + (words[-most] if len(words) > most else 0)


def _best(short: str, window: str) -> int | None:
    """Return where the shortest end of `window` begins that holds the letters of `short` in their order, or None.

    The first letter must begin a word. Digits that are not found may be left out if two letters are.
    """
    at = _match([sign for sign in short.casefold() if sign.isalnum()], window.casefold())
    letters = [sign for sign in short.casefold() if sign.isalpha()]
    if at is None and len(letters) >= 2 and any(sign.isdigit() for sign in short):
        at = _match(letters, window.casefold())
    return at


def _match(signs: list[str], window: str) -> int | None:
    at = len(window)
    for index in range(len(signs) - 1, -1, -1):
        at = window.rfind(signs[index], 0, at)
        while index == 0 and at > 0 and window[at - 1].isalnum():
            at = window.rfind(signs[index], 0, at)
        if at < 0:
            return None
    return at


def _is_sound(short: str, long: str) -> bool:
    """Tell whether a match is more than chance."""
    words = _WORD.findall(long.casefold())
    weighty = list(dropwhile(lambda word: word in _SMALL, words))
    letters = [sign for sign in singular(short).casefold() if sign.isalnum()]
    if len(weighty) < len(words) or not words or re.search(r"[=<>`{}|\\]", long):
        return False
    if short.casefold() in long.casefold().split() or len(long) <= len(short):
        return False
    if sum(word not in _SMALL for word in words) > len(letters) + 2:
        return False
    if len(letters) < 2:
        return False
    # Two letters are found almost anywhere: of several words they must be initials.
    return len(letters) > 2 or len(words) == 1 or letters[1] in (word[0] for word in words[1:])
