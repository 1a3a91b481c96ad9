"""The text of bytes: by mark, by declaration, as UTF-8, and else by a guess.

The order follows the HTML standard, with one exception: bytes outside ASCII that are valid UTF-8
are UTF-8, whatever a page declares. Pages that were saved anew often keep an old declaration.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from stages.collect.encodings import (
    guess_legacy_encoding,
    lines_outside_ascii,
    unmarked_utf16,
)

# What browsers read for declared names (https://encoding.spec.whatwg.org/#names-and-labels).
_BROWSER_NAMES = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
# These names of Python are no encodings of files, or no page may declare them.
_NO_FILE_ENCODINGS = frozenset(
    ["utf-7", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs"]
)
_DECLARED = re.compile(
    rb"""<\?xml[^<>]{0,200}?encoding\s*=\s*["']?\s*([\w.:-]+)"""
    rb"""|<meta[^<>]{0,500}?charset\s*=\s*["']?\s*([\w.:-]+)""",
    re.IGNORECASE,
)
_HEAD_BYTES = 4096
_BLOCK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# An encoding that all but so small a share of the characters outside ASCII fit is the right one.
_MOST_DAMAGED = 0.05


class DecodedText(NamedTuple):
    """A text, and how its bytes were read.

    Attributes:
        text: the text, without its byte order mark.
        encoding: the name of the encoding.
        is_guessed: whether nothing but the bytes spoke for the encoding.
        damaged: the number of characters that could not be read; U+FFFD stands for each.
    """

    text: str
    encoding: str
    is_guessed: bool = False
    damaged: int = 0


def decode(data: bytes, *, encoding: str | None = None, may_declare: bool = False) -> DecodedText:
    r"""Return the text of `data`.

    Args:
        data: the bytes of a file.
        encoding: the encoding of the settings, for files without a byte order mark.
        may_declare: whether the text may declare its encoding, as HTML does.

    >>> decode("Grüße".encode("cp1252"))
    DecodedText(text='Grüße', encoding='cp1252', is_guessed=True, damaged=0)
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], name)
    if encoding is not None:
        return _decoded(data, encoding)

    # A declaration says what ASCII bytes mean too: ISO-2022-JP holds no others.
    declared = _declared_encoding(data) if may_declare else ""
    if declared and data.isascii():
        return _decoded(data, declared)
    if wide := unmarked_utf16(data[:_BLOCK]):
        return _decoded(data, wide)._replace(is_guessed=True)

    utf8 = _decoded(data, "utf-8")
    if not utf8.damaged:
        return utf8
    if declared:
        text = _decoded(data, declared)
        if text.damaged <= _MOST_DAMAGED * _count_outside_ascii(text.text):
            return text

    # A few broken bytes make no other encoding of a text that is UTF-8 elsewhere.
    if utf8.damaged <= _MOST_DAMAGED * _count_outside_ascii(utf8.text):
        return utf8
    sample = lines_outside_ascii(data.splitlines(keepends=True))
    guessed = guess_legacy_encoding(sample)
    return _decoded(data, guessed)._replace(is_guessed=True)


def encoding_name(name: str) -> str:
    """Return the name of Python for the encoding of files that is called `name`; "" for none.

    >>> encoding_name("ISO-8859-1"), encoding_name("rot13"), encoding_name("x-sjis")
    ('cp1252', '', 'cp932')
    """
    try:
        # Names that browsers know beside those of Python.
        plain = re.sub(r"^x-(?=sjis|gbk|big5|euc)", "", name.strip().lower())
        codec = codecs.lookup(plain.replace("ks_c_5601-1987", "euc_kr"))
        "".encode(codec.name)
    except (LookupError, UnicodeError, ValueError):
        return ""

    if codec.name.replace("_", "-") in _NO_FILE_ENCODINGS:
        return ""
    return _BROWSER_NAMES.get(codec.name, codec.name)


def _declared_encoding(data: bytes) -> str:
    match = _DECLARED.search(data[:_HEAD_BYTES])
    if not match:
        return ""

    name = encoding_name((match[1] or match[2]).decode("ascii", "ignore"))
    # A declaration that can be read as ASCII is in no UTF-16.
    return "" if name.startswith(("utf-16", "utf-32")) else name


def _decoded(data: bytes, encoding: str) -> DecodedText:
    try:
        return DecodedText(data.decode(encoding), encoding)
    except UnicodeError:
        text = data.decode(encoding, "replace")
        return DecodedText(text, encoding, damaged=max(1, text.count("\ufffd")))


def _count_outside_ascii(text: str) -> int:
    return sum(not character.isascii() for character in text)
