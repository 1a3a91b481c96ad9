"""Filters: which cleaned texts are kept. Limits are on the text alone, so that the same text always fares the same."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from stages.lib.errors import Problem

# In the order in which they are looked for; the first three before anything is repaired.
REASONS = (
    *("too_many_bytes", "too_many_nodes", "too_deep", "unstable", "empty"),
    *("too_short", "too_long", "symbols", "repetition", "pattern", "language"),
)
# Titles and questions are too short to be judged by shares.
JUDGED = 50
# How long the repeated stretches are: words, or characters where a script writes no spaces.
STRETCH_WORDS, STRETCH_CHARACTERS = 5, 10


class Bounds(NamedTuple):
    """Lengths in characters, shares from 0 to 1 (None: any), and regular expressions in RE2's syntax."""

    shortest: int
    longest: int
    max_symbol_share: float | None
    max_repetition: float | None
    patterns: tuple[str, ...]


def refusal(text: str, bounds: Bounds) -> str:
    """Return why `text` is dropped, or nothing: the first of `REASONS` that applies, after every repair."""
    if not text:
        return "empty"
    if len(text) < bounds.shortest:
        return "too_short"
    if len(text) > bounds.longest:
        return "too_long"
    if len(text) >= JUDGED:
        if bounds.max_symbol_share is not None and symbol_share(text) > bounds.max_symbol_share:
            return "symbols"
        if bounds.max_repetition is not None and repetition(text) > bounds.max_repetition:
            return "repetition"
    return "pattern" if any(pattern.search(text) for pattern in compiled(bounds.patterns)) else ""


def symbol_share(text: str) -> float:
    """Return the share of characters that are neither letters, marks, digits nor white space."""
    if text.isascii():
        plain = sum(map(str.isalnum, text)) + sum(map(str.isspace, text))
    else:
        plain = sum(char.isspace() or unicodedata.category(char)[0] in "LMN" for char in text)
    return 1.0 - plain / len(text)


def repetition(text: str) -> float:
    """Return the share of stretches of five words that stood in `text` before.

    After the duplicate n-grams of Gopher (Rae et al. 2021). Where there are few spaces, stretches of ten characters.
    """
    tokens: Sequence[str] = text.split()
    size = STRETCH_WORDS
    if len(text) > 12 * len(tokens):
        tokens, size = "".join(tokens), STRETCH_CHARACTERS
    stretches = [tuple(tokens[at : at + size]) for at in range(len(tokens) - size + 1)]
    return 1.0 - len(Counter(stretches)) / len(stretches) if stretches else 0.0


@lru_cache(maxsize=8)
def compiled(patterns: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the users' patterns, compiled by RE2, whose searches take linear time whatever the pattern."""
    if not patterns:
        return ()
    import re2

    options = re2.Options()
    options.log_errors = False
    found = []
    for pattern in patterns:
        try:
            found.append(re2.compile(pattern, options))
        except re2.error as error:
            raise Problem(
                f"params.yaml: clean.drop_patterns holds {pattern!r}: {error}",
                "write it in RE2's syntax, which has no look-around and no back-references",
            ) from None
    return tuple(found)
