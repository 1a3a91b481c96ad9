"""What the stage `explore` reads, what it writes, and its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from stages.lib.core.interface import Details, Reads, TableFile, Writes
from stages.lib.core.params import ModelParams, ParamsSection, RunParams
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.duplicates import NearDuplicates
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.splits import Splits
from stages.lib.schemas.training import Triplets


class ExploreParams(ParamsSection):
    """How many documents the page shows."""

    section: ClassVar[str] = "explore"
    points: int = Field(ge=100, le=200_000)


@dataclass(frozen=True)
class Params:
    """The sections of params.yaml that `explore` reads."""

    explore: ExploreParams
    model: ModelParams
    run: RunParams


@dataclass(frozen=True)
class Inputs:
    """What `explore` reads."""

    documents: Annotated[
        TableFile[Documents],
        Reads("data/pair/documents.parquet", "Documents as they are embedded."),
    ]
    passages: Annotated[
        TableFile[Passages],
        Reads("data/split/passages.parquet", "Passages. The first one places its document."),
    ]
    pairs: Annotated[
        TableFile[Pairs],
        Reads("data/pair/pairs.parquet", "Pairs as built, for the anchors of each document."),
    ]
    splits: Annotated[
        TableFile[Splits],
        Reads("data/split/splits.parquet", "The split of each pair and document."),
    ]
    near_duplicates: Annotated[
        TableFile[NearDuplicates],
        Reads("data/deduplicate/near_duplicates.parquet", "Edges between near-duplicates."),
    ]
    triplets: Annotated[
        TableFile[Triplets],
        Reads("data/mine/triplets.parquet", "Anchors with their positives and hard negatives."),
    ]
    clean_ledger: Annotated[
        TableFile[Ledger],
        Reads("data/clean/ledger.parquet", "Decisions of `clean` on documents."),
    ]
    deduplicate_ledger: Annotated[
        TableFile[Ledger],
        Reads("data/deduplicate/ledger.parquet", "Decisions of `deduplicate` on documents."),
    ]


@dataclass(frozen=True)
class Outputs:
    """What `explore` writes."""

    page: Annotated[
        str,
        Writes("data/explore/index.html", "The map and the table, in one file."),
    ]
    details: Annotated[
        Details,
        Writes("metrics/details/explore.json", "How many documents are shown, and how well."),
    ]
