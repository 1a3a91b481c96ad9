"""Normal forms, shingles and hashes: when two texts count as the same, and as almost the same."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

# Vowel signs and accents belong to the letter before them, though \w leaves them out: without its vowel signs,
# Hindi "day" is "poor". Variation selectors and enclosing marks only choose how a symbol is drawn.
_MARKS = "".join(
    chr(code)
    for code in range(0x300, 0x1F000)
    if unicodedata.category(chr(code)) in {"Mn", "Mc"} and not 0xFE00 <= code <= 0xFE0F
)
_DOTTED_I = re.compile("i\u0307+")
_WORDS = re.compile(rf"\w[\w{_MARKS}]*")
# Signs that change what is said stay: CD4+ and CD4-, C++ and C#, p < 0.05 and p > 0.05, -5 and 5.
# A hyphen counts only at the end of a word or before a number; between words it is punctuation.
_TOKENS = re.compile(rf"(?:(?<!\w)-(?=\d))?\w[\w{_MARKS}]*(?:[+#]+|-(?!\w))?|[<>=≤≥≠±%°$€£¥+#^]+")
# The same for text in ASCII, in which nearly all of most sources is, ten times as fast: whatever is neither
# letter, digit nor sign parts words, and only words with signs need a closer look.
_ASCII_TOKENS = re.compile(
    r"(?:(?<![a-z0-9])-(?=[0-9]))?[a-z0-9]+(?:[+#]+|-(?![a-z0-9]))?|[<>=≠%$+#^]+"
)
_PARTING = {
    code: " " for code in range(128) if not chr(code).isalnum() and chr(code) not in "<>=%$+#^-"
}
_POINT = re.compile(r"\.[0-9]")
_BARE_POINT = re.compile(r"(?<![\w.])(-?)\.(?=\d)")  # -.5 is -0.5
_SPELLED = str.maketrans({"_": " ", "\u2212": "-"})
# Han, kana, Thai, Lao, Khmer, Myanmar and Tibetan write words without spaces between them.
_UNSPACED = "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
UNSPACED = re.compile(f"[{_UNSPACED}]")
_RUNS = re.compile(
    f"[{_UNSPACED}][{_UNSPACED}{_MARKS}]*|[^{_UNSPACED}]+"
)  # the name in "CD4陽性" is a word of its own
# Texts of fewer words are not read as word 3-grams, of so many or more not as character 3-grams.
SHORT_WORDS, MANY_WORDS = 8, 16


def normal_form(text: str) -> str:
    """Return what is left when case, punctuation, spacing and Unicode variants are set aside.

    Signs that carry meaning stay (see _TOKENS), so that what is equal here says the same. A text of nothing but
    punctuation keeps it ("+" and "-" are different anchors).
    """
    if text.isascii():
        lowered = text.lower()
        spelled = lowered.replace("!=", "≠") if "!=" in lowered else lowered
        if _POINT.search(spelled):
            spelled = _BARE_POINT.sub(r"\g<1>0.", spelled)
        words = spelled.translate(_PARTING).split()
        if not "".join(words).isalnum():
            words = [
                token
                for word in words
                for token in ([word] if word.isalnum() else _ASCII_TOKENS.findall(word))
            ]
        return " ".join(words) or " ".join(lowered.split())
    return _general_form(text)


def _general_form(text: str) -> str:
    folded = unicodedata.normalize("NFKC", _casefold(unicodedata.normalize("NFKC", text)))
    spelled = _BARE_POINT.sub(r"\g<1>0.", folded.translate(_SPELLED).replace("!=", "≠"))
    return " ".join(_TOKENS.findall(spelled)) or " ".join(folded.split())


def words(text: str) -> list[str]:
    """Return the lower-cased words of `text`; scripts without spaces give overlapping pairs of characters."""
    found: list[str] = []
    for word in _WORDS.findall(_casefold(text)):
        for run in _RUNS.findall(word) if UNSPACED.search(word) else [word]:
            if len(run) > 1 and UNSPACED.match(run):
                found.extend(run[at : at + 2] for at in range(len(run) - 1))
            else:
                found.append(run)
    return found


def shingles(text: str) -> tuple[frozenset[str], ...]:
    """Return the sets that near-duplicates are compared by: one or two readings of `text` in normal form.

    Long texts are read as word 3-grams, those of fewer than SHORT_WORDS words as character 3-grams, where one word is
    a third of the evidence. What has fewer than MANY_WORDS is read both ways, so that no two texts of about the same
    length lack a common reading. Scripts without spaces are read as character 3-grams alone. Texts too short for even
    one 3-gram give themselves, so that no two different ones ever look alike.
    """
    normal = normal_form(text)
    tokens = normal.split()
    by_words, by_characters = readings(normal, len(tokens))
    found: list[frozenset[str]] = []
    if by_words:
        found.append(frozenset(" ".join(tokens[at : at + 3]) for at in range(len(tokens) - 2)))
    if by_characters:
        found.append(
            frozenset(normal[at : at + 3] for at in range(len(normal) - 2)) or frozenset([normal])
        )
    return tuple(found)


def readings(normal: str, words: int) -> tuple[bool, bool]:
    """Return whether a text in normal form, of so many words, is read as word and as character 3-grams."""
    spaced = normal.isascii() or 2 * len(UNSPACED.findall(normal)) <= len(normal)
    return spaced and words >= SHORT_WORDS, not spaced or words < MANY_WORDS


def similarity(left: str, right: str) -> float:
    """Return how near two texts are: the largest Jaccard similarity of two readings (see `shingles`).

    Readings of different kinds have nothing in common.
    """
    return max(jaccard(mine, theirs) for mine in shingles(left) for theirs in shingles(right))


def _casefold(text: str) -> str:
    # The Turkish capital folds to an i with a second dot, which nobody types.
    return _DOTTED_I.sub("i", text.casefold())


def jaccard(left: frozenset[Any], right: frozenset[Any]) -> float:
    """Return |left & right| / |left | right|; two empty sets are equal."""
    both = len(left & right)
    union = len(left) + len(right) - both
    return both / union if union else 1.0


def hash_hex(*parts: str) -> str:
    """Return 16 hexadecimal digits that depend on every part and on where one ends (BLAKE2b)."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()


def hash_shingles(sets: Sequence[Iterable[str]]) -> list[list[int]]:
    """Return the sorted 64-bit hashes of the shingles of each reading, which can be compared without the text."""
    return [
        sorted(
            {
                int.from_bytes(
                    hashlib.blake2b(item.encode("utf-8", "surrogatepass"), digest_size=8).digest(),
                    "little",
                )
                for item in items
            }
        )
        for items in sets
    ]
