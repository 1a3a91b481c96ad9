"""Spelling: an unknown word, one edit away from a single well-known word, is a typo.

Decisions are taken for each distinct word, by a vocabulary from the corpus and an English
frequency list. So each correction can be reviewed, and the cost grows with the vocabulary.
Precision comes first: a word that may be a name, an inflection, a compound or a technical term
stays. Candidates come from symspellpy (Garbe 2012, SymSpell), without its ranking. Words in
code, in addresses and in names are not looked at, and only English texts are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from stages.clean.edits import Edit
from stages.clean.word_forms import has_other_suffix, is_formed
from stages.lib.preprocessing.language import detect_language, verbatim_spans

# A word on its own, or a part of a hyphenated one. What touches digits, dots, slashes or signs
# is no prose.
_WORD = re.compile(
    r"(?<![^\s(\[\"'\u201c\u2018\u2013\u2014-])(?<!\s-)(?<!--)(?<!^-)(?<![\d_./\\]-)"
    r"([A-Za-z]+)(?:['\u2019]s)?"
    r"(?=[\s.,;:!?)\]\"'\u201d\u2019\u2013\u2014-]|$)(?![.,:-]+\w*[\d_./\\(]|[.:]\w|--|-\s|-$)"
)
_LETTERS = re.compile("[a-z]+")
_SENTENCE_START = re.compile(r"(?:^|[.!?\n][\"')\]]*\s*(?:[-*]\s+)?)$")
_SENTENCE_START_REACH = 8  # characters that _SENTENCE_START looks back

# From this many words on, a share of listed words alone shows that a text is English.
LEAST_WORDS_BY_LIST = 8
ENGLISH_SHARE = 0.8
# A text of fewer words is taken for English if its language is unknown.
LEAST_WORDS_TO_DOUBT = 4

SHORTEST = 5  # letters; below, one edit leads to too many words
FAMILIAR = 3  # texts with a word from which the corpus knows it
LONG = 8  # letters; from here on, few words are one edit apart by chance
# The winner must stand this many times as often in the corpus as the typo, and as the second
# candidate.
OVER_TYPO = 10.0
OVER_LONG_TYPO = 4.0
OVER_RUNNER_UP = 10.0
# The same for a typo in several texts: a recurring word is rather a name.
OVER_RECURRING = 50.0
# The weight from which a winner needs no slip of the fingers to explain the edit.
STRONG = 30.0
# (least frequency in the English list, what it adds to the weight of a word)
PRIORS = ((5_000_000, 10.0), (1_000_000, 4.0), (200_000, 1.0), (0, 0.3))
FREQUENT = 20_000  # the frequency in the English list from which a word counts as a stem
_KEYBOARD_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")

# From a lower-cased word to its correction in lower case, or None if it is right or unclear.
Correct = Callable[[str], str | None]


class Word(NamedTuple):
    """A word of prose: its span in the text, and its letters."""

    start: int
    end: int
    text: str


def prose_words(text: str) -> list[Word]:
    """Return the words of `text` in Latin letters, outside code, addresses and identifiers."""
    words = [Word(match.start(1), match.end(1), match[1]) for match in _WORD.finditer(text)]
    excluded = verbatim_spans(text) if words else []
    if not excluded:
        return words

    prose: list[Word] = []
    span_index = 0
    for word in words:
        while span_index < len(excluded) and excluded[span_index][1] <= word.start:
            span_index += 1

        if span_index == len(excluded) or excluded[span_index][0] >= word.end:
            prose.append(word)

    return prose


def is_english(text: str, words: Sequence[str]) -> bool:
    """Return True if `text`, with these words, is in English.

    Four of five words on the English list are enough in a text of at least eight words.
    Otherwise the language decides. If that is unknown, most words must be on the list; a text
    of very few words is taken for English.
    """
    # The list is fast, and certain for texts of some length.
    listed = sum(word.lower() in english() for word in words)
    if len(words) >= LEAST_WORDS_BY_LIST and listed >= ENGLISH_SHARE * len(words):
        return True

    # Otherwise the language decides, if it is known.
    code = detect_language(text)
    if code:
        return code == "en"

    return len(words) < LEAST_WORDS_TO_DOUBT or 2 * listed >= len(words)


def correct_text(text: str, correct: Correct) -> list[Edit]:
    """Return the edits, from right to left, that put corrections in place.

    Words in lower case are corrected, and capitalised words at the beginning of a sentence.
    Elsewhere a capital makes a name.
    """
    # Most texts hold no word to correct, and need no search for code.
    if not any(map(correct, _LETTERS.findall(text.lower()))):
        return []

    edits: list[Edit] = []
    for start, end, word in prose_words(text):
        # Only prose words are replaced, with the case of the word.
        correction = correct(word.lower())
        if correction is None:
            continue
        if word.istitle() and _begins_sentence(text, start):
            correction = correction.title()
        elif not word.islower():
            continue

        edits.append(Edit("typo", start=start, end=end, before=word, after=correction))

    return edits[::-1]


def _begins_sentence(text: str, start: int) -> bool:
    look_back = max(0, start - _SENTENCE_START_REACH)
    return _SENTENCE_START.search(text, look_back, start) is not None


@lru_cache(maxsize=1)
def english() -> Mapping[str, int]:
    """Return the English frequency list: lower-cased word to its count in a web corpus."""
    import symspellpy

    path = Path(symspellpy.__file__).with_name("frequency_dictionary_en_82_765.txt")
    lines = (line.split() for line in path.read_text("utf-8-sig").splitlines())

    return {word: int(count) for word, count in lines}


def correct_vocabulary(counts: Mapping[str, int], excluded: frozenset[str]) -> dict[str, str]:
    """Return the corrections of a corpus: lower-cased word to lower-cased word.

    Corrected words count for their corrections, and the other words are decided again until nothing
    changes. So the corrected corpus has nothing left to correct.

    Args:
        counts: the number of texts with each lower-cased word.
        excluded: lower-cased words that stay, such as those of the glossary.
    """
    # `remaining` is the vocabulary of the corpus as corrected so far.
    remaining = dict(counts)
    corrections: dict[str, str] = {}
    while True:
        new_corrections = _correct_all(Speller(remaining, excluded), sorted(remaining))
        if not new_corrections:
            return corrections

        for word, correction in new_corrections.items():
            remaining[correction] = remaining.get(correction, 0) + remaining.pop(word)

        # A correction of the round before may itself be corrected now.
        merged = {**corrections, **new_corrections}
        corrections = {
            word: new_corrections.get(correction, correction) for word, correction in merged.items()
        }


def _correct_all(speller: Speller, words: Iterable[str]) -> dict[str, str]:
    corrections: dict[str, str] = {}
    for word in words:
        correction = speller.correct(word)
        if correction is not None:
            corrections[word] = correction

    return corrections


class Speller:
    """Corrects single words by a vocabulary.

    Args:
        counts: the number of texts with each lower-cased word.
        excluded: lower-cased words that are never corrected.
    """

    def __init__(self, counts: Mapping[str, int], excluded: frozenset[str]) -> None:
        self._counts = counts
        self._excluded = excluded
        # The symspellpy index of the words that the corpus knows, built when it is needed.
        self._index: Any = None

    def correct(self, word: str) -> str | None:
        """Return the correction of the lower-cased `word`, or None if it is right or unclear."""
        if len(word) < SHORTEST - 1 or word in english() or word in self._excluded:
            return None

        # Rank the known words that are one edit away.
        weighted = [(self._weight(candidate), candidate) for candidate in self._candidates(word)]
        ranked = sorted(weighted, reverse=True)
        if not ranked:
            return None

        weight, winner = ranked[0]
        runner_up_weight = ranked[1][0] if len(ranked) > 1 else 0.0

        # The winner must be far more common, and likely as a slip.
        if not self._is_heavy_enough(word, weight, runner_up_weight):
            return None
        if _is_variant(word, winner):
            return None

        own_count = self._counts.get(word, 0)
        is_evident = len(word) >= LONG and weight >= STRONG and own_count <= 1
        if not is_evident and not _is_slip(word, winner):
            return None

        # Swapped or doubled letters make no form of another word. Other edits may.
        if _is_swap(word, winner):
            return winner if len(word) >= SHORTEST or weight >= STRONG else None
        if len(word) < SHORTEST or self._is_form(word, winner):
            return None

        return winner

    def _is_heavy_enough(
        self,
        word: str,
        weight: float,
        runner_up_weight: float,
    ) -> bool:
        """Return True if the winner is common, compared with the word and the second candidate."""
        own_count = self._counts.get(word, 0)
        over_typo = OVER_TYPO if len(word) < LONG - 1 else OVER_LONG_TYPO
        if weight < max(over_typo * own_count, FAMILIAR):
            return False
        if weight < OVER_RUNNER_UP * runner_up_weight:
            return False

        return own_count <= 1 or weight >= OVER_RECURRING * own_count

    def _weight(self, word: str) -> float:
        """Return the count of `word` in the corpus, plus a prior of the English list.

        A listed word that the corpus does not hold is a weak candidate, and a strong rival.
        """
        # A word of few letters has many neighbours, so its prior counts less.
        frequency = english().get(word, 0)
        prior = next(prior for least, prior in PRIORS if frequency >= least)
        if len(word) < LONG - 1:
            prior = min(prior, 1.0)

        return self._counts.get(word, 0) + prior

    def _candidates(self, word: str) -> list[str]:
        """Return the known words that are one edit away."""
        from symspellpy import Verbosity

        if self._index is None:
            familiar = [term for term, count in self._counts.items() if count >= FAMILIAR]
            self._index = _build_index(sorted(familiar))

        # A dictionary keeps the order, and each candidate once.
        candidates: dict[str, None] = {}
        for index in (_english_index(), self._index):
            for item in index.lookup(word, Verbosity.ALL, max_edit_distance=1):
                if item.distance == 1:
                    candidates[item.term] = None

        return list(candidates)

    def _is_form(self, word: str, winner: str) -> bool:
        """Return True if `word` may be a form of a known word, or a compound of two."""
        # keratinocyte and keratinocytes, congenita and congenital
        lacks_last_letter = winner[:-1] == word and winner[-1] != word[-1]
        has_one_letter_more = word[:-1] == winner
        if lacks_last_letter or has_one_letter_more:
            return True

        return is_formed(word, self._is_stem)

    def _is_stem(self, word: str) -> bool:
        return english().get(word, 0) > FREQUENT or self._counts.get(word, 0) >= FAMILIAR


@lru_cache(maxsize=1)
def _english_index() -> Any:
    return _build_index(english())


def _build_index(words: Iterable[str]) -> Any:
    from symspellpy import SymSpell

    index = SymSpell(max_dictionary_edit_distance=1, prefix_length=7)
    for word in words:
        index.create_dictionary_entry(word, 1)

    return index


def _first_difference(word: str, winner: str) -> int:
    """Return the first index of a difference; the shorter length if there is none."""
    for index, (letter, right_letter) in enumerate(zip(word, winner, strict=False)):
        if letter != right_letter:
            return index

    return min(len(word), len(winner))


def _is_slip(word: str, winner: str) -> bool:
    """Return True for a letter left out, doubled, swapped, or hit beside its key."""
    # A letter is missing: people rarely omit the first one.
    if len(word) < len(winner):
        return word[0] == winner[0]

    index = _first_difference(word, winner)
    if len(word) > len(winner):
        # A letter too many: it doubles a neighbour, or a finger hit two keys.
        neighbours = {word[index - 1 : index], word[index + 1 : index + 2]} - {""}
        is_doubled = word[index] in neighbours
        is_beside = any(_are_adjacent_keys(word[index], letter) for letter in neighbours)

        return index > 0 and (is_doubled or is_beside)

    # Two letters changed places, or a finger hit the wrong key.
    is_swapped = (
        word[index + 1 : index + 2] == winner[index]
        and word[index] == winner[index + 1 : index + 2]
    )

    return is_swapped or _are_adjacent_keys(word[index], winner[index])


def _is_variant(word: str, winner: str) -> bool:
    """Return True if both may be right: "analyze" and "analyse", or another ending."""
    if len(word) != len(winner):
        return False

    index = _first_difference(word, winner)

    # Letters that two spellings of one word often differ in.
    sounds_alike = {word[index], winner[index]} in ({"s", "z"}, {"c", "s"}, {"i", "y"})

    return sounds_alike or index == len(word) - 1 or has_other_suffix(word, winner)


def _is_swap(word: str, winner: str) -> bool:
    """Return True if two letters changed places, or one was doubled."""
    index = _first_difference(word, winner)
    if len(word) == len(winner):
        return word[index : index + 2] == winner[index : index + 2][::-1]

    return len(word) > len(winner) and index > 0 and word[index] == word[index - 1]


def _are_adjacent_keys(letter: str, other: str) -> bool:
    """Return True if the two keys are at most one row and one place apart."""
    position = _key_position(letter)
    other_position = _key_position(other)
    if position is None or other_position is None:
        return False

    rows_apart = abs(position[0] - other_position[0])
    places_apart = abs(position[1] - other_position[1])

    return rows_apart <= 1 and places_apart <= 1


def _key_position(letter: str) -> tuple[int, int] | None:
    """Return the row of the key and its place in the row; None if no row holds it."""
    for row, keys in enumerate(_KEYBOARD_ROWS):
        if letter in keys:
            return row, keys.index(letter)

    return None
