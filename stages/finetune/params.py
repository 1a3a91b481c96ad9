"""How the model is trained."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from stages.lib.params import Section

Loss = Literal[
    "auto", "MultipleNegativesRanking", "CachedMultipleNegativesRanking", "GIST", "CachedGIST", "CoSENT"
]  # fmt: skip
Share = Annotated[float, Field(gt=0.0, le=1.0, multiple_of=0.01)]


class FinetuneParams(Section):
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
    device: Literal["auto", "cpu", "cuda", "mps"]
    bf16: bool
    licence: str
    wandb: Literal["off", "offline", "online"]
    force: bool

    @field_validator("matryoshka_dims", "merge")
    @classmethod
    def _once(cls, values: list[float]) -> list[float]:
        if len(set(values)) < len(values):
            raise ValueError("a value stands there twice")
        return values
