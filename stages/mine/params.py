"""What decides which documents become negatives."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from stages.lib.params import Section

Miner = Literal["bm25", "dense"]


def _distinct(names: list[Miner]) -> list[Miner]:
    if len(set(names)) < len(names):
        raise ValueError("a miner stands here twice")
    return names


class MineParams(Section):
    """How many negatives, from which candidates, and what refuses one."""

    section: ClassVar[str] = "mine"
    negatives: int = Field(ge=1, le=16)
    miners: Annotated[list[Miner], Field(min_length=1), AfterValidator(_distinct)]
    candidates: int = Field(ge=1, le=1000)
    index: Literal["exact", "clusters"]
    relative_margin: float | None = Field(ge=0.0, le=1.0)
    absolute_margin: float | None = Field(ge=0.0, le=2.0)
    cross_encoder: str | None = Field(min_length=1)
    cross_encoder_sha256: str = Field(pattern=r"^([0-9a-f]{64})?$")
    cross_encoder_rule: Literal["refuse", "keep"]
    near_positives: Literal["keep", "refuse"]
    exclude_relatives: Literal["off", "hierarchy", "family", "both"]
    skip_first: int = Field(ge=0, le=999)
    sampling: Literal["hardest", "random"]
    judged_negatives: int = Field(ge=20, le=100_000)

    @field_validator("cross_encoder_rule")
    @classmethod
    def _judges_by_a_margin(cls, rule: str, info: ValidationInfo) -> str:
        margins = {info.data.get("relative_margin"), info.data.get("absolute_margin")}
        if rule == "refuse" and info.data.get("cross_encoder") is not None and margins == {None}:
            raise ValueError(
                "a cross-encoder refuses by the margins, and both are null; 0.0 is a margin too"
            )
        return rule

    @property
    def crossed(self) -> bool:
        """Return whether a cross-encoder refuses, in place of the cosine."""
        return self.cross_encoder is not None and self.cross_encoder_rule == "refuse"

    @property
    def has_margin(self) -> bool:
        """Return whether a negative must score below the positives."""
        return self.relative_margin is not None or self.absolute_margin is not None

    def threshold(self, weakest: float) -> float:
        """Return the highest score that a negative may have beside a weakest positive that scores `weakest`.

        A share of the score is taken off by its size, so that the threshold lies below it also where it is negative.
        """
        if not self.has_margin:
            return float("inf")
        return weakest - max(
            abs(weakest) * (self.relative_margin or 0.0), self.absolute_margin or 0.0
        )
