"""The corpus of mining: documents that may become negatives, then the positives that may not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.lib.retrieval.search import Integers, PassageStarts, Vectors
from stages.lib.text.normal_form import normal_form

# How many (anchor, document) pairs are scored at once. The vectors of their passages are copied.
_CHUNK = 4096


class MiningCorpus(NamedTuple):
    """Documents and their passages, in one order.

    The first `searched` documents may become negatives; they are sorted by id. The others are known
    positives, which are not searched. Documents are named by their position in this order.

    Attributes:
        ids: document ids, of shape (documents,).
        texts: texts of the passages, of shape (passages,).
        forms: normal forms of each document as a whole and of its passages, of shape (documents,).
        vectors: vectors of the passages, of shape (passages, dimension).
        starts: the first passage of each document, then the number of passages, (documents + 1,).
        searched: the number of documents that may become negatives.
        position_of: document id to position.
    """

    ids: list[str]
    texts: list[str]
    forms: list[frozenset[str]]
    vectors: Vectors
    starts: PassageStarts
    searched: int
    position_of: dict[str, int]

    @classmethod
    def from_tables(
        cls,
        *,
        documents: pd.DataFrame,
        passages: pd.DataFrame,
        splits: pd.DataFrame,
        positive_ids: Collection[str],
        encode: Callable[[list[str]], Vectors],
    ) -> MiningCorpus:
        """Return the corpus of the documents in training and corpus, and of the known positives.

        Args:
            documents: Documents as they are embedded.
            passages: their Passages.
            splits: the Splits.
            positive_ids: documents that are positive for some training anchor.
            encode: a function from texts to vectors of shape (texts, dimension).
        """
        text_of = dict(zip(documents["doc_id"], documents["text"], strict=True))
        allowed = splits.loc[splits["split"].isin(["train", "corpus"]), "id"]

        # Documents that may become negatives come first.
        searched_ids = sorted(set(text_of) & set(allowed))
        other_ids = sorted(set(positive_ids) - set(searched_ids))
        ids = [*searched_ids, *other_ids]

        texts = passages_of(passages, ids)
        vectors = encode([text for document in texts for text in document])
        return cls.from_passages(
            ids, texts, vectors, whole_texts=text_of, searched=len(searched_ids)
        )

    @classmethod
    def from_passages(
        cls,
        ids: list[str],
        passages: Sequence[Sequence[str]],
        vectors: Vectors,
        *,
        whole_texts: Mapping[str, str],
        searched: int,
    ) -> MiningCorpus:
        """Return the corpus of documents with these passages.

        Args:
            ids: document ids.
            passages: the passages of each document, in the order of `ids`.
            vectors: vectors of all passages, in the same order.
            whole_texts: document id to its whole text.
            searched: how many of the first documents may become negatives.
        """
        # A document is known by its whole text and by each of its passages.
        forms: list[frozenset[str]] = []
        for doc_id, texts in zip(ids, passages, strict=True):
            forms.append(frozenset(map(normal_form, {whole_texts[doc_id], *texts})))

        return cls(
            ids=ids,
            texts=[text for texts in passages for text in texts],
            forms=forms,
            vectors=vectors,
            starts=np.cumsum([0, *map(len, passages)], dtype=np.int64),
            searched=searched,
            position_of={doc_id: position for position, doc_id in enumerate(ids)},
        )

    def passages(self, document: int) -> slice:
        """Return the slice of the passages of the document at position `document`."""
        return slice(int(self.starts[document]), int(self.starts[document + 1]))

    def searched_passages(self) -> slice:
        """Return the slice of the passages of all documents that may become negatives."""
        return slice(0, int(self.starts[self.searched]))

    def cosine(self, document: int, anchor: Vectors) -> float:
        """Return the cosine of `anchor` to the best passage of a document."""
        return float((self.vectors[self.passages(document)] @ anchor).max())

    def closest(self, document: int, anchor: Vectors) -> str:
        """Return the passage of a document whose cosine to `anchor` is highest."""
        passages = self.passages(document)
        first = int(passages.start)
        if passages.stop - first == 1:
            return self.texts[first]

        return self.texts[first + int((self.vectors[passages] @ anchor).argmax())]


def passages_of(passages: pd.DataFrame, ids: Sequence[str]) -> list[list[str]]:
    """Return the texts of the passages of each of the documents `ids`, from a table of Passages."""
    # Passages by document, in the order of their positions.
    texts_of: dict[str, list[str]] = defaultdict(list)
    ordered = passages[passages["doc_id"].isin(set(ids))].sort_values(["doc_id", "position"])
    for doc_id, text in zip(ordered["doc_id"], ordered["text"], strict=True):
        texts_of[doc_id].append(text)

    return [texts_of[doc_id] for doc_id in ids]


def best_cosines(
    anchor_vectors: Vectors, corpus: MiningCorpus, anchors: Integers, documents: Integers
) -> Vectors:
    """Return the cosine of each anchor to the best passage of the document beside it.

    Args:
        anchor_vectors: vectors of all anchors, of shape (anchors, dimension).
        corpus: the corpus.
        anchors: numbers of anchors, of shape (pairs,).
        documents: positions of documents, of shape (pairs,).
    """
    cosines = np.empty(len(anchors), dtype=np.float32)
    for start in range(0, len(anchors), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        first_passages = corpus.starts[documents[chunk]]
        passage_counts = corpus.starts[documents[chunk] + 1] - first_passages

        # The passages of these documents, one document after the other. `offsets` says where each
        # document begins among them.
        offsets = np.cumsum(passage_counts) - passage_counts
        passages = np.arange(int(passage_counts.sum()))
        passages -= np.repeat(offsets - first_passages, passage_counts)

        # A cosine per passage, then the best one of each document.
        vectors = anchor_vectors[np.repeat(anchors[chunk], passage_counts)]
        passage_cosines = np.einsum("ij,ij->i", corpus.vectors[passages], vectors)
        cosines[chunk] = np.maximum.reduceat(passage_cosines, offsets)

    return cosines
