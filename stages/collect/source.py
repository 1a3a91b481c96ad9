"""What all sources share: their settings, and what a reader gets."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from stages.lib.text.document_text import TEXT_ALONE

if TYPE_CHECKING:
    from stages.collect.origins import Origins

# The name of the source that is never trained on. It goes into the ids of its rows.
OUT_OF_DOMAIN = "out_of_domain"

SplitName = Literal["train", "validation", "test"]


class SourceSettings(BaseModel):
    """Settings within a source: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Source(SourceSettings):
    """The settings that all sources share.

    Attributes:
        max_pairs: the most pairs that are taken from the source; None for all.
    """

    max_pairs: int | None = Field(default=None, ge=1)

    @property
    def target(self) -> str:
        """The name of the source whose documents the pairs lead to; "" for its own documents."""
        return ""


class DescribedSource(Source):
    """A source whose settings say what the data card shows beside its counts."""

    release: str = ""
    licence: str = ""
    citation: str = ""


class FileSource(DescribedSource):
    """A source of files under data/raw/: a file, a folder or a pattern."""

    path: str


@dataclass(frozen=True)
class ReadRequest:
    """What a reader gets beside the settings of its source.

    Attributes:
        name: the name of the source. It goes into every id.
        raw: the folder that stands for data/raw.
        known_documents: the document ids of the source that the pairs lead to.
        template: what of a document is embedded, as `pair.document_text`.
        max_rejected_share: the largest share of the records that may be rejected.
        origins: notes the places of rows that are asked for; None if none are.
    """

    name: str
    raw: Path
    known_documents: Collection[str] = ()
    template: str = TEXT_ALONE
    max_rejected_share: float = 1.0
    origins: Origins | None = None
