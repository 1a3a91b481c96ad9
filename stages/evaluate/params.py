"""Section `evaluate` of params.yaml."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from stages.lib.measures import DEPTH
from stages.lib.params import Section


class EvaluateParams(Section):
    """How deep is measured, which static model stands beside the others, and how results are read."""

    section: ClassVar[str] = "evaluate"
    depths: list[Annotated[int, Field(ge=1, le=DEPTH)]] = Field(min_length=1)
    static_model: str | None
    static_sha256: str = Field(pattern=r"^([0-9a-f]{64})?$")
    seed_sd: Annotated[float, Field(gt=0.0, le=0.2)] | None
    sliced: list[Literal["validation", "test"]]
    max_harm: float = Field(ge=0.0, le=0.5)
    judged_errors: int = Field(ge=2, le=10_000)
