"""Vocabulary: what a text teaches spelling, by what it shows of its language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from stages.clean.spelling import correction, source_language
from stages.clean.spelling.prose import Word, english_words, prose_words

# From a kind of CorpusCounts, items and a source: one more text for each item.
Count = Callable[[str, Iterable[str], str], None]


def count_document(row: Mapping[str, Any], count: Count) -> None:
    """Count the words of a document.

    Its id is listed if it is foreign, or too short to show its language.
    """
    words = prose_words(row["text"])
    evidence = source_language.evidence_of(row["text"], [word.text for word in words])
    count("document_language", [evidence], row["source"])

    # A foreign document teaches nothing.
    if evidence == source_language.FOREIGN:
        count("foreign", [row["doc_id"]], "")
        return

    kind = "word"
    source = ""
    if source_language.is_short(evidence):
        kind = "short_document_word"
        source = row["source"]
        count("short_document", [row["doc_id"]], source)

    # A title alone is too short to show its language.
    titled = prose_words(row["title"])
    taught = _lowered(row["text"], words) | _lowered(row["title"], titled)
    count(kind, taught, source)
    count("name", correction.names(row["text"], words) | correction.names(row["title"], titled), "")


def count_anchor(row: Mapping[str, Any], count: Count) -> None:
    """Count the words of an anchor."""
    words = prose_words(row["anchor"])
    evidence = source_language.evidence_of(row["anchor"], [word.text for word in words])
    count("anchor_language", [evidence], row["source"])

    # The words of a short anchor count if its source is English.
    if source_language.is_short(evidence):
        count("short_anchor_word", _lowered(row["anchor"], words), row["source"])
    elif evidence == source_language.ENGLISH:
        count("word", _lowered(row["anchor"], words), "")

    if evidence != source_language.FOREIGN:
        count("name", correction.names(row["anchor"], words), "")


def _lowered(text: str, words: Sequence[Word]) -> set[str]:
    return {word.text.lower() for word in english_words(text, words)}
