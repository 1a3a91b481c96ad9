"""Expansion of abbreviations: write out a short form where the text does not say what it means.

What the word list of the user says is written into any text. What a corpus teaches is written
only into a document that uses the long form: a meaning that two documents define says nothing
about the third.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from stages.clean.abbreviations.context import (
    CLOSING_SIGNS,
    TOKEN,
    begins_sentence,
    capital_line_test,
    is_in_name,
    is_sentence_start,
    is_shouted,
)
from stages.clean.abbreviations.definitions import CODE, Definition, find_definitions
from stages.clean.abbreviations.dictionary import meaning_words
from stages.clean.abbreviations.short_forms import singular
from stages.clean.edits import Edit

# Pairs of short and long form, sorted.
Entries = tuple[tuple[str, str], ...]
Mode = Literal["first", "all"]

_AFTER_SHORT_FORM = re.compile(r"[.,;:!?)\]\"\u201d\u2019]*(?!\S)")
_BRACKET_AFTER = re.compile(r" ?[(\[]")
_ARTICLE = re.compile(r"(?<![^\s(\[])[Aa]n? \Z")
_VOWEL_SOUND = re.compile(
    r"(?!eu|ewe|one\b|once\b|uni(?!n|m)|us[aeiu]|ut[aeiu]|ur[aei]|ubi)[aeiou]|hour|hono|heir|8"
)


class _EntryIndex(NamedTuple):
    """The entries, prepared for lookup.

    Attributes:
        shorts_of_word: first word of a short form to the short forms, longest first.
        long_of_short: short form to long form.
        longs_with_word: short form of one word to the long forms that hold it.
        defined_entries: short forms that only a text with their long form explains.
    """

    shorts_of_word: dict[str, list[str]]
    long_of_short: dict[str, str]
    longs_with_word: dict[str, list[str]]
    defined_entries: frozenset[str]


class _Mention(NamedTuple):
    """A short form that stands alone in a text."""

    start: int
    short: str


def expand(
    text: str,
    entries: Entries,
    mode: Mode = "first",
    *,
    defined_entries: Entries = (),
    context: str = "",
) -> list[Edit]:
    """Return the edits that write out the short forms of `entries` where they stand alone.

    Those of `defined_entries` count only if the long form stands, in any of its writings, in the
    text or in its `context` (the other field of the document).

    With "first", the first "ECG" becomes "electrocardiogram (ECG)", unless the text holds the
    long form anywhere, or defines the short form. With "all", every "ECG" becomes
    "electrocardiogram", or the text's own definition of it; the definition itself stays. Case
    is exact. Code and addresses are left alone, lines mostly in capitals, words that begin a
    sentence ("As", "In"), names ("ECG Society"), numbers ("5 PM"), and short forms before an
    explanation in brackets. "an HDL" becomes "a high-density lipoprotein". Edits go from right
    to left, so that each offset also holds in the original text.
    """
    index = _index_of(entries, defined_entries)

    # With "all", the text's own definitions add short forms. With "first", most texts have no
    # mention at all.
    definitions: list[Definition] = []
    if mode == "all" and ("(" in text or "[" in text):
        definitions = find_definitions(text)

    own_longs = _own_longs(definitions)
    mentions = _find_mentions(text, index, own_longs)
    if not mentions:
        return []

    mentions = _without_unexplained(mentions, index, own_longs, text=f"{context}\n{text}")
    if not mentions or is_shouted(text, index.shorts_of_word):
        return []

    definitions = definitions or find_definitions(text)

    outside = _outside(mentions, _excluded_spans(text, definitions))
    alone = _alone(text, list(outside), beside=mentions, index=index)

    # A short form that the text itself defines is left alone, or has the text's own meaning.
    finished = _defined_names(definitions) - own_longs.keys()
    open_mentions = [mention for mention in alone if mention.short not in finished]

    return _edits(text, open_mentions, mode, own_longs=own_longs, index=index)


def _edits(
    text: str,
    mentions: list[_Mention],
    mode: Mode,
    *,
    own_longs: dict[str, str],
    index: _EntryIndex,
) -> list[Edit]:
    """Return the edits that write the mentions out, from right to left."""
    folded = text.casefold()
    long_of_short = {**index.long_of_short, **own_longs}

    edits: list[Edit] = []
    finished: set[str] = set()
    for start, short in mentions:
        end = start + len(short)
        long = long_of_short[short]
        if short in finished:
            continue
        if mode == "first" and _is_explained(text, folded, short=short, long=long):
            continue

        longs_around = [long, *index.longs_with_word.get(short, []), *own_longs.values()]
        if _is_within(folded, start, end=end, longs=longs_around):
            continue

        if mode == "first":
            finished.add(short)

        after = long if mode == "all" else f"{long} ({short})"
        edits.append(_edit(text, start, end=end, after=after))

    return edits[::-1]


# The latest index with its entries. It is looked up by identity: to hash thousands of pairs for
# each text would cost more than the search.
_LATEST_INDEX: list[tuple[Entries, Entries, _EntryIndex]] = []


def _index_of(entries: Entries, defined_entries: Entries) -> _EntryIndex:
    is_latest = (
        bool(_LATEST_INDEX)
        and _LATEST_INDEX[0][0] is entries
        and _LATEST_INDEX[0][1] is defined_entries
    )
    if not is_latest:
        _LATEST_INDEX[:] = [(entries, defined_entries, _build_index(entries, defined_entries))]

    return _LATEST_INDEX[0][2]


def _build_index(entries: Entries, defined_entries: Entries) -> _EntryIndex:
    shorts_of_word: dict[str, list[str]] = defaultdict(list)
    longs_with_word: dict[str, list[str]] = defaultdict(list)
    long_of_short = {**dict(defined_entries), **dict(entries)}
    for short, long in long_of_short.items():
        shorts_of_word[_first_word(short)].append(short)
        for match in re.finditer(r"\S+", long):
            word = match[0].strip(CLOSING_SIGNS + "([")
            if long not in longs_with_word[word]:
                longs_with_word[word].append(long)

    # The longest short form that fits is the right one.
    for shorts in shorts_of_word.values():
        shorts.sort(key=lambda short: (-len(short), short))

    # Only words that are short forms are ever looked up.
    relevant = {word: longs for word, longs in longs_with_word.items() if word in shorts_of_word}

    only_defined = frozenset(dict(defined_entries)) - frozenset(dict(entries))
    return _EntryIndex(dict(shorts_of_word), long_of_short, relevant, only_defined)


def _first_word(short: str) -> str:
    # A short form may have several words ("St. John").
    words = short.split() or [""]
    return words[0].rstrip(CLOSING_SIGNS)


def _find_mentions(
    text: str,
    index: _EntryIndex,
    own_longs: dict[str, str],
) -> list[_Mention]:
    """Return the short forms that stand alone, left to right, the longest one at each place."""
    mentions: list[_Mention] = []
    last_end = 0
    for match in TOKEN.finditer(text):
        word = match[1].rstrip(CLOSING_SIGNS)
        candidates = index.shorts_of_word.get(word)
        if candidates is None and word not in own_longs:
            continue

        start = match.start(1)
        if start < last_end:
            continue

        shorts = list(candidates or [])
        if word in own_longs:
            shorts.append(word)

        for short in shorts:
            end = start + len(short)
            if text.startswith(short, start) and _AFTER_SHORT_FORM.match(text, end):
                mentions.append(_Mention(start, short))
                last_end = end
                break

    return mentions


def _without_unexplained(
    mentions: list[_Mention],
    index: _EntryIndex,
    own_longs: dict[str, str],
    text: str,
) -> list[_Mention]:
    """Return the mentions without those that only `text` could explain, and does not."""
    defined_entries = {
        mention.short for mention in mentions
    } & index.defined_entries - own_longs.keys()
    if not defined_entries:
        return mentions

    # The text may write the long form in another way: "tumour" for "tumor".
    words = meaning_words(text)
    unexplained = {
        short
        for short in defined_entries
        if not _is_used(meaning_words(index.long_of_short[short]), words)
    }

    return [mention for mention in mentions if mention.short not in unexplained]


def _is_used(long_words: list[str], words: list[str]) -> bool:
    """Return True if `words` hold the long form, as one word or as several.

    >>> _is_used(["high", "density"], ["a", "highdensity", "lipid"])
    True
    """
    key = "".join(long_words)
    for start, word in enumerate(words):
        # Most words do not begin the long form.
        joined = word
        end = start + 1
        while len(joined) < len(key) and key.startswith(joined) and end < len(words):
            joined += words[end]
            end += 1

        if joined == key:
            return True

    return False


def _own_longs(definitions: list[Definition]) -> dict[str, str]:
    """Return short form to long form for the short forms that a text defines as one thing."""
    long_of_short: dict[str, str] = {}
    ambiguous: set[str] = set()
    for definition in definitions:
        first_long = long_of_short.setdefault(definition.short, definition.long)
        if first_long.casefold() != definition.long.casefold():
            ambiguous.add(definition.short)

    return {
        short: long
        for short, long in long_of_short.items()
        if short not in ambiguous and singular(short) == short
    }


def _defined_names(definitions: list[Definition]) -> set[str]:
    """Return the short forms of the definitions, in their plural and singular."""
    names: set[str] = set()
    for definition in definitions:
        names.add(definition.short)
        names.add(singular(definition.short))

    return names


def _excluded_spans(text: str, definitions: list[Definition]) -> list[tuple[int, int]]:
    """Return the spans of code, addresses and definitions, sorted."""
    code = [match.span() for match in CODE.finditer(text)]
    defined = [(definition.start, definition.end) for definition in definitions]

    return sorted([*code, *defined])


def _outside(mentions: Iterable[_Mention], spans: list[tuple[int, int]]) -> Iterator[_Mention]:
    """Yield the mentions, which are in order, that overlap none of the sorted spans."""
    span_index = 0
    covered_end = 0
    for mention in mentions:
        mention_end = mention.start + len(mention.short)
        while span_index < len(spans) and spans[span_index][0] < mention_end:
            covered_end = max(covered_end, spans[span_index][1])
            span_index += 1

        if covered_end <= mention.start:
            yield mention


def _alone(
    text: str,
    mentions: list[_Mention],
    beside: list[_Mention],
    index: _EntryIndex,
) -> list[_Mention]:
    """Return the mentions that no word around them makes part of something larger.

    `beside` are all mentions: two with a single blank between them are one name.
    """
    is_capital_line = capital_line_test(text, index.shorts_of_word)
    starts = {mention.start for mention in beside}
    ends = {mention.start + len(mention.short) for mention in beside}

    alone: list[_Mention] = []
    for mention in mentions:
        start = mention.start
        end = start + len(mention.short)
        is_name = end + 1 in starts or start - 1 in ends or is_in_name(text, start, end)
        is_word = begins_sentence(text, start, mention.short) or is_capital_line(start)
        if not (is_name or is_word or _BRACKET_AFTER.match(text, end)):
            alone.append(mention)

    return alone


def _is_explained(
    text: str,
    folded: str,
    short: str,
    long: str,
) -> bool:
    """Return True if the text holds the long form, or the short form in brackets."""
    return long.casefold() in folded or f"({short})" in text or f"[{short}]" in text


def _is_within(
    folded: str,
    start: int,
    end: int,
    longs: list[str],
) -> bool:
    """Return True if the mention is part of a long form in the text: "HDL" in "HDL cholesterol"."""
    for long in longs:
        # A long form around the mention can begin only so far before it.
        earliest = max(0, end - len(long))
        position = folded.find(long.casefold(), earliest, start + len(long))
        if 0 <= position <= start and end <= position + len(long):
            return True

    return False


def _edit(
    text: str,
    start: int,
    end: int,
    after: str,
) -> Edit:
    """Return the edit, with the indefinite article before it where that changes."""
    article = _ARTICLE.search(text, max(0, start - 3), start)
    if article:
        letter = article[0][0]
        # A capital "A" within a sentence is no article.
        is_article = letter == "a" or is_sentence_start(text, article.start())
        new_article = f"{letter}{'n' if _begins_with_vowel(after) else ''} "
        if is_article and new_article != article[0]:
            start = article.start()
            after = new_article + after

    return Edit("abbreviation", start=start, end=end, before=text[start:end], after=after)


def _begins_with_vowel(text: str) -> bool:
    """Return True if the text takes "an", by its sound: "an hour", "a unit", "an MRI"."""
    first_word = re.split(r"[\s\-/]", text)[0]
    if len(first_word) > 1 and first_word.isupper():
        return first_word[0] in "AEFHILMNORSX8"

    return bool(_VOWEL_SOUND.match(first_word.casefold()))
