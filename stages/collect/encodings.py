"""Guess the encoding of bytes that hold text, from nothing but the bytes."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterable

# So many bytes with characters outside ASCII are enough for a guess.
_MOST_BYTES = 200_000

# What Western European languages write outside ASCII, and the typographic signs of Windows.
_WESTERN_LETTERS = frozenset("äöüßÄÖÜàâæçéèêëîïíìôœùûúÿñáóòåøãÀÂÆÇÉÈÊËÎÏÍÌÔŒÙÛÚŸÑÁÓÒÅØÃ")
_WESTERN_SIGNS = frozenset(
    "\u201e\u201c\u201d\u2018\u2019\u201a\u2013\u2014\u2026\u2022\u20ac£§°«»¿¡ªº²½¼¾®©\u2122±·\u00b4¨\xa0"
)
# Portuguese writes õ before e alone. Elsewhere it is often the letter of another code page.
_PORTUGUESE = re.compile("[õÕ][eE]")
_WORD = re.compile(r"[^\W\d_]+")
# Western words hold letters of ASCII too. Words of other scripts, read as cp1252, hold none.
_MOST_FOREIGN_WORDS = 0.25
# A long text may hold a few signs that its language does not use, such as a raised 1.
_MOST_STRAYS = 0.01
# Encodings of two and four bytes are recognised by other signs.
_WIDE = ["utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le"]

# What stands between words, fields and rows.
_SEPARATORS = b"\r\n\t ,;|"
_CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1f]")
# Above this share of control characters a text is of another encoding.
_MOST_CONTROL = 0.1


def guess_legacy_encoding(sample: bytes) -> str:
    """Return the name of the encoding of `sample`, which holds bytes outside ASCII and is no UTF-8.

    Western European text is cp1252, which charset-normalizer takes for a neighbour of it where a
    text is short. It decides about all others.
    """
    return "cp1252" if _is_western(sample) else _best_of_all(sample)


def lines_outside_ascii(lines: Iterable[bytes]) -> bytes:
    r"""Return the first lines that hold a byte outside ASCII: the others say nothing.

    >>> lines_outside_ascii([b"plain\n", b"Gr\xfc\xdfe\n"])
    b'Gr\xfc\xdfe\n'
    """
    chosen: list[bytes] = []
    size = 0
    for line in lines:
        if not line.isascii():
            chosen.append(line)
            size += len(line)
        if size > _MOST_BYTES:
            break
    return b"".join(chosen)


def unmarked_utf16(beginning: bytes) -> str:
    """Return the UTF-16 of bytes without a byte order mark; "" if they are none.

    As UTF-8 they hold many control characters, or are none. Separators, such as line ends, have a
    zero byte on the side of the high byte.
    """
    if not beginning.count(0) or _is_plain_utf8(beginning):
        return ""

    even = beginning[: len(beginning) // 2 * 2]
    pairs = Counter(zip(even[::2], even[1::2], strict=True))
    little = sum(pairs[separator, 0] for separator in _SEPARATORS)
    big = sum(pairs[0, separator] for separator in _SEPARATORS)
    if little > 3 * big:
        return "utf-16-le"
    return "utf-16-be" if big > 3 * little else ""


def _is_western(sample: bytes) -> bool:
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False

    signs = _WESTERN_LETTERS | _WESTERN_SIGNS | {"õ", "Õ"}
    outside = [character for character in text if not character.isascii()]
    strays = [character for character in outside if character not in signs]
    if len(strays) > _MOST_STRAYS * len(outside):
        return False

    # Each õ before an e is Portuguese; any other one is not Western.
    if len(_PORTUGUESE.findall(text)) < text.count("õ") + text.count("Õ"):
        return False

    marked = [word for word in _WORD.findall(text) if not word.isascii()]
    foreign = [word for word in marked if len(word) > 1 and not re.search("[A-Za-z]", word)]
    return len(foreign) <= _MOST_FOREIGN_WORDS * len(marked)


def _best_of_all(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_exclusion=_WIDE).best()
    # Every byte is a character of latin-1. A wrong guess is shown before anything is written.
    return best.encoding.replace("_", "-") if best is not None else "latin-1"


def _is_plain_utf8(beginning: bytes) -> bool:
    # The last character may be cut.
    try:
        codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError:
        return False

    control_count = len(_CONTROL_BYTES.findall(beginning))
    return control_count <= _MOST_CONTROL * len(beginning)
