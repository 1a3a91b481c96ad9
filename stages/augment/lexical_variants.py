"""Variants of an anchor by rules: abbreviations, spelling, and keyboard noise."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

import pandas as pd

from stages.augment.critical_words import is_critical
from stages.lib.core.ids import hash_hex
from stages.lib.preprocessing.language import verbatim_spans
from stages.lib.preprocessing.word_lists import Abbreviations
from stages.lib.text.normal_form import normal_form

METHODS = ("abbreviations", "spelling", "keyboard", "back_translation")

# A function from a pair's id and its anchor to other anchors.
Augmenter = Callable[[str, str], list[str]]

# A typing error in a shorter word makes another word more often than not.
MIN_TYPO_LETTERS = 5
# Each letter of a keyboard, followed by the letters beside it.
_KEY_ROWS = """qwa wqes ewrd retf tryg ytuh uyij iuok oipl pol aqsz sawdx dsefc fdrgv gfthb hgyjn
jhukm kjil lkop zasx xzsdc cxdfv vcfgb bvghn nbhjm mnjk"""
NEIGHBOUR_KEYS = {keys[0]: keys[1:] for keys in _KEY_ROWS.split()}

_PLAIN_WORD = re.compile(r"(?<![^\s(])[A-Z]?[a-z]+(?![^\s.,;:!?)])")
_LETTERS = re.compile(r"[^\W\d_]+")


class Variant(NamedTuple):
    """A proposed training pair.

    Attributes:
        pair_id: its id. It depends on the parent, the method and the text.
        parent_id: the pair that it was made from.
        method: one of `METHODS`.
        anchor: the new anchor.
        doc_id: the document of the parent.
        first_id: the smallest id of the pairs that have the anchor of the parent.
    """

    pair_id: str
    parent_id: str
    method: str
    anchor: str
    doc_id: str
    first_id: str

    @property
    def group(self) -> tuple[str, str, str]:
        """The anchor, method and text: variants with the same are added together or not at all."""
        return self.first_id, self.method, self.anchor


class _Typo(NamedTuple):
    """A typing error: the position of a letter, and the wrong letter."""

    position: int
    key: str


def generate_variants(pairs: pd.DataFrame, augmenters: Mapping[str, Augmenter]) -> list[Variant]:
    """Return the variants of the anchors of `pairs`, each once, sorted by id.

    A variant of an anchor has all its documents: pairs whose anchors have one normal form give the
    same variants, each with the document of its own pair.

    Args:
        pairs: a Pairs table.
        augmenters: the function of each method.
    """
    # The pairs of each anchor, by id.
    pairs_of_anchor: dict[str, list[tuple[str, str, str]]] = {}
    columns = (pairs[name].tolist() for name in ("pair_id", "anchor", "doc_id"))
    for pair in sorted(zip(*columns, strict=True)):
        pairs_of_anchor.setdefault(normal_form(pair[1]), []).append(pair)

    # By id, so that equal variants of a pair come once.
    variant_of_id: dict[str, Variant] = {}
    for _, same_anchor in sorted(pairs_of_anchor.items()):
        # The pair with the smallest id stands for the anchor.
        first_id, anchor, _ = same_anchor[0]
        for method, augmenter in augmenters.items():
            for text in augmenter(first_id, anchor):
                for pair_id, _, doc_id in same_anchor:
                    variant_id = "p" + hash_hex(pair_id, method, text)
                    variant_of_id[variant_id] = Variant(
                        variant_id,
                        parent_id=pair_id,
                        method=method,
                        anchor=text,
                        doc_id=doc_id,
                        first_id=first_id,
                    )

    return [variant_of_id[variant_id] for variant_id in sorted(variant_of_id)]


def swap_abbreviations(text: str, abbreviations: Abbreviations) -> list[str]:
    """Return `text` with all long forms and with all short forms, if they differ from it.

    "Electrocardiogram (ECG)", as the stage `clean` writes it, is one mention and becomes either
    form. Short forms match in exact case, long ones in any case. Ambiguous forms never match.
    """
    if not abbreviations.known:
        return []

    # A long form with several short forms becomes the first one.
    mention = _mention_pattern(abbreviations)
    short_of_long: dict[str, str] = {}
    for short, long in abbreviations.known.items():
        short_of_long.setdefault(long.casefold(), short)

    def is_contradicted(match: re.Match[str]) -> bool:
        # "electrocardiogram (EEG)" is an error or says something else. It is left as it is.
        own_short = match["own"]
        if not own_short:
            return False
        return abbreviations.known[own_short].casefold() != match["long"].casefold()

    def long_form(match: re.Match[str]) -> str:
        if is_contradicted(match):
            return match[0]
        return match["long"] or abbreviations.known[match["short"]]

    def short_form(match: re.Match[str]) -> str:
        if is_contradicted(match):
            return match[0]
        return match["short"] or match["own"] or short_of_long[match["long"].casefold()]

    return _different(text, (mention.sub(long_form, text), mention.sub(short_form, text)))


def swap_spelling(text: str, british: Mapping[str, str]) -> list[str]:
    """Return `text` in British and in American spelling, if they differ from it. Case is kept.

    >>> swap_spelling("Brain tumor", {"tumor": "tumour"})
    ['Brain tumour']
    """
    american = {uk_word: us_word for us_word, uk_word in british.items()}
    return _different(text, (_respell(text, british), _respell(text, american)))


def mistype(text: str, seed: str, known_words: Collection[str]) -> list[str]:
    """Return `text` with one typing error, chosen by `seed`; nothing where no word may have one.

    Only plain words of five letters or more are mistyped, behind their first letter: no number,
    side, negation, abbreviation, code, or name with a hyphen. No error makes one of `known_words`
    (in lower case).
    """
    typos = list(_possible_typos(text, known_words))
    if not typos:
        return []

    # The one with the smallest hash, whatever the order of the list.
    typo = min(
        typos,
        key=lambda typo: hash_hex("augment.keyboard", seed, str(typo.position), typo.key),
    )

    return [text[: typo.position] + typo.key + text[typo.position + 1 :]]


def _possible_typos(text: str, known_words: Collection[str]) -> Iterator[_Typo]:
    verbatim = verbatim_spans(text)
    for match in _PLAIN_WORD.finditer(text):
        word = match[0]
        is_verbatim = any(start < match.end() and match.start() < end for start, end in verbatim)
        if len(word) < MIN_TYPO_LETTERS or is_critical(word.lower()) or is_verbatim:
            continue

        for index in range(1, len(word)):
            for key in NEIGHBOUR_KEYS[word[index]]:
                mistyped = word[:index] + key + word[index + 1 :]
                if mistyped.lower() not in known_words:
                    yield _Typo(match.start() + index, key)


def _mention_pattern(abbreviations: Abbreviations) -> re.Pattern[str]:
    """Return a pattern of a long form, with a short form in brackets or not, or a short form."""
    ambiguous_longs: set[str] = set()
    for longs in abbreviations.ambiguous.values():
        ambiguous_longs.update(long.casefold() for long in longs)

    any_short = _any_of(abbreviations.known)
    any_long = _any_of(
        {long for long in abbreviations.known.values() if long.casefold() not in ambiguous_longs}
    )

    # A hyphen or slash makes a short form part of a larger word ("G-CSF"). A long form may be
    # followed by one.
    long_mention = rf"(?P<long>(?i:{any_long}))(?:\s\((?P<own>{any_short})\))?(?!\w)"
    short_mention = rf"(?P<short>{any_short})(?![\w/'\u2019-])"

    return re.compile(rf"(?<![\w/-])(?:{long_mention}|{short_mention})")


def _any_of(forms: Iterable[str]) -> str:
    """Return a pattern of any of `forms`; a pattern that never matches if there are none."""
    # The longest first: "HDL-C" before "HDL".
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    return "|".join(re.escape(form) for form in longest_first) or r"(?!)"


def _respell(text: str, spelling: Mapping[str, str]) -> str:
    """Return `text` with the words of `spelling` replaced, in the same case."""

    def respelled(match: re.Match[str]) -> str:
        word = match[0]
        other = spelling.get(word.lower())
        if other is None:
            return word

        # A case that is none of these cannot be repeated.
        for change_case in (str.lower, str.capitalize, str.upper):
            if word == change_case(word):
                return change_case(other)

        return word

    return _LETTERS.sub(respelled, text)


def _different(text: str, variants: Iterable[str]) -> list[str]:
    return sorted({variant for variant in variants if variant != text})
