"""Stop words, and noise in texts."""

from __future__ import annotations

import re

# Articles, copulas and the plainest connectives. Not in this list, because they change the meaning:
# negations, sides, quantities, modals ("may", "must"), and connectives with an opposite: or, from,
# without, before, on.
EMPTY = frozenset(
    re.findall(
        r"\S+",
        "a an the this that these those which who is are was were be been being am has have had "
        "do does did of and to in with for it its there also please",
    )
)
# Repeated punctuation, and what cleaning should have removed: tags, entities, undecodable
# characters, marks of emphasis.
_NOISE = re.compile(
    r"[!?,;:*_~^|#=]{2,}|\.{4,}|</?[a-z][^<>]*>|&#?\w{2,8};|\ufffd| {2,}", re.IGNORECASE
)
_LETTERS = re.compile(r"[^\W\d_]")


def content(form: str) -> str:
    """Return a text in normal form without its stop words; unchanged if it has no other words.

    The order of the words stays: "A causes B" is not "B causes A".

    >>> content("what is the cause of this fever")
    'what cause fever'
    """
    words = [word for word in form.split() if word not in EMPTY]
    return " ".join(words) or form


def noise(text: str) -> int:
    """Return the number of pieces of noise in `text`, plus one if most letters are capitals.

    >>> noise("Fever!! <br> is common")
    2
    """
    pieces = len(_NOISE.findall(text))

    # Texts in capitals are noise as a whole.
    letters = len(_LETTERS.findall(text))
    capitals = sum(map(str.isupper, text))
    is_mostly_capitals = 2 * capitals > letters

    return pieces + is_mostly_capitals
