"""A file of one's own: CSV, TSV, JSONL or Parquet under data/raw/, with a mapping of its columns.

Three shapes, told apart by the columns that are mapped: `text` gives documents; `anchor` and `text` in one
row give a document and the pair that leads to it; `anchor` and `document_key` give pairs to the documents
of another source. Every value is read as the string that stands in the file ("001" stays "001").
A broken file stops the stage; a row that cannot be used is rejected into the ledger.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

from pydantic import Field

from stages.collect.records import (
    Collected,
    DocumentRow,
    Facts,
    PairRow,
    Source,
    compact,
    document_id,
    documents_frame,
    pair_id,
    pairs_frame,
    record_id,
    setting,
)
from stages.lib.errors import Problem
from stages.lib.ledger import Ledger

REASONS = ("empty_text", "empty_anchor", "bad_score", "unknown_document", "duplicate_key")
RAW = PurePosixPath("data/raw")

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_SUFFIXES = (*_DELIMITERS, ".jsonl", ".parquet")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_FIELD_LIMIT = 2**31 - 1  # the csv module's own limit, 131,072 characters, is shorter than a long page


class Columns(Source):
    """Which column of the file holds what; what is not mapped is not read."""

    key: str | None = Field(default=None, min_length=1)
    title: str | None = Field(default=None, min_length=1)
    text: str | None = Field(default=None, min_length=1)
    anchor: str | None = Field(default=None, min_length=1)
    topic: str | None = Field(default=None, min_length=1)
    group: str | None = Field(default=None, min_length=1)
    relation: str | None = Field(default=None, min_length=1)
    score: str | None = Field(default=None, min_length=1)
    document_key: str | None = Field(default=None, min_length=1)

    def mapped(self) -> dict[str, str]:
        """Return what is mapped: field to column."""
        return {field: column for field in type(self).model_fields if (column := getattr(self, field)) is not None}


class TableSource(Source):
    """One file and what its columns mean."""

    reader: Literal["table"]
    path: str
    columns: Columns
    encoding: str = "utf-8"
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    documents_of: str | None = None
    release: str = ""
    licence: str = ""
    citation: str = ""


class Record(NamedTuple):
    """What one row of a file says; empty where a column is not mapped."""

    key: str = ""
    title: str = ""
    text: str = ""
    anchor: str = ""
    topic: str = ""
    group: str = ""
    relation: str = ""
    score: str = ""
    document_key: str = ""


def check_settings(name: str, source: TableSource, others: Mapping[str, Source]) -> None:
    """Refuse a mapping that is none of the three shapes, or names something that is not there.

    Raises Problem, which names the parameter.
    """
    where, mapped = setting(name), set(source.columns.mapped())
    _place(source, where)
    if {"text"} <= mapped and "document_key" not in mapped:
        idle = set() if "anchor" in mapped else {"relation", "score"} & mapped
    elif {"anchor", "document_key"} <= mapped and "text" not in mapped:
        idle = {"title", "topic", "group"} & mapped
    else:
        raise Problem(
            f"params.yaml: {where}.columns maps {', '.join(sorted(mapped)) or 'nothing'}",
            "map 'text' (documents), 'anchor' and 'text' (documents and pairs), or 'anchor' and 'document_key' (pairs)",
        )
    if idle:
        raise Problem(
            f"params.yaml: {where}.columns.{min(idle)} has no meaning beside {', '.join(sorted(mapped - idle))}",
            "remove the key: it would be read and thrown away",
        )
    if ("document_key" in mapped) != (source.documents_of is not None):
        raise Problem(
            f"params.yaml: {where} has only one of columns.document_key and documents_of",
            "give both, for pairs that lead to the documents of another source, or neither",
        )
    if source.documents_of is not None:
        _check_target(name, source.documents_of, others)


def read(name: str, source: TableSource, raw: Path, ledger: Ledger, known: Collection[str] = ()) -> Collected:
    """Return what the file gives as source `name`; `known` are the document ids of `documents_of`.

    A raw record is a row. Rows are taken in the order of their content, not of the file, so that ordinals
    and the choice among equal keys do not depend on how the file was sorted. Rejected rows go to `ledger`
    with the mapped columns as they were read. Raises Problem when the file is broken or no row can be used.
    """
    own: tuple[str, ...]
    records = sorted(_records(raw / _place(source, setting(name)).relative_to(RAW), source, setting(name)))
    taken: dict[str, str] = {}
    ordinals: Counter[tuple[str, ...]] = Counter()
    documents: list[DocumentRow] = []
    pairs: list[PairRow] = []
    rejected: Counter[str] = Counter()
    for record in records:
        reason = _fault(record, source, known) or ("duplicate_key" if record.key and record.key in taken else "")
        if reason:
            rejected[reason] += 1
            before = compact({column: getattr(record, field) for field, column in source.columns.mapped().items()})
            ordinal = _next(ordinals, "record", before)
            partner = taken[record.key] if reason == "duplicate_key" else ""
            ledger.drop(record_id(name, before, ordinal), reason, partner_id=partner, before=before)
            continue
        if source.documents_of is None:
            own = (record.key,) if record.key else (record.text, _next(ordinals, "document", record.text))
            doc_id = row_id = document_id(name, *own)
            documents.append((doc_id, name, record.title, record.text, record.topic, record.group))
        else:
            doc_id = document_id(source.documents_of, record.document_key)
        if source.columns.anchor:
            own = (
                (record.key,) if record.key else (record.anchor, doc_id, _next(ordinals, "pair", record.anchor, doc_id))
            )
            row_id = pair_id(name, *own)
            score = float(record.score) if source.columns.score else 1.0
            pairs.append((row_id, record.anchor, doc_id, record.relation, score + 0.0, name))  # no -0.0
        if record.key:
            taken[record.key] = row_id
    if not documents and not pairs:
        told = ", ".join(f"{reason} {count}" for reason, count in sorted(rejected.items()))
        raise Problem(
            f"{source.path}: none of its {len(records)} rows can be used ({told})", _remedy_of(rejected, name)
        )
    facts = Facts(source.path, source.release, source.licence, source.citation)
    kept = len(records) - rejected.total()
    return Collected(documents_frame(documents), pairs_frame(pairs), len(records), kept, facts)


def _fault(record: Record, source: TableSource, known: Collection[str]) -> str:
    if source.columns.text and not record.text.strip():
        return "empty_text"
    if source.columns.anchor and not record.anchor.strip():
        return "empty_anchor"
    if source.columns.score and not (_NUMBER.fullmatch(record.score) and 0.0 <= float(record.score) <= 1.0):
        return "bad_score"
    if source.documents_of is not None and document_id(source.documents_of, record.document_key) not in known:
        return "unknown_document"
    return ""


def _next(ordinals: Counter[tuple[str, ...]], *equal: str) -> str:
    ordinals[equal] += 1
    return str(ordinals[equal] - 1)


def _remedy_of(rejected: Counter[str], name: str) -> str:
    most = max(sorted(rejected), key=lambda reason: rejected[reason])
    at = {"empty_text": "columns.text", "empty_anchor": "columns.anchor", "bad_score": "columns.score"}
    return f"correct {setting(name)}.{at.get(most, 'columns.document_key')} in params.yaml, or the file"


def _place(source: TableSource, where: str) -> PurePosixPath:
    path = PurePosixPath(source.path)
    if RAW not in path.parents or ".." in path.parts or "\\" in source.path:
        raise Problem(
            f"params.yaml: {where}.path = '{source.path}' is not under {RAW}/",
            f"put the file into {RAW}/: that folder is what DVC tracks",
        )
    if path.suffix not in _SUFFIXES:
        raise Problem(
            f"params.yaml: {where}.path = '{source.path}' ends in none of {', '.join(_SUFFIXES)}",
            "save the table in one of these formats",
        )
    if source.delimiter is not None and path.suffix not in _DELIMITERS:
        raise Problem(f"params.yaml: {where}.delimiter has no meaning for a {path.suffix} file", "set it to null")
    return path


def _check_target(name: str, target: str, others: Mapping[str, Source]) -> None:
    where, other = f"params.yaml: {setting(name)}.documents_of = '{target}'", others.get(target)
    if other is None or target == name:
        raise Problem(
            f"{where} is no other source", f"name one of: {', '.join(sorted(set(others) - {name})) or 'none'}"
        )
    if isinstance(other, TableSource) and (other.documents_of is not None or other.columns.key is None):
        raise Problem(
            f"{where} has no keyed documents", f"give {setting(target)} a text and the column of its keys (columns.key)"
        )


# From here on: the formats. Each yields its rows as a mapping of every mapped column to its string.


def _records(file: Path, source: TableSource, where: str) -> list[Record]:
    if not file.is_file():
        raise Problem(f"{source.path} does not exist", "put it there, or run 'dvc pull' if it is tracked by DVC")
    if not file.stat().st_size:
        raise Problem(f"{source.path} is empty", _RESTORE)
    rows = _parquet(file, source, where) if file.suffix == ".parquet" else _text(file, source, where)
    mapped = source.columns.mapped()
    records = [Record(**{field: row[column] for field, column in mapped.items()}) for row in rows]
    if not records:
        raise Problem(f"{source.path} holds no rows", _RESTORE)
    return records


_RESTORE = "export the file again, or restore it with 'dvc checkout'"


def _text(file: Path, source: TableSource, where: str) -> Iterator[dict[str, str]]:
    # A byte order mark is no part of the first column's name.
    encoding = "utf-8-sig" if source.encoding.lower().replace("_", "-") in ("utf-8", "utf8") else source.encoding
    try:
        with file.open(encoding=encoding, newline="") as stream:
            yield from (_jsonl if file.suffix == ".jsonl" else _delimited)(stream, source, where)
    except LookupError:
        raise Problem(
            f"params.yaml: {where}.encoding = '{source.encoding}' is no text encoding",
            "use a name that Python knows, such as utf-8, utf-16 or cp1252",
        ) from None
    except UnicodeError:
        raise _undecodable(file, encoding, source, where) from None


def _undecodable(file: Path, encoding: str, source: TableSource, where: str) -> Problem:
    content, line, byte = file.read_bytes(), 1, ""
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        line += content[: error.start].decode(encoding, "replace").count("\n")
        byte = f" (byte 0x{content[error.start]:02x})"
    except UnicodeError as error:  # some codecs name no place
        byte = f" ({error})"
    return Problem(
        f"{source.path}, line {line}: this is not {source.encoding}{byte}",
        f"save the file as UTF-8, or set {where}.encoding in params.yaml to what it is (from Excel often cp1252)",
    )


def _delimited(stream: io.TextIOWrapper, source: TableSource, where: str) -> Iterator[dict[str, str]]:
    csv.field_size_limit(_FIELD_LIMIT)
    delimiter = source.delimiter or _DELIMITERS[PurePosixPath(source.path).suffix]
    rows = _csv_rows(csv.reader(stream, delimiter=delimiter, strict=True), source)
    first = next(rows, None)
    if first is None:
        return
    line, header = first
    places = {column: header.index(column) for column in _present(source, where, header, f", line {line}")}
    for line, row in rows:
        if len(row) != len(header):
            raise Problem(
                f"{source.path}, line {line}: {len(row)} fields where the header has {len(header)} "
                f"(the row begins with {row[0][:40]!r})",
                f"put fields that hold a {delimiter!r} or a line break in double quotes, or set {where}.delimiter",
            )
        yield {column: row[place] for column, place in places.items()}


def _csv_rows(reader: Any, source: TableSource) -> Iterator[tuple[int, list[str]]]:
    # The line is the one that a row begins on: a quoted field may span many. Blank lines are no rows.
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise Problem(
                f"{source.path}: the row that begins on line {line} is malformed: {error}",
                "quote the field that holds the quote or line break, and write a quote inside it twice",
            ) from None
        if row is None:
            return
        if row:
            yield line, row


def _jsonl(stream: io.TextIOWrapper, source: TableSource, where: str) -> Iterator[dict[str, str]]:
    columns, seen, rows = source.columns.mapped().values(), set[str](), []
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        at = f"{source.path}, line {number}"
        try:
            row = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
        except (json.JSONDecodeError, RecursionError) as error:
            raise Problem(f"{at}: this is not JSON: {error}", "write one whole JSON object on each line") from None
        if not isinstance(row, dict):
            raise Problem(f"{at}: {line.strip()[:40]!r} is no object", "write one whole JSON object on each line")
        seen.update(row)
        rows.append({column: _string(row.get(column), at, column) for column in columns})
    if rows:  # a key may be missing from some lines, but not from all
        _present(source, where, sorted(seen), "")
    yield from rows


def _parquet(file: Path, source: TableSource, where: str) -> Iterator[dict[str, str]]:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    try:
        with parquet.ParquetFile(file) as table:
            columns = _present(source, where, table.schema_arrow.names, "")
            number = 0
            for batch in table.iter_batches(columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    at = f"{source.path}, row {number}"
                    yield {column: _string(row[column], at, column) for column in columns}
    except (arrow.ArrowException, UnicodeDecodeError, OSError) as error:
        told = str(error).splitlines()[0]
        raise Problem(f"{source.path} is not a readable Parquet file: {told}", _RESTORE) from None


def _present(source: TableSource, where: str, found: list[str], at: str) -> list[str]:
    for field, column in source.columns.mapped().items():
        if found.count(column) != 1:
            fact = "there is no column" if column not in found else "more than one column is called"
            # The whole header in one field is another delimiter.
            other = f", or set {where}.delimiter" if at and len(found) == 1 else ""
            raise Problem(
                f"{source.path}{at}: {fact} '{column}'; found {', '.join(map(repr, found[:20]))[:200] or 'none'}",
                f"correct {where}.columns.{field} in params.yaml, or the header of the file{other}",
            )
    return list(dict.fromkeys(source.columns.mapped().values()))


def _string(value: Any, at: str, column: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, dict, tuple, bytes)):
        raise Problem(f"{at}: column '{column}' holds a {type(value).__name__}, not a text", "store one text per row")
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:  # JSON can spell half a character as \ud83d
        raise Problem(
            f"{at}: column '{column}' holds half of a surrogate pair", "write the text out as UTF-8"
        ) from None
    return text
