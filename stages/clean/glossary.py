"""Abbreviations: written out where a text uses one without saying what it means."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from stages.clean.edits import Edit

# What may stand before and after. Hyphens, slashes and apostrophes tie a short form into a larger word
# ("G-CSF", "IgG/IgM", "ECG's") that means something else or would read badly; an opening parenthesis
# before it is mostly the author's own definition.
_BEFORE = re.compile(r"(?:^|[\s\[\"\u201c\u2018])$")
_AFTER = re.compile(r"[.,;:!?)\]\"\u201d\u2019]*(?:\s|$)")

Entries = tuple[tuple[str, str], ...]


def expand(text: str, entries: Entries) -> list[Edit]:
    """Return the edits that write "electrocardiogram (ECG)" for the first "ECG" that stands alone.

    `entries` are pairs of short and long form; case is exact. A text that holds the long form anywhere, or
    defines the short form itself ("(ECG)"), is left alone, and so is every later mention: expanding twice is
    expanding once. Edits come from right to left, so that each offset also holds in the text as given.
    """
    if not entries or not _any_of(entries).search(text):
        return []
    longs = dict(entries)
    folded = text.casefold()
    edits: list[Edit] = []
    done: set[str] = set()
    for start, end in _spans(text, entries):
        short = text[start:end]
        if short in done or f"({short})" in text or longs[short].casefold() in folded:
            continue
        if _BEFORE.search(text[max(0, start - 1) : start]) and _AFTER.match(text, end):
            done.add(short)
            edits.append(Edit("abbreviation", start, end, short, f"{longs[short]} ({short})"))
    return edits[::-1]


def warm(entries: Entries) -> None:
    """Build the matcher now: processes forked from this one share it, instead of paying spaCy's import each."""
    if entries:
        _matcher(entries)


def _spans(text: str, entries: Entries) -> list[tuple[int, int]]:
    """Return where short forms stand as whole tokens, left to right, the longest where two overlap."""
    from spacy.util import filter_spans

    tokenizer, matcher = _matcher(entries)
    return [(span.start_char, span.end_char) for span in filter_spans(matcher(tokenizer(text), as_spans=True))]


@lru_cache(maxsize=1)
def _matcher(entries: Entries) -> tuple[Any, Any]:
    import spacy
    from spacy.matcher import PhraseMatcher

    # Tokens of a blank pipeline are all that is needed: no model, no download.
    language = spacy.blank("en")
    matcher = PhraseMatcher(language.vocab, attr="ORTH")
    matcher.add("abbreviation", [language.tokenizer(short) for short, _ in entries])
    return language.tokenizer, matcher


@lru_cache(maxsize=1)
def _any_of(entries: Entries) -> re.Pattern[str]:
    # Tokenizing costs a hundred times this search, and most texts hold no short form.
    return re.compile("|".join(re.escape(short) for short, _ in sorted(entries, key=lambda entry: -len(entry[0]))))
