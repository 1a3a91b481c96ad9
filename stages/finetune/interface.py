"""What the stage `finetune` reads, what it writes, and its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pandas as pd
from pydantic import Field, field_validator

from stages.lib.core.interface import AfterWriting, Details, Reads, TableFile, Writes
from stages.lib.core.params import (
    ComponentWeight,
    ModelParams,
    PairShape,
    ParamsSection,
    RunParams,
)
from stages.lib.schemas.documents import Passages
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import Masked, Qrels, Queries
from stages.lib.schemas.training import Tokens

Loss = Literal[
    "auto",
    "MultipleNegativesRanking",
    "CachedMultipleNegativesRanking",
    "GIST",
    "CachedGIST",
    "CoSENT",
]
Share = Annotated[float, Field(gt=0.0, le=1.0, multiple_of=0.01)]


class FinetuneParams(ParamsSection):
    """How the model is trained."""

    section: ClassVar[str] = "finetune"
    loss: Loss
    matryoshka_dims: list[Annotated[int, Field(ge=1)]]
    epochs: int = Field(ge=1, le=100)
    batch_size: int = Field(ge=2, le=4096)
    learning_rate: float = Field(gt=0.0, le=0.01)
    warmup: float = Field(ge=0.0, lt=1.0)
    temperature: float = Field(gt=0.0, le=1.0)
    early_stopping: int = Field(ge=0, le=100)
    merge: list[Share]
    licence: str
    wandb: Literal["off", "offline", "online"]
    force: bool

    @field_validator("matryoshka_dims", "merge")
    @classmethod
    def _once(cls, values: list[float]) -> list[float]:
        if len(set(values)) < len(values):
            raise ValueError("a value stands there twice")
        return values


@dataclass(frozen=True)
class Params:
    """The sections of params.yaml that `finetune` reads."""

    finetune: FinetuneParams
    run: RunParams
    model: ModelParams
    pair: PairShape
    evaluate: ComponentWeight


@dataclass(frozen=True)
class Inputs:
    """What `finetune` reads. Only early stopping and merging read the validation set."""

    tokens: Annotated[
        TableFile[Tokens],
        Reads("data/tokenize/tokens.parquet", "Training rows as tokens of fixed length."),
    ]
    queries: Annotated[
        TableFile[Queries],
        Reads("data/split/validation/queries.parquet", "Validation queries.", required=False),
    ]
    qrels: Annotated[
        TableFile[Qrels],
        Reads("data/split/validation/qrels.parquet", "Their relevant documents.", required=False),
    ]
    masked: Annotated[
        TableFile[Masked],
        Reads(
            "data/split/validation/masked.parquet",
            "Documents that do not count for them.",
            required=False,
        ),
    ]
    aliases: Annotated[
        TableFile[Aliases],
        Reads(
            "data/deduplicate/aliases.parquet",
            "The kept document of each dropped copy.",
            required=False,
        ),
    ]
    passages: Annotated[
        TableFile[Passages],
        Reads("data/split/passages.parquet", "The corpus that is searched.", required=False),
    ]
    verdict: Annotated[
        Path,
        Reads("data/validate/verdict.json", "Whether the data passed validation."),
    ]


@dataclass(frozen=True)
class Outputs:
    """What `finetune` writes."""

    model: Annotated[
        Callable[[Path], None],
        Writes("data/finetune/model", "The fine-tuned model with its card."),
    ]
    plot: Annotated[
        pd.DataFrame,
        Writes("metrics/plots/loss.tsv", "The loss by step, for the plot."),
    ]
    details: Annotated[
        Details,
        Writes("metrics/details/finetune.json", "Rows, steps, conflicts, loss, and choices."),
    ]
    remove_checkpoint: Annotated[Callable[[], None], AfterWriting()]
