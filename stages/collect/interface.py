"""What the stage `collect` reads, what it writes, and its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from stages.collect.kinds.registry import AnySource
from stages.collect.stored_tables import MergedTables
from stages.lib.core.git_texts import GitParams
from stages.lib.core.interface import AfterWriting, Details, Reads, Writes
from stages.lib.core.params import DocumentTemplate, ParamsSection
from stages.lib.schemas.documents import Documents, Hierarchy, Timestamps
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import PairGrades, Pairs
from stages.lib.schemas.splits import GivenSplits

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
    git: GitParams


@dataclass(frozen=True)
class Inputs:
    """What `collect` reads."""

    raw: Annotated[Path, Reads("data/raw", "The user's own tables, such as CSV or JSONL.")]


@dataclass(frozen=True)
class Outputs:
    """What `collect` writes."""

    documents: Annotated[
        MergedTables,
        Writes("data/collect/documents.parquet", "The documents of all sources.", Documents),
    ]
    pairs: Annotated[
        MergedTables,
        Writes(
            "data/collect/pairs.parquet",
            "Anchors and the documents they should find.",
            Pairs,
        ),
    ]
    times: Annotated[
        MergedTables,
        Writes("data/collect/timestamps.parquet", "The time of each row that has one.", Timestamps),
    ]
    given_splits: Annotated[
        MergedTables,
        Writes(
            "data/collect/given_splits.parquet",
            "The split of each pair whose source gives it.",
            GivenSplits,
        ),
    ]
    grades: Annotated[
        MergedTables,
        Writes("data/collect/grades.parquet", "The grade of each pair that has one.", PairGrades),
    ]
    hierarchy: Annotated[
        MergedTables,
        Writes("data/collect/hierarchy.parquet", "Documents and their parents.", Hierarchy),
    ]
    out_of_domain_documents: Annotated[
        MergedTables,
        Writes(
            "data/collect/out_of_domain_documents.parquet",
            "The documents of the source that is never trained on.",
            Documents,
        ),
    ]
    out_of_domain_pairs: Annotated[
        MergedTables,
        Writes(
            "data/collect/out_of_domain_pairs.parquet",
            "The pairs of the source that is never trained on.",
            Pairs,
        ),
    ]
    ledger: Annotated[
        MergedTables,
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
    print_left_out: Annotated[Callable[[], None], AfterWriting()]
