"""What the page shows: documents of training, validation and the corpus, and nothing of test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.lib.core.ids import hash_hex

SHOWN_SPLITS = ("train", "validation", "corpus")
ANCHOR_SPLITS = ("train", "validation")


class SimilarDocument(NamedTuple):
    """Another shown document, by its number, with its similarity."""

    number: int
    similarity: float


class ShownRow(NamedTuple):
    """A row of training: its anchor, its margin and its hard negatives that are shown.

    The margin is the cosine of the positive minus that of the hardest negative. It is None where
    no negative has a score.
    """

    anchor: str
    margin: float | None
    negatives: list[int]


def choose_documents(documents: pd.DataFrame, splits: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return the documents that are shown, with their `split`, in ascending order of id.

    A hash of the id chooses, so that a smaller page is a part of a larger one.

    Args:
        documents: a table Documents.
        splits: a table Splits.
        most: the largest number of documents.
    """
    visible = splits.loc[splits["split"].isin(SHOWN_SPLITS), ["id", "split"]]
    frame = documents.merge(visible.rename(columns={"id": "doc_id"}), on="doc_id")
    hashes = frame["doc_id"].map(lambda doc_id: hash_hex("explore", doc_id))
    chosen = frame.loc[hashes.sort_values().index[:most]]
    return chosen.sort_values("doc_id", ignore_index=True)


def queries_of_documents(
    pairs: pd.DataFrame, splits: pd.DataFrame, numbers: Mapping[str, int]
) -> dict[int, list[str]]:
    """Return the anchors of validation of each shown document, by its number.

    Args:
        pairs: a table Pairs.
        splits: a table Splits.
        numbers: the number of each shown document, by id.
    """
    split_of_id = splits.set_index("id")["split"]
    is_query = pairs["pair_id"].map(split_of_id) == "validation"
    shown = pairs[is_query & pairs["doc_id"].isin(numbers.keys())]

    anchors: dict[int, list[str]] = {}
    for doc_id, anchor in zip(shown["doc_id"], shown["anchor"], strict=True):
        anchors.setdefault(numbers[doc_id], []).append(anchor)
    return {number: sorted(texts) for number, texts in sorted(anchors.items())}


def training_rows(triplets: pd.DataFrame, numbers: Mapping[str, int]) -> dict[int, list[ShownRow]]:
    """Return the rows of training of each shown document, by its number; the least margin first.

    Args:
        triplets: a table Triplets.
        numbers: the number of each shown document, by id.
    """
    rows: dict[int, list[ShownRow]] = {}
    columns = ("anchor", "doc_id", "positive_score", "negative_ids", "negative_scores")
    for anchor, doc_id, score, negative_ids, scores in zip(
        *(triplets[column] for column in columns), strict=True
    ):
        if doc_id not in numbers:
            continue

        margin = None
        if len(scores):
            margin = round(float(score - np.max(scores)), 3)
        negatives = [numbers[negative] for negative in negative_ids if negative in numbers]
        rows.setdefault(numbers[doc_id], []).append(ShownRow(anchor, margin, negatives))

    for own in rows.values():
        own.sort(key=lambda row: (row.margin is None, row.margin or 0.0, row.anchor))
    return dict(sorted(rows.items()))


def near_links(edges: pd.DataFrame, numbers: Mapping[str, int]) -> dict[int, list[SimilarDocument]]:
    """Return the near-duplicates of each shown document, by its number; the nearest first.

    Args:
        edges: a table NearDuplicates.
        numbers: the number of each shown document, by id.
    """
    links: dict[int, list[SimilarDocument]] = {}
    for left, right, similarity in zip(
        edges["left_id"], edges["right_id"], edges["similarity"], strict=True
    ):
        if left in numbers and right in numbers:
            rounded = round(float(similarity), 3)
            links.setdefault(numbers[left], []).append(SimilarDocument(numbers[right], rounded))
            links.setdefault(numbers[right], []).append(SimilarDocument(numbers[left], rounded))

    for own in links.values():
        own.sort(key=lambda link: (-link.similarity, link.number))
    return dict(sorted(links.items()))


def numbers_of(doc_ids: Sequence[str]) -> dict[str, int]:
    """Return the number of each shown document, by id.

    >>> numbers_of(["d1", "d7"])
    {'d1': 0, 'd7': 1}
    """
    return {doc_id: number for number, doc_id in enumerate(doc_ids)}
