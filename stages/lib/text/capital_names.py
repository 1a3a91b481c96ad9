"""Lower case for texts, except where capitals make a name of an ordinary word.

"The IT team" is not "the it team", "vitamin A" is not "vitamin a", and 5 mM is not 5 mm.
"""

from __future__ import annotations

import re

# Words that carry little meaning by themselves, in the languages that mix most with English.
_EMPTY_WORDS = (
    "a an the this that these those which who is are was were be been being am has have had "
    "do does did of and to in with for it its there also please he she we me us him her my no "
    "so up as at by if on or can may all co "
    "de la le les des du et en el los las der die das ist une il lo al si se sie und het est sur"
)

# Words that are well known as acronyms too.
_ACRONYMS = (
    "ace act aids aim arm art bad cap care cat charge crest dash dish ear fast fish gist help "
    "jam kiss lad lap leopard mad map men mint nice pas pet pin ram rap rest ride rom sad safe "
    "sim sip smart soap spot star step tip tips trap vast zip"
)

# Words in capitals that are a name: the World Health Organization, not the pronoun.
CAPITAL_NAMES = frozenset(f"{_EMPTY_WORDS} {_ACRONYMS}".upper().split())

# Words of one letter that begin sentences with a capital, in Latin, Cyrillic and Greek.
_ONE_LETTER_WORDS = "AEOYÀÈÉÓ\u0410\u0412И\u041a\u041e\u0421\u0423Я\u0406\u0417\u039f\u0397"

# A word of one letter at the start of a sentence. The start of the text comes later, since
# punctuation may stand before it.
_SENTENCE_START = re.compile(
    rf"((?:[.!?…][\"'”\u2019»]*+\s|(?<!\s)[^\S\n]*+\n)\s*+[\"'“\u2018«]*+)([{_ONE_LETTER_WORDS}])(?![\w'\u2019])"
)

# Units of which capitals are a part, behind a number: millimolar and millimetre.
_UNIT_NAMES = "m mm mg mw mhz pa ma mv mj ms nm kb mb gb tb kbps mbps gbps"
_UNITS = frozenset(_UNIT_NAMES.split())

# Of these the writing in capitals alone is careless, and means the usual unit.
_CARELESS_NAMES = "MM MG MHZ KB MB GB TB KBPS MBPS GBPS"
_CARELESS_UNITS = frozenset(_CARELESS_NAMES.split())
_UNIT = re.compile(r"(?<=[0-9])\s?([A-Za-z]{1,4})(?![^\W_])")

# Words that may be a name. The ASCII pattern also matches the ends of longer words.
_CAPITAL_ENDS = re.compile(r"(?<![A-Z])[A-Z]++(?![A-Za-z0-9])")
_WORD = re.compile(r"[^\W_]+")

# These have a lower case but are symbols or numbers, not letters.
_CASED_SYMBOLS = re.compile("([\u2160-\u216f\u24b6-\u24cf]+)")


def lower_sentence_starts(text: str) -> str:
    """Return `text` with words of one letter in lower case behind the end of a sentence.

    >>> lower_sentence_starts("Take vitamin A. A doctor may help.")
    'Take vitamin A. a doctor may help.'
    """
    return _SENTENCE_START.sub(lambda match: match[1] + match[2].lower(), text)


def is_in_capitals(text: str) -> bool:
    """Return whether all of `text` is in capitals, so that they name nothing.

    A text of names alone, such as "WHO", is no such text.

    >>> [is_in_capitals(text) for text in ("RESET IT", "WHO", "Reset IT")]
    [True, False, False]
    """
    return text.isupper() and any(
        len(word) > 1 and word.isalpha() and word not in CAPITAL_NAMES
        for word in _WORD.findall(text)
    )


def lower_case(text: str) -> str:
    """Return `text` in lower case, but for capitals that make a name or a unit.

    Sharp s stays a letter of its own, and the two small sigmas are one letter.

    >>> lower_case("How can the IT team RESET it")
    'how can the IT team reset it'
    >>> lower_case("A dose of 5 mM vitamin A")
    'a dose of 5 mM vitamin A'
    """
    # Most texts have few capitals, and those begin a word.
    pattern = _CAPITAL_ENDS if text.isascii() else _WORD
    kept = [match.span() for match in pattern.finditer(text) if _is_name(text, *match.span())]
    kept += [match.span(1) for match in _UNIT.finditer(text) if _is_unit(match[1])]

    # Lower all that lies between.
    pieces: list[str] = []
    position = 0
    for start, end in sorted(kept):
        pieces += [_lower(text[position:start]), text[start:end]]
        position = max(position, end)
    pieces.append(_lower(text[position:]))
    return "".join(pieces)


def before(text: str, position: int) -> str:
    """Return the character before `position`, or nothing at the start.

    >>> before("ab", 1) + before("ab", 0)
    'a'
    """
    return text[position - 1] if position > 0 else ""


def _is_name(text: str, start: int, end: int) -> bool:
    """Return whether the word at `start` to `end` keeps its capitals."""
    word = text[start:end]
    preceding = before(text, start)
    after = text[end : end + 2]
    if not word.isupper() or preceding.isalnum():
        return False
    if len(word) > 1:
        return word in CAPITAL_NAMES

    # The English pronoun, and parts of names such as O'Brien and C++, are always in capitals.
    is_part = preceding in ("'", "\u2019") or (after[:1] in ("'", "\u2019") and after[1:].isalpha())
    if word == "I" or is_part or after[:1] in ("+", "#"):
        return False

    # The first word has a capital anyway.
    is_first = _WORD.search(text).start() == start  # type: ignore[union-attr]
    is_followed = after[:1] == " " and after[1:].isalpha()
    return not (is_first and is_followed and word in _ONE_LETTER_WORDS)


def _is_unit(word: str) -> bool:
    is_careless = word in _CARELESS_UNITS
    return word.lower() in _UNITS and not word.islower() and not is_careless


def _lower(text: str) -> str:
    if text.isascii():
        return text.lower()

    # The odd pieces are symbols.
    pieces = _CASED_SYMBOLS.split(text)
    pieces[::2] = [piece.lower().replace("ς", "\u03c3") for piece in pieces[::2]]
    return "".join(pieces)
