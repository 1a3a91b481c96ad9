"""The language of a document, or none where it cannot be told: short texts and close calls abstain.

By py3langid (Barbaresi 2021, after Lui and Baldwin 2012), offline.
"""

from __future__ import annotations

from functools import lru_cache

from stages.lib.text import UNSPACED

SHORTEST, SHORTEST_UNSPACED = 30, 10  # characters
MARGIN = 4.0  # logarithm of how many times as likely the first must be as the second
LONGEST = 2000  # characters that are looked at


def language(text: str) -> str:
    """Return the ISO 639-1 code of the language of `text`; empty when it abstains.

    It abstains under 30 characters (10 in scripts without spaces), and where the best language is less than 50
    times as likely as the next.
    """
    if len(text) < SHORTEST and not (
        len(text) >= SHORTEST_UNSPACED and 2 * len(UNSPACED.findall(text)) >= len(text)
    ):
        return ""
    return _classified(text[:LONGEST])


def warm() -> None:
    """Load the model now: processes forked from this one share it."""
    _classified("A sentence in English, to load the model.")


@lru_cache(maxsize=4096)
def _classified(text: str) -> str:
    import py3langid

    ranked = py3langid.rank(text)
    (first, best), (_, second) = ranked[:2]
    # Scores are logarithms of likelihoods.
    return str(first) if float(best) - float(second) > MARGIN else ""
