"""Trainers' files that name passages by ids: Tevatron, NeMo and LlamaIndex."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from stages.collect.columns import Place, Record, to_text
from stages.collect.kinds.labelled_rows import LabelledRow, Passage, ReadRows, document_record
from stages.collect.kinds.trainer_layouts import TrainerFiles, names_ids, wrong_layout
from stages.collect.kinds.trainer_texts import texts_of
from stages.collect.raw_files import RESTORE
from stages.collect.record_tables import LeftOutRecord
from stages.lib.core.errors import UserError

# The names of ids in a corpus: of Tevatron, NeMo and BEIR.
_CORPUS_IDS = ("docid", "id", "_id")


class LlamaIndexContents(NamedTuple):
    """The documents of LlamaIndex files, and what reads their judgements."""

    documents: list[Record | LeftOutRecord]
    rows: ReadRows


def tevatron_rows(files: TrainerFiles) -> Iterator[LabelledRow]:
    """Yield the rows of Tevatron: passages with ids, or ids alone.

    Raises:
        UserError: a row lacks its query or its passages, or a value has a wrong type.
    """
    names = files.names()
    if "query" not in names and "query_text" not in names:
        raise wrong_layout(files.dialect.path, "'query' or 'query_text'", names, files.setting)

    is_by_id = names_ids(names)
    positive, negative = (
        ("positive_document_ids", "negative_document_ids")
        if is_by_id
        else ("positive_passages", "negative_passages")
    )
    if positive not in names:
        missing = "'positive_passages' or 'positive_document_ids'"
        raise wrong_layout(files.dialect.path, missing, names, files.setting)
    for place, values in files.rows():
        query = values.get("query", values.get("query_text"))
        yield LabelledRow(
            place,
            query_id=to_text(values.get("query_id"), place, "query_id"),
            query=to_text(query, place, "query"),
            positives=_passages(values.get(positive), place, positive, is_by_id=is_by_id),
            negatives=_passages(values.get(negative), place, negative, is_by_id=is_by_id),
        )


def nemo_rows(files: TrainerFiles) -> Iterator[LabelledRow]:
    """Yield the questions of NeMo.

    Raises:
        UserError: the file has no list `data`, its questions lead to several corpora, or a value
            has a wrong type.
    """
    corpus_ids: set[str] = set()
    for file, value in files.objects():
        items = value.get("data")
        if not isinstance(items, list):
            raise wrong_layout(file.name, "list 'data'", list(value), files.setting)

        for row_number, item in enumerate(items, 1):
            place = Place(file.name, row_number)
            if not isinstance(item, dict) or not {"question", "pos_doc"} <= item.keys():
                keys = list(item) if isinstance(item, dict) else [str(item)[:40]]
                raise wrong_layout(place, "'question' with 'pos_doc'", keys, files.setting)

            corpus_ids.add(to_text(item.get("corpus_id"), place, "corpus_id"))
            if len(corpus_ids) > 1:
                raise UserError(
                    f"{place}: 'corpus_id' is {sorted(corpus_ids)[-1]!r} here, and "
                    f"{sorted(corpus_ids)[0]!r} in another row: ids of two corpora may clash",
                    "write the questions of each corpus to a file of its own, and give each file "
                    "a source",
                )
            yield LabelledRow(
                place,
                query_id=to_text(item.get("question_id"), place, "question_id"),
                query=to_text(item["question"], place, "question"),
                positives=_nemo_passages(item["pos_doc"], place, "pos_doc"),
                negatives=_nemo_passages(item.get("neg_doc"), place, "neg_doc"),
            )


def corpus_records(files: TrainerFiles) -> Iterator[Record | LeftOutRecord]:
    """Yield the documents of a corpus file.

    Raises:
        UserError: it holds no rows, or no column of ids or of texts.
    """
    id_name = ""
    for place, values in files.corpus_rows():
        if not id_name:
            names = [name for name in _CORPUS_IDS if name in values]
            if not names or "text" not in values:
                raise UserError(
                    f"{place}: a corpus has a column of ids ({', '.join(_CORPUS_IDS)}) and 'text'; "
                    f"found {', '.join(map(repr, values))[:200] or 'nothing'}",
                    f"correct {files.setting}.corpus in params.yaml, or the file",
                )
            id_name = names[0]

        yield document_record(
            to_text(values.get(id_name), place, id_name),
            to_text(values.get("title"), place, "title"),
            to_text(values.get("text"), place, "text"),
            place,
        )

    if not id_name:
        raise UserError(f"{files.corpus[0].name} holds no rows", RESTORE)


def read_llama_index(files: TrainerFiles) -> LlamaIndexContents:
    """Return the contents of LlamaIndex files.

    Raises:
        UserError: a part is missing or has a wrong type, or the mode is another one than text.
    """
    documents: list[Record | LeftOutRecord] = []
    rows: list[LabelledRow | LeftOutRecord] = []
    for file, value in files.objects():
        for part in ("queries", "corpus", "relevant_docs"):
            if not isinstance(value.get(part), dict):
                raise wrong_layout(file.name, f"object '{part}'", list(value), files.setting)
        mode = value.get("mode", "text")
        if mode != "text":
            raise UserError(
                f"{file.name}: its mode is {str(mode)[:40]!r}", "only the mode 'text' can be read"
            )

        for row_number, (key, text) in enumerate(value["corpus"].items(), 1):
            place = Place(f"{file.name}, corpus", row_number)
            documents.append(document_record(key, "", to_text(text, place, "corpus"), place))
        rows += _llama_index_rows(value, file.name)

    if not documents:
        raise UserError(f"{files.dialect.path} holds no rows", RESTORE)
    return LlamaIndexContents(documents, partial(list, rows))


def _llama_index_rows(value: Mapping[str, Any], name: str) -> Iterator[LabelledRow | LeftOutRecord]:
    queries = value["queries"]
    relevant = value["relevant_docs"]
    for row_number, (query_id, query) in enumerate(queries.items(), 1):
        place = Place(f"{name}, queries", row_number)
        ids = texts_of(relevant.get(query_id), place, "relevant_docs")
        yield LabelledRow(
            place,
            query_id=query_id,
            query=to_text(query, place, "queries"),
            positives=tuple(Passage(key) for key in ids),
            negatives=(),
        )

    # Judgements of queries that are not there.
    for row_number, (query_id, ids) in enumerate(relevant.items(), 1):
        if query_id not in queries:
            place = Place(f"{name}, relevant_docs", row_number)
            names = texts_of(ids, place, "relevant_docs")
            yield LeftOutRecord(place, "unknown_query", {"query_id": query_id, "documents": names})


def _passages(value: Any, place: Place, column: str, *, is_by_id: bool) -> tuple[Passage, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise UserError(
            f"{place}: '{column}' holds no list but {str(value)[:40]!r}",
            "write a list, which may be empty",
        )
    if is_by_id:
        return tuple(Passage(to_text(item, place, column)) for item in value)

    passages: list[Passage] = []
    for item in value:
        if not isinstance(item, dict):
            raise UserError(
                f"{place}: '{column}' holds {str(item)[:40]!r}, which is no passage",
                "write each passage as an object with docid, title and text",
            )
        parts = [to_text(item.get(part), place, part) for part in ("docid", "title", "text")]
        passages.append(Passage(*parts))
    return tuple(passages)


def _nemo_passages(value: Any, place: Place, column: str) -> tuple[Passage, ...]:
    """Return the passages of a list of objects with an id, or of ids."""
    items = value if isinstance(value, list) else [] if value is None else [value]
    ids = [item.get("id") if isinstance(item, dict) else item for item in items]
    return tuple(Passage(to_text(key, place, column)) for key in ids)
