"""What the stage `mine` reads, what it writes, and its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pandas as pd
from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from stages.lib.core.interface import Details, Metrics, Reads, TableFile, Writes
from stages.lib.core.params import ModelParams, PairShape, ParamsSection, RunParams, ScoreThreshold
from stages.lib.schemas.documents import Documents, Hierarchy, Passages
from stages.lib.schemas.duplicates import Aliases, NearDuplicates
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs, SyntheticPairs
from stages.lib.schemas.splits import Splits
from stages.lib.schemas.training import Triplets

Miner = Literal["bm25", "dense"]


def _distinct(names: list[Miner]) -> list[Miner]:
    if len(set(names)) < len(names):
        raise ValueError("a miner stands here twice")

    return names


class MineParams(ParamsSection):
    """The number of negatives, their candidates, and the filters that exclude candidates."""

    section: ClassVar[str] = "mine"
    negatives: int = Field(ge=1, le=16)
    miners: Annotated[list[Miner], Field(min_length=1), AfterValidator(_distinct)]
    candidates: int = Field(ge=1, le=1000)
    index: Literal["exact", "clusters", "faiss"]
    relative_margin: float | None = Field(ge=0.0, le=1.0)
    absolute_margin: float | None = Field(ge=0.0, le=2.0)
    cross_encoder: str | None = Field(min_length=1)
    cross_encoder_sha256: str = Field(pattern=r"^([0-9a-f]{64})?$")
    cross_encoder_rule: Literal["refuse", "keep"]
    near_positives: Literal["keep", "refuse"]
    exclude_relatives: Literal["off", "hierarchy", "family", "both"]
    skip_first: int = Field(ge=0, le=999)
    sampling: Literal["hardest", "random"]
    judged_negatives: int = Field(ge=20, le=100_000)

    @field_validator("cross_encoder_rule")
    @classmethod
    def _needs_a_margin(cls, rule: str, info: ValidationInfo) -> str:
        margins = {info.data.get("relative_margin"), info.data.get("absolute_margin")}
        if rule == "refuse" and info.data.get("cross_encoder") is not None and margins == {None}:
            raise ValueError(
                "a cross-encoder refuses by the margins, and both are null; 0.0 is a margin too"
            )

        return rule

    @property
    def uses_cross_encoder(self) -> bool:
        """True if the margins are taken from a cross-encoder, and not from the cosine."""
        return self.cross_encoder is not None and self.cross_encoder_rule == "refuse"

    @property
    def has_margin(self) -> bool:
        """True if a negative must score below the positives by a margin."""
        return self.relative_margin is not None or self.absolute_margin is not None

    def threshold(self, weakest: float) -> float:
        """Return the highest score that a negative may have.

        Args:
            weakest: the score of the weakest positive. The relative margin is a share of its
                absolute value, so that the threshold lies below a negative score too.
        """
        if not self.has_margin:
            return float("inf")

        relative = abs(weakest) * (self.relative_margin or 0.0)
        absolute = self.absolute_margin or 0.0
        return weakest - max(relative, absolute)


@dataclass(frozen=True)
class Params:
    """The sections of params.yaml that `mine` reads."""

    mine: MineParams
    model: ModelParams
    run: RunParams
    labels: ScoreThreshold
    pair: PairShape


@dataclass(frozen=True)
class Inputs:
    """What `mine` reads."""

    pairs: Annotated[
        TableFile[Pairs],
        Reads("data/augment/pairs.parquet", "Training pairs."),
    ]
    variant_ledger: Annotated[
        TableFile[Ledger],
        Reads("data/augment/ledger.parquet", "The pair that each variant of an anchor varies."),
    ]
    built_pairs: Annotated[
        TableFile[Pairs],
        Reads(
            "data/pair/pairs.parquet",
            "Pairs as built; those that are not trained on are positives too.",
        ),
    ]
    dissimilar: Annotated[
        TableFile[Pairs],
        Reads("data/pair/dissimilar_pairs.parquet", "Pairs that a person found dissimilar."),
    ]
    synthetic_pairs: Annotated[
        TableFile[SyntheticPairs],
        Reads("data/pair/synthetic_pairs.parquet", "The positive text of each synthetic pair."),
    ]
    given_pairs: Annotated[
        TableFile[Pairs],
        Reads(
            "data/deduplicate/pairs.parquet",
            "Pairs before caps; those that a cap left out are positives too.",
        ),
    ]
    documents: Annotated[
        TableFile[Documents],
        Reads("data/pair/documents.parquet", "Documents as they are embedded."),
    ]
    passages: Annotated[
        TableFile[Passages],
        Reads("data/pair/passages.parquet", "Passages of the documents."),
    ]
    splits: Annotated[
        TableFile[Splits],
        Reads("data/split/splits.parquet", "The split of each pair and document."),
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
    hierarchy: Annotated[
        TableFile[Hierarchy],
        Reads("data/collect/hierarchy.parquet", "Parents of documents."),
    ]
    reviews: Annotated[
        Path,
        Reads("data/review/negatives.csv", "Negatives that people have labelled."),
    ]


@dataclass(frozen=True)
class Outputs:
    """What `mine` writes."""

    triplets: Annotated[
        pd.DataFrame,
        Writes("data/mine/triplets.parquet", "Anchors with positive and negatives.", Triplets),
    ]
    ledger: Annotated[
        pd.DataFrame,
        Writes(
            "data/mine/ledger.parquet", "Chosen passages and anchors with few negatives.", Ledger
        ),
    ]
    plot: Annotated[
        pd.DataFrame,
        Writes("metrics/plots/margins.tsv", "Negatives at other margins."),
    ]
    metrics: Annotated[
        Metrics,
        Writes("metrics/mine.json", "The estimated share of false negatives."),
    ]
    details: Annotated[
        Details,
        Writes("metrics/details/mine.json", "Row accounting, excluded candidates, estimates."),
    ]
