"""What the stage `augment` reads, what it writes, and its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pandas as pd
from pydantic import Field, model_validator

from stages.lib.core.interface import Details, Reads, TableFile, Writes
from stages.lib.core.params import ModelParams, ParamsSection
from stages.lib.schemas.documents import Passages
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.splits import Fingerprints, Splits


class AugmentParams(ParamsSection):
    """Which methods make variants, and the limits that accepted variants keep."""

    section: ClassVar[str] = "augment"
    abbreviations: bool
    spelling: bool
    keyboard: bool
    back_translation: Literal["off", "bergamot", "marian"]
    marian_models: list[str] | None = Field(min_length=2, max_length=2)
    min_cosine: float = Field(ge=-1.0, le=1.0)
    max_cosine: float = Field(ge=-1.0, le=1.0)
    min_chrf: float = Field(ge=0.0, le=1.0)
    max_chrf: float = Field(ge=0.0, le=1.0)
    min_word_cosine: float = Field(ge=-1.0, le=1.0)
    max_rank_loss: int = Field(ge=0)
    near_threshold: float = Field(gt=0.0, le=1.0)
    max_share: float = Field(ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _check_combinations(self) -> AugmentParams:
        if (self.back_translation == "marian") != (self.marian_models is not None):
            raise ValueError(
                "name two folders, there and back, with back_translation: marian, "
                "and null otherwise"
            )

        if self.min_cosine > self.max_cosine:
            raise ValueError("min_cosine is above max_cosine: nothing would be accepted")
        if self.min_chrf > self.max_chrf:
            raise ValueError("min_chrf is above max_chrf: nothing would be accepted")

        return self


@dataclass(frozen=True)
class Params:
    """The sections of params.yaml that `augment` reads."""

    augment: AugmentParams
    model: ModelParams


@dataclass(frozen=True)
class Inputs:
    """What `augment` reads."""

    pairs: Annotated[TableFile[Pairs], Reads("data/pair/pairs.parquet", "All pairs.")]
    splits: Annotated[
        TableFile[Splits],
        Reads(
            "data/split/splits.parquet",
            "The split of each pair and document.",
        ),
    ]
    fingerprints: Annotated[
        TableFile[Fingerprints],
        Reads("data/split/fingerprints.parquet", "Hashes of held-out texts."),
    ]
    passages: Annotated[
        TableFile[Passages],
        Reads(
            "data/pair/passages.parquet",
            "Passages, for their words and as search targets.",
        ),
    ]
    glossary: Annotated[
        Path,
        Reads("data/glossary", "Word lists: abbreviations.csv and spelling.csv."),
    ]
    reviews: Annotated[
        Path,
        Reads("data/review/variants.csv", "Variants that people have judged right or wrong."),
    ]


@dataclass(frozen=True)
class Outputs:
    """What `augment` writes."""

    pairs: Annotated[
        pd.DataFrame,
        Writes(
            "data/augment/pairs.parquet",
            "Training pairs with their variants.",
            Pairs,
        ),
    ]
    ledger: Annotated[
        pd.DataFrame,
        Writes(
            "data/augment/ledger.parquet",
            "A line for each new or rejected variant.",
            Ledger,
        ),
    ]
    details: Annotated[
        Details,
        Writes("metrics/details/augment.json", "Row accounting, also by method."),
    ]
