"""The language of a document. Short texts and close calls get none.

The model is py3langid (Barbaresi 2021, after Lui and Baldwin 2012), offline.
"""

from __future__ import annotations

from functools import lru_cache

from stages.lib.text import UNSPACED

# Lengths are in characters: the shortest text that is classified (in scripts without spaces a
# character says more), and how much of a long text the model gets.
SHORTEST = 30
SHORTEST_UNSPACED = 10
LONGEST = 2000
# The first language must be e^4, about 55, times as likely as the second.
MARGIN = 4.0


def language(text: str) -> str:
    """Return the ISO 639-1 code of the language of `text`, or "" if it is uncertain.

    It is uncertain under 30 characters (10 in scripts without spaces), and if the best language is
    less than about 55 times as likely as the next.

    >>> language("An abnormally increased frequency of infections of the ear.")
    'en'
    >>> language("Fever")
    ''
    """
    # In scripts without spaces, at least half of the characters are of such a script.
    if len(text) < SHORTEST:
        unspaced_count = len(UNSPACED.findall(text))
        is_unspaced = 2 * unspaced_count >= len(text)
        if len(text) < SHORTEST_UNSPACED or not is_unspaced:
            return ""
    return _classified(text[:LONGEST])


def warm() -> None:
    """Load the model now, so that processes forked from this one share it."""
    _classified("A sentence in English, to load the model.")


@lru_cache(maxsize=4096)
def _classified(text: str) -> str:
    import py3langid

    # Languages with the logarithms of their likelihoods, the most likely first.
    ranked = py3langid.rank(text)
    best_language, best_score = ranked[0]
    _, second_score = ranked[1]

    is_certain = float(best_score) - float(second_score) > MARGIN
    return str(best_language) if is_certain else ""
