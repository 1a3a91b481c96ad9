"""Tokens: rows that are ready for a training loop."""

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
    """One row is a triplet as token ids and attention masks, every list of one fixed length.

    Each negative adds the columns negative_1_input_ids, negative_1_attention_mask, and so on; where a row
    lacks that negative its mask is all 0, and training leaves it out of the loss.
    """

    pair_id: str = pa.Field(str_matches=PAIR_ID, description="the training pair")
    component_id: str = pa.Field(description="component of the pair")
    score: float = pa.Field(
        ge=0.0, le=1.0, description="how similar anchor and positive are; pair.shape scores uses it"
    )
    negatives: int = pa.Field(ge=0, description="how many of the negatives are real")
    answer_ids: object = pa.Field(
        metadata=_STRINGS,
        description="documents and components that answer the anchor; see shown_ids",
    )
    shown_ids: object = pa.Field(
        metadata=_STRINGS,
        description="documents and components that the row brings into a batch; none may be an answer of another row",
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
        """Key."""

        unique = ["pair_id"]


def text_columns(negatives: int) -> list[str]:
    """Return the texts that a row holds, in the order in which the loss expects them."""
    return ["anchor", "positive", *(f"negative_{number}" for number in range(1, negatives + 1))]


def tokens(length: int, negatives: int) -> type[Tokens]:
    """Return the contract of Tokens whose lists hold `length` entries, with columns for `negatives`."""
    fields: dict[str, Any] = {}
    for column in text_columns(negatives):
        for name, kind in (("input_ids", arrow.int32()), ("attention_mask", arrow.int8())):
            fields[f"{column}_{name}"] = pa.Field(
                metadata={"arrow": arrow.list_(kind, length)}, description=f"{name} of the {column}"
            )
    return type(
        "Tokens",
        (Tokens,),
        {**fields, "__annotations__": dict.fromkeys(fields, object), "__module__": __name__},
    )


def fixed_shape(path: Path) -> tuple[int, int]:
    """Return the list length and the number of negative columns of a Tokens table on disk.

    Raises Problem when the file is missing or is no such table.
    """
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
    return length, sum(
        name.startswith("negative_") and name.endswith("_input_ids") for name in schema.names
    )
