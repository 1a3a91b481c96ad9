"""Characters: encodings repaired, the invisible removed, whitespace collapsed, case folded if wished."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

# Control characters that are not whitespace, soft hyphens, zero-width spaces and joiners, marks of direction,
# annotation anchors and tags. None is seen by a reader; each splits or hides a word from a tokenizer.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0001\U000e0020-\U000e007f]"
    # Joiners spell Persian, the scripts of India, and emoji: they stay between two such characters.
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)


# Compatibility characters that hide words from a tokenizer, each with what it stands for. Those that mean something
# else than what they look like stay: m\u00b2 is not m2, \u00bd not 12, and Chinese sets its own commas.
_PLAIN = {
    **{
        code: unicodedata.normalize("NFKC", chr(code)) for code in range(0x3380, 0x33E0)
    },  # ㎎ is mg
    **{code: unicodedata.normalize("NFKC", chr(code)) for code in range(0x2160, 0x2180)},  # Ⅳ is IV
    **{
        0x2103: "\u00b0C",
        0x2109: "\u00b0F",
        0x00B5: "\u03bc",
        0x2126: "\u03a9",
        0x212A: "K",
        0x212B: "\u00c5",
    },
    **{0x2010: "-", 0x2011: "-", 0x2012: "\u2013", 0x2116: "No.", 0x2024: ".", 0x2025: ".."},
}
# Forms of another width: Latin letters and digits as wide as Chinese ones, with the signs between two of them, and
# katakana half as wide. Chinese and Japanese punctuation is as wide as their letters, and stays.
_WIDE = "\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
_WIDTHS = re.compile(f"[{_WIDE}]+(?:[\uff01-\uff5e][{_WIDE}]+)*|[\uff66-\uff9f]+")


def repair(text: str) -> str:
    """Return `text` with mojibake, forms of another width and ligatures mended, in Unicode's composed form (NFC).

    By ftfy (Speer 2019). Ligatures and widths are mended because they hide words from every tokenizer
    ("\ufb01brosis"). Quotes keep their shape, as they are no damage; entities are left to `markup`, control
    characters and line breaks to the rules below, so that each edit is told under one name.
    """
    if text.isascii() and "\x1b" not in text:
        return text
    import ftfy

    fixed = _WIDTHS.sub(
        lambda run: unicodedata.normalize("NFKC", run[0]), str(ftfy.fix_text(text, _settings()))
    )
    return fixed.translate(_PLAIN)


@lru_cache(maxsize=1)
def _settings() -> Any:
    import ftfy

    return ftfy.TextFixerConfig(
        unescape_html=False,
        uncurl_quotes=False,
        fix_character_width=False,
        fix_line_breaks=False,
        remove_control_chars=False,
        explain=False,
    )


def remove(text: str) -> str:
    """Return `text` without control and zero-width characters."""
    return _INVISIBLE.sub("", text)


def collapse(text: str, lines: bool) -> str:
    """Return `text` with every run of white space, of any width, as one space, and none at the ends.

    With `lines` each line break stays, but blank lines go, and within ``` fences lines keep their
    indentation, tabs as four spaces. Otherwise all is one line.
    """
    if not lines:
        return " ".join(text.split())
    kept, fenced = [], False
    for line in text.splitlines():
        words = " ".join(line.split())
        if words.startswith("```"):
            fenced = not fenced
        elif fenced:
            indent = line[: len(line) - len(line.lstrip())].expandtabs(4)
            words = (" " * len(indent) + words) if words else ""
        if words:
            kept.append(words)
    return "\n".join(kept).strip()


def lower(text: str, keep: Sequence[tuple[int, int]]) -> str:
    """Return `text` in lower case but for the spans `keep` (sorted, disjoint), still in composed form."""
    pieces, at = [], 0
    for start, end in keep:
        pieces += [text[at:start].lower(), text[start:end]]
        at = end
    return unicodedata.normalize("NFC", "".join([*pieces, text[at:].lower()]))
