"""How much of the anchors stands in their positives, counted a batch of documents at a time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from stages.lib.text.normal_form import words
from stages.pair.filters import contains_words


class WordOverlap:
    """The shares of pairs that copying would solve, and of pairs without any common word.

    Memory holds the pairs, and the texts of the documents that are counted.

    Args:
        pairs: a Pairs table.
        positive_of_pair: the text to train on, for pairs that have another one than their
            document's.
    """

    def __init__(self, pairs: pd.DataFrame, positive_of_pair: Mapping[str, str]) -> None:
        ordered = pairs[["pair_id", "anchor", "doc_id"]].sort_values("doc_id", kind="stable")
        self._pairs = ordered
        self._doc_ids = ordered["doc_id"].to_numpy(dtype=object)
        self._positive_of_pair = positive_of_pair
        self._contained_count = 0
        self._no_common_count = 0

    def add(self, documents: pd.DataFrame) -> None:
        """Count the pairs of these Documents, whose text is the one to train on.

        Each document is counted once. The documents are in ascending order of id.
        """
        if not len(documents):
            return

        # The pairs between the first and the last of the documents.
        start = np.searchsorted(self._doc_ids, documents["doc_id"].iloc[0], side="left")
        end = np.searchsorted(self._doc_ids, documents["doc_id"].iloc[-1], side="right")
        pairs = self._pairs.iloc[start:end]
        text_of_document = dict(zip(documents["doc_id"], documents["text"], strict=True))

        # The positive is the text that training uses.
        for pair_id, anchor, doc_id in pairs.itertuples(index=False, name=None):
            positive = self._positive_of_pair.get(pair_id) or text_of_document[doc_id]
            anchor_words = words(anchor)
            positive_words = words(positive)
            self._contained_count += contains_words(positive_words, anchor_words)
            self._no_common_count += not set(anchor_words) & set(positive_words)

    def metrics(self) -> dict[str, float]:
        """Return the shares.

        anchor_in_positive_share: the positive contains the words of the anchor, in their order.
        no_common_word_share: anchor and positive have no word in common.
        """
        pair_count = max(1, len(self._pairs))
        return {
            "anchor_in_positive_share": self._contained_count / pair_count,
            "no_common_word_share": self._no_common_count / pair_count,
        }
