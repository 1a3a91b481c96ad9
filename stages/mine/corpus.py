"""The corpus of mining: documents that may become negatives, then the positives that may not."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.lib.retrieval.search import Integers, PassageStarts, Vectors
from stages.lib.text.normal_form import hash_of_form, normal_form
from stages.lib.text.text_file import TextFile

# How many (anchor, document) pairs are scored at once. The vectors of their passages are copied.
_CHUNK = 4096


class MiningCorpus(NamedTuple):
    """Documents and their passages, in one order.

    The first `searched` documents may become negatives; they are sorted by id. The others are known
    positives, which are not searched. Documents are named by their position in this order.

    Attributes:
        ids: document ids, of shape (documents,).
        texts: texts of the passages, in a file, of shape (passages,).
        hashes: the distinct hashes of the normal forms of each document as a whole and of its
            passages, of shape (documents,).
        vectors: vectors of the passages, of shape (passages, dimension).
        starts: the first passage of each document, then the number of passages, (documents + 1,).
        searched: the number of documents that may become negatives.
        position_of: document id to position.
    """

    ids: list[str]
    texts: TextFile
    hashes: list[tuple[bytes, ...]]
    vectors: Vectors
    starts: PassageStarts
    searched: int
    position_of: dict[str, int]

    @classmethod
    def from_tables(
        cls,
        *,
        documents: Iterable[pd.DataFrame],
        passages: Iterable[pd.DataFrame],
        splits: pd.DataFrame,
        positive_ids: Collection[str],
        encode: Callable[[Sequence[str]], Vectors],
    ) -> MiningCorpus:
        """Return the corpus of the documents in training and corpus, and of the known positives.

        Args:
            documents: Documents as they are embedded, a part of the table at a time.
            passages: their Passages, a part of the table at a time.
            splits: the Splits.
            positive_ids: documents that are positive for some training anchor.
            encode: a function from texts to vectors of shape (texts, dimension).
        """
        # Documents that may become negatives, and the positives.
        allowed = set(splits.loc[splits["split"].isin(["train", "corpus"]), "id"])
        needed = allowed.union(positive_ids)
        hash_of_document = _hashes_of_documents(documents, needed)

        # Documents that may become negatives come first.
        searched_ids = sorted(allowed.intersection(hash_of_document))
        other_ids = sorted(set(positive_ids) - set(searched_ids))
        ids = [*searched_ids, *other_ids]

        position_of = {doc_id: position for position, doc_id in enumerate(ids)}
        texts, starts = _passages_in_order(passages, position_of)
        return cls(
            ids=ids,
            texts=texts,
            hashes=_hashes_of_passages(ids, texts, starts, hash_of_document),
            vectors=encode(texts),
            starts=starts,
            searched=len(searched_ids),
            position_of=position_of,
        )

    @classmethod
    def from_passages(
        cls,
        ids: list[str],
        passages: Sequence[Sequence[str]],
        vectors: Vectors,
        *,
        hash_of_document: Mapping[str, bytes],
        searched: int,
    ) -> MiningCorpus:
        """Return the corpus of documents with these passages.

        Args:
            ids: document ids.
            passages: the passages of each document, in the order of `ids`.
            vectors: vectors of all passages, in the same order.
            hash_of_document: document id to the hash of the normal form of its whole text.
            searched: how many of the first documents may become negatives.
        """
        texts = TextFile(chain.from_iterable(passages))
        starts = np.cumsum([0, *map(len, passages)], dtype=np.int64)
        return cls(
            ids=ids,
            texts=texts,
            hashes=_hashes_of_passages(ids, texts, starts, hash_of_document),
            vectors=vectors,
            starts=starts,
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


def _passages_in_order(
    passages: Iterable[pd.DataFrame], position_of: Mapping[str, int]
) -> tuple[TextFile, PassageStarts]:
    """Return the texts of the passages, document by document, and the first passage of each.

    Args:
        passages: Passages, a part of the table at a time.
        position_of: document id to its place in the order; passages of others are left out.
    """
    # A table may have the passages of a document in two parts, so all are read before any is put
    # in its place.
    unordered = TextFile()
    documents = array("q")
    positions = array("q")
    for part in passages:
        for doc_id, position, text in zip(
            part["doc_id"], part["position"], part["text"], strict=True
        ):
            if doc_id in position_of:
                documents.append(position_of[doc_id])
                positions.append(position)
                unordered.append(text)

    document_numbers = np.array(documents, dtype=np.int64)
    order = np.lexsort((np.array(positions, dtype=np.int64), document_numbers))
    counts = np.bincount(document_numbers, minlength=len(position_of))
    texts = TextFile(unordered[number] for number in order.tolist())
    return texts, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _hashes_of_passages(
    ids: Sequence[str],
    texts: Sequence[str],
    starts: PassageStarts,
    hash_of_document: Mapping[str, bytes],
) -> list[tuple[bytes, ...]]:
    """Return the hashes by which each document is known: of its whole text and of its passages.

    Args:
        ids: document ids.
        texts: the passages of all documents, one document after the other.
        starts: the first passage of each document, then the number of passages, (documents + 1,).
        hash_of_document: document id to the hash of the normal form of its whole text.
    """
    hashes: list[tuple[bytes, ...]] = []
    for doc_id, (start, end) in zip(ids, pairwise(starts.tolist()), strict=True):
        own_hashes = [hash_of_document[doc_id]]
        own_hashes += [hash_of_form(normal_form(text)) for text in texts[start:end]]
        hashes.append(tuple(dict.fromkeys(own_hashes)))

    return hashes


def _hashes_of_documents(
    documents: Iterable[pd.DataFrame], needed: Collection[str]
) -> dict[str, bytes]:
    """Return document id to the hash of the normal form of its whole text, for those `needed`."""
    hash_of_document: dict[str, bytes] = {}
    for part in documents:
        for doc_id, text in zip(part["doc_id"], part["text"], strict=True):
            if doc_id in needed:
                hash_of_document[doc_id] = hash_of_form(normal_form(text))

    return hash_of_document


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
