"""The parameters of augment."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from stages.lib.params import Section


class AugmentParams(Section):
    """Section `augment` of params.yaml."""

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
    def _fits(self) -> AugmentParams:
        if (self.back_translation == "marian") != (self.marian_models is not None):
            raise ValueError(
                "name two folders, there and back, with back_translation: marian, and null otherwise"
            )
        for name in ("cosine", "chrf"):
            if getattr(self, f"min_{name}") > getattr(self, f"max_{name}"):
                raise ValueError(f"min_{name} is above max_{name}: nothing would be accepted")
        return self
