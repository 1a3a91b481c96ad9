"""What the stage `deduplicate` reads, what it writes, and its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from stages.lib.core.interface import Details, Reads, Scratch, TableFile, Writes
from stages.lib.core.params import DocumentTemplate, ModelParams, ParamsSection
from stages.lib.core.tables import Table
from stages.lib.preprocessing import table_parts
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.duplicates import Aliases, NearDuplicates
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import PairGrades, Pairs
from stages.lib.text.similarity_join import Measure


class DeduplicateParams(ParamsSection):
    """What counts as a near-duplicate, which are dropped, and which sources never are."""

    section: ClassVar[str] = "deduplicate"
    near: Literal["link", "drop_empty_difference", "drop"]
    near_threshold: float = Field(ge=0.5, le=1.0)
    measure: Measure
    semantic: Literal["off", "flag", "drop"]
    semantic_threshold: float = Field(ge=0.5, le=1.0)
    authoritative: list[str]
    source_order: list[str]


class Filtered(NamedTuple):
    """A table on disk without some of its rows. It is copied one row group at a time.

    Attributes:
        source_path: the Parquet file to copy. Its rows were checked before.
        mask: shape (rows,), true for each row that stays.
    """

    source_path: Path
    mask: npt.NDArray[np.bool_]

    def write(self, path: Path, table: type[Table] | None) -> None:
        """Write the rows that stay to `path`."""
        assert table is not None, "a Filtered output is declared with its table"
        table_parts.copy_rows(self.source_path, self.mask, path, table)


@dataclass(frozen=True)
class Params:
    """The sections of params.yaml that `deduplicate` reads."""

    deduplicate: DeduplicateParams
    model: ModelParams
    rendering: DocumentTemplate


@dataclass(frozen=True)
class Inputs:
    """What `deduplicate` reads."""

    documents: Annotated[
        TableFile[Documents],
        Reads("data/clean/documents.parquet", "Cleaned documents."),
    ]
    pairs: Annotated[
        TableFile[Pairs],
        Reads("data/clean/pairs.parquet", "Cleaned pairs of the sources."),
    ]
    grades: Annotated[
        TableFile[PairGrades],
        Reads("data/collect/grades.parquet", "Grades: of equal pairs the best one stays."),
    ]
    reviews: Annotated[
        Path,
        Reads("data/review/near_edges.csv", "Near-duplicates that people judged."),
    ]
    scratch: Annotated[Path, Scratch()]


@dataclass(frozen=True)
class Outputs:
    """What `deduplicate` writes."""

    documents: Annotated[
        Filtered,
        Writes("data/deduplicate/documents.parquet", "Documents without copies.", Documents),
    ]
    pairs: Annotated[
        pd.DataFrame,
        Writes(
            "data/deduplicate/pairs.parquet",
            "Pairs that name kept documents, each once.",
            Pairs,
        ),
    ]
    near_duplicates: Annotated[
        pd.DataFrame,
        Writes(
            "data/deduplicate/near_duplicates.parquet",
            "Edges between texts that are equal or near-duplicates.",
            NearDuplicates,
        ),
    ]
    aliases: Annotated[
        pd.DataFrame,
        Writes(
            "data/deduplicate/aliases.parquet",
            "The kept document that represents each dropped one.",
            Aliases,
        ),
    ]
    ledger: Annotated[
        pd.DataFrame,
        Writes(
            "data/deduplicate/ledger.parquet",
            "A line for each dropped row and each pair that names another document.",
            Ledger,
        ),
    ]
    details: Annotated[
        Details,
        Writes("metrics/details/deduplicate.json", "Row accounting, edges and invariants."),
    ]
