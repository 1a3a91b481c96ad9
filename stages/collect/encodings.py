"""Guess the encoding of bytes that hold text."""

from __future__ import annotations

import re

# So many bytes with characters outside ASCII are enough for a guess.
MOST_BYTES = 200_000

# What Western European languages write outside ASCII, and the typographic signs of Windows.
_WESTERN_LETTERS = frozenset("äöüßÄÖÜàâæçéèêëîïíìôœùûúÿñáóòåøãÀÂÆÇÉÈÊËÎÏÍÌÔŒÙÛÚŸÑÁÓÒÅØÃ")
_WESTERN_SIGNS = frozenset(
    "\u201e\u201c\u201d\u2018\u2019\u201a\u2013\u2014\u2026\u2022\u20ac£§°«»¿¡ªº²½¼¾®©\u2122±·\u00b4¨\xa0"
)
# Portuguese writes õ before e alone. Elsewhere it is often the letter of another code page.
_PORTUGUESE = re.compile("[õÕ][eE]")
# Above this share of letters outside ASCII the language is hardly a Western one.
_MOST_WESTERN = 0.25
_FEW_LETTERS = 3
# Encodings of two and four bytes are recognised by other signs.
_WIDE = ["utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le"]


def guess_legacy_encoding(sample: bytes) -> str:
    """Return the name of the encoding of `sample`, which holds bytes outside ASCII and is no UTF-8.

    Western European text is cp1252, which charset-normalizer takes for a neighbour of it where a
    text is short. It decides about all others.
    """
    return "cp1252" if _is_western(sample) else _best_of_all(sample)


def _is_western(sample: bytes) -> bool:
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False

    letters = [character for character in text if character.isalpha()]
    others = [character for character in text if not character.isascii()]
    # Each õ before an e is Portuguese; any other one is not Western.
    portuguese = len(_PORTUGUESE.findall(text))
    tildes = text.count("õ") + text.count("Õ")
    foreign = [
        character
        for character in others
        if character not in _WESTERN_LETTERS | _WESTERN_SIGNS | {"õ", "Õ"}
    ]
    outside = [letter for letter in letters if not letter.isascii()]
    most = max(_FEW_LETTERS, _MOST_WESTERN * len(letters))
    return not foreign and portuguese == tildes and len(outside) <= most


def _best_of_all(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_exclusion=_WIDE).best()
    # Every byte is a character of latin-1. A wrong guess is shown before anything is written.
    return best.encoding.replace("_", "-") if best is not None else "latin-1"
