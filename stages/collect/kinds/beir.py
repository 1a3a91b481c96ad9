"""Test collections: a corpus, queries, and judgements (qrels) by split.

| form | corpus | queries | qrels |
| --- | --- | --- | --- |
| BEIR (beir/datasets/data_loader.py) | corpus.jsonl | queries.jsonl | qrels/SPLIT.tsv |
| a copy on a hub | corpus.parquet | queries-SPLIT.parquet | qrels/SPLIT.jsonl or .parquet |
| MS MARCO | collection.tsv | queries.SPLIT.tsv | qrels.SPLIT.tsv |
| TREC (trec_eval) | as above | topics | qrels: query, iteration, document, grade |

All documents come in, also those that no judgement names. The split of a judgement is that of its
file. A query that no judgement names is left out (`unjudged_query`), and so is a judgement below 0
(`negative_grade`), which TREC gives to what was not judged and to spam.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field, model_validator

from stages.collect.columns import Record
from stages.collect.kinds.beir_files import (
    CollectionFiles,
    MissingSplits,
    collection_files,
    split_of,
)
from stages.collect.kinds.beir_rows import (
    QrelsLine,
    Query,
    document_records,
    is_negative,
    read_judgements,
    read_queries,
)
from stages.collect.kinds.kind import Kind
from stages.collect.kinds.labelled_rows import judgement_key
from stages.collect.kinds.whole_rows import check_raw_path
from stages.collect.raw_files import RESTORE, check_links
from stages.collect.record_rows import RecordTable, read_record_tables
from stages.collect.record_tables import LeftOutRecord
from stages.collect.records import SourceRows, params_path
from stages.collect.source import OUT_OF_DOMAIN, FileSource, ReadRequest, Source, SplitName
from stages.collect.table_source import Columns, TableSource, table_of
from stages.lib.core.errors import UserError

REMEDY = "correct the files, or name the right ones in params.yaml"


class BeirSource(FileSource):
    """A folder with a test collection.

    Attributes:
        path: the folder under data/raw/.
        corpus, queries, qrels: files or patterns in the folder; null: those that their names show.
        topic_field: the field of a TREC topic that is the query; null: title, or query.
        split_names: name of a qrels file, without its suffix, to its split; null: no split.
        missing_split_share: a held-out split that no file gives gets this share of the queries of
            train, or of the one split that there is; null: none.
        relevant_from: grades from here on are relevant.
        positive_grade: grades from here on are trained on; null: the highest of the query.
    """

    reader: Literal["beir"]
    corpus: list[str] | None = Field(default=None, min_length=1)
    queries: list[str] | None = Field(default=None, min_length=1)
    qrels: list[str] | None = Field(default=None, min_length=1)
    topic_field: str | None = None
    split_names: dict[str, SplitName | None] = Field(default_factory=dict)
    missing_split_share: float | None = Field(default=None, gt=0.0, le=0.5)
    relevant_from: int = Field(default=1, ge=1)
    positive_grade: int | None = Field(default=None, ge=1)
    encoding: str = "utf-8"

    @model_validator(mode="after")
    def _check_grades(self) -> BeirSource:
        if self.positive_grade is not None and self.positive_grade < self.relevant_from:
            raise ValueError("positive_grade is below relevant_from: a positive must be relevant")
        return self


class QueryTexts:
    """The queries of a set by their ids. An id with a second text is left out."""

    def __init__(self, queries: Iterator[Query]) -> None:
        self.left_out: list[LeftOutRecord] = []
        self._query_of_id: dict[str, Query] = {}
        # TREC writes 051 in topics, and 51 in qrels.
        self._id_of_number: dict[str, str] = {}
        for query in sorted(queries):
            values = {"query_id": query.key, "query": query.text}
            if not query.key.strip():
                self.left_out.append(LeftOutRecord(query.place, "missing_key", values))
                continue

            kept = self._query_of_id.setdefault(query.key, query)
            if kept.text != query.text:
                self.left_out.append(LeftOutRecord(query.place, "duplicate_key", values))
            if query.is_topic and query.key.isdecimal():
                self._id_of_number.setdefault(query.key.lstrip("0"), query.key)

    def find(self, query_id: str) -> Query | None:
        """Return the query of an id; None if there is none."""
        number = self._id_of_number.get(query_id.lstrip("0"), "")
        return self._query_of_id.get(query_id) or self._query_of_id.get(number)

    def unjudged(self, judged_ids: set[str]) -> Iterator[LeftOutRecord]:
        """Yield the queries whose ids are not among those that are judged."""
        for key, query in self._query_of_id.items():
            if key not in judged_ids:
                values = {"query_id": key, "query": query.text}
                yield LeftOutRecord(query.place, "unjudged_query", values)


def check_beir(name: str, source: BeirSource, sources: Mapping[str, Source]) -> None:
    """Check the settings of a source.

    Raises:
        UserError: one makes no sense. The message names the key of params.yaml.
    """
    setting = params_path(name)
    check_raw_path(source.path, setting)
    if name == OUT_OF_DOMAIN:
        raise UserError(
            f"params.yaml: {setting}.reader = 'beir' has splits and grades, and the source is "
            "never trained on, and measured by scores",
            "name the set under collect.sources, or read its files with reader: table",
        )
    for role in ("corpus", "queries", "qrels"):
        for file in getattr(source, role) or ():
            if file.startswith("/") or ".." in file.split("/"):
                raise UserError(
                    f"params.yaml: {setting}.{role} names '{file}', which is not in {source.path}",
                    "name files by their paths in that folder",
                )


def read_beir(source: BeirSource, request: ReadRequest) -> SourceRows:
    """Return the rows of a test collection.

    A raw record is a document, a judgement, or a query without one.

    Raises:
        UserError: a file is missing or broken, or too many records are rejected.
    """
    setting = params_path(request.name)
    return _read_files(source, request, _files(source, request), setting)


def _read_files(
    source: BeirSource, request: ReadRequest, files: CollectionFiles, setting: str
) -> SourceRows:
    # The splits first: their errors are the cheapest to find.
    for file in files.qrels:
        split_of(file, source.split_names, setting)

    document_columns = Columns(key="id", title="title", text="text")
    pair_columns = Columns(
        key="key", anchor="query", document_key="document", grade="grade", split="split"
    )
    documents = RecordTable(
        _table(source, document_columns), _documents(source, files, setting), REMEDY
    )
    pairs = RecordTable(
        _table(source, pair_columns, documents_of=request.name),
        _judgements(source, files, setting),
        REMEDY,
    )
    return read_record_tables([documents, pairs], request)


def _documents(
    source: BeirSource, files: CollectionFiles, setting: str
) -> Iterator[Record | LeftOutRecord]:
    is_empty = True
    for file in files.corpus:
        for record in document_records(file, source.encoding, setting):
            is_empty = False
            yield record
    if is_empty:
        raise UserError(f"{files.corpus[0].name} holds no rows", RESTORE)


def _judgements(
    source: BeirSource, files: CollectionFiles, setting: str
) -> Iterator[Record | LeftOutRecord]:
    queries = QueryTexts(
        query
        for file in files.queries
        for query in read_queries(file, source.encoding, setting, topic_field=source.topic_field)
    )
    yield from queries.left_out

    split_of_file = {file.name: split_of(file, source.split_names, setting) for file in files.qrels}
    missing_splits = MissingSplits(split_of_file.values(), source.missing_split_share)
    judged_ids: set[str] = set()
    for file in files.qrels:
        for judgement in read_judgements(file, source.encoding, setting):
            query = queries.find(judgement.query_id)
            split = split_of_file[file.name]
            record = _record(judgement, query, split)
            if query is not None:
                judged_ids.add(query.key)
            if isinstance(record, Record) and query is not None:
                record = record._replace(split=missing_splits.split_of_query(query.text, split))
            yield record

    yield from queries.unjudged(judged_ids)


def _record(judgement: QrelsLine, query: Query | None, split: str) -> Record | LeftOutRecord:
    place, query_id, document, grade = judgement
    if not query_id or not document:
        return LeftOutRecord(place, "missing_key", judgement.values)
    if query is None:
        return LeftOutRecord(place, "unknown_query", judgement.values)
    if is_negative(grade):
        return LeftOutRecord(place, "negative_grade", judgement.values)

    return Record(
        key=judgement_key(split, query.key, document),
        anchor=query.text,
        document_key=document,
        grade=grade,
        split=split,
        place=place,
    )


def _table(source: BeirSource, columns: Columns, *, documents_of: str | None = None) -> TableSource:
    return table_of(
        source,
        columns,
        documents_of=documents_of,
        relevant_from=source.relevant_from,
        positive_grade=source.positive_grade,
    )


def _files(source: BeirSource, request: ReadRequest) -> CollectionFiles:
    named = {"corpus": source.corpus, "queries": source.queries, "qrels": source.qrels}
    return collection_files(request.raw, source.path, named, params_path(request.name))


def _read(source: BeirSource, request: ReadRequest) -> SourceRows:
    files = _files(source, request)
    check_links([*files.corpus, *files.queries, *files.qrels], request.raw)

    return read_beir(source, request)


KIND = Kind(BeirSource, _read, check_beir)
