"""What the stage `evaluate` reads, what it writes, and its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pandas as pd
from pydantic import Field

from stages.lib.core.git_texts import GitParams
from stages.lib.core.interface import Details, Folder, Metrics, Reads, TableFile, Writes
from stages.lib.core.params import ModelParams, ParamsSection, RunParams, ScoreThreshold
from stages.lib.evaluation.ranking_metrics import DEPTH
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import Masked, Qrels, Queries, QueryGrades, ScoredPairs
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.runs import Runs
from stages.lib.schemas.splits import Splits
from stages.lib.schemas.training import Triplets


class EvaluateParams(ParamsSection):
    """Depths of the metrics, the static model, and limits for what the results show."""

    section: ClassVar[str] = "evaluate"
    depths: list[Annotated[int, Field(ge=1, le=DEPTH)]] = Field(min_length=1)
    component_weight: int = Field(ge=1, le=1_000_000)
    static_model: str | None
    static_sha256: str = Field(pattern=r"^([0-9a-f]{64})?$")
    seed_sd: Annotated[float, Field(gt=0.0, le=0.2)] | None
    sliced: list[Literal["validation", "test"]]
    max_harm: float = Field(ge=0.0, le=0.5)
    judged_errors: int = Field(ge=2, le=10_000)


@dataclass(frozen=True)
class Params:
    """The sections of params.yaml that `evaluate` reads."""

    evaluate: EvaluateParams
    run: RunParams
    model: ModelParams
    pair: ScoreThreshold
    git: GitParams


@dataclass(frozen=True)
class EvaluationSetFiles:
    """The queries and qrels of one evaluation set. They are searched in the corpus."""

    queries: Annotated[
        TableFile[Queries], Reads("queries.parquet", "Queries of the evaluation set.")
    ]
    qrels: Annotated[
        TableFile[Qrels], Reads("qrels.parquet", "Relevant documents of each query, with grades.")
    ]
    masked: Annotated[
        TableFile[Masked],
        Reads("masked.parquet", "Relevant documents of other splits, which do not count."),
    ]


@dataclass(frozen=True)
class SplitFiles(EvaluationSetFiles):
    """An evaluation set with the pairs of the same split that a person scored."""

    grades: Annotated[
        TableFile[QueryGrades],
        Reads("grades.parquet", "Every document with a grade, also 0, of each query."),
    ]
    scored: Annotated[
        TableFile[ScoredPairs],
        Reads("scored_pairs.parquet", "Pairs whose similarity a person scored."),
    ]


@dataclass(frozen=True)
class OutOfDomainFiles:
    """The evaluation set outside the domain, as the stage `clean` left it. It may be empty."""

    passages: Annotated[
        TableFile[Passages], Reads("out_of_domain_passages.parquet", "The corpus that is searched.")
    ]
    pairs: Annotated[
        TableFile[Pairs],
        Reads("out_of_domain_pairs.parquet", "Pairs whose anchors are the queries."),
    ]


@dataclass(frozen=True)
class Inputs:
    """What `evaluate` reads."""

    passages: Annotated[
        TableFile[Passages],
        Reads("data/split/passages.parquet", "The corpus that is searched."),
    ]
    collected: Annotated[
        TableFile[Documents],
        Reads("data/collect/documents.parquet", "All collected documents, with their topics."),
    ]
    aliases: Annotated[
        TableFile[Aliases],
        Reads("data/deduplicate/aliases.parquet", "The kept document of each dropped copy."),
    ]
    validation: Annotated[SplitFiles, Folder("data/split/validation")]
    test: Annotated[SplitFiles, Folder("data/split/test")]
    synthetic: Annotated[EvaluationSetFiles, Folder("data/split/synthetic")]
    out_of_domain: Annotated[OutOfDomainFiles, Folder("data/clean")]
    triplets: Annotated[
        TableFile[Triplets],
        Reads("data/mine/triplets.parquet", "Training rows, for the probe."),
    ]
    pairs: Annotated[
        TableFile[Pairs],
        Reads("data/augment/pairs.parquet", "Training pairs, for their scores."),
    ]
    lineage: Annotated[
        TableFile[Ledger],
        Reads("data/augment/ledger.parquet", "The parent of each variant of a pair."),
    ]
    splits: Annotated[
        TableFile[Splits],
        Reads("data/split/splits.parquet", "The component of each pair and document."),
    ]
    reviews: Annotated[
        Path,
        Reads("data/review/first_hits.csv", "First hits that people labelled."),
    ]
    written: Annotated[
        Path,
        Reads("data/written_queries", "Folder with the queries that people wrote."),
    ]
    finetuned: Annotated[
        Path,
        Reads("data/finetune/model", "The fine-tuned model."),
    ]


@dataclass(frozen=True)
class QueryTables:
    """The results of each query under each system, a table (QueryResults) per evaluation set."""

    validation: Annotated[pd.DataFrame, Writes("validation.tsv", "Results on validation.")]
    test: Annotated[pd.DataFrame, Writes("test.tsv", "Results on test.")]
    out_of_domain: Annotated[
        pd.DataFrame, Writes("out_of_domain.tsv", "Results outside the domain.")
    ]
    synthetic: Annotated[
        pd.DataFrame, Writes("synthetic.tsv", "Results on synthetic queries beside real ones.")
    ]


@dataclass(frozen=True)
class Outputs:
    """What `evaluate` writes."""

    runs: Annotated[
        pd.DataFrame,
        Writes("data/evaluate/runs.parquet", "The first hundred hits of every system.", Runs),
    ]
    queries: Annotated[QueryTables, Folder("metrics/queries")]
    slices: Annotated[
        pd.DataFrame,
        Writes("metrics/slices.tsv", "The gain on each slice of the queries."),
    ]
    measures: Annotated[
        pd.DataFrame,
        Writes("metrics/measures.tsv", "Every ranking metric at several depths."),
    ]
    plot: Annotated[
        pd.DataFrame,
        Writes("metrics/plots/recall.tsv", "Recall by depth, for the plot."),
    ]
    metrics: Annotated[
        Metrics,
        Writes("metrics/evaluate.json", "The six figures that DVC compares."),
    ]
    details: Annotated[
        Details,
        Writes("metrics/details/evaluate.json", "Means, gains, and what explains them."),
    ]
