"""Guess the encoding of a text file."""

from __future__ import annotations

import codecs
from pathlib import Path

from stages.collect.encodings import MOST_BYTES, guess_legacy_encoding

_BLOCK = 1 << 20


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

    return guess_legacy_encoding(_lines_outside_ascii(file))


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
            if size > MOST_BYTES:
                break
    return b"".join(lines)
