"""Content: what a text says once the words that say nothing are set aside, and how cleanly it says it."""

from __future__ import annotations

import re

# Articles, copulas and the plainest joints. Left out of this list, and so content: negations, sides, quantities,
# modals ("may", "must"), and whatever has an opposite that is another joint: or, from, without, before, on.
EMPTY = frozenset(
    re.findall(
        r"\S+",
        "a an the this that these those which who is are was were be been being am has have had do does did "
        "of and to in with for it its there also please",
    )
)
# Punctuation doubled, and what cleaning should have taken: tags, entities, undecodable characters, marks of emphasis.
_NOISE = re.compile(
    r"[!?,;:*_~^|#=]{2,}|\.{4,}|</?[a-z][^<>]*>|&#?\w{2,8};|\ufffd| {2,}", re.IGNORECASE
)
_LETTERS = re.compile(r"[^\W\d_]")


def content(form: str) -> str:
    """Return a text in normal form without its empty words; a text of nothing else stays as it is.

    The order of words counts: "A causes B" is not "B causes A".
    """
    return " ".join(word for word in form.split() if word not in EMPTY) or form


def noise(text: str) -> int:
    """Return how many pieces of noise `text` holds; one more where most of its letters are capitals."""
    capitals = sum(map(str.isupper, text))
    return len(_NOISE.findall(text)) + (2 * capitals > len(_LETTERS.findall(text)))
