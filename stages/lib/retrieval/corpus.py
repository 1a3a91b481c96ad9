"""The corpus that is searched: documents with the texts of their passages."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.core import tables
from stages.lib.schemas.documents import Passages


class Corpus(NamedTuple):
    """The documents that are searched, in ascending order of id, and the texts of passages.

    `passage_starts` (documents,) holds the position of the first passage of each document; None if
    each document is one passage.
    """

    doc_ids: npt.NDArray[np.str_]
    texts: list[str]
    passage_starts: npt.NDArray[np.int64] | None = None

    def passage_range(self, position: int) -> range:
        """Return the positions of the passages of the document at `position`."""
        if self.passage_starts is None:
            return range(position, position + 1)

        is_last = position + 1 == len(self.passage_starts)
        end = len(self.texts) if is_last else int(self.passage_starts[position + 1])
        return range(int(self.passage_starts[position]), end)

    def passages(self, position: int) -> list[str]:
        """Return the texts of the passages of the document at `position`."""
        return [self.texts[index] for index in self.passage_range(position)]


def read_corpus(passages: Path) -> Corpus:
    """Return the corpus of a file of Passages."""
    return corpus_from_passages(tables.read(passages, Passages))


def corpus_from_passages(passages: pd.DataFrame) -> Corpus:
    """Return the corpus of `passages`, which are sorted by document and position.

    >>> passages = pd.DataFrame({"doc_id": ["d1", "d1", "d2"], "text": ["a", "b", "c"]})
    >>> corpus = corpus_from_passages(passages)
    >>> corpus.doc_ids.tolist(), corpus.passage_starts.tolist()
    (['d1', 'd2'], [0, 2])
    """
    doc_ids = passages["doc_id"].to_numpy(dtype=str)

    # A passage is the first of its document where the id changes.
    is_first = np.ones(len(doc_ids), dtype=bool)
    is_first[1:] = doc_ids[1:] != doc_ids[:-1]

    return Corpus(
        doc_ids=doc_ids[is_first],
        texts=list(passages["text"]),
        passage_starts=np.flatnonzero(is_first).astype(np.int64),
    )
