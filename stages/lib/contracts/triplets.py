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
    """One row is a training pair with its hard negatives: none, some or all that were asked for."""

    pair_id: str = pa.Field(str_matches=PAIR_ID, description="the training pair")
    component_id: str = pa.Field(description="component of the pair")
    anchor: str = pa.Field(str_length={"min_value": 1}, description="the query")
    doc_id: str = pa.Field(str_matches=DOC_ID, description="id of the positive")
    positive: str = pa.Field(str_length={"min_value": 1}, description="text of the positive")
    positive_score: float = pa.Field(
        ge=-1.01, le=1.01, description="cosine of anchor and positive, by the base model"
    )
    negative_ids: object = pa.Field(
        metadata=_STRINGS, description="the hard negatives as documents, best first"
    )
    negatives: object = pa.Field(metadata=_STRINGS, description="their texts")
    negative_scores: object = pa.Field(
        metadata=_FLOATS, description="cosine of the anchor and each negative, by the base model"
    )
    negative_cross_scores: object = pa.Field(
        metadata=_FLOATS,
        description="score of the anchor and each negative by the cross-encoder; not a "
        "number without one",
    )
    negative_miners: object = pa.Field(
        metadata=_STRINGS,
        description="the origin of each negative: bm25, dense, labelled (by a person), or several",
    )
    negative_ranks: object = pa.Field(
        metadata=_INTEGERS,
        description="best rank of each negative, from 1, in the results of a miner",
    )
    negative_rules: object = pa.Field(
        metadata=_STRINGS, description="the filters that each negative passed"
    )
    answer_ids: object = pa.Field(
        metadata=_STRINGS,
        description="documents, components and topics that are positive for the anchor; see shown_ids",
    )
    shown_ids: object = pa.Field(
        metadata=_STRINGS,
        description="documents, components and topics of the texts that the row adds to a batch; none "
        "may be in the answer_ids of another row",
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["pair_id"]

    @pa.dataframe_check
    @classmethod
    def lists_are_equally_long(cls, frame: pd.DataFrame) -> pd.Series:
        """Every negative has an id, a text, a score, a miner, a rank and its filters."""
        length_by_column = {name: frame[name].map(len) for name in _PER_NEGATIVE}
        lengths = pd.DataFrame(length_by_column, index=frame.index)
        return lengths.nunique(axis=1) <= 1

    @pa.dataframe_check
    @classmethod
    def batches_know_positive_and_negatives(cls, frame: pd.DataFrame) -> pd.Series:
        """Every positive is in answer_ids and shown_ids, and every negative is in shown_ids."""
        # Check row by row, since pandas cannot compare lists.
        is_valid = []
        names = ["doc_id", "negative_ids", "answer_ids", "shown_ids"]
        rows = zip(*(frame[name] for name in names), strict=True)
        for doc_id, negative_ids, answer_ids, shown_ids in rows:
            has_answer = doc_id in set(answer_ids)
            has_shown = {doc_id, *negative_ids} <= set(shown_ids)

            is_valid.append(has_answer and has_shown)

        return pd.Series(is_valid, index=frame.index, dtype=bool)

    @pa.dataframe_check
    @classmethod
    def negative_differs_from_anchor_and_positive(cls, frame: pd.DataFrame) -> pd.Series:
        """No negative has the text of the anchor or the positive, or the id of the positive."""
        is_valid = []
        names = ["anchor", "positive", "doc_id", "negatives", "negative_ids"]
        rows = zip(*(frame[name] for name in names), strict=True)
        for anchor, positive, doc_id, negatives, negative_ids in rows:
            differs_in_text = not {anchor, positive} & set(negatives)
            differs_in_id = doc_id not in set(negative_ids)

            is_valid.append(differs_in_text and differs_in_id)

        return pd.Series(is_valid, index=frame.index, dtype=bool)
