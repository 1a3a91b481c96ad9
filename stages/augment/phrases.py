"""Phrases that say the same in other words, brought into one form before words are compared.

    leaves in the shape of a heart      heart-shaped leaves
    two times a day                     two a day, as "twice a day"
    of smaller size, small in size      smaller, small

A noun of dimension says nothing new behind an adjective of that dimension alone: "small in number"
keeps its noun.
"""

from __future__ import annotations

import re

_SHAPE = re.compile(
    r"\b(?:(?:that|which)\s+(?:is|are|has|have)\s+)?(?:in|with|having|of|has|have)\s+"
    r"(?:the\s+|a\s+)?(?:form|shape)\s+of\s+(?:an?\s+|the\s+)?([a-z]{3,30})\b"
)
# What shapes are seldom named by: "in the form of a request" has no shape.
_FORM_OF_THING = re.compile(
    r"\b(?:request|list|table|text|file|message|payment|money|data|string|report|letter|contract)"
)
_TIMES = re.compile(r"\b([0-9]{1,4}|two|three|four|five|six|seven|eight|nine|ten|twelve)\s+times\b")
# Nouns of dimension, each with the adjectives that imply it.
_ADJECTIVES_OF_NOUN = {
    "size": "small smaller smallest large larger largest big bigger biggest tiny huge",
    "length": "long longer longest short shorter shortest",
    "height|stature": "tall taller tallest",
    "width": "wide wider widest narrow narrower narrowest broad broader",
    "thickness": "thick thicker thin thinner",
    "depth": "deep deeper shallow shallower",
    "weight": "heavy heavier heaviest",
    "speed|pace": "fast faster fastest slow slower slowest quick rapid",
    "age": "old older oldest young younger youngest",
    "colou?rs?": "red blue green yellow black white brown grey gray orange purple pink",
    "shape|form": "round oval square circular triangular spherical conical",
    "number": "many few fewer numerous",
}
_DIMENSIONS = tuple(
    (
        re.compile(rf"\b({adjectives.replace(' ', '|')})\s+in\s+(?:{nouns})\b"),
        re.compile(rf"\bof\s+(?:an?\s+|the\s+)?({adjectives.replace(' ', '|')})\s+(?:{nouns})\b"),
    )
    for nouns, adjectives in _ADJECTIVES_OF_NOUN.items()
)


def plain_phrases(text: str) -> str:
    """Return `text` in lower case with such phrases in one form.

    >>> plain_phrases("cells in the form of a sphere, two times larger in size")
    'cells sphere-shaped, two larger'
    """
    lowered = text.lower()
    if " of " in lowered:
        lowered = _SHAPE.sub(_as_shape, lowered)
    if " times" in lowered:
        lowered = _TIMES.sub(r"\1", lowered)

    for behind, before in _DIMENSIONS:
        lowered = before.sub(r"\1", behind.sub(r"\1", lowered))

    return lowered


def _as_shape(match: re.Match[str]) -> str:
    return match[0] if _FORM_OF_THING.match(match[1]) else f"{match[1]}-shaped"
