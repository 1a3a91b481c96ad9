"""What the stage `pair` reads, what it writes, and its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Annotated, ClassVar, Literal, get_args

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from stages.lib.core.interface import (
    Details,
    Metrics,
    Reads,
    Scratch,
    TableFile,
    TableWriter,
    Writes,
)
from stages.lib.core.params import ModelParams, ParamsSection
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import PairGrades, Pairs, SyntheticPairs

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
# Where two recipes propose the same pair, the earlier one of this list is preferred.
RECIPES: tuple[Recipe, ...] = get_args(Recipe)
# The recipes that make pairs. `given` builds those of the sources.
SYNTHETIC_RECIPES = RECIPES[1:]


class GeneratedParams(BaseModel):
    """How the recipe `generated` writes queries."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    model: str
    prompt: str
    max_tokens: int = Field(ge=4, le=256)
    first: int = Field(ge=1, le=100)

    @field_validator("prompt")
    @classmethod
    def _check_placeholders(cls, template: str) -> str:
        return check_placeholders(template, {"text", "title"})


class PairParams(ParamsSection):
    """Which pairs are built, how they are balanced, and the text that is embedded."""

    section: ClassVar[str] = "pair"
    document_text: str
    recipes: list[Recipe] = Field(min_length=1)
    shape: Literal["ranking", "scores"]
    positive_from: float = Field(gt=0.0, le=1.0)
    max_pairs_per_document: int | None = Field(ge=1)
    max_pairs_per_topic: int | None = Field(ge=1)
    max_pairs_per_relation: int | None = Field(ge=1)
    generated: GeneratedParams

    @field_validator("document_text")
    @classmethod
    def _check_placeholders(cls, template: str) -> str:
        return check_placeholders(template, {"text", "title", "topic"})

    @field_validator("recipes")
    @classmethod
    def _check_unique(cls, recipes: list[Recipe]) -> list[Recipe]:
        if len(set(recipes)) < len(recipes):
            raise ValueError("a recipe stands there twice")
        return recipes

    @model_validator(mode="after")
    def _check_generator(self) -> PairParams:
        if "generated" in self.recipes and not self.generated.model:
            raise ValueError(
                "the recipe 'generated' needs generated.model: a folder, "
                "or the name of a served model"
            )

        return self


def check_placeholders(template: str, allowed: set[str]) -> str:
    """Return `template`, a format string that holds {text} and only `allowed` placeholders.

    Raises:
        ValueError: it lacks {text}, holds another placeholder, or converts one ("{text!r}").
    """
    # Formatter yields (literal text, name, format, conversion). The name is None for text alone.
    parts = [part for part in Formatter().parse(template) if part[1] is not None]
    names = {str(name) for _, name, _, _ in parts}

    # A conversion or a format would fail when the template is filled in, or change the text.
    is_converted = any(format_spec or conversion for _, _, format_spec, conversion in parts)
    if "text" not in names or names - allowed or is_converted:
        others = " and ".join(f"{{{name}}}" for name in sorted(allowed - {"text"}))
        raise ValueError(f"it must hold {{text}}, and of other placeholders only {others}")

    return template


@dataclass(frozen=True)
class Params:
    """The sections of params.yaml that `pair` reads."""

    pair: PairParams
    model: ModelParams


@dataclass(frozen=True)
class Inputs:
    """What `pair` reads."""

    collected: Annotated[
        TableFile[Documents],
        Reads(
            "data/collect/documents.parquet",
            "Documents as collected, for their headings.",
        ),
    ]
    collected_pairs: Annotated[
        TableFile[Pairs],
        Reads(
            "data/collect/pairs.parquet",
            "Pairs as collected. They show whether there are real queries.",
        ),
    ]
    grades: Annotated[
        TableFile[PairGrades],
        Reads("data/collect/grades.parquet", "Grades: which given pairs may be trained on."),
    ]
    documents: Annotated[
        TableFile[Documents],
        Reads("data/deduplicate/documents.parquet", "Documents without copies."),
    ]
    passages: Annotated[
        TableFile[Passages],
        Reads("data/clean/passages.parquet", "Passages of the documents."),
    ]
    pairs: Annotated[
        TableFile[Pairs],
        Reads("data/deduplicate/pairs.parquet", "Given pairs without copies."),
    ]
    reviews: Annotated[
        Path,
        Reads("data/review/mispaired.csv", "Pairs that people have judged right or wrong."),
    ]
    scratch: Annotated[Path, Scratch()]


@dataclass(frozen=True)
class Outputs:
    """What `pair` writes."""

    documents: Annotated[
        TableWriter,
        Writes(
            "data/pair/documents.parquet",
            "Documents with the embedded text.",
            Documents,
        ),
    ]
    passages: Annotated[
        TableWriter,
        Writes("data/pair/passages.parquet", "Passages with the embedded text.", Passages),
    ]
    pairs: Annotated[
        pd.DataFrame,
        Writes("data/pair/pairs.parquet", "The pairs that are built.", Pairs),
    ]
    dissimilar: Annotated[
        pd.DataFrame,
        Writes(
            "data/pair/dissimilar_pairs.parquet",
            "Given pairs that score below pair.positive_from.",
            Pairs,
        ),
    ]
    synthetic_pairs: Annotated[
        pd.DataFrame,
        Writes(
            "data/pair/synthetic_pairs.parquet",
            "Origin and positive of each pair of a recipe.",
            SyntheticPairs,
        ),
    ]
    ledger: Annotated[
        pd.DataFrame,
        Writes(
            "data/pair/ledger.parquet",
            "A line for each proposed or excluded pair.",
            Ledger,
        ),
    ]
    metrics: Annotated[Metrics, Writes("metrics/pair.json", "The number of pairs.")]
    details: Annotated[
        Details,
        Writes("metrics/details/pair.json", "Row accounting, balance and word overlap."),
    ]
