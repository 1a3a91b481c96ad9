"""Words that a thesaurus calls synonyms: "collarbone" and "clavicle", "retrieve" and "recover".

The thesaurus (synonyms.txt) is taken from WordNet 3.0 (Miller 1995). A line holds the words of
one sense. A word stands on the lines of its five most frequent senses alone, since rare senses make
synonyms of words that seldom say the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from stages.lib.preprocessing.english_words import base_forms


def are_synonyms(word: str, other: str) -> bool:
    """Return whether two words, in any form and in lower case, share a sense.

    >>> are_synonyms("records", "registered"), are_synonyms("toe", "finger")
    (True, False)
    """
    return not _senses(word).isdisjoint(_senses(other))


def _senses(word: str) -> frozenset[int]:
    """Return the senses of a word and of its base forms, as numbers of lines."""
    senses_of_word = _senses_of_word()
    senses = set(senses_of_word.get(word, ()))
    for base_form in base_forms().get(word, ()):
        senses.update(senses_of_word.get(base_form, ()))

    return frozenset(senses)


@lru_cache(maxsize=1)
def _senses_of_word() -> Mapping[str, list[int]]:
    lines = Path(__file__).with_name("synonyms.txt").read_text("utf-8").splitlines()
    senses_of_word: dict[str, list[int]] = defaultdict(list)
    for index, line in enumerate(lines):
        if not line.startswith("#"):
            for word in line.split():
                senses_of_word[word].append(index)

    return dict(senses_of_word)
