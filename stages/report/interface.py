"""What the stage `report` reads, what it writes, and its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from stages.lib.core.interface import Details, Folder, Reads, TableFile, Writes
from stages.lib.core.params import ParamsSection
from stages.lib.reporting.ledger_rows import LedgerFiles, RowTexts
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import Qrels, Queries
from stages.lib.schemas.runs import Runs
from stages.lib.schemas.splits import Splits


class ReportParams(ParamsSection):
    """What the page shows."""

    section: ClassVar[str] = "report"
    worst_queries: int = Field(ge=0, le=500)


@dataclass(frozen=True)
class Params:
    """The sections of params.yaml that `report` reads."""

    report: ReportParams


@dataclass(frozen=True)
class DetailFiles:
    """The details of every other stage, in the order of the pipeline."""

    collect: Annotated[Path, Reads("collect.json", "Details of `collect`.")]
    clean: Annotated[Path, Reads("clean.json", "Details of `clean`.")]
    deduplicate: Annotated[Path, Reads("deduplicate.json", "Details of `deduplicate`.")]
    pair: Annotated[Path, Reads("pair.json", "Details of `pair`.")]
    split: Annotated[Path, Reads("split.json", "Details of `split`.")]
    augment: Annotated[Path, Reads("augment.json", "Details of `augment`.")]
    mine: Annotated[Path, Reads("mine.json", "Details of `mine`.")]
    tokenize: Annotated[Path, Reads("tokenize.json", "Details of `tokenize`.")]
    validate: Annotated[Path, Reads("validate.json", "Details of `validate`.")]
    finetune: Annotated[Path, Reads("finetune.json", "Details of `finetune`.")]
    evaluate: Annotated[Path, Reads("evaluate.json", "Details of `evaluate`.")]


@dataclass(frozen=True)
class Inputs:
    """What `report` reads. Of the test split it reads numbers, and no text."""

    details: Annotated[DetailFiles, Folder("metrics/details")]
    validation_results: Annotated[
        Path, Reads("metrics/queries/validation.tsv", "Results by validation query.")
    ]
    test_results: Annotated[Path, Reads("metrics/queries/test.tsv", "Results by test query.")]
    separation: Annotated[
        Path, Reads("metrics/plots/separation.tsv", "Histograms of cosines, by kind of negative.")
    ]
    loss: Annotated[Path, Reads("metrics/plots/loss.tsv", "Training loss by step.")]
    recall: Annotated[Path, Reads("metrics/plots/recall.tsv", "Recall at k, by system.")]
    slices: Annotated[Path, Reads("metrics/slices.tsv", "Gain by slice of the evaluation set.")]
    runs: Annotated[
        TableFile[Runs], Reads("data/evaluate/runs.parquet", "Ranked documents of every system.")
    ]
    documents: Annotated[
        TableFile[Documents], Reads("data/pair/documents.parquet", "Documents as embedded.")
    ]
    aliases: Annotated[
        TableFile[Aliases],
        Reads("data/deduplicate/aliases.parquet", "The kept document of each dropped one."),
    ]
    queries: Annotated[
        TableFile[Queries],
        Reads("data/split/validation/queries.parquet", "Validation queries."),
    ]
    qrels: Annotated[
        TableFile[Qrels],
        Reads("data/split/validation/qrels.parquet", "Relevant documents of these queries."),
    ]
    splits: Annotated[
        TableFile[Splits],
        Reads("data/split/splits.parquet", "The split of each row: rows of test are not shown."),
    ]
    ledgers: Annotated[LedgerFiles, Folder("data")]
    row_texts: Annotated[RowTexts, Folder("data")]


@dataclass(frozen=True)
class Outputs:
    """What `report` writes."""

    page: Annotated[str, Writes("data/report/index.html", "A page about the whole run.")]
    details: Annotated[
        Details, Writes("metrics/details/report.json", "How many charts and tables the page has.")
    ]
