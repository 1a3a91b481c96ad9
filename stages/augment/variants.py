"""Variants of an anchor by word lists, abbreviations swapped and American and British spelling; and all as pairs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from stages.lib.glossary import Abbreviations
from stages.lib.text import hash_hex

METHODS = ("abbreviations", "spelling", "keyboard", "back_translation")
Maker = Callable[[str, str], list[str]]  # from a pair's id and its anchor to other anchors


class Variant(NamedTuple):
    """A proposed training pair and the pair that it was made from."""

    pair_id: str
    parent_id: str
    method: str
    anchor: str
    doc_id: str


def swap_abbreviations(text: str, abbreviations: Abbreviations) -> list[str]:
    """Return `text` with all long forms and with all short forms, as far as they differ from it.

    "Electrocardiogram (ECG)", as `clean` writes it, counts as one mention and becomes either of its halves.
    Short forms match in exact case, long ones in any; ambiguous ones not at all.
    """
    mentions = _mentions(abbreviations)
    if mentions is None:
        return []
    shorts: dict[str, str] = {}
    for short, long in abbreviations.known.items():
        shorts.setdefault(long.casefold(), short)

    def is_other(match: re.Match[str]) -> bool:
        # "electrocardiogram (EEG)" is a slip or says something else; neither is for us to spread.
        return (
            bool(match["own"])
            and abbreviations.known[match["own"]].casefold() != match["long"].casefold()
        )

    def long_of(match: re.Match[str]) -> str:
        return match[0] if is_other(match) else match["long"] or abbreviations.known[match["short"]]

    def short_of(match: re.Match[str]) -> str:
        return (
            match[0]
            if is_other(match)
            else match["short"] or match["own"] or shorts[match["long"].casefold()]
        )

    return _others(text, (mentions.sub(long_of, text), mentions.sub(short_of, text)))


def swap_spelling(text: str, british: Mapping[str, str]) -> list[str]:
    """Return `text` in British and in American spelling, as far as they differ from it; case is kept."""
    american = {uk: us for us, uk in british.items()}
    return _others(text, (_spelled(text, british), _spelled(text, american)))


def propose(pairs: pd.DataFrame, makers: Mapping[str, Maker]) -> list[Variant]:
    """Return every variant of the anchors of `pairs` that the `makers`, by method, make; each once, sorted by id."""
    variants: dict[str, Variant] = {}
    for pair_id, anchor, doc_id in zip(
        pairs["pair_id"], pairs["anchor"], pairs["doc_id"], strict=True
    ):
        for method, make in makers.items():
            for text in make(pair_id, anchor):
                identity = "p" + hash_hex(pair_id, method, text)
                variants[identity] = Variant(identity, pair_id, method, text, doc_id)
    return [variants[identity] for identity in sorted(variants)]


def _mentions(abbreviations: Abbreviations) -> re.Pattern[str] | None:
    if not abbreviations.known:
        return None
    ambiguous = {long.casefold() for longs in abbreviations.ambiguous.values() for long in longs}
    shorts = _any_of(abbreviations.known)
    longs = _any_of(
        {long for long in abbreviations.known.values() if long.casefold() not in ambiguous}
    )
    # A hyphen or slash makes a short form part of a larger word ("G-CSF"); long forms may be followed by one.
    return re.compile(
        rf"(?<![\w/-])(?:(?P<long>(?i:{longs}))(?:\s\((?P<own>{shorts})\))?(?!\w)|(?P<short>{shorts})(?![\w/'\u2019-]))"
    )


def _any_of(forms: Iterable[str]) -> str:
    # The longest first: "HDL-C" before "HDL". Nothing at all never matches.
    return (
        "|".join(re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form)))
        or r"(?!)"
    )


def _spelled(text: str, spelling: Mapping[str, str]) -> str:
    def respelled(match: re.Match[str]) -> str:
        word = match[0]
        other = spelling.get(word.lower())
        if other is None:
            return word
        for case in (str.lower, str.capitalize, str.upper):
            if word == case(word):
                return case(other)
        return word

    return re.sub(r"[^\W\d_]+", respelled, text)


def _others(text: str, variants: Iterable[str]) -> list[str]:
    return sorted({variant for variant in variants if variant != text})
