"""What the stage `clean` reads, what it writes, and its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pandas as pd
from pydantic import Field

from stages.lib.core.errors import UserError
from stages.lib.core.interface import Details, Reads, Scratch, TableFile, TableWriter, Writes
from stages.lib.core.params import DocumentTemplate, ModelParams, ParamsSection
from stages.lib.schemas.corpus_counts import CorpusCounts, RecurringLines
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs


class CleanParams(ParamsSection):
    """Which rules are applied, how much evidence they need, and which texts are kept."""

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


@dataclass(frozen=True)
class Params:
    """The sections of params.yaml that `clean` reads."""

    clean: CleanParams
    model: ModelParams
    rendering: DocumentTemplate


@dataclass(frozen=True)
class Inputs:
    """What `clean` reads."""

    documents: Annotated[
        TableFile[Documents],
        Reads("data/collect/documents.parquet", "Documents as collected."),
    ]
    pairs: Annotated[
        TableFile[Pairs],
        Reads("data/collect/pairs.parquet", "Pairs of an anchor and a document, as collected."),
    ]
    out_of_domain_documents: Annotated[
        TableFile[Documents],
        Reads(
            "data/collect/out_of_domain_documents.parquet",
            "Documents of the sources outside the domain, as collected.",
        ),
    ]
    out_of_domain_pairs: Annotated[
        TableFile[Pairs],
        Reads(
            "data/collect/out_of_domain_pairs.parquet",
            "Pairs of the sources outside the domain, as collected.",
        ),
    ]
    glossary: Annotated[
        Path,
        Reads("data/glossary", "Word lists of the project, with its abbreviations."),
    ]
    reviews: Annotated[
        Path,
        Reads("data/review/edits.csv", "Rules of cleaning that people have judged."),
    ]
    scratch: Annotated[Path, Scratch()]


@dataclass(frozen=True)
class Outputs:
    """What `clean` writes."""

    documents: Annotated[
        TableWriter,
        Writes("data/clean/documents.parquet", "Cleaned documents.", Documents),
    ]
    passages: Annotated[
        TableWriter,
        Writes("data/clean/passages.parquet", "Passages of the documents.", Passages),
    ]
    pairs: Annotated[
        TableWriter,
        Writes("data/clean/pairs.parquet", "Pairs with cleaned anchors.", Pairs),
    ]
    out_of_domain_documents: Annotated[
        TableWriter,
        Writes(
            "data/clean/out_of_domain_documents.parquet",
            "Cleaned documents outside the domain.",
            Documents,
        ),
    ]
    out_of_domain_passages: Annotated[
        TableWriter,
        Writes(
            "data/clean/out_of_domain_passages.parquet",
            "Passages of the documents outside the domain.",
            Passages,
        ),
    ]
    out_of_domain_pairs: Annotated[
        TableWriter,
        Writes(
            "data/clean/out_of_domain_pairs.parquet",
            "Pairs outside the domain, with cleaned anchors.",
            Pairs,
        ),
    ]
    corpus_counts: Annotated[
        pd.DataFrame,
        Writes(
            "data/clean/corpus_counts.parquet",
            "Counts of what stands in the documents: definitions, words, boilerplate.",
            CorpusCounts,
        ),
    ]
    recurring_lines: Annotated[
        pd.DataFrame,
        Writes(
            "data/clean/recurring_lines.parquet",
            "The lines that recur over a source, and which of them were removed, for review.",
            RecurringLines,
        ),
    ]
    ledger: Annotated[
        TableWriter,
        Writes("data/clean/ledger.parquet", "Every drop and every edit, with its rule.", Ledger),
    ]
    details: Annotated[
        Details,
        Writes("metrics/details/clean.json", "Row accounting, and the number of edits by rule."),
    ]


def check_limits(params: CleanParams) -> None:
    """Check that the limits do not contradict each other.

    Raises:
        UserError: two limits do, with their names.
    """
    for kind in ("document", "anchor"):
        shortest = getattr(params, f"min_{kind}_characters")
        longest = getattr(params, f"max_{kind}_characters")
        if shortest > longest:
            raise UserError(
                f"params.yaml: clean.min_{kind}_characters = {shortest} is above "
                f"max_{kind}_characters = {longest}",
                "no text could pass; lower the one or raise the other",
            )

    if params.passage_tokens is not None and 2 * params.passage_overlap > params.passage_tokens:
        raise UserError(
            f"params.yaml: clean.passage_overlap = {params.passage_overlap} is over half of "
            f"passage_tokens = {params.passage_tokens}",
            "lower it; a sixth is common",
        )
