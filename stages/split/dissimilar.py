"""Pairs whose score says that the document is no answer: what they tie, and what they do not.

Such a pair is a labelled negative. It ties its anchor to equal and near anchors, and not to its
document, as a grade of 0 does not either. Else a set that labels a few texts beside every question
would be one component.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from stages.lib.core.params import PairShape, ScoreThreshold


def dissimilar_pairs(
    pairs: pd.DataFrame, labels: ScoreThreshold, shape: PairShape
) -> frozenset[str]:
    """Return the Pairs below `pair.positive_from`; none where scores are what is trained on.

    >>> table = pd.DataFrame({"pair_id": ["p1", "p2"], "score": [0.2, 0.5]})
    >>> threshold = ScoreThreshold(positive_from=0.5)
    >>> dissimilar_pairs(table, threshold, PairShape(shape="ranking"))
    frozenset({'p1'})
    >>> dissimilar_pairs(table, threshold, PairShape(shape="scores"))
    frozenset()
    """
    if shape.shape == "scores":
        return frozenset()

    return frozenset(pairs.loc[pairs["score"] < labels.positive_from, "pair_id"])


def home_of_pairs(
    document_of_pair: Mapping[str, str], dissimilar: Collection[str]
) -> dict[str, str]:
    """Return pair id to the row that it is tied to: its document, or itself if it is dissimilar.

    >>> home_of_pairs({"p1": "d1", "p2": "d1"}, ["p2"])
    {'p1': 'd1', 'p2': 'p2'}
    """
    untied = frozenset(dissimilar)
    return {
        pair_id: pair_id if pair_id in untied else doc_id
        for pair_id, doc_id in document_of_pair.items()
    }
