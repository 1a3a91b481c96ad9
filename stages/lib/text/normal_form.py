"""Normal forms, shingles and hashes of texts: the tests for equal and for nearly equal texts."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

# Vowel signs and accents belong to the letter before them, but \w leaves them out. Without
# its vowel signs the Hindi word for "day" is the word for "poor". Variation selectors and
# enclosing marks only choose how a symbol is drawn, so they are no part of a word.
MARKS = "".join(
    chr(code)
    for code in range(0x300, 0x1F000)
    if unicodedata.category(chr(code)) in {"Mn", "Mc"} and not 0xFE00 <= code <= 0xFE0F
)
_DOTTED_I = re.compile("i\u0307+")
_WORDS = re.compile(rf"\w[\w{MARKS}]*")
_ASCII_WORDS = re.compile(r"\w+", re.ASCII)

# Signs that change the meaning stay: CD4+ and CD4-, C++ and C#, p < 0.05 and p > 0.05,
# -5 and 5. A hyphen counts only at the end of a word or before a number. Between words it
# is punctuation.
_TOKENS = re.compile(rf"(?:(?<!\w)-(?=\d))?\w[\w{MARKS}]*(?:[+#]+|-(?!\w))?|[<>=≤≥≠±%°$€£¥+#^]+")

# The same for ASCII, ten times as fast. Most sources are nearly all ASCII.
_ASCII_TOKENS = re.compile(
    r"(?:(?<![a-z0-9])-(?=[0-9]))?[a-z0-9]+(?:[+#]+|-(?![a-z0-9]))?|[<>=≠%$+#^]+"
)

# ASCII characters between words: neither letters nor digits nor signs.
_ASCII_SEPARATORS = {
    code: " " for code in range(128) if not chr(code).isalnum() and chr(code) not in "<>=%$+#^-"
}
_POINT = re.compile(r"\.[0-9]")
_BARE_POINT = re.compile(r"(?<![\w.])(-?)\.(?=\d)")  # -.5 is -0.5
_SIGN_SPELLING = str.maketrans({"_": " ", "\u2212": "-"})

# Thai, Lao, Tibetan, Myanmar, Khmer, kana and Han have no spaces between words.
_UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
UNSPACED_SCRIPT = re.compile(f"[{_UNSPACED}]")

# The parts of a word that are in one kind of script: "CD4" and "陽性" in "CD4陽性".
_SCRIPT_RUNS = re.compile(f"[{_UNSPACED}][{_UNSPACED}{MARKS}]*|[^{_UNSPACED}]+")

# Texts with fewer words than this have no word 3-grams.
MIN_WORDS_FOR_WORD_SHINGLES = 8

# Texts with this many words or more have no character 3-grams.
MAX_WORDS_FOR_CHARACTER_SHINGLES = 16


def normal_form(text: str) -> str:
    """Return the coarse form of `text`: without case, punctuation, spacing and Unicode variant.

    Texts with one coarse form are too close to be separated: they are in one split, leak into
    each other and are no negatives of each other. They need not say the same: "5-7" and "5.7"
    have one coarse form. What is dropped as a copy is decided by `strict_form`. A text that
    consists of punctuation keeps it, since "+" and "-" are different queries.

    >>> normal_form("  How do I RESET it?!")
    'how do i reset it'
    >>> normal_form("CD4+ cells, p<.05")
    'cd4+ cells p < 0 05'
    """
    if not text.isascii():
        return _general_form(text)

    # Write signs and decimal numbers in one way.
    lowered = text.lower()
    spelled = lowered.replace("!=", "≠") if "!=" in lowered else lowered
    if _POINT.search(spelled):
        spelled = _BARE_POINT.sub(r"\g<1>0.", spelled)

    # Most texts have no signs. Only words with signs need the regular expression.
    plain_words = spelled.translate(_ASCII_SEPARATORS).split()
    if "".join(plain_words).isalnum():
        return " ".join(plain_words)
    tokens: list[str] = []
    for word in plain_words:
        if word.isalnum():
            tokens.append(word)
        else:
            tokens.extend(_ASCII_TOKENS.findall(word))
    return " ".join(tokens) or " ".join(lowered.split())


def _general_form(text: str) -> str:
    """Return the normal form of `text` in any script, and for ASCII that of `normal_form`."""
    compatible = unicodedata.normalize("NFKC", text)
    folded = unicodedata.normalize("NFKC", _casefold(compatible))

    # Write signs and decimal numbers in one way.
    spelled = folded.translate(_SIGN_SPELLING).replace("!=", "≠")
    spelled = _BARE_POINT.sub(r"\g<1>0.", spelled)

    return " ".join(_TOKENS.findall(spelled)) or " ".join(folded.split())


def hash_of_form(form: str) -> bytes:
    """Return the hash of 128 bits that stands for a normal form where memory holds no texts.

    >>> hash_of_form("fever").hex()
    '57014768947ee3dbd367d866942a4edf'
    """
    data = form.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16).digest()


def words(text: str) -> list[str]:
    """Return the lower-cased words of `text`, in order.

    Scripts without spaces give overlapping pairs of characters in place of words.

    >>> words("Größe, CD4陽性細胞")
    ['grösse', 'cd4', '陽性', '性細', '細胞']
    """
    # Most texts are ASCII, and the set of all marks of all scripts takes ten times as long.
    if text.isascii():
        return _ASCII_WORDS.findall(text.lower())

    terms: list[str] = []
    for word in _WORDS.findall(_casefold(text)):
        # A word may change its script in the middle.
        runs = _SCRIPT_RUNS.findall(word) if UNSPACED_SCRIPT.search(word) else [word]
        for run in runs:
            if len(run) > 1 and UNSPACED_SCRIPT.match(run):
                terms.extend(run[start : start + 2] for start in range(len(run) - 1))
            else:
                terms.append(run)

    return terms


def shingles(text: str) -> tuple[frozenset[str], ...]:
    """Return the shingle sets of the normal form of `text`: word 3-grams, characters or both.

    Near-duplicates are found by comparing these sets. Long texts have word 3-grams. Texts of
    fewer than SHORT_WORDS words have character 3-grams, since there a single word would
    decide a third of the similarity. From SHORT_WORDS to MANY_WORDS - 1 words a text has
    both, so two texts of similar length always have a kind in common. Scripts without spaces
    have character 3-grams only. A text that is too short for a 3-gram is its own shingle, so
    two different ones are never similar.

    >>> [sorted(shingle_set) for shingle_set in shingles("Reset")]
    [['ese', 'res', 'set']]
    >>> [len(shingle_set) for shingle_set in shingles("one two three four five six seven eight")]
    [6, 37]
    """
    return shingles_of_form(normal_form(text))


def shingles_of_form(normal: str) -> tuple[frozenset[str], ...]:
    """Return the `shingles` of a text that is in normal form already.

    >>> shingles_of_form("reset it") == shingles("Reset it!")
    True
    """
    tokens = normal.split()
    by_words, by_characters = shingle_kinds(normal, len(tokens))

    shingle_sets: list[frozenset[str]] = []
    if by_words:
        word_trigrams = zip(tokens, tokens[1:], tokens[2:], strict=False)
        shingle_sets.append(frozenset(map(" ".join, word_trigrams)))
    if by_characters:
        character_trigrams = zip(normal, normal[1:], normal[2:], strict=False)
        characters = frozenset(map("".join, character_trigrams))
        shingle_sets.append(characters or frozenset([normal]))
    return tuple(shingle_sets)


def shingle_kinds(normal: str, word_count: int) -> tuple[bool, bool]:
    """Return two flags for a text in normal form: has word 3-grams, has character 3-grams.

    >>> shingle_kinds("reset the router", 3)
    (False, True)
    """
    # A text is in a script without spaces if most of its characters are.
    is_spaced = normal.isascii() or 2 * len(UNSPACED_SCRIPT.findall(normal)) <= len(normal)
    by_words = is_spaced and word_count >= MIN_WORDS_FOR_WORD_SHINGLES
    by_characters = not is_spaced or word_count < MAX_WORDS_FOR_CHARACTER_SHINGLES
    return by_words, by_characters


def similarity(left: str, right: str) -> float:
    """Return the similarity of two texts: the largest Jaccard of two of their shingle sets.

    A set of word 3-grams and a set of character 3-grams have nothing in common.

    >>> similarity("Reset!", "resets")
    0.75
    """
    right_sets = shingles(right)
    return max(
        jaccard(left_set, right_set) for left_set in shingles(left) for right_set in right_sets
    )


def containment(left: str, right: str) -> float:
    """Return the share of the smaller text's shingles that the other text has.

    Of the kinds of shingles the one with the largest share counts.

    >>> containment("Reset", "resets")
    1.0
    """
    right_sets = shingles(right)
    return max(
        len(left_set & right_set) / min(len(left_set), len(right_set))
        for left_set in shingles(left)
        for right_set in right_sets
    )


def _casefold(text: str) -> str:
    # The Turkish capital folds to an i with a second dot, which nobody types.
    return _DOTTED_I.sub("i", text.casefold())


def jaccard(left: frozenset[Any], right: frozenset[Any]) -> float:
    """Return |left & right| / |left | right|. Two empty sets give 1.

    >>> jaccard(frozenset("abc"), frozenset("abd"))
    0.5
    """
    shared = len(left & right)
    union = len(left) + len(right) - shared
    return shared / union if union else 1.0


def shingle_hashes(shingle_set: Iterable[str]) -> npt.NDArray[np.uint64]:
    """Return the sorted 64-bit hashes of the set, of shape (distinct shingles,).

    >>> shingle_hashes(["abc", "def", "abc"])
    array([6455300059550759896, 8631541059365646922], dtype=uint64)
    """
    digests = [
        hashlib.blake2b(shingle.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for shingle in shingle_set
    ]
    # Sorting takes half the time of np.unique, and mostly there is nothing to remove.
    hashes = np.sort(np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64, copy=False))
    is_repeated = hashes[1:] == hashes[:-1]
    return np.unique(hashes) if is_repeated.any() else hashes
