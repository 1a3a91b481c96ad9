"""Triplets: anchors with their positive and their hard negatives."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow

from stages.lib.contracts.table import DOC_ID, PAIR_ID, Table

_STRINGS = {"arrow": arrow.list_(arrow.string())}
_FLOATS = {"arrow": arrow.list_(arrow.float64())}
_INTEGERS = {"arrow": arrow.list_(arrow.int64())}
_PER_NEGATIVE = [
    "negative_ids",
    "negatives",
    "negative_scores",
    "negative_cross_scores",
    "negative_miners",
    "negative_ranks",
    "negative_rules",
]


class Triplets(Table):
    """One row is a training pair with the hard negatives that were found for it: none, some or all."""

    pair_id: str = pa.Field(str_matches=PAIR_ID, description="the training pair")
    component_id: str = pa.Field(description="component of the pair")
    anchor: str = pa.Field(str_length={"min_value": 1}, description="query side")
    doc_id: str = pa.Field(str_matches=DOC_ID, description="id of the positive")
    positive: str = pa.Field(str_length={"min_value": 1}, description="text of the positive")
    positive_score: float = pa.Field(
        ge=-1.01, le=1.01, description="base model's cosine of anchor and positive"
    )
    negative_ids: object = pa.Field(
        metadata=_STRINGS, description="documents chosen as hard negatives, best first"
    )
    negatives: object = pa.Field(metadata=_STRINGS, description="their texts")
    negative_scores: object = pa.Field(
        metadata=_FLOATS, description="base model's cosine of anchor and each negative"
    )
    negative_cross_scores: object = pa.Field(
        metadata=_FLOATS,
        description="the cross-encoder's score of anchor and each; not a number where none is asked",
    )
    negative_miners: object = pa.Field(
        metadata=_STRINGS,
        description="who proposed each: bm25, dense, labelled (a person), or several",
    )
    negative_ranks: object = pa.Field(
        metadata=_INTEGERS, description="best rank (from 1) that a miner gave each"
    )
    negative_rules: object = pa.Field(
        metadata=_STRINGS, description="the rules that each negative passed"
    )

    answer_ids: object = pa.Field(
        metadata=_STRINGS,
        description="documents, components and topics that answer the anchor; see shown_ids",
    )
    shown_ids: object = pa.Field(
        metadata=_STRINGS,
        description="documents, components and topics that the row brings into a batch; none may be an answer of "
        "another row",
    )

    class Config(Table.Config):
        """Key."""

        unique = ["pair_id"]

    @pa.dataframe_check
    @classmethod
    def lists_are_equally_long(cls, frame: pd.DataFrame) -> pd.Series:
        """Every negative has an id, a text, a score, a miner, a rank and its rules."""
        lengths = pd.DataFrame(
            {name: frame[name].map(len) for name in _PER_NEGATIVE}, index=frame.index
        )
        return lengths.nunique(axis=1) <= 1

    @pa.dataframe_check
    @classmethod
    def batches_know_positive_and_negatives(cls, frame: pd.DataFrame) -> pd.Series:
        """Every positive answers and is shown, and every negative is shown."""
        rows = zip(
            frame["doc_id"],
            frame["negative_ids"],
            frame["answer_ids"],
            frame["shown_ids"],
            strict=True,
        )
        return pd.Series(
            [
                doc_id in set(answers) and {doc_id, *ids} <= set(shown)
                for doc_id, ids, answers, shown in rows
            ],
            index=frame.index,
            dtype=bool,
        )

    @pa.dataframe_check
    @classmethod
    def negative_differs_from_anchor_and_positive(cls, frame: pd.DataFrame) -> pd.Series:
        """No negative is the anchor, the positive, or the positive's document under its own id."""
        rows = zip(
            frame["anchor"],
            frame["positive"],
            frame["doc_id"],
            frame["negatives"],
            frame["negative_ids"],
            strict=True,
        )
        return pd.Series(
            [not ({a, p} & set(texts)) and d not in set(ids) for a, p, d, texts, ids in rows],
            index=frame.index,
            dtype=bool,
        )
