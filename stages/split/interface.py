"""What the stage `split` reads, what it writes, and its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pandas as pd
from pydantic import Field, model_validator

from stages.lib.core.interface import (
    Details,
    Folder,
    Metrics,
    Reads,
    TableFile,
    TableWriter,
    Writes,
)
from stages.lib.core.params import PairShape, ParamsSection, RunSample, ScoreThreshold
from stages.lib.schemas.documents import Documents, Passages, Timestamps
from stages.lib.schemas.duplicates import Aliases, NearDuplicates
from stages.lib.schemas.evaluation_set import Masked, Qrels, Queries, QueryGrades, ScoredPairs
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import PairGrades, Pairs, SyntheticPairs
from stages.lib.schemas.splits import Fingerprints, GiantRows, GivenSplits, Splits

Unit = Literal["component", "anchor", "group", "time"]
GiantHandling = Literal["auto", "train", "cut", "stop"]


class SplitParams(ParamsSection):
    """The size of each split, what shares a split, what is kept out, and the size of training."""

    section: ClassVar[str] = "split"
    train: float = Field(gt=0.0, lt=1.0)
    validation: float = Field(gt=0.0, lt=1.0)
    unit: Unit
    topic_levels: int | None = Field(ge=1)
    near_threshold: float = Field(ge=0.5, le=1.0)
    max_component_share: float = Field(gt=0.0, le=1.0)
    giants: GiantHandling
    protect: list[str]
    given: Literal["trust", "repair", "refuse"]
    max_train_pairs: int | None = Field(ge=1)

    @model_validator(mode="after")
    def _leaves_room_for_test(self) -> SplitParams:
        if self.train + self.validation >= 1.0:
            raise ValueError(
                "train + validation leave nothing for test; they must add up to less than 1"
            )

        return self

    @model_validator(mode="after")
    def _topics_need_documents(self) -> SplitParams:
        if self.topic_levels is not None and not self.splits_documents:
            raise ValueError(
                f"topic_levels ties documents, which the unit '{self.unit}' shares between splits"
            )

        return self

    @property
    def splits_documents(self) -> bool:
        """True if each document has one split; False if splits may share documents."""
        return self.unit in ("component", "group")


@dataclass(frozen=True)
class Params:
    """The sections of params.yaml that `split` reads."""

    split: SplitParams
    labels: ScoreThreshold
    pair: PairShape
    run: RunSample


@dataclass(frozen=True)
class Inputs:
    """What `split` reads."""

    documents: Annotated[
        TableFile[Documents],
        Reads("data/collect/documents.parquet", "Documents as collected."),
    ]
    pairs: Annotated[
        TableFile[Pairs],
        Reads("data/collect/pairs.parquet", "Pairs as collected."),
    ]
    timestamps: Annotated[
        TableFile[Timestamps],
        Reads(
            "data/collect/timestamps.parquet",
            "Times of pairs and documents, for the unit `time`.",
            required=False,
        ),
    ]
    given_splits: Annotated[
        TableFile[GivenSplits],
        Reads("data/collect/given_splits.parquet", "Splits that sources give to pairs."),
    ]
    grades: Annotated[
        TableFile[PairGrades],
        Reads("data/collect/grades.parquet", "Grades, for the qrels of held-out queries."),
    ]
    cleaned_documents: Annotated[
        TableFile[Documents],
        Reads("data/clean/documents.parquet", "Documents as cleaned."),
    ]
    cleaned_pairs: Annotated[
        TableFile[Pairs],
        Reads("data/clean/pairs.parquet", "Pairs as cleaned."),
    ]
    near_duplicates: Annotated[
        TableFile[NearDuplicates],
        Reads("data/deduplicate/near_duplicates.parquet", "Edges between near-duplicates."),
    ]
    aliases: Annotated[
        TableFile[Aliases],
        Reads(
            "data/deduplicate/aliases.parquet", "Dropped copies and the documents kept for them."
        ),
    ]
    built_documents: Annotated[
        TableFile[Documents],
        Reads("data/pair/documents.parquet", "Documents as they are embedded."),
    ]
    built_pairs: Annotated[
        TableFile[Pairs],
        Reads("data/pair/pairs.parquet", "Pairs as built, synthetic pairs included."),
    ]
    passages: Annotated[
        TableFile[Passages],
        Reads("data/pair/passages.parquet", "Passages as they are embedded."),
    ]
    synthetic_pairs: Annotated[
        TableFile[SyntheticPairs],
        Reads(
            "data/pair/synthetic_pairs.parquet",
            "The row that each synthetic pair was built from, and its positive.",
        ),
    ]
    frozen: Annotated[
        Path,
        Reads("data/frozen", "Folder with the ids that keep their split."),
    ]
    protected: Annotated[
        Path,
        Reads("data/protected", "Folder with texts that must not be trained on."),
    ]


@dataclass(frozen=True)
class SyntheticSetTables:
    """Queries and qrels of an evaluation set of synthetic pairs."""

    queries: Annotated[
        pd.DataFrame,
        Writes("queries.parquet", "A query per unique anchor.", Queries),
    ]
    qrels: Annotated[
        pd.DataFrame,
        Writes("qrels.parquet", "The relevant documents of each query, with grades.", Qrels),
    ]
    masked: Annotated[
        pd.DataFrame,
        Writes("masked.parquet", "Relevant documents of other splits, which do not count.", Masked),
    ]


@dataclass(frozen=True)
class EvaluationSetTables(SyntheticSetTables):
    """Queries, qrels, grades and scored pairs of one held-out split."""

    grades: Annotated[
        pd.DataFrame,
        Writes(
            "grades.parquet", "Every document with a grade, also 0, of each query.", QueryGrades
        ),
    ]
    scored: Annotated[
        pd.DataFrame,
        Writes(
            "scored_pairs.parquet", "Held-out pairs with graded scores; else empty.", ScoredPairs
        ),
    ]


@dataclass(frozen=True)
class Outputs:
    """What `split` writes."""

    splits: Annotated[
        pd.DataFrame,
        Writes("data/split/splits.parquet", "The split of each pair and document.", Splits),
    ]
    fingerprints: Annotated[
        TableWriter,
        Writes("data/split/fingerprints.parquet", "Hashes of the held-out texts.", Fingerprints),
    ]
    giants: Annotated[
        pd.DataFrame,
        Writes("data/split/giants.parquet", "The rows of components above the limit.", GiantRows),
    ]
    passages: Annotated[
        TableWriter,
        Writes(
            "data/split/passages.parquet",
            "The corpus that is searched: all passages, or those of the sample.",
            Passages,
        ),
    ]
    validation: Annotated[EvaluationSetTables, Folder("data/split/validation")]
    test: Annotated[EvaluationSetTables, Folder("data/split/test")]
    synthetic: Annotated[SyntheticSetTables, Folder("data/split/synthetic")]
    ledger: Annotated[
        pd.DataFrame,
        Writes("data/split/ledger.parquet", "Dropped pairs and moved ids.", Ledger),
    ]
    metrics: Annotated[
        Metrics,
        Writes("metrics/split.json", "Leaks: held-out texts and components in another split."),
    ]
    details: Annotated[
        Details,
        Writes("metrics/details/split.json", "Row accounting, sizes, leaks and topics."),
    ]
