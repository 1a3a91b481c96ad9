"""Characters: encodings repaired, the invisible removed, whitespace collapsed, case folded if wished."""

from __future__ import annotations

import re
import unicodedata
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


def repair(text: str) -> str:
    """Return `text` with mojibake, half-width forms and ligatures mended, in Unicode's composed form (NFC).

    By ftfy (Speer 2019). Ligatures and widths are mended because they hide words from every tokenizer
    ("\ufb01brosis"). Quotes keep their shape, as they are no damage; entities are left to `markup`, control
    characters and line breaks to the rules below, so that each edit is told under one name.
    """
    if text.isascii() and "\x1b" not in text:
        return text
    import ftfy

    return str(ftfy.fix_text(text, _settings()))


@lru_cache(maxsize=1)
def _settings() -> Any:
    import ftfy

    return ftfy.TextFixerConfig(
        unescape_html=False, uncurl_quotes=False, fix_line_breaks=False, remove_control_chars=False, explain=False
    )


def remove(text: str) -> str:
    """Return `text` without control and zero-width characters."""
    return _INVISIBLE.sub("", text)


def collapse(text: str) -> str:
    """Return `text` as one line: every run of whitespace, of any width, is one space; none at the ends."""
    return " ".join(text.split())


def lower(text: str) -> str:
    """Return `text` in lower case, still in composed form."""
    return unicodedata.normalize("NFC", text.lower())
