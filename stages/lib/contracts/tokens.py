"""Tokens: training rows as token ids, ready for a training loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandera.pandas as pa
import pyarrow as arrow
import pyarrow.parquet as parquet

from stages.lib.contracts.table import PAIR_ID, Table
from stages.lib.errors import Problem

_STRINGS = {"arrow": arrow.list_(arrow.string())}


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
    answer_ids: object = pa.Field(
        metadata=_STRINGS,
        description="documents and components that are positive for the anchor; see shown_ids",
    )
    shown_ids: object = pa.Field(
        metadata=_STRINGS,
        description="documents and components of the texts that the row adds to a batch; none may "
        "be in the answer_ids of another row",
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


def tokens(length: int, negatives: int) -> type[Tokens]:
    """Return the table Tokens with lists of `length` entries, and columns for `negatives`.

    >>> table = tokens(length=8, negatives=1)
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


def fixed_shape(path: Path) -> tuple[int, int]:
    """Return the length of the lists and the number of negatives of a Tokens file.

    Raises:
        Problem: the file is missing, or is no such table.
    """
    # Any other table lacks the column, or has lists of variable length.
    try:
        schema = parquet.read_schema(path)
        length = schema.field("anchor_input_ids").type.list_size
    except FileNotFoundError:
        raise Problem(f"{path} does not exist", "run 'dvc repro tokenize' first") from None
    except (KeyError, AttributeError, arrow.ArrowInvalid):
        raise Problem(
            f"{path} is not a table of tokens of fixed length",
            "remove it and run 'dvc repro tokenize'",
        ) from None

    negative_columns = [
        name
        for name in schema.names
        if name.startswith("negative_") and name.endswith("_input_ids")
    ]
    return length, len(negative_columns)
