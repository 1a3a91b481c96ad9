"""Training rows as the files that trainers read. docs/export.md has an example of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.commands.export.collection_files import write_beir
from stages.commands.export.data_set import DataSet, TrainingRow
from stages.commands.export.rows import write_columns, write_json, write_json_lines

_SCRIPT = Path(__file__).parent / "train_sentence_transformers.py.txt"


def write_sentence_transformers(data: DataSet, folder: Path) -> None:
    """Write train-N.jsonl for rows with N negatives, the held-out splits, and a script.

    All rows of a data set of Sentence Transformers have the same columns. So rows with fewer
    negatives are a data set of their own, and the trainer takes them in turn.
    """
    rows_by_count: dict[int, list[TrainingRow]] = {}
    for row in data.training:
        rows_by_count.setdefault(len(row.negatives), []).append(row)

    for count, rows in sorted(rows_by_count.items()):
        write_json_lines(folder / f"train-{count}.jsonl", map(_columns, rows))
    write_beir(data, folder / "evaluation")

    script = _SCRIPT.read_text("utf-8")
    script = script.replace("QUERY_PROMPT", repr(data.query_prompt))
    script = script.replace("DOCUMENT_PROMPT", repr(data.document_prompt))
    (folder / "train.py").write_text(script, "utf-8")


def _columns(row: TrainingRow) -> dict[str, str]:
    negatives = {f"negative_{number}": text for number, text in enumerate(row.negatives, start=1)}
    return {"anchor": row.query, "positive": row.positive, **negatives}


def write_flag_embedding(data: DataSet, folder: Path) -> None:
    """Write the training rows for FlagEmbedding: a line for each, with lists of texts and ids."""
    prompt = {"prompt": data.query_prompt} if data.query_prompt else {}
    for file, rows in _files_by_negatives(data.training).items():
        write_json_lines(
            folder / file,
            (
                {
                    "query": row.query,
                    "pos": [row.positive],
                    "neg": row.negatives,
                    "query_id": row.query_id,
                    "pos_id": [row.doc_id],
                    "neg_id": row.negative_ids,
                    **prompt,
                }
                for row in rows
            ),
        )


def write_tevatron(data: DataSet, folder: Path) -> None:
    """Write the training rows for Tevatron, and corpus.jsonl with all documents."""
    for file, rows in _files_by_negatives(data.training).items():
        write_json_lines(
            folder / file,
            (
                {
                    "query_id": row.query_id,
                    "query": row.query,
                    "positive_passages": _passages([row.doc_id], [row.positive]),
                    "negative_passages": _passages(row.negative_ids, row.negatives),
                }
                for row in rows
            ),
        )
    write_json_lines(
        folder / "corpus.jsonl",
        ({"docid": doc_id, "text": document.text} for doc_id, document in data.documents.items()),
    )


def _files_by_negatives(rows: Sequence[TrainingRow]) -> dict[str, list[TrainingRow]]:
    """Return train.jsonl, and a file of its own for rows without negatives, if there are any.

    FlagEmbedding and Tevatron draw the negatives of a row until a group is full. Where there are
    none to draw from, they break off, unless all groups are of one passage.
    """
    rows_of_file: dict[str, list[TrainingRow]] = {}
    for row in rows:
        file = "train.jsonl" if row.negatives else "train-no-negatives.jsonl"
        rows_of_file.setdefault(file, []).append(row)
    return rows_of_file


def _passages(doc_ids: list[str], texts: list[str]) -> list[dict[str, str]]:
    """Return passages without a title, since the text is all that the model reads.

    Tevatron puts a title and a blank in front of the text, and of an empty title the blank stays.
    """
    return [{"docid": doc_id, "text": text} for doc_id, text in zip(doc_ids, texts, strict=True)]


def write_nemo(data: DataSet, folder: Path) -> None:
    """Write train.json of NeMo Automodel, which names passages by id, and the folder corpus.

    The corpus is a Parquet file of ids and texts, with merlin_metadata.json beside it.
    """
    name = "corpus"
    rows = [_nemo_row(row, corpus=name) for row in data.training]
    write_json(folder / "train.json", {"corpus": [{"path": f"./{name}"}], "data": rows})

    columns = {
        "id": list(data.documents),
        "text": [document.text for document in data.documents.values()],
    }
    write_columns(folder / name / "train.parquet", columns)
    write_json(
        folder / name / "merlin_metadata.json",
        {
            "class": "TextQADataset",
            "corpus_id": name,
            "query_instruction": data.query_prompt,
            "passage_instruction": data.document_prompt,
        },
    )


def _nemo_row(row: TrainingRow, *, corpus: str) -> dict[str, Any]:
    return {
        "question_id": row.query_id,
        "question": row.query,
        "corpus_id": corpus,
        "pos_doc": [{"id": row.doc_id}],
        "neg_doc": [{"id": doc_id} for doc_id in row.negative_ids],
    }


def write_llama_index(data: DataSet, folder: Path) -> None:
    """Write a file of LlamaIndex's EmbeddingQAFinetuneDataset for each split."""
    texts = {doc_id: document.text for doc_id, document in data.documents.items()}
    training = {row.query_id: row.query for row in data.training}
    splits: dict[str, tuple[Mapping[str, str], Mapping[str, Mapping[str, int]]]] = {
        "train": (training, data.training_grades())
    }
    for name, held_out in data.evaluation.items():
        splits[name] = (held_out.queries, held_out.grades)

    for name, (queries, grades) in splits.items():
        relevant = {query_id: _relevant(grades.get(query_id, {})) for query_id in queries}
        write_json(
            folder / f"{name}.json",
            {"queries": dict(queries), "corpus": texts, "relevant_docs": relevant, "mode": "text"},
        )


def _relevant(grade_of_document: Mapping[str, int]) -> list[str]:
    """Return the documents that answer. This layout cannot say that one of grade 0 does not."""
    return [doc_id for doc_id, grade in grade_of_document.items() if grade > 0]
