"""Guess the encoding of a text file."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

# So many bytes with characters outside ASCII are enough for a guess.
_MOST_BYTES = 200_000
_BLOCK = 1 << 20

# What Western European languages write outside ASCII, and the typographic signs of Windows.
_WESTERN_LETTERS = frozenset("äöüßÄÖÜàâæçéèêëîïíìôœùûúÿñáóòåøãÀÂÆÇÉÈÊËÎÏÍÌÔŒÙÛÚŸÑÁÓÒÅØÃ")
_WESTERN_SIGNS = frozenset(
    "\u201e\u201c\u201d\u2018\u2019\u201a\u2013\u2014\u2026\u2022\u20ac£§°«»¿¡ªº²½¼¾®©\u2122±·\u00b4¨\xa0"
)
# Portuguese writes õ before e alone. Elsewhere it is often the letter of another code page.
_PORTUGUESE = re.compile("[õÕ][eE]")
# Above this share of letters outside ASCII the language is hardly a Western one.
_MOST_WESTERN = 0.25


def guess_encoding(file: Path) -> str:
    """Return the name of the encoding that the text of `file` most likely has.

    A byte order mark decides first, then whether all of the file is UTF-8. Western European text
    is cp1252, which charset-normalizer takes for a neighbour of it where a text is short. It
    decides about all others.
    """
    with file.open("rb") as stream:
        head = stream.read(4)
    for mark, name in ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32")):
        if head.startswith(mark):
            return name
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if _is_utf8(file):
        return "utf-8"

    sample = _lines_outside_ascii(file)
    if _is_western(sample):
        return "cp1252"
    return _best_of_all(sample)


def _is_utf8(file: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _lines_outside_ascii(file: Path) -> bytes:
    """Return the first lines that hold a byte outside ASCII: the others say nothing."""
    lines: list[bytes] = []
    size = 0
    with file.open("rb") as stream:
        for line in stream:
            if not line.isascii():
                lines.append(line)
                size += len(line)
            if size > _MOST_BYTES:
                break
    return b"".join(lines)


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
    return not foreign and portuguese == tildes and len(outside) <= _MOST_WESTERN * len(letters)


def _best_of_all(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    # Every byte is a character of latin-1. A wrong guess is shown before anything is written.
    return best.encoding.replace("_", "-") if best is not None else "latin-1"
