"""The section `pair` of params.yaml."""

from __future__ import annotations

from string import Formatter
from typing import ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from stages.lib.params import Section

Recipe = Literal[
    "given",
    "title",
    "heading",
    "question",
    "synonyms",
    "generated",
    "first_sentence",
    "neighbours",
    "same_label",
]
# In the order in which they are preferred where two recipes make the same pair.
RECIPES: tuple[Recipe, ...] = get_args(Recipe)


class Generated(BaseModel):
    """How the recipe `generated` writes queries."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    model: str
    prompt: str
    max_tokens: int = Field(ge=4, le=256)
    first: int = Field(ge=1, le=100)

    @field_validator("prompt")
    @classmethod
    def _names_the_text(cls, template: str) -> str:
        return only_names(template, {"text", "title"})


class PairParams(Section):
    """Which pairs are built, how they are balanced, and how a document reads when it is embedded."""

    section: ClassVar[str] = "pair"
    document_text: str
    recipes: list[Recipe] = Field(min_length=1)
    shape: Literal["ranking", "scores"]
    positive_from: float = Field(gt=0.0, le=1.0)
    max_pairs_per_document: int | None = Field(ge=1)
    max_pairs_per_topic: int | None = Field(ge=1)
    max_pairs_per_relation: int | None = Field(ge=1)
    generated: Generated

    @field_validator("document_text")
    @classmethod
    def _names_the_text(cls, template: str) -> str:
        return only_names(template, {"text", "title", "topic"})

    @field_validator("recipes")
    @classmethod
    def _each_once(cls, recipes: list[Recipe]) -> list[Recipe]:
        if len(set(recipes)) < len(recipes):
            raise ValueError("a recipe stands there twice")
        return recipes

    @model_validator(mode="after")
    def _generated_by_a_model(self) -> PairParams:
        if "generated" in self.recipes and not self.generated.model:
            raise ValueError(
                "the recipe 'generated' needs generated.model: a folder, or the name of a served model"
            )
        return self


def only_names(template: str, placeholders: set[str]) -> str:
    """Return `template` if it holds {text} and no other than `placeholders`; otherwise raise ValueError."""
    fields = [field for _, *field in Formatter().parse(template) if field[0] is not None]
    names = {name for name, _, _ in fields}
    # A conversion or a format ("{text!r}", "{text:d}") would fail, or change the text, once it is filled in.
    if "text" not in names or names - placeholders or any(spec or kind for _, spec, kind in fields):
        others = " and ".join(f"{{{name}}}" for name in sorted(placeholders - {"text"}))
        raise ValueError(f"it must hold {{text}}, and of other placeholders only {others}")
    return template
