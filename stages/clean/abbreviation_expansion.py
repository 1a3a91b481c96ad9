"""Abbreviations: written out where a text uses one without saying what it means."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from stages.clean.abbreviation_definitions import CODE, Definition, definitions, singular
from stages.clean.edits import Edit

Entries = tuple[tuple[str, str], ...]
Mode = Literal["first", "all"]

# What may stand before and after. Hyphens, slashes and apostrophes tie a short form into a larger word
# ("G-CSF", "IgG/IgM", "ECG's") that means something else or would read badly; an opening parenthesis
# before it is mostly the author's own definition.
_TOKEN = re.compile(r"(?<!\S)[\[\"\u201c\u2018]*([^\s\[\"\u201c\u2018]\S*)")
_CLOSING = '.,;:!?)]"\u201d\u2019'
_AFTER = re.compile(r"[.,;:!?)\]\"\u201d\u2019]*(?!\S)")
_EXPLAINED = re.compile(r" ?[(\[]")
_ARTICLE = re.compile(r"(?<![^\s(\[])[Aa]n? \Z")
_CAPITAL_WORD = re.compile(r"[^\W\d_]{2,}")
_SENTENCE_END = re.compile(r"(?:^|[.!?:]\s+|\n)[\[\"\u201c\u2018]*$")
_VOWEL = re.compile(
    r"(?!eu|ewe|one\b|once\b|uni(?!n|m)|us[aeiu]|ut[aeiu]|ur[aei]|ubi)[aeiou]|hour|hono|heir|8"
)


class Index(NamedTuple):
    """The entries by the first word of their short form, longest first, and long forms that hold a short one."""

    by_word: dict[str, list[str]]
    longs: dict[str, str]
    within: dict[str, list[str]]


def expand(text: str, entries: Entries, mode: Mode = "first") -> list[Edit]:
    """Return the edits that write out the short forms of `entries` (short, long) where they stand alone.

    With "first" the first "ECG" becomes "electrocardiogram (ECG)", unless the text holds the long form anywhere or
    defines the short one. With "all" every "ECG" becomes "electrocardiogram", or what the text itself defines it to
    be; the definition stays. Case is exact. Left alone are code and addresses, lines mostly in capitals, words that
    a sentence begins with ("As", "In"), and what an explanation in brackets follows. "an HDL" becomes "a
    high-density lipoprotein". Edits come from right to left, so that each offset also holds in the text as given.
    """
    index = _index(entries)
    found = definitions(text) if mode == "all" and ("(" in text or "[" in text) else []
    own = _defined(found)
    mentions = _mentions(text, index, own)
    if not mentions:
        return []
    found = found or definitions(text)
    taken = [*_protected(text), *((definition.start, definition.end) for definition in found)]
    # What a text calls by a short form is its own affair: with "all" that is used, unless it is two things.
    done = {
        name for definition in found for name in (definition.short, singular(definition.short))
    } - own.keys()
    meanings = {**index.longs, **own}
    folded = text.casefold()
    is_capital = _capital_lines(text, index)
    edits: list[Edit] = []
    for start, short in _outside(mentions, taken):
        end, long = start + len(short), meanings[short]
        if (
            short in done
            or _EXPLAINED.match(text, end)
            or _begins(text, start, short)
            or is_capital(start)
        ):
            continue
        if mode == "first" and (
            long.casefold() in folded or f"({short})" in text or f"[{short}]" in text
        ):
            continue
        if _is_within(folded, start, end, [long, *index.within.get(short, []), *own.values()]):
            continue
        if mode == "first":
            done.add(short)
        edits.append(_edit(text, start, end, long if mode == "all" else f"{long} ({short})"))
    return edits[::-1]


def warm(entries: Entries) -> None:
    """Build the index now: processes forked from this one share it."""
    _index(entries)


# The one index in use, with the entries it was made of. Looked up by identity: hashing thousands of pairs for each
# text would cost more than the search.
_LATEST: list[tuple[Entries, Index]] = []


def _index(entries: Entries) -> Index:
    if not _LATEST or _LATEST[0][0] is not entries:
        _LATEST[:] = [(entries, _build(entries))]
    return _LATEST[0][1]


def _build(entries: Entries) -> Index:
    by_word: dict[str, list[str]] = defaultdict(list)
    within: dict[str, list[str]] = defaultdict(list)
    longs = dict(entries)
    for short, long in longs.items():
        by_word[_first_word(short)].append(short)
        for match in re.finditer(r"\S+", long):
            word = match[0].strip(_CLOSING + "([")
            if long not in within[word]:
                within[word].append(long)
    for shorts in by_word.values():
        shorts.sort(key=lambda short: (-len(short), short))
    return Index(
        dict(by_word), longs, {word: found for word, found in within.items() if word in by_word}
    )


def _first_word(short: str) -> str:
    return (short.split() or [""])[0].rstrip(_CLOSING)


def _mentions(text: str, index: Index, own: dict[str, str]) -> list[tuple[int, str]]:
    """Return where short forms stand alone, left to right: the longest where several begin."""
    found = []
    reached = 0
    for match in _TOKEN.finditer(text):
        word = match[1].rstrip(_CLOSING)
        candidates = index.by_word.get(word)
        if (candidates is None and word not in own) or match.start(1) < reached:
            continue
        for short in [*(candidates or []), *([word] if word in own else [])]:
            if text.startswith(short, match.start(1)) and _AFTER.match(
                text, match.start(1) + len(short)
            ):
                found.append((match.start(1), short))
                reached = match.start(1) + len(short)
                break
    return found


def _defined(own: list[Definition]) -> dict[str, str]:
    """Return what a text itself calls by a short form, where it is one thing."""
    longs: dict[str, str] = {}
    twice = set()
    for found in own:
        if longs.setdefault(found.short, found.long).casefold() != found.long.casefold():
            twice.add(found.short)
    return {
        short: long
        for short, long in longs.items()
        if short not in twice and singular(short) == short
    }


def _outside(
    mentions: list[tuple[int, str]], taken: list[tuple[int, int]]
) -> Iterator[tuple[int, str]]:
    """Yield the mentions, which are in order, that overlap nothing taken."""
    spans = sorted(taken)
    at = reached = 0
    for start, short in mentions:
        while at < len(spans) and spans[at][0] < start + len(short):
            reached = max(reached, spans[at][1])
            at += 1
        if reached <= start:
            yield start, short


def _protected(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in CODE.finditer(text)]


def _capital_lines(text: str, index: Index) -> Callable[[int], bool]:
    """Return the test whether the line around an offset is mostly in capitals, its short forms aside."""
    known: dict[int, bool] = {}

    def is_capital(at: int) -> bool:
        start = text.rfind("\n", 0, at) + 1
        if start not in known:
            end = text.find("\n", at)
            words = _CAPITAL_WORD.findall(text, start, len(text) if end < 0 else end)
            others = [word for word in words if word not in index.by_word]
            known[start] = 2 * sum(word.isupper() for word in others) > len(others)
        return known[start]

    return is_capital


def _begins(text: str, start: int, short: str) -> bool:
    """Tell whether a short form that looks like a word begins a sentence: "As" may be the word."""
    return (
        short.isalpha()
        and short.istitle()
        and bool(_SENTENCE_END.search(text[max(0, start - 8) : start]))
    )


def _is_within(folded: str, start: int, end: int, longs: list[str]) -> bool:
    """Tell whether the mention is part of a long form that stands there: "HDL" in "HDL cholesterol"."""
    for long in longs:
        # A long form around the mention begins at most so far before it.
        at = folded.find(long.casefold(), max(0, end - len(long)), start + len(long))
        if 0 <= at <= start and end <= at + len(long):
            return True
    return False


def _edit(text: str, start: int, end: int, after: str) -> Edit:
    """Return the edit, with the indefinite article before it where that changes."""
    article = _ARTICLE.search(text, max(0, start - 3), start)
    if article and (
        article[0][0] == "a"
        or _SENTENCE_END.search(text[max(0, article.start() - 8) : article.start()])
    ):
        written = f"{article[0][0]}{'n' if _begins_with_a_vowel(after) else ''} "
        if written != article[0]:
            start, after = article.start(), written + after
    return Edit("abbreviation", start, end, text[start:end], after)


def _begins_with_a_vowel(text: str) -> bool:
    """Tell whether "an" stands before it, by sound: "an hour", "a unit", "an MRI"."""
    word = re.split(r"[\s\-/]", text)[0]
    if len(word) > 1 and word.isupper():
        return word[0] in "AEFHILMNORSX8"
    return bool(_VOWEL.match(word.casefold()))
