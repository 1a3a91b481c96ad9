"""The settings of a source of the kind `table`: files, and the meaning of their columns."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from stages.collect.source import (
    DescribedSource,
    FileSource,
    SourceSettings,
    SplitName,
)


class Columns(SourceSettings):
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


def check_ends(ends: list[float] | None) -> list[float] | None:
    """Return the ends of a scale.

    Raises:
        ValueError: they are no two different numbers, the lower one first.
    """
    if ends is not None and not -math.inf < ends[0] < ends[1] < math.inf:
        raise ValueError("it must hold the lower end of the scale, then the higher one")
    return ends


class RowSource(DescribedSource):
    """What the columns of rows mean, wherever the rows come from."""

    columns: Columns
    documents_of: str | None = None
    split: SplitName | None = None
    split_names: dict[str, SplitName | None] = Field(default_factory=dict)
    relevant_from: int = Field(default=1, ge=1)
    positive_grade: int | None = Field(default=None, ge=1)
    score_range: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    score_names: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = Field(
        default_factory=dict
    )

    _check_range = field_validator("score_range")(check_ends)

    @model_validator(mode="after")
    def _check_grades(self) -> Self:
        if self.positive_grade is not None and self.positive_grade < self.relevant_from:
            raise ValueError("positive_grade is below relevant_from: a positive must be relevant")
        return self

    @property
    def target(self) -> str:
        """The name of the source whose documents the pairs lead to; "" for its own documents."""
        return self.documents_of or ""


class TableSource(RowSource):
    """A file under data/raw/, or several by a pattern, and the meaning of the columns."""

    reader: Literal["table"]
    path: str
    encoding: str = "utf-8"
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    quote: str | None = Field(default='"', min_length=1, max_length=1)
    escape: str | None = Field(default=None, min_length=1, max_length=1)
    header: bool = True
    skip_lines: int = Field(default=0, ge=0, le=1_000_000)
    sheet: str | None = Field(default=None, min_length=1)


def table_of(
    source: FileSource, columns: Columns, *, documents_of: str | None = None, **labels: Any
) -> TableSource:
    """Return the settings of records that a source of another kind gives.

    Args:
        source: the source.
        columns: the fields that the records hold.
        documents_of: the source whose documents their pairs lead to; None for their own.
        labels: further settings of `RowSource`, such as `score_range`.
    """
    return TableSource(
        reader="table",
        path=source.path,
        columns=columns,
        documents_of=documents_of,
        release=source.release,
        licence=source.licence,
        citation=source.citation,
        **labels,
    )
