"""The tables for training: Triplets and Tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow
import pyarrow.parquet as parquet

from stages.lib.core.errors import UserError
from stages.lib.core.ids import DOC_ID, PAIR_ID
from stages.lib.core.tables import Table

# The miner of a negative that a person found dissimilar to the anchor.
LABELLED = "labelled"

_STRING_LIST = {"arrow": arrow.list_(arrow.string())}
_FLOAT_LIST = {"arrow": arrow.list_(arrow.float64())}
_INTEGER_LIST = {"arrow": arrow.list_(arrow.int64())}
# The columns of Triplets that hold a value for each negative.
PER_NEGATIVE = [
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
        metadata=_STRING_LIST, description="the hard negatives as documents, best first"
    )
    negatives: object = pa.Field(metadata=_STRING_LIST, description="their texts")
    negative_scores: object = pa.Field(
        metadata=_FLOAT_LIST,
        description="cosine of the anchor and each negative, by the base model",
    )
    negative_cross_scores: object = pa.Field(
        metadata=_FLOAT_LIST,
        description="score of the anchor and each negative by the cross-encoder; not a "
        "number without one",
    )
    negative_miners: object = pa.Field(
        metadata=_STRING_LIST,
        description="the origin of each negative: bm25, dense, labelled (by a person), or several",
    )
    negative_ranks: object = pa.Field(
        metadata=_INTEGER_LIST,
        description="best rank of each negative, from 1, in the results of a miner",
    )
    negative_rules: object = pa.Field(
        metadata=_STRING_LIST, description="the filters that each negative passed"
    )
    positive_ids: object = pa.Field(
        metadata=_STRING_LIST,
        description="documents, components and topics that are positive; see in_batch_ids",
    )
    in_batch_ids: object = pa.Field(
        metadata=_STRING_LIST,
        description="documents, components and topics of the texts that the row adds; none "
        "may be in the positive_ids of another row",
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["pair_id"]

    @pa.dataframe_check
    @classmethod
    def lists_are_equally_long(cls, frame: pd.DataFrame) -> pd.Series:
        """Every negative has an id, a text, a score, a miner, a rank and its filters."""
        length_by_column = {name: frame[name].map(len) for name in PER_NEGATIVE}
        lengths = pd.DataFrame(length_by_column, index=frame.index)
        return lengths.nunique(axis=1) <= 1

    @pa.dataframe_check
    @classmethod
    def batches_know_positive_and_negatives(cls, frame: pd.DataFrame) -> pd.Series:
        """Positives are in positive_ids and in_batch_ids, negatives in in_batch_ids."""
        # Check row by row, since pandas cannot compare lists.
        is_valid = []
        names = ["doc_id", "negative_ids", "positive_ids", "in_batch_ids"]
        rows = zip(*(frame[name] for name in names), strict=True)
        for doc_id, negative_ids, positive_ids, in_batch_ids in rows:
            has_answer = doc_id in set(positive_ids)
            has_shown = {doc_id, *negative_ids} <= set(in_batch_ids)

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


class Tokens(Table):
    """One row is a triplet as token ids and attention masks, all lists of one fixed length.

    Each negative adds two columns: negative_1_input_ids, negative_1_attention_mask, and so
    on. If a row lacks that negative, its mask is all 0, and the loss leaves it out.
    """

    pair_id: str = pa.Field(str_matches=PAIR_ID, description="the training pair")
    component_id: str = pa.Field(description="connected component of the pair")
    score: float = pa.Field(
        ge=0.0, le=1.0, description="similarity of anchor and positive, used with pair.shape scores"
    )
    negatives: int = pa.Field(ge=0, description="number of negatives of the row")
    positive_ids: object = pa.Field(
        metadata=_STRING_LIST,
        description="documents and components that are positive for the anchor; see in_batch_ids",
    )
    in_batch_ids: object = pa.Field(
        metadata=_STRING_LIST,
        description="documents and components of the texts that the row adds to a batch; none may "
        "be in the positive_ids of another row",
    )
    anchor_input_ids: object = pa.Field(
        metadata={"arrow": arrow.list_(arrow.int32())},
        description="token ids of the anchor, padded to max_tokens",
    )
    anchor_attention_mask: object = pa.Field(
        metadata={"arrow": arrow.list_(arrow.int8())}, description="1 for a token, 0 for padding"
    )
    positive_input_ids: object = pa.Field(
        metadata={"arrow": arrow.list_(arrow.int32())},
        description="token ids of the positive, padded to max_tokens",
    )
    positive_attention_mask: object = pa.Field(
        metadata={"arrow": arrow.list_(arrow.int8())}, description="1 for a token, 0 for padding"
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["pair_id"]


def text_columns(negatives: int) -> list[str]:
    """Return the names of the texts of a row, in the order that the loss expects.

    >>> text_columns(2)
    ['anchor', 'positive', 'negative_1', 'negative_2']
    """
    negative_columns = [f"negative_{number}" for number in range(1, negatives + 1)]
    return ["anchor", "positive", *negative_columns]


def tokens_schema(length: int, negatives: int) -> type[Tokens]:
    """Return the table Tokens with lists of `length` entries, and columns for `negatives`.

    >>> table = tokens_schema(length=8, negatives=1)
    >>> [name for name in table.to_schema().columns if name.startswith("negative_")]
    ['negative_1_input_ids', 'negative_1_attention_mask']
    """
    fields: dict[str, Any] = {}
    kinds = {"input_ids": arrow.int32(), "attention_mask": arrow.int8()}
    for column in text_columns(negatives):
        for name, kind in kinds.items():
            fields[f"{column}_{name}"] = pa.Field(
                metadata={"arrow": arrow.list_(kind, length)},
                description=f"{name} of the {column}",
            )

    # Pandera reads the columns of a class from its annotations.
    attributes = {
        **fields,
        "__annotations__": dict.fromkeys(fields, object),
        "__module__": __name__,
    }
    return type("Tokens", (Tokens,), attributes)


def read_tokens_shape(path: Path) -> tuple[int, int]:
    """Return the length of the lists and the number of negatives of a Tokens file.

    Raises:
        UserError: the file is missing, or is no such table.
    """
    # Any other table lacks the column, or has lists of variable length.
    try:
        schema = parquet.read_schema(path)
        length = schema.field("anchor_input_ids").type.list_size
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", "run 'dvc repro tokenize' first") from None
    except (KeyError, AttributeError, arrow.ArrowInvalid):
        raise UserError(
            f"{path} is not a table of tokens of fixed length",
            "remove it and run 'dvc repro tokenize'",
        ) from None

    negative_columns = [
        name
        for name in schema.names
        if name.startswith("negative_") and name.endswith("_input_ids")
    ]
    return length, len(negative_columns)
