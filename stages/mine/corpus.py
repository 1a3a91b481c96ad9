"""The documents that mining looks at: what may become a negative, and what answers an anchor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.lib.text import normal_form
from stages.lib.topk import Integers, Starts, Vectors


class Corpus(NamedTuple):
    """Documents and their passages, in one order.

    First come the `searched` documents, which may become negatives, in ascending order of id; then the other answers.
    `texts` and `vectors` (passages, dimension) hold passages; those of document i begin at `starts[i]` and end at
    `starts[i + 1]`. `forms` are the normal forms of each document: of the whole and of its passages. `number` is the
    place of each id.
    """

    ids: list[str]
    texts: list[str]
    forms: list[frozenset[str]]
    vectors: Vectors
    starts: Starts
    searched: int
    number: dict[str, int]

    def passages(self, document: int) -> slice:
        """Return where the passages of the document numbered `document` stand."""
        return slice(int(self.starts[document]), int(self.starts[document + 1]))

    def searched_passages(self) -> slice:
        """Return where the passages of all that may become negatives stand."""
        return slice(0, int(self.starts[self.searched]))

    def cosine(self, document: int, anchor: Vectors) -> float:
        """Return the cosine of `anchor` to the best passage of a document."""
        return float((self.vectors[self.passages(document)] @ anchor).max())

    def closest(self, document: int, anchor: Vectors) -> str:
        """Return the passage of a document whose cosine to `anchor` is highest."""
        part = self.passages(document)
        at = int((self.vectors[part] @ anchor).argmax()) if part.stop - part.start > 1 else 0
        return self.texts[int(part.start) + at]


def order(
    whole: Collection[str], allowed: Collection[str], answers: Collection[str]
) -> tuple[list[str], int]:
    """Return the ids of a corpus in its order, and how many of them are searched.

    `whole` are the documents that there are, `allowed` those that may become negatives, `answers` those that answer.
    """
    searched = sorted(set(whole) & set(allowed))
    return [*searched, *sorted(set(answers) - set(searched))], len(searched)


def texts_of(stretches: pd.DataFrame, ids: Sequence[str]) -> list[list[str]]:
    """Return the passages of each of the documents `ids`, from a table of Passages."""
    found: dict[str, list[str]] = defaultdict(list)
    wanted = stretches[stretches["doc_id"].isin(set(ids))].sort_values(["doc_id", "position"])
    for doc_id, text in zip(wanted["doc_id"], wanted["text"], strict=True):
        found[doc_id].append(text)
    return [found[doc_id] for doc_id in ids]


def build(
    ids: list[str],
    searched: int,
    passages: Sequence[Sequence[str]],
    whole: Mapping[str, str],
    vectors: Vectors,
) -> Corpus:
    """Return the corpus of documents `ids` with their `passages`, whose `vectors` stand in the same order."""
    forms = [
        frozenset(map(normal_form, {whole[doc_id], *texts}))
        for doc_id, texts in zip(ids, passages, strict=True)
    ]
    starts = np.cumsum([0, *map(len, passages)], dtype=np.int64)
    every = [text for texts in passages for text in texts]
    return Corpus(
        ids, every, forms, vectors, starts, searched, {doc_id: at for at, doc_id in enumerate(ids)}
    )


def best_cosines(anchors: Vectors, corpus: Corpus, rows: Integers, documents: Integers) -> Vectors:
    """Return the cosine of anchor `rows[i]` to the best passage of document `documents[i]`."""
    found = np.empty(len(rows), dtype=np.float32)
    # A few thousand at a time: each needs its vectors side by side.
    for start in range(0, len(rows), 4096):
        row, document = rows[start : start + 4096], documents[start : start + 4096]
        begins, sizes = (
            corpus.starts[document],
            corpus.starts[document + 1] - corpus.starts[document],
        )
        firsts = np.cumsum(sizes) - sizes
        at = np.arange(int(sizes.sum())) - np.repeat(firsts - begins, sizes)
        cosines = np.einsum("ij,ij->i", corpus.vectors[at], anchors[np.repeat(row, sizes)])
        found[start : start + 4096] = np.maximum.reduceat(cosines, firsts)
    return found
