"""What the stage `validate` reads, what it writes, and its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import pandas as pd
from pydantic import Field

from stages.lib.core.interface import (
    AfterWriting,
    Details,
    Folder,
    Metrics,
    Reads,
    TableFile,
    Writes,
)
from stages.lib.core.params import (
    ComponentWeight,
    DocumentTemplate,
    ModelParams,
    ParamsSection,
    RunParams,
    ScoreThreshold,
    SplitUnit,
)
from stages.lib.reporting.ledger_rows import LedgerFiles, RowTexts
from stages.lib.schemas.documents import Passages
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import Masked, Qrels, Queries
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.splits import Fingerprints, Splits
from stages.lib.schemas.training import Triplets


class ValidateParams(ParamsSection):
    """From which similarity on a text is leaked, and the limits of the gates."""

    section: ClassVar[str] = "validate"
    near_threshold: float = Field(ge=0.5, le=1.0)
    min_random_auc: float = Field(ge=0.0, le=1.0)
    doubtful_random_auc: float = Field(ge=0.0, le=1.0)
    min_bm25_auc: float = Field(ge=0.0, le=1.0)
    min_effective_rank: float = Field(ge=0.0, le=1.0)
    max_random_cosine: float = Field(ge=-1.0, le=1.0)
    max_hidden_positives: float = Field(ge=0.0, le=1.0)
    max_false_negatives: float = Field(ge=0.0, le=1.0)
    max_truncated: float = Field(ge=0.0, le=1.0)
    max_duplicates: float = Field(ge=0.0, le=1.0)
    max_easy_anchors: float = Field(ge=0.0, le=1.0)
    max_unlike_anchors: float = Field(ge=0.0, le=1.0)
    max_document_share: float = Field(gt=0.0, le=1.0)
    hoped_gain: float = Field(gt=0.0, le=1.0)


@dataclass(frozen=True)
class Params:
    """The sections of params.yaml that `validate` reads."""

    validate: ValidateParams
    run: RunParams
    model: ModelParams
    pair: ScoreThreshold
    rendering: DocumentTemplate
    split: SplitUnit
    evaluate: ComponentWeight


@dataclass(frozen=True)
class EarlierDetails:
    """The details of the stages before `validate`, in the order of the pipeline."""

    collect: Annotated[Path, Reads("collect.json", "Details of `collect`.")]
    clean: Annotated[Path, Reads("clean.json", "Details of `clean`.")]
    deduplicate: Annotated[Path, Reads("deduplicate.json", "Details of `deduplicate`.")]
    pair: Annotated[Path, Reads("pair.json", "Details of `pair`.")]
    split: Annotated[Path, Reads("split.json", "Details of `split`.")]
    augment: Annotated[Path, Reads("augment.json", "Details of `augment`.")]
    mine: Annotated[Path, Reads("mine.json", "Details of `mine`.")]
    tokenize: Annotated[Path, Reads("tokenize.json", "Details of `tokenize`.")]


@dataclass(frozen=True)
class Inputs:
    """What `validate` reads. Nothing of the test split is among it."""

    triplets: Annotated[
        TableFile[Triplets],
        Reads("data/mine/triplets.parquet", "Anchors with their positives and hard negatives."),
    ]
    pairs: Annotated[
        TableFile[Pairs],
        Reads("data/augment/pairs.parquet", "Training pairs, for their scores and sources."),
    ]
    ledgers: Annotated[LedgerFiles, Folder("data")]
    texts: Annotated[RowTexts, Folder("data")]
    passages: Annotated[
        TableFile[Passages],
        Reads("data/split/passages.parquet", "The corpus, as passages."),
    ]
    dissimilar: Annotated[
        TableFile[Pairs],
        Reads("data/pair/dissimilar_pairs.parquet", "Pairs that a person labelled as dissimilar."),
    ]
    aliases: Annotated[
        TableFile[Aliases],
        Reads("data/deduplicate/aliases.parquet", "The kept document of each dropped one."),
    ]
    splits: Annotated[
        TableFile[Splits],
        Reads("data/split/splits.parquet", "Split and component of every pair and document."),
    ]
    fingerprints: Annotated[
        TableFile[Fingerprints],
        Reads("data/split/fingerprints.parquet", "Hashes of all held-out texts."),
    ]
    queries: Annotated[
        TableFile[Queries],
        Reads("data/split/validation/queries.parquet", "Validation queries."),
    ]
    qrels: Annotated[
        TableFile[Qrels],
        Reads("data/split/validation/qrels.parquet", "Relevant documents of these queries."),
    ]
    masked: Annotated[
        TableFile[Masked],
        Reads("data/split/validation/masked.parquet", "Documents that do not count for them."),
    ]
    details: Annotated[EarlierDetails, Folder("metrics/details")]


@dataclass(frozen=True)
class Outputs:
    """What `validate` writes."""

    page: Annotated[
        str,
        Writes("data/validate/index.html", "A page with the gates, charts and rows to read."),
    ]
    verdict: Annotated[
        str,
        Writes("data/validate/verdict.json", "Whether no gate failed; `finetune` reads it."),
    ]
    separation: Annotated[
        pd.DataFrame,
        Writes("metrics/plots/separation.tsv", "Histograms of cosines, by kind of negative."),
    ]
    learning_curve: Annotated[
        pd.DataFrame,
        Writes("metrics/plots/learning_curve.tsv", "nDCG@10 of the probe, by share of the data."),
    ]
    metrics: Annotated[
        Metrics,
        Writes("metrics/validate.json", "Failed gates, separation and gain of the probe."),
    ]
    details: Annotated[
        Details,
        Writes("metrics/details/validate.json", "Every measurement and every gate."),
    ]
    write_projector: Annotated[Callable[[], None], AfterWriting()]
    print_summary: Annotated[Callable[[], None], AfterWriting()]
