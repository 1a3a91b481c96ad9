"""Search by words, with BM25.

Source: Robertson and Zaragoza 2009, in the variant of Lucene with k1 = 1.5 and b = 0.75, by
the library bm25s. Ties are ordered as in `search`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import numpy as np

from stages.lib.retrieval.search import Hits, PassageStarts, Vectors, top_k
from stages.lib.text.normal_form import words


class BM25Index:
    """A BM25 index of passages, whose documents are in ascending order of id.

    `texts` are the passages. `passage_starts` (documents,) holds the position of the first
    passage of each document; None if each document is one passage.

    >>> index = BM25Index(["Hold the reset button.", "Pay your bill online."])
    >>> index.search(["online bill"], k=1).positions.tolist()
    [[1]]
    """

    def __init__(self, texts: Iterable[str], passage_starts: PassageStarts | None = None) -> None:
        from bm25s.tokenization import Tokenized

        from stages.lib.retrieval.bm25_postings import BlockwiseIndex, WordNumbers

        # Words as numbers, one text after the other. The library needs a word in each text.
        number_of_word: dict[str, int] = {}
        numbers = array("i")
        ends = array("q", [0])
        for text in texts:
            for word in words(text) or [""]:
                numbers.append(number_of_word.setdefault(word, len(number_of_word)))
            ends.append(len(numbers))

        # It also needs a text.
        self._passage_count = len(ends) - 1
        self._passage_starts = passage_starts
        if not self._passage_count:
            numbers.append(number_of_word.setdefault("", 0))
            ends.append(1)

        word_numbers = WordNumbers(np.frombuffer(numbers, np.int32), np.frombuffer(ends, np.int64))
        self._index = BlockwiseIndex()
        corpus = Tokenized(ids=word_numbers, vocab=number_of_word)
        self._index.index(corpus, show_progress=False)

    def scores(self, query: str) -> Vectors:
        """Return the BM25 score of each passage, shape (passages,); 0 if no word is shared."""
        vocabulary = self._index.vocab_dict
        known_words = [word for word in words(query) if word in vocabulary]
        if not known_words:
            return np.zeros(self._passage_count, dtype=np.float32)
        return np.asarray(self._index.get_scores(known_words), dtype=np.float32)

    def search(self, queries: Sequence[str], k: int) -> Hits:
        """Return the `k` best documents of each query."""

        def score(start: int, end: int, out: Vectors) -> None:
            for row_index, query in enumerate(queries[start:end]):
                out[row_index] = self.scores(query)

        return top_k(
            score,
            queries=len(queries),
            passages=self._passage_count,
            k=k,
            passage_starts=self._passage_starts,
        )
