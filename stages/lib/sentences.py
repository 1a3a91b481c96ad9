"""Sentences of a text in any language, by spaCy's rule-based splitter.

Full stops that it misses, of scripts without spaces, are split here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

# spaCy's sentencizer looks at whole tokens. In scripts without spaces the ideographic full stop, or
# the full-width exclamation or question mark, is inside a token. Closing brackets and quotes after
# it belong to the sentence.
_STOPS = "\u3002\uff01\uff1f\uff61"
_SENTENCES = re.compile(
    rf"[^{_STOPS}]*[{_STOPS}]+[\u300d\u300f\u201d\u2019\uff09]*\s*|[^{_STOPS}]+"
)


def sentences(text: str) -> list[str]:
    r"""Return the sentences of `text`, each with the white space after it.

    A line break ends a sentence too. Joined, the sentences are `text` again.

    >>> sentences("One. Two!\nA title")
    ['One. ', 'Two!\n', 'A title']
    """
    parts: list[str] = []
    for line in text.splitlines(keepends=True):
        for spacy_sentence in _splitter()(line).sents:
            for part in _SENTENCES.findall(spacy_sentence.text_with_ws):
                # For spaCy, a line break after a full stop is a sentence of its own.
                if parts and part.isspace():
                    parts[-1] += part
                else:
                    parts.append(part)
    return parts


@lru_cache(maxsize=1)
def _splitter() -> Any:
    import spacy

    # "xx" is no language in particular. Texts of any length are allowed.
    language = spacy.blank("xx")
    language.add_pipe("sentencizer")
    language.max_length = 2**31
    return language
