"""Corruptions of a text that change what it says: each as small as it can be made."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Mapping

import pandas as pd

from stages.augment.content_words import CONNECTING_WORDS, is_same_word, learn_word_contexts
from stages.lib.text.normal_form import words

KINDS = (
    "negation",
    "number",
    "unit",
    "entity",
    "side",
    "comparison",
    "quantifier",
    "modality",
    "obligation",
    "truncated",
    "copied",
)
# What is swapped for its opposite; on purpose not the stage's own list.
_SIDES = """left right, upper lower, superior inferior, anterior posterior, proximal distal, innermost outermost,
medial lateral, internal external, bilateral unilateral, increased decreased, high low, above below, large small,
long short, before after, enable disable, enables disables, enabled disabled, inbound outbound, first last, start stop,
starts stops, create delete, creates deletes, attach detach, attaches detaches, add remove, adds removes, early late,
partial complete, broad narrow, wide narrow, thick thin, front back, more less"""


def _both_ways(pairs: str) -> dict[str, str]:
    """Return each word of "one other, one other" with what it is exchanged for."""
    swaps: dict[str, str] = {}
    for pair in pairs.split(","):
        first, second = pair.split()
        swaps.setdefault(first, second)
        swaps.setdefault(second, first)
    return swaps


_SWAPS = {one: two for pair in _SIDES.split(",") for one, two in (pair.split(), pair.split()[::-1])}
# Words of each kind, and what they are exchanged for.
_EXCHANGED = {
    "side": _SWAPS,
    "unit": _both_ways(
        """mg g, kg g, mm cm, m km, ml l, days weeks, hours minutes, months years, minutes seconds, day week, hour day,
        month year, week month, percent degrees, euros dollars, volts watts, gb mb, grams kilograms"""
    ),
    "comparison": _both_ways(
        """more less, above below, over under, larger smaller, longer shorter, higher lower, before after, most least,
        greater smaller, thicker thinner, older younger, earlier later, faster slower, maximum minimum"""
    ),
    "quantifier": _both_ways("all some, every some, each some, most few, all few, many few"),
    "modality": {"may": "must", "can": "must", "could": "should", "might": "must"},
    "obligation": {"must": "may", "shall": "may", "should": "could"},
}
_NUMBERS = (
    "two three four five six seven eight nine",
    "second third fourth fifth sixth seventh eighth ninth",
)
_NUMBER = re.compile(rf"\d+|\b(?:{'|'.join(' '.join(_NUMBERS).split())})\b", re.IGNORECASE)
_DENIAL = re.compile(r"\b(?:(?:not|no|without|absent|missing|never)\b[ -]*|non-)", re.IGNORECASE)
_VERB = re.compile(r"\b(?:is|are|can|may|does|will|was|were)\b")
_WORD = re.compile(r"[^\W\d_]+")


def corrupt(
    kind: str, text: str, mates: Mapping[str, list[str]], draw: random.Random
) -> str | None:
    """Return `text` with a corruption of that kind; None where it offers no place for one.

    `mates` are the words that an entity may be taken for (see `entities`).
    """
    if kind == "copied":
        return draw.choice([text, text.upper(), text + ".", f'"{text}"'])
    if kind == "truncated":
        return _truncated(text, draw)
    if kind == "negation":
        return _denied(text, draw)
    if kind == "number":
        places = [(match, [_other_number(match[0], draw)]) for match in _NUMBER.finditer(text)]
    elif kind in _EXCHANGED:
        swaps = _EXCHANGED[kind]
        places = [(m, [swaps[m[0].lower()]]) for m in _WORD.finditer(text) if m[0].lower() in swaps]
    else:
        places = [(m, mates[m[0].lower()]) for m in _WORD.finditer(text) if m[0].lower() in mates]
    if not places:
        return None
    place, others = draw.choice(places)
    return text[: place.start()] + draw.choice(others) + text[place.end() :]


def entities(pairs: pd.DataFrame) -> dict[str, list[str]]:
    """Return word to words that must not be taken for it: "renal" for "hepatic", "toe" for "finger".

    They stand in its place in anchors of other documents, and never in one of the same. Other forms of a word are
    left out.
    """
    places = learn_word_contexts(pairs, []).contexts
    around = defaultdict[str, set[str]](set)
    for word, found in places.items():
        for where, _ in found:
            around[where].add(word)
    mates = {}
    for word, found in places.items():
        others = {
            other for where, _ in found for other in around[where] if not places[other] & found
        }
        if word.isalpha() and len(word) > 2:
            kept = [
                other
                for other in others
                if other.isalpha() and len(other) > 2 and not is_same_word(word, other, places)
            ]
            mates[word] = sorted(kept)
    return {word: found for word, found in mates.items() if found}


def _truncated(text: str, draw: random.Random) -> str | None:
    parts = text.split()
    kept = draw.randrange(max(1, len(parts) // 2), len(parts)) if len(parts) > 1 else 0
    short = parts[:kept] if draw.random() < 0.5 else parts[-kept:]
    gone = parts[kept:] if short == parts[:kept] else parts[:-kept]
    # Without an article nothing is lost.
    return (
        " ".join(short)
        if kept and any(set(words(part)) - CONNECTING_WORDS for part in gone)
        else None
    )


def _denied(text: str, draw: random.Random) -> str:
    if _DENIAL.search(text):
        return _DENIAL.sub("", text, count=1)
    verbs = list(_VERB.finditer(text))
    if verbs:
        verb = draw.choice(verbs)
        return text[: verb.end()] + " not" + text[verb.end() :]
    start = text[:1].lower() + text[1:]
    return draw.choice(
        [f"No {start}", f"Absence of {start}", f"Not {start}", f"Without {start}", f"Never {start}"]
    )


def _other_number(number: str, draw: random.Random) -> str:
    if number.isdigit():
        return str(int(number) + draw.choice([1, 2, 10]))
    row = next(row.split() for row in _NUMBERS if number.lower() in row.split())
    return draw.choice([other for other in row if other != number.lower()])
