"""The language of short texts: the other texts of their source show it."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from stages.clean.spelling.prose import Language, is_half_listed, language_of, prose_words

# In an English source, this many texts are English for each one that is not.
ENGLISH_PER_FOREIGN = 4

# What a text says of the language of its source, as the item of a count.
ENGLISH = "english"
FOREIGN = "foreign"
SHORT_LISTED = "short, listed"
SHORT_UNLISTED = "short, unlisted"


def evidence_of(text: str, words: list[str]) -> str:
    """Return what `text`, with these words, says of the language of its source.

    >>> evidence_of("Os pacientes apresentam febre alta persistente", ["Os", "pacientes"])
    'foreign'
    """
    language = language_of(text, words)
    if language is Language.SHORT:
        return SHORT_LISTED if is_half_listed(words) else SHORT_UNLISTED

    return ENGLISH if language is Language.ENGLISH else FOREIGN


def is_english_text(text: str, by_source: bool) -> bool:
    """Return True if `text` is in English; `by_source` decides if it is too short to show it."""
    evidence = evidence_of(text, [word.text for word in prose_words(text)])
    return by_source if is_short(evidence) else evidence == ENGLISH


def is_short(evidence: str) -> bool:
    """Return True if the text does not show its language by itself."""
    return evidence in (SHORT_LISTED, SHORT_UNLISTED)


def english_sources(counts: pd.DataFrame, kind: str) -> frozenset[str]:
    """Return the sources whose short texts are in English, by the `kind` of CorpusCounts.

    Texts that show their language decide. Where there is none, short texts with listed words do.
    """
    sources: set[str] = set()
    for source, rows in counts[counts["kind"] == kind].groupby("source"):
        if _is_english(zip(rows["item"], rows["document_frequency"], strict=True)):
            sources.add(str(source))

    return frozenset(sources)


def are_english(counts: pd.DataFrame, kind: str) -> bool:
    """Return True if short texts of no known source are in English: as if all were one source."""
    rows = counts[counts["kind"] == kind]
    summed = rows.groupby("item")["document_frequency"].sum()

    return _is_english(zip(summed.index, summed, strict=True))


def _is_english(evidence: Iterable[tuple[str, int]]) -> bool:
    texts = dict(evidence)
    english = texts.get(ENGLISH, 0)
    foreign = texts.get(FOREIGN, 0)
    if english + foreign == 0:
        english = texts.get(SHORT_LISTED, 0)
        foreign = texts.get(SHORT_UNLISTED, 0)

    return english > 0 and english >= ENGLISH_PER_FOREIGN * foreign
