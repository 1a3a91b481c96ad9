"""Section `clean` of params.yaml: which repairs are made, and what is too much or too little."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from stages.lib.errors import Problem
from stages.lib.params import Section


class CleanParams(Section):
    """Which repairs are made, what they need as evidence, and which texts are kept."""

    section: ClassVar[str] = "clean"
    max_input_bytes: int = Field(ge=1000)
    max_nodes: int = Field(ge=100)
    max_depth: int = Field(ge=10)
    boilerplate_share: float | None = Field(gt=0.0, le=1.0)
    boilerplate_min_documents: int = Field(ge=2)
    abbreviations: Literal["off", "first", "all"]
    abbreviation_min_documents: int | None = Field(ge=1)
    typos: Literal["off", "correct"]
    private_data: Literal["off", "patterns", "presidio"]
    presidio_model: str | None = Field(min_length=1)
    lowercase: Literal["off", "prose", "all"]
    languages: list[Annotated[str, Field(pattern="^[a-z]{2,3}$")]] | None
    max_symbol_share: float | None = Field(gt=0.0, le=1.0)
    max_repetition: float | None = Field(gt=0.0, le=1.0)
    drop_patterns: list[str]
    min_document_characters: int = Field(ge=1)
    max_document_characters: int = Field(ge=1)
    min_anchor_characters: int = Field(ge=1)
    max_anchor_characters: int = Field(ge=1)
    passage_tokens: int | None = Field(ge=16)
    passage_overlap: int = Field(ge=0)


def check_limits(params: CleanParams) -> None:
    """Refuse limits that contradict each other, by name."""
    for what in ("document", "anchor"):
        shortest, longest = (getattr(params, f"{end}_{what}_characters") for end in ("min", "max"))
        if shortest > longest:
            raise Problem(
                f"params.yaml: clean.min_{what}_characters = {shortest} is above max_{what}_characters = {longest}",
                "no text could pass; lower the one or raise the other",
            )
    if params.passage_tokens is not None and 2 * params.passage_overlap > params.passage_tokens:
        raise Problem(
            f"params.yaml: clean.passage_overlap = {params.passage_overlap} is over half of "
            f"passage_tokens = {params.passage_tokens}",
            "lower it; a sixth is common",
        )
