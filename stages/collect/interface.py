"""What the stage `collect` reads, what it writes, and its parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pandas as pd
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from stages.lib.core.interface import AfterWriting, Details, Reads, Writes
from stages.lib.core.params import DocumentTemplate, ParamsSection
from stages.lib.schemas.documents import Documents, Hierarchy, Timestamps
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import PairGrades, Pairs
from stages.lib.schemas.splits import GivenSplits

# The name of the source that is never trained on. It goes into the ids of its rows.
OUT_OF_DOMAIN = "out_of_domain"

SplitName = Literal["train", "validation", "test"]


class Source(BaseModel):
    """The settings that all sources share: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class HpoSource(Source):
    """The ontology of the installed package. Its release follows from the pin in pyproject.toml."""

    reader: Literal["hpo"]


class Columns(Source):
    """The column of the file that holds each field. Other columns are not read.

    `positive` is another name of `text`; it may hold a list, as `negative` may.
    """

    key: str | None = Field(default=None, min_length=1)
    title: str | None = Field(default=None, min_length=1)
    text: str | None = Field(default=None, min_length=1)
    anchor: str | None = Field(default=None, min_length=1)
    topic: str | None = Field(default=None, min_length=1)
    group: str | None = Field(default=None, min_length=1)
    relation: str | None = Field(default=None, min_length=1)
    score: str | None = Field(default=None, min_length=1)
    grade: str | None = Field(default=None, min_length=1)
    split: str | None = Field(default=None, min_length=1)
    document_key: str | None = Field(default=None, min_length=1)
    time: str | None = Field(default=None, min_length=1)
    parent: str | None = Field(default=None, min_length=1)
    positive: str | None = Field(default=None, min_length=1)
    negative: str | None = Field(default=None, min_length=1)

    @property
    def document(self) -> str | None:
        """The column of the documents: that of `text` or of `positive`."""
        return self.text or self.positive

    def mapped(self) -> dict[str, str]:
        """Return the mapped fields: field to column.

        >>> Columns(key="id", text="answer").mapped()
        {'key': 'id', 'text': 'answer'}
        """
        return {field: column for field, column in self.model_dump().items() if column is not None}


class TableSource(Source):
    """A file under data/raw/, or several by a pattern, and the meaning of the columns."""

    reader: Literal["table"]
    path: str
    columns: Columns
    encoding: str = "utf-8"
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    quote: str | None = Field(default='"', min_length=1, max_length=1)
    escape: str | None = Field(default=None, min_length=1, max_length=1)
    header: bool = True
    skip_lines: int = Field(default=0, ge=0, le=1_000_000)
    sheet: str | None = Field(default=None, min_length=1)
    documents_of: str | None = None
    split: SplitName | None = None
    split_names: dict[str, SplitName | None] = Field(default_factory=dict)
    relevant_from: int = Field(default=1, ge=1)
    positive_grade: int | None = Field(default=None, ge=1)
    score_range: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    release: str = ""
    licence: str = ""
    citation: str = ""

    @field_validator("score_range")
    @classmethod
    def _check_ends(cls, ends: list[float] | None) -> list[float] | None:
        if ends is not None and not -math.inf < ends[0] < ends[1] < math.inf:
            raise ValueError("it must hold the lower end of the scale, then the higher one")
        return ends

    @model_validator(mode="after")
    def _check_grades(self) -> TableSource:
        if self.positive_grade is not None and self.positive_grade < self.relevant_from:
            raise ValueError("positive_grade is below relevant_from: a positive must be relevant")
        return self


class AwsSource(Source):
    """A sample of the operations that have at least one task title."""

    reader: Literal["aws"]
    documents: int = Field(ge=1, le=2000)


AnySource = Annotated[HpoSource | TableSource | AwsSource, Field(discriminator="reader")]
SourceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")]


class CollectParams(ParamsSection):
    """The sources of documents and pairs."""

    section: ClassVar[str] = "collect"
    sources: dict[SourceName, AnySource] = Field(min_length=1)
    max_rejected_share: float = Field(default=0.1, ge=0.0, le=1.0)
    out_of_domain: AnySource | None


@dataclass(frozen=True)
class Params:
    """The sections of params.yaml that `collect` reads."""

    collect: CollectParams
    rendering: DocumentTemplate


@dataclass(frozen=True)
class Inputs:
    """What `collect` reads."""

    raw: Annotated[Path, Reads("data/raw", "The user's own tables, such as CSV or JSONL.")]


@dataclass(frozen=True)
class Outputs:
    """What `collect` writes."""

    documents: Annotated[
        pd.DataFrame,
        Writes("data/collect/documents.parquet", "The documents of all sources.", Documents),
    ]
    pairs: Annotated[
        pd.DataFrame,
        Writes(
            "data/collect/pairs.parquet",
            "Anchors and the documents they should find.",
            Pairs,
        ),
    ]
    times: Annotated[
        pd.DataFrame,
        Writes("data/collect/timestamps.parquet", "The time of each row that has one.", Timestamps),
    ]
    given_splits: Annotated[
        pd.DataFrame,
        Writes(
            "data/collect/given_splits.parquet",
            "The split of each pair whose source gives it.",
            GivenSplits,
        ),
    ]
    grades: Annotated[
        pd.DataFrame,
        Writes("data/collect/grades.parquet", "The grade of each pair that has one.", PairGrades),
    ]
    hierarchy: Annotated[
        pd.DataFrame,
        Writes("data/collect/hierarchy.parquet", "Documents and their parents.", Hierarchy),
    ]
    out_of_domain_documents: Annotated[
        pd.DataFrame,
        Writes(
            "data/collect/out_of_domain_documents.parquet",
            "The documents of the source that is never trained on.",
            Documents,
        ),
    ]
    out_of_domain_pairs: Annotated[
        pd.DataFrame,
        Writes(
            "data/collect/out_of_domain_pairs.parquet",
            "The pairs of the source that is never trained on.",
            Pairs,
        ),
    ]
    ledger: Annotated[
        pd.DataFrame,
        Writes(
            "data/collect/ledger.parquet",
            "A line for each record that is left out.",
            Ledger,
        ),
    ]
    data_card: Annotated[
        str,
        Writes("metrics/data_card.md", "Origin, licence and counts of each source."),
    ]
    details: Annotated[
        Details,
        Writes("metrics/details/collect.json", "Row accounting, also by source."),
    ]
    print_rejections: Annotated[Callable[[], None], AfterWriting()]
