"""The data set at hand: training rows, documents, and the queries of the held-out splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from stages.commands.export.trec_files import (
    ALIASES,
    OUT_OF_DOMAIN,
    SPLITS,
    read_qrels,
    whole_grades,
)
from stages.commands.run_at_hand import why_no_run
from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.core.params import ModelParams, load_section
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import Queries
from stages.lib.schemas.training import Triplets

TRIPLETS = Path("data/mine/triplets.parquet")
DOCUMENTS = Path("data/pair/documents.parquet")


# The held-out splits, and how benchmarks call them.
HELD_OUT = {"validation": "dev", "test": "test"}


class ExportedDocument(NamedTuple):
    """A document: the text is what the model reads, the title is beside it."""

    title: str
    text: str


class TrainingRow(NamedTuple):
    """A query with the document that answers it, and documents that do not.

    Attributes:
        query_id: the same for all rows that ask the same.
        score: cosine of query and positive, by the base model.
        negative_ids: the hard negatives, the best first.
        negatives: their texts.
    """

    query_id: str
    query: str
    doc_id: str
    positive: str
    score: float
    negative_ids: list[str]
    negatives: list[str]


class EvaluationData(NamedTuple):
    """The queries of a split, and the graded documents of each. Grades are whole numbers."""

    queries: Mapping[str, str]
    grades: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class DataSet:
    """What is exported.

    Attributes:
        training: the rows that are trained on, in the order of their ids.
        documents: all documents that are searched, by id.
        evaluation: the held-out splits that have queries, by the name that benchmarks use.
        query_prompt: what the model reads before a query.
        document_prompt: what the model reads before a document.
    """

    training: list[TrainingRow]
    documents: Mapping[str, ExportedDocument]
    evaluation: Mapping[str, EvaluationData]
    query_prompt: str = ""
    document_prompt: str = ""

    def queries(self) -> dict[str, str]:
        """Return the queries of all splits by id, those of training first."""
        queries = {row.query_id: row.query for row in self.training}
        for held_out in self.evaluation.values():
            queries |= held_out.queries
        return queries

    def training_grades(self) -> dict[str, dict[str, int]]:
        """Return the documents that answer each training query, with grade 1."""
        grades: dict[str, dict[str, int]] = {}
        for row in self.training:
            grades.setdefault(row.query_id, {})[row.doc_id] = 1
        return grades


def read_data_set() -> DataSet:
    """Return the data set of the run at hand.

    Raises:
        UserError: there is no complete run up to `mine`.
    """
    reason = why_no_run("mine")
    if reason is not None:
        raise UserError(f"there is no run at hand: {reason}", "run 'make data' first")

    model = load_section(ModelParams)
    documents = tables.read(DOCUMENTS, Documents)
    columns = (documents["doc_id"], documents["title"], documents["text"])
    return DataSet(
        training=training_rows(TRIPLETS),
        documents={
            doc_id: ExportedDocument(title or "", text)
            for doc_id, title, text in zip(*columns, strict=True)
        },
        evaluation=_read_evaluation(),
        query_prompt=model.anchor_prompt,
        document_prompt=model.document_prompt,
    )


def training_rows(triplets: Path) -> list[TrainingRow]:
    """Return the rows of a file of Triplets. The first pair of a query gives it its id."""
    table = tables.read(triplets, Triplets).sort_values("pair_id")

    # The columns in the order of the fields of a row, after its pair.
    names = ["anchor", "doc_id", "positive", "positive_score", "negative_ids", "negatives"]
    columns = (table[name].tolist() for name in names)

    id_of_query: dict[str, str] = {}
    rows = []
    for pair_id, query, *answer in zip(table["pair_id"], *columns, strict=True):
        doc_id, positive, score, negative_ids, negatives = answer
        rows.append(
            TrainingRow(
                query_id=id_of_query.setdefault(query, pair_id),
                query=query,
                doc_id=doc_id,
                positive=positive,
                score=score,
                negative_ids=list(negative_ids),
                negatives=list(negatives),
            )
        )
    return rows


def _read_evaluation() -> dict[str, EvaluationData]:
    aliases = tables.read(ALIASES, Aliases)
    kept_id = dict(zip(aliases["doc_id"], aliases["kept_id"], strict=True))

    evaluation = {}
    for split, name in HELD_OUT.items():
        queries = tables.read(SPLITS / split / "queries.parquet", Queries)
        grades = read_qrels(split, SPLITS, kept_id, out_of_domain=OUT_OF_DOMAIN)
        if len(queries):
            texts = dict(zip(queries["query_id"], queries["text"], strict=True))
            evaluation[name] = EvaluationData(texts, whole_grades(grades))
    return evaluation
