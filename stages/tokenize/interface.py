"""What the stage `tokenize` reads, what it writes, and its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import pandas as pd
from pydantic import Field

from stages.lib.core.interface import CheckedTable, Details, Reads, TableFile, Writes
from stages.lib.core.params import ModelParams, PairShape, ParamsSection
from stages.lib.schemas.documents import Passages
from stages.lib.schemas.evaluation_set import Queries
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.training import Triplets


class TokenizeParams(ParamsSection):
    """How many tokens a text may have, and how many texts may be longer."""

    section: ClassVar[str] = "tokenize"
    max_tokens: int = Field(ge=8, le=512)
    max_truncated_share: float = Field(ge=0.0, le=1.0)


@dataclass(frozen=True)
class Params:
    """The sections of params.yaml that `tokenize` reads."""

    tokenize: TokenizeParams
    model: ModelParams
    pair: PairShape


@dataclass(frozen=True)
class Inputs:
    """What `tokenize` reads."""

    triplets: Annotated[
        TableFile[Triplets],
        Reads("data/mine/triplets.parquet", "Anchors with their positives and hard negatives."),
    ]
    pairs: Annotated[
        TableFile[Pairs],
        Reads("data/augment/pairs.parquet", "Training pairs, for their scores."),
    ]
    queries: Annotated[
        TableFile[Queries],
        Reads("data/split/validation/queries.parquet", "Queries whose lengths are measured."),
    ]
    passages: Annotated[
        TableFile[Passages],
        Reads("data/split/passages.parquet", "Passages whose lengths are measured."),
    ]


@dataclass(frozen=True)
class Outputs:
    """What `tokenize` writes."""

    tokens: Annotated[
        CheckedTable,
        Writes("data/tokenize/tokens.parquet", "Token ids and attention masks of fixed length."),
    ]
    ledger: Annotated[
        pd.DataFrame,
        Writes("data/tokenize/ledger.parquet", "A line for each text that is cut.", Ledger),
    ]
    details: Annotated[
        Details,
        Writes("metrics/details/tokenize.json", "Row accounting, lengths and truncation."),
    ]
