"""Keyboard noise: one letter of a text hit beside its key."""

from __future__ import annotations

import re
from collections.abc import Collection

from stages.augment.meaning import is_compared
from stages.lib.protected import spans
from stages.lib.text import hash_hex

SHORTEST = 5  # letters: a slip in a shorter word makes another word more often than not
# The letters of a keyboard, each before those beside it.
_BESIDE = """qwa wqes ewrd retf tryg ytuh uyij iuok oipl pol aqsz sawdx dsefc fdrgv gfthb hgyjn jhukm kjil lkop
zasx xzsdc cxdfv vcfgb bvghn nbhjm mnjk"""
KEYS = {keys[0]: keys[1:] for keys in _BESIDE.split()}
_WORD = re.compile(r"(?<![^\s(])[A-Z]?[a-z]+(?![^\s.,;:!?)])")


def mistype(text: str, seed: str, known: Collection[str]) -> list[str]:
    """Return `text` with one slip of a finger, by `seed`; nothing where no word may have one.

    Only plain words of five letters or more are mistyped, after their first letter: no number, side or negation, no
    abbreviation, code or name with a hyphen, and never into one of the words `known`, in lower case.
    """
    kept = spans(text)
    slips = [
        (match.start() + at, key)
        for match in _WORD.finditer(text)
        if len(match[0]) >= SHORTEST
        and not is_compared(match[0].lower())
        and not any(start < match.end() and match.start() < end for start, end in kept)
        for at in range(1, len(match[0]))
        for key in KEYS[match[0][at]]
        if (match[0][:at] + key + match[0][at + 1 :]).lower() not in known
    ]
    if not slips:
        return []
    at, key = min(slips, key=lambda slip: hash_hex("augment.keyboard", seed, str(slip[0]), slip[1]))
    return [text[:at] + key + text[at + 1 :]]
