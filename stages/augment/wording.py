"""Which content words a paraphrase lost and gained, and whether what it gained says what it lost.

A word counts as kept when it is only inflected, spelt otherwise or misspelt. A lost word is made good by a gained one
that is a synonym: one that known anchors use for it of the same document, or one whose embedding is close.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from stages.augment.meaning import is_compared
from stages.lib.content import EMPTY
from stages.lib.text import hash_hex, words

# Beside the empty words: joints that a translation chooses as it likes. Whatever denies or tells a side is not here.
JOINTS = EMPTY | frozenset(
    re.findall(
        r"\S+",
        "by as at on from into onto within through via or than then so such also can could may might will would shall "
        "should its their his her your our my they he she we you i one ones some any each every when where while "
        "during whether if because due owing towards toward about between among amid over up like s t e eg ie etc",
    )
)
# Nothing ends in these.
_LEADING = frozenset(
    re.findall(r"\S+", "a an the of to in with for by as at on from into and or any that which if")
)
STEM, ENDING = (
    4,
    4,
)  # letters: the shortest common beginning of two forms of a word, and the longest ending
_FOLDS = (
    (re.compile("ae|oe"), "e"),
    (re.compile("our"), "or"),
    (re.compile("is(e|ing|ation)"), r"iz\1"),
)
_DENIED = re.compile("^(?:un|dis|de|non|in)(?=[a-z]{4})")
_DOUBLE = re.compile(r"([^\W\d_])\1")


class Changes(NamedTuple):
    """Content words that only the parent and only the paraphrase has, and all of the parent, sorted."""

    lost: tuple[str, ...]
    gained: tuple[str, ...]
    parent: tuple[str, ...]

    def asked(self) -> set[tuple[str, str]]:
        """Return the (word of the parent, gained word) whose likeness decides whether the change is made good."""
        return {(word, gained) for word in self.parent for gained in self.gained}


def changes(parent: str, paraphrase: str, known: Collection[str]) -> Changes:
    """Return the content words that were lost and gained; `known` are words that are no slips of spelling."""
    mine, theirs = _content(parent), _content(paraphrase)
    lost = {word for word in mine if not any(is_same(word, other, known) for other in theirs)}
    gained = {word for word in theirs if not any(is_same(other, word, known) for other in mine)}
    return Changes(tuple(sorted(lost)), tuple(sorted(gained)), tuple(mine))


def is_same(word: str, other: str, known: Collection[str]) -> bool:
    """Return whether `other` is `word`: equal, another form of it, or a slip that is no known word."""
    one, two = _folded(word), _folded(other)
    if one == two:
        return True
    if word.isdigit() or other.isdigit():
        return False
    if (bare := _DENIED.sub("", one)) != one and bare == _DENIED.sub("", two) != two:
        return True  # "unassigns" and "disassigns"
    shared = next(
        (at for at, (x, y) in enumerate(zip(one, two, strict=False)) if x != y),
        min(len(one), len(two)),
    )
    rest = max(len(one), len(two)) - shared
    if shared >= STEM and rest <= ENDING and 5 * shared >= 3 * min(len(one), len(two)):
        return True
    return (
        other not in known and _distance(one, two) <= (1 if len(word) < 8 else 2) and len(word) > 4
    )


def is_truncated(parent: str, text: str, change: Changes) -> bool:
    """Return whether content was lost and none gained, or the text breaks off: it ends in "of the", its parent not."""
    ends = [(words(side) or [""])[-1] in _LEADING for side in (parent, text)]
    return bool(change.lost and not change.gained) or ends == [False, True]


def weakest(change: Changes, cosines: Mapping[tuple[str, str], float]) -> float:
    """Return the cosine of the changed word whose best counterpart is farthest off; 1 where no word was changed.

    A lost word's counterpart is a gained one; a gained word may also say again what a kept one says. `cosines` holds
    them by (word of the parent, gained word).
    """
    if not change.gained:
        return 1.0  # nothing was put in the place of what was lost: truncated
    best = [max(cosines[lost, gained] for gained in change.gained) for lost in change.lost]
    best += [
        max((cosines[word, gained] for word in change.parent), default=-1.0)
        for gained in change.gained
    ]
    return min(best)


class Knowledge(NamedTuple):
    """What is known of the words of a corpus.

    `vocabulary` are all of them, in lower case. `places` maps a word to where it stands in anchors: what is around it,
    hashed, and the document. Words in one place say the same ("jaw" and "mandible"); words with the same around them,
    but never of one document, tell documents apart ("toe" and "finger").
    """

    vocabulary: frozenset[str]
    places: Mapping[str, frozenset[tuple[str, str]]]

    def cosine(self, word: str, other: str) -> float | None:
        """Return 1 for words that say the same, -1 for what tells documents apart, None where nothing is known."""
        mine, theirs = self.places.get(word, frozenset()), self.places.get(other, frozenset())
        if mine & theirs:
            return 1.0
        return -1.0 if {around for around, _ in mine} & {around for around, _ in theirs} else None


def learn(pairs: pd.DataFrame, texts: Iterable[str]) -> Knowledge:
    """Return what `pairs`, whose anchors may be seen, and the `texts` of documents tell of words."""
    places = defaultdict[str, set[tuple[str, str]]](set)
    for anchor, doc_id in zip(pairs["anchor"], pairs["doc_id"], strict=True):
        text = words(anchor)
        for at, word in enumerate(text):
            if word not in JOINTS:
                places[word].add((hash_hex(*text[:at], "", *text[at + 1 :]), doc_id))
    found = {word: frozenset(where) for word, where in places.items()}
    return Knowledge(vocabulary([*pairs["anchor"], *texts]), found)


def vocabulary(texts: Iterable[str]) -> frozenset[str]:
    """Return the words of `texts`, in lower case."""
    return frozenset(word for text in texts for word in words(text))


def _content(text: str) -> list[str]:
    return sorted({word for word in words(text) if word not in JOINTS and not is_compared(word)})


def _folded(word: str) -> str:
    plain = "".join(
        sign for sign in unicodedata.normalize("NFD", word) if not unicodedata.combining(sign)
    )
    for pattern, into in _FOLDS:
        plain = pattern.sub(into, plain)
    return _DOUBLE.sub(r"\1", plain)


def _distance(one: str, two: str) -> int:
    """Return the Levenshtein distance."""
    row = list(range(len(two) + 1))
    for at, sign in enumerate(one, start=1):
        last, row[0] = row[0], at
        for column, other in enumerate(two, start=1):
            last, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, last + (sign != other)),
            )
    return row[-1]
