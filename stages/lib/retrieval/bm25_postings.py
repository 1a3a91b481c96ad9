"""The postings of a BM25 index, built a block of texts at a time.

The library bm25s takes 42 bytes for each entry of an index while it builds it, and 8 once it is
built. It offers to replace the way it builds one. This way takes what stays and a block of texts.
The scores are the same to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import bm25s
import numpy as np
import numpy.typing as npt

from stages.lib.retrieval.search import Integers

K1 = 1.5
B = 0.75

# Texts whose words are counted at a time. It bounds memory and changes no result.
BLOCK_TEXTS = 4096


class WordNumbers(NamedTuple):
    """The words of all texts as numbers, one text after the other.

    Attributes:
        words: shape (words,).
        ends: shape (texts + 1,): the words of text i are those from `ends[i]` to `ends[i + 1]`.
    """

    words: npt.NDArray[np.int32]
    ends: Integers

    def blocks(self) -> Iterator[_Counts]:
        """Yield how often each word is in each text, a block of texts at a time."""
        for start in range(0, len(self.ends) - 1, BLOCK_TEXTS):
            ends = self.ends[start : start + BLOCK_TEXTS + 1]
            text_count = len(ends) - 1
            texts = np.repeat(np.arange(text_count), np.diff(ends))

            # A number stands for a word and a text.
            keys = self.words[ends[0] : ends[-1]].astype(np.int64) * text_count + texts
            distinct, frequencies = np.unique(keys, return_counts=True)
            yield _Counts(distinct // text_count, start + distinct % text_count, frequencies)


class _Counts(NamedTuple):
    """How often words are in texts, sorted by word, then by text. All have the shape (entries,)."""

    words: Integers
    texts: Integers
    frequencies: Integers


class BlockwiseIndex(bm25s.BM25):  # type: ignore[misc]
    """An index of the library in the variant of Lucene, which reads WordNumbers."""

    def __init__(self) -> None:
        super().__init__(method="lucene", k1=K1, b=B)
        self.nonoccurrence_array = None

    def build_index_from_ids(
        self, unique_token_ids: list[int], corpus_token_ids: WordNumbers, **_: Any
    ) -> dict[str, Any]:
        """Return the scores of each word in each text that has it, as the library keeps them."""
        return postings(corpus_token_ids, len(unique_token_ids))


def postings(texts: WordNumbers, word_count: int) -> dict[str, Any]:
    """Return the score of each word in each text that has it, word by word.

    Args:
        texts: the words of the texts.
        word_count: the number of distinct words.
    """
    # How many texts have each word, and the weight of the word.
    text_count = len(texts.ends) - 1
    frequencies = np.zeros(word_count, dtype=np.int64)
    for counts in texts.blocks():
        frequencies += np.bincount(counts.words, minlength=word_count)
    weights = np.array([_weight(count, text_count) for count in frequencies.tolist()], np.float32)

    # The entries of a word follow each other, in the order of the texts.
    starts = np.concatenate([[0], np.cumsum(frequencies)])
    scores = np.empty(starts[-1], dtype=np.float32)
    text_numbers = np.empty(starts[-1], dtype=np.int32)
    lengths = np.diff(texts.ends)
    mean_length = lengths.mean()
    next_places = starts[:-1].copy()
    for counts in texts.blocks():
        # An entry comes behind those of its word that are there, and those of this block.
        entries = np.bincount(counts.words, minlength=word_count)
        firsts = np.cumsum(entries) - entries
        places = (next_places - firsts)[counts.words] + np.arange(len(counts.words))
        next_places += entries

        norms = K1 * ((1 - B) + B * lengths[counts.texts] / mean_length)
        scores[places] = weights[counts.words] * (counts.frequencies / (norms + counts.frequencies))
        text_numbers[places] = counts.texts

    return {"data": scores, "indices": text_numbers, "indptr": starts, "num_docs": text_count}


def _weight(frequency: int, text_count: int) -> float:
    """Return the inverse document frequency of a word that `frequency` texts have."""
    return math.log(1 + (text_count - frequency + 0.5) / (frequency + 0.5))
