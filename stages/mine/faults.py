"""What must not be in the result, counted anew from the result alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from stages.lib.text import normal_form
from stages.mine.candidates import LABELLED
from stages.mine.corpus import Corpus


def count_known_positives(
    triplets: pd.DataFrame, positives: Mapping[str, frozenset[str]], corpus: Corpus
) -> int:
    """Return how many negatives are a positive of their anchor, by id or by text: must be 0."""
    count = 0
    for anchor, ids, negatives in zip(
        triplets["anchor"], triplets["negative_ids"], triplets["negatives"], strict=True
    ):
        known = positives[normal_form(anchor)]
        forms = frozenset[str]().union(*(corpus.forms[corpus.number[doc_id]] for doc_id in known))
        count += sum(
            i in known or normal_form(text) in forms for i, text in zip(ids, negatives, strict=True)
        )
    return count


def count_labelled(miners: Sequence[str]) -> int:
    """Return how many of a row's negatives a person found dissimilar, given who proposed each."""
    return sum(LABELLED in names.split("+") for names in miners)
