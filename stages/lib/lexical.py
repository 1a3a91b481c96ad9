"""Search by words.

BM25: Robertson and Zaragoza 2009, in Lucene's variant with k1 = 1.5, b = 0.75, by the library bm25s. Ties are those of
topk.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stages.lib.text import words
from stages.lib.topk import Hits, Starts, Vectors, search


class Lexical:
    """A BM25 index over texts that stand in ascending order of document id.

    `starts` says where each document's passages begin, as in `dense`.
    """

    def __init__(self, texts: Sequence[str], starts: Starts | None = None) -> None:
        import bm25s

        self._count, self._starts = len(texts), starts
        self._index = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
        self._index.index([words(text) or [""] for text in texts] or [[""]], show_progress=False)

    def scores(self, query: str) -> Vectors:
        """Return the BM25 score of every text, shape (texts,); 0 where no word is shared."""
        known = [word for word in words(query) if word in self._index.vocab_dict]
        if not known:
            return np.zeros(self._count, dtype=np.float32)
        return np.asarray(self._index.get_scores(known), dtype=np.float32)

    def search(self, queries: Sequence[str], k: int) -> Hits:
        """Return the k best documents of each query."""

        def score(start: int, end: int, out: Vectors) -> None:
            for row, query in enumerate(queries[start:end]):
                out[row] = self.scores(query)

        return search(score, len(queries), self._count, k, self._starts)
