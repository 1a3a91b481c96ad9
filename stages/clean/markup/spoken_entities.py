"""Entities that a text speaks of: "what is &shy; for?"; "Fish &amp; chips" is escaped text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from html import unescape

from stages.clean.markup.speaking_words import (
    MOST_SPOKEN,
    QUESTION,
    SPEAKING_AFTER,
    SPEAKING_BEFORE,
    UNSPACED_NOUN,
    is_question,
    is_quoted,
    is_spoken_of,
    is_unspaced,
    joins_list,
    line_around,
    names_markup,
    stands_alone,
    word_after,
    word_before,
)

_VERBS_BEFORE_LIST = (
    "use using insert add put remove replace type write does escape render between contains "
    "contain print prints printed shows show seeing saw stray literal"
)
_VERBS_BEFORE = frozenset(_VERBS_BEFORE_LIST.split())
_VERBS_AFTER_LIST = "mean means stand stands does vs versus instead appear appears shows hides"
_VERBS_AFTER = frozenset(_VERBS_AFTER_LIST.split())
# Words that compare one entity with the next.
_COMPARED = re.compile(
    r" (?:or|vs\.?|versus|and not|instead of|rather than|oder|statt|und nicht|ou|au lieu de|"
    r"o|en vez de|\u0438\u043b\u0438|\u0432\u043c\u0435\u0441\u0442\u043e) ",
    re.IGNORECASE,
)
# "Find &amp; show": the sign joins two verbs.
_JOINED_VERBS = frozenset(["show", "work", "need", "break", "close", "stand", "appear", "do"])
_JOINING_WORDS = frozenset(["and", "or", "to", "with", "by", "as", "into", "in"])
_HELPING_VERBS = frozenset(["does", "do", "did", "can", "could", "should", "will", "would"])
# Letters of Latin script that are words of some language: "O que \u00e9?", "\u00e0 la gare".
_LETTER_WORDS = frozenset(
    "\u00e0\u00e1\u00e2\u00e5\u00e6\u00e8\u00e9\u00ea\u00ec\u00ed\u00f2\u00f3\u00f4\u00f6\u00f8\u00f9\u00fa\u00fd\u00ff"
)
_LATIN_LETTER = re.compile("[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f]")
# Machines that show entities instead of characters.
_MACHINE = re.compile(
    r"\b(?:html|xhtml|xml|css|php|javascript|python|java|json|rss|csv|urls?|browsers?|feeds?|parsers?|"
    r"strings?|escap\w+|unescap\w+|(?:de|en)cod\w+|render\w*|display\w*|entit\w+|literal\w*|"
    r"markdown|fonts?|outputs?|prints?|printed|navegador|navigateur|zeichen\w*)\b",
    re.IGNORECASE,
)
_PUNCTUATION = ("Pe", "Pf", "Pi", "Pd", "Ps")
_NUMBER_BEFORE = re.compile(r"[0-9]\s{0,3}$")
_SENTENCE_SIGN = re.compile(r"[\"')\s]*[.,;:?!\u061f\uff1f\u3002]")


def spoken_entities(
    text: str,
    entities: Sequence[tuple[int, int]],
    is_fragment: bool,
) -> list[tuple[int, int]]:
    """Return the spans of entities that `text` speaks of; `is_fragment` if it has other markup."""
    if not entities or len(entities) > MOST_SPOKEN:
        return []

    spoken: list[tuple[int, int]] = []
    following = [*entities[1:], (len(text), len(text))]
    for (start, end), (next_start, _) in zip(entities, following, strict=True):
        if not stands_alone(text, start, end):
            continue

        # "Why &lsquo; and not &apos;?"
        is_compared = bool(_COMPARED.fullmatch(text[end:next_start])) and next_start < len(text)
        if is_compared and not is_fragment and is_question(line_around(text, start, end)):
            spoken.append((start, end))
            continue

        is_called = names_markup(text, start, end) and is_spoken_of(text, start, end)
        is_next = bool(spoken) and joins_list(text[spoken[-1][1] : start])
        if is_called or is_next or (not is_fragment and _is_spoken_entity(text, start, end)):
            spoken.append((start, end))

    return spoken


def _is_spoken_entity(text: str, start: int, end: int) -> bool:
    """Return True if the words around an entity speak of it."""
    if is_quoted(text, start, end):
        return True
    if is_unspaced(text, start, end) and names_markup(text, start, end):
        return True

    before = word_before(text, start)
    after = word_after(text, end)
    speaks_before = before in SPEAKING_BEFORE
    speaks_after = after in SPEAKING_AFTER
    asks = bool(QUESTION.match(text[end:])) or bool(UNSPACED_NOUN.search(text))
    # Of a control character nothing is left. It is looked at as &#0; is.
    character = unescape(text[start:end]) or "\ufffd"
    if character == "&" and after in _JOINED_VERBS and before not in _HELPING_VERBS:
        return False

    # White space that nobody sees is left over in many texts, but not behind such words.
    category = unicodedata.category(character[0])
    if category in ("Zs", "Cf"):
        is_firm = before in _VERBS_BEFORE or after in _VERBS_AFTER
        return is_firm or asks or ((speaks_before or speaks_after) and is_question(text))

    # Quotation marks and dashes stand in pairs where they are text.
    if category in _PUNCTUATION:
        is_firm = before in _VERBS_BEFORE and speaks_after
        return (is_firm or (asks and speaks_before)) and _count_punctuation(text) == 1

    # A visible one is more often text: "Fish &amp; chips", "p is &lt; 0.05".
    is_last = not after or bool(_SENTENCE_SIGN.match(text[end:]))
    is_spoken = (
        (asks and character in "&<>")
        or ((speaks_before or _begins_sentence(text, start, end=end)) and speaks_after)
        or (speaks_before and is_last and not _NUMBER_BEFORE.search(text[:start]))
    )
    line = line_around(text, start, end)
    if not is_spoken:
        speaks = speaks_before or speaks_after
        return character not in "&<>" and _is_shown_by_machine(line, character, speaks=speaks)

    # Formulas are full of letters and signs that stand alone: "of &alpha; and &beta;".
    is_firm = before in _VERBS_BEFORE or bool(_MACHINE.search(line)) or is_question(line)
    return is_firm or not _is_symbol(character)


def _begins_sentence(text: str, start: int, end: int) -> bool:
    """Return True if an entity is the first word of a sentence, and no bullet before one."""
    if text[:start].strip() or not text[end:].lstrip()[:1].islower():
        return False

    return word_after(text, end) not in _JOINING_WORDS or is_question(text)


def _is_symbol(character: str) -> bool:
    """Return True for Greek letters and signs of mathematics."""
    is_greek = "\u0370" <= character[0] <= "\u03ff"
    return is_greek or (character not in "&<>" and unicodedata.category(character[0]) == "Sm")


def _is_shown_by_machine(line: str, character: str, speaks: bool) -> bool:
    """Return True for an entity instead of its character, where a text speaks of characters.

    `speaks` says whether a word beside it does.
    """
    asks = is_question(line)
    if character in line and (asks or speaks):
        return True

    # A letter that is no word of any language stands for itself.
    is_latin = bool(_LATIN_LETTER.fullmatch(character))
    if is_latin and character.lower() not in _LETTER_WORDS:
        return asks or speaks or bool(_MACHINE.search(line))

    return is_latin and speaks and bool(_MACHINE.search(line))


def _count_punctuation(text: str) -> int:
    """Return the number of dashes and quotation marks, written as entities or not."""
    return sum(unicodedata.category(character) in _PUNCTUATION for character in unescape(text))
