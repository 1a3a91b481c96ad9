"""Documents, queries and judgements of a test collection: of BEIR, of MS MARCO and of TREC."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from stages.collect.columns import Place, Record, to_text
from stages.collect.kinds.labelled_rows import document_record
from stages.collect.kinds.trec_topics import read_topics
from stages.collect.kinds.whole_rows import Row, dialect, open_text, read_whole_rows
from stages.collect.labels import is_number
from stages.collect.raw_files import RawFile
from stages.collect.record_tables import LeftOutRecord
from stages.lib.core.errors import UserError

# The names of columns in practice. The first that a row has counts.
_IDS = ("_id", "id", "docid", "doc_id", "pid", "docno", "qid", "query_id", "query-id")
_DOCUMENT_TEXTS = ("text", "contents", "passage", "body")
_QUERY_TEXTS = ("text", "query", "question", "title")
# Files without a header, by the number of columns: passages, with titles, MS MARCO documents.
_DOCUMENT_COLUMNS = {
    2: ("id", "text"),
    3: ("id", "title", "text"),
    4: ("id", "url", "title", "text"),
}
_QUERY_COLUMNS = {2: ("id", "text")}
# The columns of qrels in files whose rows have names, as copies on a hub are.
_QRELS_QUERIES = ("query-id", "query_id", "qid", "query")
_QRELS_DOCUMENTS = ("corpus-id", "corpus_id", "docid", "doc_id", "pid", "docno", "document")
_QRELS_GRADES = ("score", "grade", "relevance", "rel", "label")
# What a header of qrels holds.
_QRELS_NAMES = frozenset(
    ("query-id", "query_id", "qid", "corpus-id", "corpus_id", "docid", "doc_id", "score", "rel")
)
_ROW_FORMATS = (".jsonl", ".json", ".csv", ".parquet")


class Query(NamedTuple):
    """A query: its id, its text, and where it stands. `is_topic`: it comes from TREC."""

    key: str
    text: str
    place: Place
    is_topic: bool = False


class QrelsLine(NamedTuple):
    """A line of qrels."""

    place: Place
    query_id: str
    document: str
    grade: str

    @property
    def values(self) -> dict[str, object]:
        """What the ledger keeps of it."""
        return {"query_id": self.query_id, "document": self.document, "grade": self.grade}


def document_records(
    file: RawFile, encoding: str, setting: str
) -> Iterator[Record | LeftOutRecord]:
    """Yield the documents of a corpus file.

    Raises:
        UserError: the file is broken, or a row has no column of ids or of texts.
    """
    for place, values in _rows(file, encoding, setting, columns=_DOCUMENT_COLUMNS):
        key = _first(values, _IDS, place, file)
        title = to_text(values.get("title"), place, "title")
        has_text = any(name in values for name in _DOCUMENT_TEXTS)
        text = _first(values, _DOCUMENT_TEXTS, place, file) if has_text or not title else ""
        yield document_record(key, title, text, place)


def read_queries(
    file: RawFile, encoding: str, setting: str, *, topic_field: str | None
) -> Iterator[Query]:
    """Yield the queries of a file: rows, or topics of TREC.

    Raises:
        UserError: the file is broken, or a row has no column of ids or of texts.
    """
    if _begins_with_tag(file, encoding, setting):
        yield from _topics(file, encoding, setting, topic_field=topic_field)
        return

    for place, values in _rows(file, encoding, setting, columns=_QUERY_COLUMNS):
        key = _first(values, _IDS, place, file)
        yield Query(key, _first(values, _QUERY_TEXTS, place, file), place)


def read_judgements(file: RawFile, encoding: str, setting: str) -> Iterator[QrelsLine]:
    """Yield the judgements of a file of qrels.

    They are lines of query, document and grade (BEIR), or with an iteration between (TREC). In
    JSON, CSV and Parquet they are rows of columns with names.

    Raises:
        UserError: a line has another number of fields, a row lacks a column, or a grade is no whole
            number.
    """
    if file.table_format in _ROW_FORMATS:
        lines = _named_judgements(file, encoding, setting)
    else:
        lines = _judgement_lines(file, encoding, setting)

    for line in lines:
        if is_number(line.grade) and not float(line.grade).is_integer():
            raise UserError(
                f"{line.place}: the grade is {line.grade[:40]!r}, and grades are whole numbers",
                "round the grades of the file, such as 0.5 to 1",
            )
        yield line


def _named_judgements(file: RawFile, encoding: str, setting: str) -> Iterator[QrelsLine]:
    for place, values in read_whole_rows(file, dialect(file.name, encoding=encoding), setting):
        query_id = _first(values, _QRELS_QUERIES, place, file)
        document = _first(values, _QRELS_DOCUMENTS, place, file)
        yield QrelsLine(place, query_id, document, _first(values, _QRELS_GRADES, place, file))


def _judgement_lines(file: RawFile, encoding: str, setting: str) -> Iterator[QrelsLine]:
    row_number = 0
    with open_text(file, encoding, setting) as stream:
        for line_number, line in enumerate(stream, 1):
            if not line.strip():
                continue

            fields = _qrels_fields(line)
            is_header = not row_number and bool(_QRELS_NAMES & {name.lower() for name in fields})
            if is_header:
                continue
            row_number += 1
            place = Place(file.name, row_number, line_number)
            if len(fields) not in (3, 4):
                raise UserError(
                    f"{place}: {len(fields)} fields, and a judgement has 3 (query, document, "
                    f"grade) or 4 (query, iteration, document, grade): {line.strip()[:60]!r}",
                    "correct the line",
                )
            yield QrelsLine(place, fields[0], fields[-2], fields[-1])


def is_negative(grade: str) -> bool:
    """Return whether a grade is below 0.

    >>> is_negative("-2"), is_negative("0"), is_negative("x")
    (True, False, False)
    """
    return is_number(grade) and math.copysign(1.0, float(grade)) < 0 and float(grade) != 0


def _qrels_fields(line: str) -> list[str]:
    if "\t" not in line:
        return line.split()
    if '"' in line:
        return [field.strip() for field in next(csv.reader([line], delimiter="\t"))]
    return [field.strip() for field in line.split("\t")]


def _rows(
    file: RawFile, encoding: str, setting: str, *, columns: Mapping[int, Sequence[str]]
) -> Iterator[Row]:
    """Yield rows of columns with names: of JSON, CSV and Parquet, and of TSV without a header."""
    if file.table_format in _ROW_FORMATS:
        yield from read_whole_rows(file, dialect(file.name, encoding=encoding), setting)
        return

    # Quotes of MS MARCO are characters like any other.
    names: Sequence[str] = ()
    row_number = 0
    with open_text(file, encoding, setting) as stream:
        for line_number, line in enumerate(stream, 1):
            fields = line.rstrip("\r\n").split("\t")
            if not line.strip():
                continue
            if not names and {name.lower() for name in fields} & set(_IDS):
                names = [name.lower() for name in fields]
                continue

            names = names or columns.get(len(fields), ())
            row_number += 1
            place = Place(file.name, row_number, line_number)
            if len(fields) != len(names):
                expected = f"{len(names)}" if names else " or ".join(map(str, columns))
                raise UserError(
                    f"{place}: {len(fields)} fields between tabs where there should be {expected} "
                    f"(the line begins with {fields[0][:40]!r})",
                    "write one row on each line, and no tab within a text",
                )
            yield place, dict(zip(names, fields, strict=True))


def _first(values: Mapping[str, object], names: Sequence[str], place: Place, file: RawFile) -> str:
    """Return the value of the first of `names` that a row has."""
    name = next((name for name in names if name in values), None)
    if name is None:
        present = ", ".join(map(repr, values))[:200] or "nothing"
        raise UserError(
            f"{place}: there is none of the columns {', '.join(names)}; found {present}",
            f"rename the column in {file.name}",
        )
    return to_text(values[name], place, name)


def _begins_with_tag(file: RawFile, encoding: str, setting: str) -> bool:
    if file.table_format in _ROW_FORMATS:
        return False
    with open_text(file, encoding, setting) as stream:
        for line in stream:
            if line.strip() and not line.startswith("#"):
                return line.lstrip().startswith("<")
    return False


def _topics(
    file: RawFile, encoding: str, setting: str, *, topic_field: str | None
) -> Iterator[Query]:
    with open_text(file, encoding, setting) as stream:
        topics = read_topics(stream.read())
    if not topics:
        raise UserError(
            f"{file.name} holds tags and no topic", "write each topic as <top> or <topic>"
        )

    fields = {name for topic in topics for name in topic.fields}
    if topic_field is not None and topic_field.casefold() not in fields:
        raise UserError(
            f"params.yaml: {setting}.topic_field = '{topic_field}' is no field of {file.name}",
            f"name one of: {', '.join(sorted(fields - {''}))}",
        )
    for row_number, topic in enumerate(topics, 1):
        place = Place(file.name, row_number, topic.line)
        yield Query(topic.number, topic.query(topic_field), place, is_topic=True)
