"""Sentences of a text in any language: spaCy's rule-based splitter, and the full stops that it misses."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

# The sentencizer looks at whole tokens, and where words have no spaces the ideographic full stop, or the full-width
# exclamation or question mark, is inside one. Closing brackets and quotes after it belong to the sentence.
_STOPS = "\u3002\uff01\uff1f\uff61"
_SENTENCES = re.compile(
    rf"[^{_STOPS}]*[{_STOPS}]+[\u300d\u300f\u201d\u2019\uff09]*\s*|[^{_STOPS}]+"
)


def sentences(text: str) -> list[str]:
    """Return the sentences of `text`, each with the white space after it; line breaks end sentences too."""
    found: list[str] = []
    for line in text.splitlines(keepends=True):
        for sentence in _splitter()(line).sents:
            for part in _SENTENCES.findall(sentence.text_with_ws):
                if (
                    found and part.isspace()
                ):  # a line break after a stop is a sentence of its own to spaCy
                    found[-1] += part
                else:
                    found.append(part)
    return found


@lru_cache(maxsize=1)
def _splitter() -> Any:
    import spacy

    language = spacy.blank("xx")
    language.add_pipe("sentencizer")
    language.max_length = 2**31
    return language
