"""Guess the encoding of a text file."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from pathlib import Path

from stages.collect.encodings import MOST_BYTES, guess_legacy_encoding
from stages.collect.raw_files import RawFile, open_bytes

_BLOCK = 1 << 20
# What stands between words, fields and rows.
_SEPARATORS = b"\r\n\t ,;|"
_CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1f]")
# Above this share of control characters a text is of another encoding.
_MOST_CONTROL = 0.1


def guess_encoding(path: Path) -> str:
    """Return the name of the encoding that the text of a file most likely has, unpacked.

    A byte order mark decides first, then signs of UTF-16, then whether all of the file is
    UTF-8. Western European text is cp1252, which charset-normalizer takes for a neighbour of it
    where a text is short. It decides about all others.
    """
    file = RawFile(path, str(path))
    with open_bytes(file) as (stream, _):
        beginning = stream.read(_BLOCK)
    head = beginning[:4]
    for mark, name in ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32")):
        if head.startswith(mark):
            return name
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if unmarked := _unmarked_utf16(beginning):
        return unmarked
    if _is_utf8(file):
        return "utf-8"

    return guess_legacy_encoding(_lines_outside_ascii(file))


def _unmarked_utf16(beginning: bytes) -> str:
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


def _is_plain_utf8(beginning: bytes) -> bool:
    # The last character may be cut.
    try:
        codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError:
        return False

    control_count = len(_CONTROL_BYTES.findall(beginning))
    return control_count <= _MOST_CONTROL * len(beginning)


def _is_utf8(file: RawFile) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with open_bytes(file) as (stream, _):
            while block := stream.read(_BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _lines_outside_ascii(file: RawFile) -> bytes:
    """Return the first lines that hold a byte outside ASCII: the others say nothing."""
    lines: list[bytes] = []
    size = 0
    with open_bytes(file) as (stream, _):
        for line in stream:
            if not line.isascii():
                lines.append(line)
                size += len(line)
            if size > MOST_BYTES:
                break
    return b"".join(lines)
