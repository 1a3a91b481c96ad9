"""Characters: repair encodings, remove invisible characters, collapse white space, fold case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

# Control characters that are not white space, soft hyphens, zero-width spaces and joiners,
# marks of direction, annotation anchors and tags. A reader sees none of them; each splits or
# hides a word from a tokenizer.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0001\U000e0020-\U000e007f]"
    # Persian, the scripts of India and emoji need joiners. They stay between two such characters.
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)

# Compatibility characters that hide words from a tokenizer, each with its plain form.
# Characters whose plain form means something else stay: m\u00b2 is not m2, \u00bd is not 12,
# and Chinese sets its own commas.
_SQUARED_UNITS = range(0x3380, 0x33E0)  # ㎎ is mg
_ROMAN_NUMERALS = range(0x2160, 0x2180)  # Ⅳ is IV
_PLAIN_FORMS = {
    **{
        code: unicodedata.normalize("NFKC", chr(code))
        for code in (*_SQUARED_UNITS, *_ROMAN_NUMERALS)
    },
    0x2103: "\u00b0C",
    0x2109: "\u00b0F",
    0x00B5: "\u03bc",
    0x2126: "\u03a9",
    0x212A: "K",
    0x212B: "\u00c5",
    0x2010: "-",
    0x2011: "-",
    0x2012: "\u2013",
    0x2116: "No.",
    0x2024: ".",
    0x2025: "..",
}

# Forms of another width: Latin letters and digits as wide as Chinese ones, with the signs
# between two of them, and katakana of half width. Chinese and Japanese punctuation is as wide
# as their letters, and stays.
_WIDE = "\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
_OTHER_WIDTHS = re.compile(f"[{_WIDE}]+(?:[\uff01-\uff5e][{_WIDE}]+)*|[\uff66-\uff9f]+")


def repair_encoding(text: str) -> str:
    """Return `text` with mojibake, other widths and ligatures repaired, in composed Unicode (NFC).

    By ftfy (Speer 2019). Ligatures and widths are repaired because they hide words from every
    tokenizer ("\ufb01brosis"). Quotes keep their shape, since they are not damaged. Entities
    are left to the rule `markup`, control characters and line breaks to the other rules of this
    file, so that the ledger records each edit under one rule.
    """
    if text.isascii() and "\x1b" not in text:
        return text

    import ftfy

    # ftfy repairs mojibake, ligatures and composition; widths and units follow.
    fixed = str(ftfy.fix_text(text, _ftfy_config()))
    fixed = _OTHER_WIDTHS.sub(lambda match: unicodedata.normalize("NFKC", match[0]), fixed)

    return fixed.translate(_PLAIN_FORMS)


@lru_cache(maxsize=1)
def _ftfy_config() -> Any:
    import ftfy

    return ftfy.TextFixerConfig(
        unescape_html=False,
        uncurl_quotes=False,
        fix_character_width=False,
        fix_line_breaks=False,
        remove_control_chars=False,
        explain=False,
    )


def remove_invisible(text: str) -> str:
    """Return `text` without control and zero-width characters."""
    return _INVISIBLE.sub("", text)


def collapse_whitespace(text: str, lines: bool) -> str:
    r"""Return `text` with one space for each run of white space, and none at the ends.

    With `lines`, line breaks stay, but blank lines go. Lines within ``` fences keep their
    indentation, with four spaces for a tab. Without `lines`, the result is one line.

    >>> collapse_whitespace(" a  b\n\n c", lines=True)
    'a b\nc'
    """
    if not lines:
        return " ".join(text.split())

    # Keep lines that hold something, with their indentation if they are code.
    kept_lines: list[str] = []
    in_fence = False
    for line in text.splitlines():
        collapsed = " ".join(line.split())
        if collapsed.startswith("```"):
            in_fence = not in_fence
        elif in_fence and collapsed:
            collapsed = " " * _indentation(line) + collapsed
        if collapsed:
            kept_lines.append(collapsed)

    return "\n".join(kept_lines).strip()


def _indentation(line: str) -> int:
    """Return the width of the white space that `line` begins with; a tab counts up to four."""
    blanks = line[: len(line) - len(line.lstrip())]
    return len(blanks.expandtabs(4))


def lowercase(text: str, excluded_spans: Sequence[tuple[int, int]]) -> str:
    """Return `text` in lower case except for `excluded_spans`, in composed Unicode."""
    # Only the text between the spans changes.
    pieces: list[str] = []
    position = 0
    for start, end in excluded_spans:
        pieces.append(text[position:start].lower())
        pieces.append(text[start:end])
        position = end

    pieces.append(text[position:].lower())

    # Lower case can decompose a letter.
    return unicodedata.normalize("NFC", "".join(pieces))
