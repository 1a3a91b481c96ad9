"""Guess the encoding of a text file."""

from __future__ import annotations

import codecs
from functools import lru_cache
from pathlib import Path

from stages.collect.encodings import (
    guess_legacy_encoding,
    lines_outside_ascii,
    unmarked_utf16,
)
from stages.collect.raw_files import RawFile, open_bytes

_BLOCK = 1 << 20


def guess_encoding(path: Path) -> str:
    """Return the name of the encoding that the text of a file most likely has, unpacked.

    A byte order mark decides first, then signs of UTF-16, then whether all of the file is
    UTF-8. Western European text is cp1252, which charset-normalizer takes for a neighbour of it
    where a text is short. It decides about all others. A large file is read once for all that ask.
    """
    status = path.stat()
    return _guess(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1024)
def _guess(path: Path, size: int, changed: int) -> str:
    """Return the encoding of a file that has this size and was changed at this time."""
    file = RawFile(path, str(path))
    with open_bytes(file) as (stream, _):
        beginning = stream.read(_BLOCK)
    head = beginning[:4]
    for mark, name in ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32")):
        if head.startswith(mark):
            return name
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if unmarked := unmarked_utf16(beginning):
        return unmarked
    if _is_utf8(file):
        return "utf-8"

    with open_bytes(file) as (stream, _):
        sample = lines_outside_ascii(stream)
    return guess_legacy_encoding(sample)


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
