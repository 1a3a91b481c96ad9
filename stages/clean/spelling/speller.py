"""Spelling: an unknown word, one edit away from a single well-known word, is a typo.

Decisions are taken for each distinct word, by a vocabulary from the corpus and lists of English
words. So each correction can be reviewed, and the cost grows with the vocabulary. Precision
comes first: a word that a list knows, or that may be a name, an inflection, a compound or a
technical term, stays. Candidates come from symspellpy (Garbe 2012, SymSpell), without its ranking.
They are ranked as in a noisy channel (Kernighan, Church and Gale 1990): by how common a candidate
is, and by how likely its slip is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from stages.clean.spelling.slips import Slip, first_difference, slip_of
from stages.clean.spelling.word_forms import (
    INFLECTIONS,
    are_of_one_stem,
    inflections,
    is_formed,
    is_variant,
)
from stages.lib.preprocessing.english_words import english, web_counts, word_lists

SHORTEST = 4  # letters; below, one edit leads to too many words
FAMILIAR = 3  # texts with a word from which the corpus knows it
LONG = 8  # letters; from here on, few words are one edit apart by chance
# The winner must stand this many times as often in the corpus as the typo, and as the second
# candidate.
OVER_TYPO = 10.0
OVER_LONG_TYPO = 4.0
OVER_RUNNER_UP = 10.0
# The same for a typo in several texts: a recurring word is rather a name.
OVER_RECURRING = 50.0
OVER_RECURRING_HUMAN = 20.0
OVER_RECURRING_ON_WEB = 5.0
# The weight from which a winner needs no slip of the fingers to explain the edit.
STRONG = 30.0

# The web counts as one more corpus, of this many texts for each occurrence on the web.
WEB_SHARE = 2e-6
WEB_SIZE = 1e12  # words
WEB_PART = 0.1
LEAST_WEB_TEXTS = 50_000
# Words of the lists that are rarer on the web are no candidates.
LEAST_WEB_COUNT = 100_000
# The weight that a winner needs, by the length of the typo.
NEEDED_WEIGHT = {4: 60.0, 5: 15.0, 6: 10.0, 7: 6.0}
NEEDED_LONG_WEIGHT = 3.0
# How many times less likely a slip is than swapped or doubled letters.
UNLIKELINESS = {
    Slip.SWAP: 1.0,
    Slip.DOUBLE: 1.0,
    Slip.SINGLE: 1.0,
    Slip.VOWEL: 1.5,
    Slip.MISSING: 1.5,
    Slip.BESIDE: 2.0,
    Slip.OTHER: 15.0,
}
UNLIKELINESS_AT_FIRST = 5.0  # of an edit of the first letter, on top
# How many times as common on the web as the typo, if that is found there, the winner must be:
# for short and for long typos, if people are likely to make it.
OVER_SHORT_STRING = 100.0
OVER_LONG_STRING = 10.0
FREQUENT = 20_000  # the count in the list of frequent words from which a word counts as a stem
FREQUENT_ON_WEB = 500_000  # the same for all lists
# A possible form or variant is a typo only of a word that is this common on the web.
VERY_COMMON = 40.0


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
        # Between two candidates, the web counts as much as this many words of the corpus.
        self._web_texts = max(LEAST_WEB_TEXTS, WEB_PART * sum(counts.values()))

    def correct(self, word: str) -> str | None:
        """Return the correction of the lower-cased `word`, or None if it is right or unclear."""
        if len(word) < SHORTEST or word in word_lists().known or word in self._excluded:
            return None

        # Rank the known words that are one edit away.
        winner = self._clear_winner(word)
        if winner is None or not self._may_be_meant(word, winner):
            return None

        # The winner must be common enough, and likely as a slip.
        if self._weight(winner) < self._needed_weight(word, winner):
            return None
        if not self._is_likely_slip(word, winner):
            return None

        if self._is_used_as_word(word, winner) or self._is_known_to_web(word, winner):
            return None

        return None if self._is_related(word, winner) else winner

    def _clear_winner(self, word: str) -> str | None:
        """Return the candidate that is far likelier than the others, or None."""
        scored: list[tuple[float, str]] = []
        for candidate in self._candidates(word):
            web_share = web_counts().get(candidate, 0) / WEB_SIZE
            expected = self._counts.get(candidate, 0) + self._web_texts * web_share
            scored.append((expected / unlikeliness(word, candidate), candidate))

        ranked = sorted(scored, reverse=True)
        if not ranked:
            return None

        score, winner = ranked[0]
        runner_up_score = ranked[1][0] if len(ranked) > 1 else 0.0

        return winner if score >= OVER_RUNNER_UP * runner_up_score else None

    def _may_be_meant(self, word: str, winner: str) -> bool:
        """Return True if the winner is a term of the corpus, or a listed word and no name."""
        if winner in word_lists().common:
            return True

        is_term = winner not in word_lists().known and len(winner) >= LONG - 1

        return is_term and word[1:] != winner

    def _needed_weight(self, word: str, winner: str) -> float:
        """Return the weight from which `winner` is common enough, beside the word itself."""
        own_count = self._counts.get(word, 0)
        over_typo = OVER_TYPO if len(word) < LONG - 1 else OVER_LONG_TYPO
        needed = NEEDED_WEIGHT.get(len(word), NEEDED_LONG_WEIGHT) * unlikeliness(word, winner)

        return max(needed, over_typo * own_count)

    def _is_likely_slip(self, word: str, winner: str) -> bool:
        """Return True if the edit is one that fingers or people make in a word of this length."""
        slip = slip_of(word, winner)
        if len(word) == SHORTEST:
            return slip is Slip.SWAP
        if slip in _HUMAN_SLIPS:
            return True

        # A word that the corpus does not hold is rarely meant.
        is_held = self._counts.get(winner, 0) > 0 or self._web_weight(winner) >= VERY_COMMON
        if slip is not Slip.OTHER:
            return is_held

        # Any edit but a prefix, if the typo is long and rare, and the winner well known.
        is_evident = len(word) >= LONG - 1 and self._weight(winner) >= STRONG
        is_rare = self._counts.get(word, 0) <= 1 and word not in web_counts()

        return is_evident and is_rare and word[1:] != winner

    def _weight(self, word: str) -> float:
        """Return the count of `word` in the corpus, plus its share of the web."""
        return self._counts.get(word, 0) + self._web_weight(word)

    def _web_weight(self, word: str) -> float:
        return WEB_SHARE * web_counts().get(word, 0)

    def _candidates(self, word: str) -> list[str]:
        """Return the known words that are one edit away."""
        from symspellpy import Verbosity

        if self._index is None:
            familiar = [term for term, count in self._counts.items() if count >= FAMILIAR]
            self._index = _build_index(sorted(familiar))

        # A dictionary keeps the order, and each candidate once.
        candidates: dict[str, None] = {}
        for index in (_web_index(), self._index):
            for item in index.lookup(word, Verbosity.ALL, max_edit_distance=1):
                if item.distance == 1:
                    candidates[item.term] = None

        return list(candidates)

    def _is_used_as_word(self, word: str, winner: str) -> bool:
        """Return True if the corpus inflects `word`, and so uses it like a word of its own."""
        own_count = self._counts.get(word, 0)
        if own_count < 2:
            return False
        over_recurring = OVER_RECURRING
        if slip_of(word, winner) in _HUMAN_SLIPS:
            over_recurring = OVER_RECURRING_HUMAN
            # A common misspelling, or the name of something young.
            if web_counts().get(word, 0):
                over_recurring = OVER_RECURRING_ON_WEB

        if self._counts.get(winner, 0) < over_recurring * own_count:
            return True

        return any(form != winner and form in self._counts for form in inflections(word))

    def _is_known_to_web(self, word: str, winner: str) -> bool:
        """Return True if `word` is too common on the web for a misspelling of `winner`.

        Names and brands are no less common there than misspellings. These are a slip of people
        who do not know a word.
        """
        own_count = web_counts().get(word, 0)
        if not own_count:
            return False

        ratio = web_counts().get(winner, 0) / own_count
        slip = slip_of(word, winner)
        is_short = len(word) < LONG - 1
        if slip is Slip.OTHER or (first_difference(word, winner) == 0 and ratio < 1000):
            return True

        # Strings of few letters are often names.
        if is_short:
            return ratio < (OVER_SHORT_STRING if slip in _SURE_SLIPS else 20 * OVER_SHORT_STRING)

        is_human = slip in _HUMAN_SLIPS or (slip is Slip.MISSING and len(word) > LONG)

        return ratio < (OVER_LONG_STRING if is_human else 10 * OVER_LONG_STRING)

    def _is_related(self, word: str, winner: str) -> bool:
        """Return True if `word` may be right beside the winner: a form, a variant, a compound."""
        if is_variant(word, winner) or self._is_joined(word):
            return True

        # Swapped and doubled letters make no form of another word.
        slip = slip_of(word, winner)
        is_on_web = word in web_counts()
        if slip in (Slip.SWAP, Slip.DOUBLE) and not is_on_web:
            return False
        if word.endswith("ae") and word[:-1] in word_lists().known:
            return True
        if are_of_one_stem(word, winner):
            return True

        # "occured" is "occur" with an ending, and yet wrong.
        if slip is not Slip.SINGLE and is_formed(word, self._is_sure_stem, INFLECTIONS):
            return True
        if slip in _SURE_SLIPS:
            return False

        # A form of another word is rare where the winner is very common.
        is_likely = not is_on_web or (slip is Slip.VOWEL and len(word) >= LONG)
        if is_likely and self._web_weight(winner) >= VERY_COMMON:
            return False

        return self._is_form(word, winner)

    def _is_form(self, word: str, winner: str) -> bool:
        """Return True if `word` may be a form of a known word, or a compound of two."""
        # keratinocyte and keratinocytes, congenita and congenital, cranialis and cranialia
        if winner[:-1] in (word, word[:-1]) or word[:-1] == winner:
            return True

        return is_formed(word, self._is_stem)

    def _is_stem(self, word: str) -> bool:
        if english().get(word, 0) > FREQUENT or self._counts.get(word, 0) >= FAMILIAR:
            return True

        return word_lists().common.get(word, 0) > FREQUENT_ON_WEB

    def _is_sure_stem(self, word: str) -> bool:
        """Return True if the corpus knows the stem, or a list does and chance is unlikely."""
        if self._counts.get(word, 0) >= FAMILIAR and word not in word_lists().known:
            return True

        return len(word) >= SHORTEST + 1 and self._is_stem(word)

    def _is_joined(self, word: str) -> bool:
        """Return True if a space is missing between two very common words: "noone"."""
        for middle in range(2, len(word) - 1):
            parts = (word[:middle], word[middle:])
            if all(english().get(part, 0) >= _JOINED_COUNT[len(part) > 2] for part in parts):
                return True

        return False


_HUMAN_SLIPS = (Slip.SWAP, Slip.DOUBLE, Slip.SINGLE, Slip.VOWEL)
_SURE_SLIPS = (Slip.SWAP, Slip.DOUBLE, Slip.SINGLE)
# The least web count of a word of two letters, and of a longer one, that others are joined to.
_JOINED_COUNT = (500_000_000, 100_000_000)


def unlikeliness(word: str, winner: str) -> float:
    """Return how many times less likely the slip is than swapped or doubled letters."""
    factor = UNLIKELINESS[slip_of(word, winner)]
    if first_difference(word, winner) == 0:
        factor *= UNLIKELINESS_AT_FIRST

    return factor


@lru_cache(maxsize=1)
def _web_index() -> Any:
    """Return the index of the words of the lists that are not rare on the web."""
    counts = web_counts()
    return _build_index(
        sorted(word for word in word_lists().known if counts.get(word, 0) >= LEAST_WEB_COUNT)
    )


def _build_index(words: Iterable[str]) -> Any:
    from symspellpy import SymSpell

    index = SymSpell(max_dictionary_edit_distance=1, prefix_length=7)
    for word in words:
        index.create_dictionary_entry(word, 1)

    return index
