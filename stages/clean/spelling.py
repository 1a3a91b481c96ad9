"""Typos: a word that nobody knows, one edit away from a single well-known one, becomes that word.

Decided per word, on a vocabulary that the corpus taught and an English frequency list; so each correction can be
reviewed, and costs are per distinct word. Precision comes first: what might be a name, an inflection, a compound
or a term of the trade stays. Candidates come from symspellpy (Garbe 2012, SymSpell); its ranking is not used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from stages.clean.edits import Edit
from stages.clean.protected import spans

# A word on its own, or a part of a hyphenated one: what touches digits, dots, slashes or signs is no prose.
_WORD = re.compile(
    r"(?<![^\s(\[\"'\u201c\u2018\u2013\u2014-])(?<!\s-)(?<!--)(?<!^-)(?<![\d_./\\]-)"
    r"([A-Za-z]+)(?:['\u2019]s)?(?=[\s.,;:!?)\]\"'\u201d\u2019\u2013\u2014-]|$)(?![.,:-]+\w*[\d_./\\(]|[.:]\w|--|-\s|-$)"
)
_SENTENCE_END = re.compile(r"(?:^|[.!?\n][\"')\]]*\s*(?:[-*]\s+)?)$")

SHORTEST = 5  # letters: below, one edit leads to too many words
FAMILIAR = 3  # texts in which a word stands before the corpus is taken to know it
# How many times as often as the typo, and as the runner-up, the winner must stand in the corpus.
OVER_TYPO = 10.0
OVER_LONG_TYPO = 4.0
OVER_RUNNER_UP = 10.0
OVER_RECURRING = 50.0
LONG = 8
STRONG = 30.0
PRIORS = ((5_000_000, 10.0), (1_000_000, 4.0), (200_000, 1.0), (0, 0.3))
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")

_SUFFIXES = tuple(
    [
        "s",
        "es",
        "d",
        "ed",
        "r",
        "er",
        "ers",
        "or",
        "ors",
        "ing",
        "ings",
        "ly",
        "al",
        "ally",
        "ic",
        "ical",
        "ically",
        "y",
        "ies",
        "ied",
        "ity",
        "ities",
        "ness",
        "less",
        "ful",
        "able",
        "ible",
        "ous",
        "ism",
        "isms",
        "ist",
        "ists",
        "ise",
        "ize",
        "ised",
        "ized",
        "izes",
        "izing",
        "ising",
        "ation",
        "ations",
        "ion",
        "ions",
        "ive",
        "ives",
        "ia",
        "ias",
        "iae",
        "ae",
        "ian",
        "ians",
        "ean",
        "oid",
        "oids",
        "oma",
        "omas",
        "osis",
        "otic",
        "emia",
        "aemia",
        "uria",
        "itis",
        "ary",
        "ery",
        "ory",
        "ate",
        "ates",
        "ated",
        "ating",
        "en",
        "ens",
        "ene",
        "ine",
        "ide",
        "ase",
        "ose",
        "one",
        "ol",
        "yl",
        "um",
        "us",
        "i",
        "a",
        "e",
        "an",
        "is",
        "es",
        "os",
        "as",
        "in",
        "on",
        "um",
        "ment",
        "ments",
        "ship",
        "like",
        "wise",
        "ward",
        "wards",
        "n",
        "t",
        "th",
        "st",
    ]
)
_STEM_ENDS = ("", "e", "y", "a", "us", "is")
_PREFIXES = tuple(
    [
        "a",
        "ab",
        "ad",
        "an",
        "ante",
        "anti",
        "apo",
        "auto",
        "be",
        "bi",
        "bio",
        "cardio",
        "centi",
        "co",
        "con",
        "contra",
        "counter",
        "cross",
        "cyto",
        "de",
        "deci",
        "demi",
        "di",
        "dia",
        "dis",
        "down",
        "dys",
        "e",
        "em",
        "en",
        "endo",
        "epi",
        "equi",
        "ex",
        "exo",
        "extra",
        "fibro",
        "fore",
        "gastro",
        "hemi",
        "haemo",
        "hemo",
        "hepato",
        "hetero",
        "hexa",
        "homo",
        "hydro",
        "hyper",
        "hypo",
        "il",
        "im",
        "in",
        "infra",
        "inter",
        "intra",
        "ir",
        "iso",
        "kilo",
        "leuko",
        "macro",
        "mal",
        "mega",
        "meta",
        "micro",
        "mid",
        "milli",
        "mini",
        "mis",
        "mono",
        "multi",
        "myo",
        "nano",
        "neo",
        "nephro",
        "neuro",
        "non",
        "oct",
        "omni",
        "ortho",
        "osteo",
        "out",
        "over",
        "pan",
        "para",
        "patho",
        "pent",
        "per",
        "peri",
        "photo",
        "physio",
        "poly",
        "post",
        "pre",
        "preter",
        "pro",
        "proto",
        "pseudo",
        "psycho",
        "quadri",
        "quasi",
        "re",
        "retro",
        "self",
        "semi",
        "sub",
        "super",
        "supra",
        "sur",
        "sym",
        "syn",
        "tele",
        "tetra",
        "thermo",
        "thrombo",
        "trans",
        "tri",
        "ultra",
        "un",
        "under",
        "uni",
        "up",
        "vaso",
        "vice",
    ]
)


# From a lower-cased word to what it should be, lower-cased, or None where it is right or nobody can tell.
Correct = Callable[[str], str | None]


class Word(NamedTuple):
    """A word of prose and where it stands."""

    start: int
    end: int
    text: str


def words(text: str) -> list[Word]:
    """Return the words of `text` that spelling may look at: Latin letters, outside protected spans."""
    found = [Word(match.start(1), match.end(1), match[1]) for match in _WORD.finditer(text)]
    if not found or not (closed := spans(text)):
        return found
    left, at = [], 0
    for word in found:
        while at < len(closed) and closed[at][1] <= word.start:
            at += 1
        if at == len(closed) or closed[at][0] >= word.end:
            left.append(word)
    return left


def is_english(found: Iterable[str]) -> bool:
    """Return whether most of the words are on the English list; a text of few words is given the benefit of doubt."""
    listed = [word.lower() in english() for word in found]
    return len(listed) < 4 or 2 * sum(listed) >= len(listed)


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

    def knows(self, word: str) -> bool:
        """Return whether the English list or the corpus knows the lower-cased `word`."""
        return word in english() or self._counts.get(word, 0) >= FAMILIAR

    def correct(self, word: str) -> str | None:
        """Return what the lower-cased `word` should be, or None where it is right or nobody can tell."""
        if len(word) < SHORTEST - 1 or word in english() or word in self._protected:
            return None
        own = self._counts.get(word, 0)
        ranked = sorted(((self._weight(found), found) for found in self._candidates(word)), reverse=True)
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

        found = self._symspell().lookup(word, Verbosity.ALL, max_edit_distance=1)
        return [item.term for item in found if item.distance == 1 and item.term != word]

    def _symspell(self) -> Any:
        if self._index is None:
            from symspellpy import SymSpell

            self._index = SymSpell(max_dictionary_edit_distance=1, prefix_length=7)
            for word in english():
                self._index.create_dictionary_entry(word, 1)
            for word in sorted(self._counts):
                if self._counts[word] >= FAMILIAR and word not in english():
                    self._index.create_dictionary_entry(word, 1)
        return self._index

    def _is_form(self, word: str, winner: str) -> bool:
        """Return whether `word` may be a form of a known word, or a compound, rather than `winner` mistyped."""
        if (winner[:-1] == word and winner[-1] != word[-1]) or word[:-1] == winner:
            return True  # keratinocyte and keratinocytes, congenita and congenital
        for suffix in _SUFFIXES:
            stem = word.removesuffix(suffix)
            if (
                stem != word
                and len(stem) >= 4
                and any(stem + end != word and self._is_stem(stem + end) for end in _STEM_ENDS)
            ):
                return True
        for prefix in _PREFIXES:
            rest = word.removeprefix(prefix)
            if rest != word and len(rest) >= 4 and self._is_stem(rest):
                return True
        return any(self._is_stem(word[:at]) and self._is_stem(word[at:]) for at in range(4, len(word) - 3))

    def _is_stem(self, word: str) -> bool:
        return english().get(word, 0) > 20_000 or self._counts.get(word, 0) >= FAMILIAR


def _is_slip(word: str, winner: str) -> bool:
    """Return whether fingers explain the edit: a letter left out, doubled, swapped or hit beside its key."""
    if len(word) < len(winner):
        return word[0] == winner[0]
    at = next((at for at, (one, other) in enumerate(zip(word, winner, strict=False)) if one != other), len(winner))
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
    return {word[at], winner[at]} in ({"s", "z"}, {"c", "s"}, {"i", "y"}) or at == len(word) - 1


def _is_swap(word: str, winner: str) -> bool:
    """Return whether two letters changed places or one was doubled, which makes no form of another word."""
    at = next((at for at, (one, other) in enumerate(zip(word, winner, strict=False)) if one != other), len(winner))
    if len(word) == len(winner):
        return word[at : at + 2] == winner[at : at + 2][::-1]
    return len(word) > len(winner) and at > 0 and word[at] == word[at - 1]


def _beside(one: str, other: str) -> bool:
    places = [(row, keys.index(key)) for key in (one, other) for row, keys in enumerate(_KEYS) if key in keys]
    return len(places) == 2 and abs(places[0][0] - places[1][0]) <= 1 and abs(places[0][1] - places[1][1]) <= 1


def fix(text: str, correct: Correct) -> list[Edit]:
    """Return the edits, from right to left, that put corrections in place.

    Words in lower case are corrected, and capitalised ones that begin a sentence; elsewhere a capital makes a name.
    """
    edits = []
    for start, end, word in words(text):
        right = correct(word.lower())
        if right is None:
            continue
        if word.islower():
            edits.append(Edit("typo", start, end, word, right))
        elif word.istitle() and _SENTENCE_END.search(text, max(0, start - 8), start):
            edits.append(Edit("typo", start, end, word, right.title()))
    return edits[::-1]


@lru_cache(maxsize=1)
def english() -> Mapping[str, int]:
    """Return the English frequency list: lower-cased word to how often it stood in a web corpus."""
    import symspellpy

    path = Path(symspellpy.__file__).with_name("frequency_dictionary_en_82_765.txt")
    lines = (line.split() for line in path.read_text("utf-8-sig").splitlines())
    return {word: int(count) for word, count in lines}
