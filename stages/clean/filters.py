"""Filters: decide which cleaned texts are kept, by limits on the text alone.

So equal texts always get the same decision.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from stages.clean.interface import CleanParams
from stages.lib.core.errors import UserError

# Every reason for dropping a document, in the order of the checks; the first three come before
# any rule.
REASONS = (
    "too_many_bytes",
    "too_many_nodes",
    "too_deep",
    "unstable",
    "empty",
    "too_short",
    "too_long",
    "symbols",
    "repetition",
    "pattern",
    "language",
)
# Titles and questions are too short for limits on shares.
LEAST_CHARACTERS_FOR_SHARES = 50
# The length of an n-gram in `repetition`: words, or characters in a script without spaces.
NGRAM_WORDS = 5
NGRAM_CHARACTERS = 10
# A text with more characters a word than this is taken for a script without spaces.
MOST_CHARACTERS_PER_WORD = 12


class Bounds(NamedTuple):
    """The limits of a text.

    Attributes:
        shortest: the least number of characters.
        longest: the largest number of characters.
        max_symbol_share: the largest share of symbols, from 0 to 1; None for any.
        max_repetition: the largest share of repeated n-grams, from 0 to 1; None for any.
        patterns: regular expressions in the syntax of RE2 that no kept text may match.
    """

    shortest: int
    longest: int
    max_symbol_share: float | None
    max_repetition: float | None
    patterns: tuple[str, ...]


def document_bounds(params: CleanParams) -> Bounds:
    """Return the limits of a document."""
    return Bounds(
        shortest=params.min_document_characters,
        longest=params.max_document_characters,
        max_symbol_share=params.max_symbol_share,
        max_repetition=params.max_repetition,
        patterns=tuple(params.drop_patterns),
    )


def anchor_bounds(params: CleanParams) -> Bounds:
    """Return the limits of an anchor: only its length and the user's patterns."""
    return Bounds(
        shortest=params.min_anchor_characters,
        longest=params.max_anchor_characters,
        max_symbol_share=None,
        max_repetition=None,
        patterns=tuple(params.drop_patterns),
    )


def drop_reason(text: str, bounds: Bounds) -> str:
    """Return the first reason of `REASONS` that drops the cleaned `text`; "" if it is kept.

    >>> drop_reason("x", Bounds(2, 100, None, None, ()))
    'too_short'
    """
    # Lengths come first: they are the cheapest.
    if not text:
        return "empty"
    if len(text) < bounds.shortest:
        return "too_short"
    if len(text) > bounds.longest:
        return "too_long"

    # Shares of symbols and repetitions.
    if len(text) >= LEAST_CHARACTERS_FOR_SHARES:
        if bounds.max_symbol_share is not None and symbol_share(text) > bounds.max_symbol_share:
            return "symbols"
        if bounds.max_repetition is not None and repetition(text) > bounds.max_repetition:
            return "repetition"

    # Patterns of the user.
    if any(pattern.search(text) for pattern in compile_patterns(bounds.patterns)):
        return "pattern"

    return ""


def symbol_share(text: str) -> float:
    """Return the share of characters that are neither letters, marks, digits nor white space.

    >>> symbol_share("ab--")
    0.5
    """
    if not text:
        return 0.0

    # Most texts are ASCII, for which this is faster.
    if text.isascii():
        plain = sum(map(str.isalnum, text)) + sum(map(str.isspace, text))
    else:
        plain = sum(char.isspace() or unicodedata.category(char)[0] in "LMN" for char in text)

    return 1.0 - plain / len(text)


def repetition(text: str) -> float:
    """Return the share of five-word n-grams that repeat an earlier one.

    After the duplicate n-grams of Gopher (Rae et al. 2021). Where there are few spaces, n-grams
    have ten characters.
    """
    # Words, or characters where words are not separated.
    tokens: Sequence[str] = text.split()
    size = NGRAM_WORDS
    if len(text) > MOST_CHARACTERS_PER_WORD * len(tokens):
        tokens = "".join(tokens)
        size = NGRAM_CHARACTERS

    ngrams = [tuple(tokens[start : start + size]) for start in range(len(tokens) - size + 1)]
    if not ngrams:
        return 0.0

    return 1.0 - len(Counter(ngrams)) / len(ngrams)


@lru_cache(maxsize=8)
def compile_patterns(patterns: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the users' patterns, compiled by RE2, which searches in linear time for any pattern.

    Raises:
        UserError: a pattern is not in the syntax of RE2.
    """
    if not patterns:
        return ()

    import re2

    # RE2 would print its own message beside the error.
    options = re2.Options()
    options.log_errors = False
    compiled: list[Any] = []
    for pattern in patterns:
        try:
            compiled.append(re2.compile(pattern, options))
        # Half of a surrogate pair has no UTF-8.
        except (re2.error, UnicodeEncodeError) as error:
            raise UserError(
                f"params.yaml: clean.drop_patterns holds {pattern!r}: {error}",
                "write it in the syntax of RE2, which has no look-around and no back-references",
            ) from None

    return tuple(compiled)
