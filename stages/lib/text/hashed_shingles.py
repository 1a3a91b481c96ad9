"""Shingle sets as sorted hashes of 64 bits, made for a block of texts at a time.

A word 3-gram is three hashes of words, mixed in order. A character 3-gram is three code points,
mixed. So a word is hashed once, and numpy hashes all 3-grams of a block. It takes a third of the
time of one call for each 3-gram. Two different shingles have one hash by chance alone, which is
one in 2^64.

Source: Steele, Lea and Flood 2014 (SplitMix, whose last step mixes 64 bits).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice, pairwise

import numpy as np
import numpy.typing as npt

from stages.lib.text.normal_form import shingle_kinds

_Hashes = npt.NDArray[np.uint64]

# Texts whose shingles are hashed at a time. It bounds memory and changes no hash.
_BLOCK_TEXTS = 1000

# Words whose hashes are kept. Most words of a text are frequent.
_MOST_WORDS = 1 << 16

# The mixing step of SplitMix64: shifts and odd factors.
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))

# Unicode has 21 bits.
_CODE_POINT_BITS = np.uint64(21)


class _WordHashes(dict[str, int]):
    """Word to its hash of 64 bits, which is made when it is first looked up."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _MOST_WORDS:
            self.clear()
        data = word.encode("utf-8", "surrogatepass")
        self[word] = int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
        return self[word]


_HASH_OF_WORD = _WordHashes()


def hashed_shingles(forms: Sequence[str]) -> list[list[_Hashes]]:
    """Return the hashes of the `shingles_of_form` of each text in normal form.

    Each array is a shingle set: sorted, each hash once, of shape (shingles,).

    >>> sets_of_text = hashed_shingles(["reset", "one two three four five six seven eight"])
    >>> [[len(hashes) for hashes in sets] for sets in sets_of_text]
    [[3], [6, 37]]
    """
    result: list[list[_Hashes]] = []
    for start in range(0, len(forms), _BLOCK_TEXTS):
        result += _of_block(forms[start : start + _BLOCK_TEXTS])
    return result


def _of_block(forms: Sequence[str]) -> list[list[_Hashes]]:
    # Number the sets of all texts: of each text the words come first.
    word_lists: list[list[str]] = []
    word_sets: list[int] = []
    character_forms: list[str] = []
    character_sets: list[int] = []
    set_counts: list[int] = []
    set_count = 0
    for form in forms:
        words = form.split()
        by_words, by_characters = shingle_kinds(form, len(words))
        if by_words:
            word_lists.append(words)
            word_sets.append(set_count)
        if by_characters:
            character_forms.append(form)
            character_sets.append(set_count + by_words)
        set_counts.append(by_words + by_characters)
        set_count += set_counts[-1]

    # Hash all of them, and cut the hashes into sets and the sets into texts.
    parts = [
        _word_trigrams(word_lists, word_sets),
        _character_trigrams(character_forms, character_sets),
        _short_texts(character_forms, character_sets),
    ]
    sets = iter(_sorted_sets(parts, set_count))
    return [list(islice(sets, count)) for count in set_counts]


def _word_trigrams(
    word_lists: Sequence[list[str]], set_numbers: Sequence[int]
) -> tuple[_Hashes, npt.NDArray[np.int64]]:
    """Return the hashes of the word 3-grams of all texts, and the set of each."""
    lengths = [len(words) for words in word_lists]
    hashes = map(_HASH_OF_WORD.__getitem__, chain.from_iterable(word_lists))
    codes = np.fromiter(hashes, np.uint64, sum(lengths))

    def combine(first: _Hashes, second: _Hashes, third: _Hashes) -> _Hashes:
        return _mixed(_mixed(_mixed(first) + second) + third)

    return _trigrams(codes, lengths, set_numbers, combine)


def _character_trigrams(
    forms: Sequence[str], set_numbers: Sequence[int]
) -> tuple[_Hashes, npt.NDArray[np.int64]]:
    """Return the hashes of the character 3-grams of all texts, and the set of each."""
    data = "".join(forms).encode("utf-32-le", "surrogatepass")
    codes = np.frombuffer(data, "<u4").astype(np.uint64)

    def combine(first: _Hashes, second: _Hashes, third: _Hashes) -> _Hashes:
        return _mixed((((first << _CODE_POINT_BITS) | second) << _CODE_POINT_BITS) | third)

    return _trigrams(codes, [len(form) for form in forms], set_numbers, combine)


def _short_texts(
    forms: Sequence[str], set_numbers: Sequence[int]
) -> tuple[_Hashes, npt.NDArray[np.int64]]:
    """Return the hashes of the texts that are too short for a 3-gram, and their sets."""
    numbered = list(zip(forms, set_numbers, strict=True))
    short = [(form, number) for form, number in numbered if len(form) < 3]
    hashes = np.array([_HASH_OF_WORD[form] for form, _ in short], dtype=np.uint64)
    return hashes, np.array([number for _, number in short], dtype=np.int64)


def _trigrams(
    codes: _Hashes,
    lengths: Sequence[int],
    set_numbers: Sequence[int],
    combine: Callable[[_Hashes, _Hashes, _Hashes], _Hashes],
) -> tuple[_Hashes, npt.NDArray[np.int64]]:
    """Return the combined codes of each three neighbours within a text, and the sets of these."""
    owners = np.repeat(np.asarray(set_numbers, dtype=np.int64), lengths)
    is_within = owners[:-2] == owners[2:]
    hashes = combine(codes[:-2], codes[1:-1], codes[2:])
    return hashes[is_within], owners[:-2][is_within]


def _sorted_sets(
    parts: Sequence[tuple[_Hashes, npt.NDArray[np.int64]]], set_count: int
) -> Iterator[_Hashes]:
    """Yield the hashes of each set, sorted and each once."""
    hashes = np.concatenate([part for part, _ in parts])
    owners = np.concatenate([numbers for _, numbers in parts])
    order = np.lexsort((hashes, owners))
    hashes = hashes[order]
    owners = owners[order]

    is_new = np.ones(len(hashes), dtype=np.bool_)
    is_new[1:] = (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
    hashes = hashes[is_new]
    bounds = np.searchsorted(owners[is_new], np.arange(set_count + 1))
    for start, end in pairwise(bounds.tolist()):
        yield hashes[start:end]


def _mixed(values: _Hashes) -> _Hashes:
    """Return other numbers of 64 bits: a permutation in which each bit depends on all."""
    values = (values ^ (values >> _SHIFTS[0])) * _FACTORS[0]
    values = (values ^ (values >> _SHIFTS[1])) * _FACTORS[1]
    return np.asarray(values ^ (values >> _SHIFTS[2]))
