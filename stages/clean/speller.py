"""The speller: a word that nobody knows, one edit away from a single well-known one, is that word mistyped.

Decided per word, on a vocabulary that the corpus taught and an English frequency list; so each correction can be
reviewed, and costs are per distinct word. Precision comes first: what might be a name, an inflection, a compound
or a term of the trade stays. Candidates come from symspellpy (Garbe 2012, SymSpell); its ranking is not used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from stages.clean.affixes import is_formed, is_reformed
from stages.clean.spelling import english

SHORTEST = 5  # letters: below, one edit leads to too many words
FAMILIAR = 3  # texts in which a word stands before the corpus is taken to know it
LONG = 8  # letters: from here on few words are one edit apart by chance
# How many times as often as the typo, and as the runner-up, the winner must stand in the corpus.
OVER_TYPO, OVER_LONG_TYPO, OVER_RUNNER_UP = 10.0, 4.0, 10.0
OVER_RECURRING = (
    50.0  # the same where the typo stands in several texts: what recurs is rather a name
)
STRONG = 30.0  # weight from which a winner needs no slip of the fingers to explain the edit
# What the English list adds to a word's weight, by how often it stood in the web corpus of that list.
PRIORS = ((5_000_000, 10.0), (1_000_000, 4.0), (200_000, 1.0), (0, 0.3))
FREQUENT = 20_000  # how often a listed word stood there to count as a stem
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def decide(counts: Mapping[str, int], protected: frozenset[str]) -> dict[str, str]:
    """Return the corrections of a corpus: lower-cased word to lower-cased word.

    `counts` says in how many texts each lower-cased word stands. Corrected words count for their corrections,
    and the rest is decided anew until nothing changes: on the corrected corpus there is nothing left to decide.
    """
    left, made = dict(counts), dict[str, str]()
    while True:
        speller = Speller(left, protected)
        new = {word: right for word in sorted(left) if (right := speller.correct(word)) is not None}
        if not new:
            return made
        for word, right in new.items():
            left[right] = left.get(right, 0) + left.pop(word)
        made = {word: new.get(right, right) for word, right in {**made, **new}.items()}


class Speller:
    """Corrects single words by a vocabulary."""

    def __init__(self, counts: Mapping[str, int], protected: frozenset[str]) -> None:
        self._counts, self._protected = counts, protected
        self._index: Any = None

    def correct(self, word: str) -> str | None:
        """Return what the lower-cased `word` should be, or None where it is right or nobody can tell."""
        if len(word) < SHORTEST - 1 or word in english() or word in self._protected:
            return None
        own = self._counts.get(word, 0)
        ranked = sorted(
            ((self._weight(found), found) for found in self._candidates(word)), reverse=True
        )
        over = OVER_TYPO if len(word) < LONG - 1 else OVER_LONG_TYPO
        if not ranked or ranked[0][0] < max(over * own, FAMILIAR):
            return None
        if len(ranked) > 1 and ranked[0][0] < OVER_RUNNER_UP * ranked[1][0]:
            return None
        winner = ranked[0][1]
        if _is_variant(word, winner):
            return None
        if not _is_slip(word, winner) and (len(word) < LONG or ranked[0][0] < STRONG or own > 1):
            return None
        if own > 1 and ranked[0][0] < OVER_RECURRING * own:
            return None
        if _is_swap(word, winner):
            return winner if len(word) >= SHORTEST or ranked[0][0] >= STRONG else None
        return None if len(word) < SHORTEST or self._is_form(word, winner) else winner

    def _weight(self, word: str) -> float:
        # A word of the English list that the corpus does not hold is a weak candidate, and a strong rival.
        listed = english().get(word, 0)
        prior = next(weight for least, weight in PRIORS if listed >= least)
        return self._counts.get(word, 0) + (prior if len(word) >= LONG - 1 else min(prior, 1.0))

    def _candidates(self, word: str) -> list[str]:
        from symspellpy import Verbosity

        if self._index is None:
            self._index = _index(
                sorted(known for known, count in self._counts.items() if count >= FAMILIAR)
            )
        found = [
            item.term
            for index in (_english_index(), self._index)
            for item in index.lookup(word, Verbosity.ALL, max_edit_distance=1)
            if item.distance == 1
        ]
        return list(dict.fromkeys(found))

    def _is_form(self, word: str, winner: str) -> bool:
        """Return whether `word` may be a form of a known word, or a compound, rather than `winner` mistyped."""
        # keratinocyte and keratinocytes, congenita and congenital
        own = (winner[:-1] == word and winner[-1] != word[-1]) or word[:-1] == winner
        return own or is_formed(word, self._is_stem)

    def _is_stem(self, word: str) -> bool:
        return english().get(word, 0) > FREQUENT or self._counts.get(word, 0) >= FAMILIAR


@lru_cache(maxsize=1)
def _english_index() -> Any:
    return _index(english())


def _index(known: Iterable[str]) -> Any:
    from symspellpy import SymSpell

    index = SymSpell(max_dictionary_edit_distance=1, prefix_length=7)
    for word in known:
        index.create_dictionary_entry(word, 1)
    return index


def _is_slip(word: str, winner: str) -> bool:
    """Return whether fingers explain the edit: a letter left out, doubled, swapped or hit beside its key."""
    if len(word) < len(winner):
        return word[0] == winner[0]
    at = next(
        (at for at, (one, other) in enumerate(zip(word, winner, strict=False)) if one != other),
        len(winner),
    )
    if len(word) > len(winner):
        near = {word[at - 1 : at], word[at + 1 : at + 2]} - {""}
        return at > 0 and (word[at] in near or any(_beside(word[at], one) for one in near))
    if word[at + 1 : at + 2] == winner[at] and word[at] == winner[at + 1 : at + 2]:
        return True
    return _beside(word[at], winner[at])


def _is_variant(word: str, winner: str) -> bool:
    """Return whether both may be right: "analyze" and "analyse", or words that differ in their ending alone."""
    if len(word) != len(winner):
        return False
    at = next(at for at, (one, other) in enumerate(zip(word, winner, strict=True)) if one != other)
    sounds_alike = {word[at], winner[at]} in ({"s", "z"}, {"c", "s"}, {"i", "y"})
    return sounds_alike or at == len(word) - 1 or is_reformed(word, winner)


def _is_swap(word: str, winner: str) -> bool:
    """Return whether two letters changed places or one was doubled, which makes no form of another word."""
    at = next(
        (at for at, (one, other) in enumerate(zip(word, winner, strict=False)) if one != other),
        len(winner),
    )
    if len(word) == len(winner):
        return word[at : at + 2] == winner[at : at + 2][::-1]
    return len(word) > len(winner) and at > 0 and word[at] == word[at - 1]


def _beside(one: str, other: str) -> bool:
    places = [
        (row, keys.index(key))
        for key in (one, other)
        for row, keys in enumerate(_KEYS)
        if key in keys
    ]
    return (
        len(places) == 2
        and abs(places[0][0] - places[1][0]) <= 1
        and abs(places[0][1] - places[1][1]) <= 1
    )
