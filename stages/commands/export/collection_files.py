"""The data set as a test collection or a data set of a hub: BEIR, MTEB, Hugging Face, Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stages.commands.export.data_set import DataSet
from stages.commands.export.rows import write_columns, write_json_lines

_TASK = Path(__file__).parent / "mteb_task.py.txt"

Grades = Mapping[str, Mapping[str, int]]


def write_beir(data: DataSet, folder: Path) -> None:
    """Write corpus.jsonl, queries.jsonl and qrels/*.tsv, of training too.

    The text of a document is what our models read. BEIR puts a title in front of it, so `title` is
    empty, and the title stands under `metadata`.
    """
    write_json_lines(
        folder / "corpus.jsonl",
        (
            {
                "_id": doc_id,
                "title": "",
                "text": document.text,
                "metadata": {"title": document.title},
            }
            for doc_id, document in data.documents.items()
        ),
    )
    write_json_lines(
        folder / "queries.jsonl",
        (
            {"_id": query_id, "text": text, "metadata": {}}
            for query_id, text in data.queries().items()
        ),
    )
    for split, grades in grades_of_splits(data).items():
        _write_qrels(folder / "qrels" / f"{split}.tsv", grades)


def grades_of_splits(data: DataSet) -> dict[str, Grades]:
    """Return the graded documents of each query, by split: train, dev and test."""
    return {
        "train": data.training_grades(),
        **{name: held_out.grades for name, held_out in data.evaluation.items()},
    }


def _write_qrels(path: Path, grades: Grades) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["query-id\tcorpus-id\tscore"]
    for query_id, grade_of_document in sorted(grades.items()):
        for doc_id, grade in sorted(grade_of_document.items()):
            lines.append(f"{query_id}\t{doc_id}\t{grade}")
    path.write_text("\n".join(lines) + "\n", "utf-8", newline="\n")


def write_mteb(data: DataSet, folder: Path) -> None:
    """Write the BEIR files, and task.py with a retrieval task that reads them."""
    write_beir(data, folder)
    (folder / "task.py").write_text(_TASK.read_text("utf-8"), "utf-8")


def write_parquet(data: DataSet, folder: Path) -> None:
    """Write train.parquet, corpus.parquet, and queries and qrels of each split, as Parquet."""
    rows = data.training
    write_columns(
        folder / "train.parquet",
        {
            "query_id": [row.query_id for row in rows],
            "anchor": [row.query for row in rows],
            "doc_id": [row.doc_id for row in rows],
            "positive": [row.positive for row in rows],
            "score": [row.score for row in rows],
            "negative_ids": [row.negative_ids for row in rows],
            "negatives": [row.negatives for row in rows],
        },
    )
    documents = data.documents
    write_columns(
        folder / "corpus.parquet",
        {
            "_id": list(documents),
            "title": [document.title for document in documents.values()],
            "text": [document.text for document in documents.values()],
        },
    )
    for name, held_out in data.evaluation.items():
        write_columns(
            folder / f"queries-{name}.parquet",
            {"_id": list(held_out.queries), "text": list(held_out.queries.values())},
        )
        judgements = [
            (query_id, doc_id, grade)
            for query_id, grade_of_document in sorted(held_out.grades.items())
            for doc_id, grade in sorted(grade_of_document.items())
        ]
        write_columns(
            folder / f"qrels-{name}.parquet",
            {
                "query-id": [query_id for query_id, _, _ in judgements],
                "corpus-id": [doc_id for _, doc_id, _ in judgements],
                "score": [grade for _, _, grade in judgements],
            },
        )
