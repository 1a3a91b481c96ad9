"""The formats of a file of one's own: CSV, TSV, JSONL and Parquet, each as rows of strings.

Every value is read as the string that stands in the file ("001" stays "001"). A broken file raises a Problem
that names the line; which rows can be used is for `table.py` to say.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

from pydantic import Field

from stages.collect.records import Source
from stages.lib.errors import Problem

DELIMITERS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (*DELIMITERS, ".jsonl", ".parquet")
_FIELD_LIMIT = (
    2**31 - 1
)  # the csv module's own limit, 131,072 characters, is shorter than a long page
_RESTORE = "export the file again, or restore it with 'dvc checkout'"


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
    time: str | None = Field(default=None, min_length=1)
    parent: str | None = Field(default=None, min_length=1)

    def mapped(self) -> dict[str, str]:
        """Return what is mapped: field to column."""
        return {
            field: column
            for field in type(self).model_fields
            if (column := getattr(self, field)) is not None
        }


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
    time: str = ""
    parent: str = ""


def read_records(file: Path, source: TableSource, where: str) -> list[Record]:
    """Return the rows of `file`; `where` names the source in params.yaml. Raises Problem when it is broken."""
    if not file.is_file():
        raise Problem(
            f"{source.path} does not exist",
            "put it there, or run 'dvc pull' if it is tracked by DVC",
        )
    if not file.stat().st_size:
        raise Problem(f"{source.path} is empty", _RESTORE)
    rows = (
        _parquet(file, source, where) if file.suffix == ".parquet" else _text(file, source, where)
    )
    mapped = source.columns.mapped()
    records = [Record(**{field: row[column] for field, column in mapped.items()}) for row in rows]
    if not records:
        raise Problem(f"{source.path} holds no rows", _RESTORE)
    return records


def _text(file: Path, source: TableSource, where: str) -> Iterator[dict[str, str]]:
    # A byte order mark is no part of the first column's name.
    encoding = (
        "utf-8-sig"
        if source.encoding.lower().replace("_", "-") in ("utf-8", "utf8")
        else source.encoding
    )
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


def _delimited(
    stream: io.TextIOWrapper, source: TableSource, where: str
) -> Iterator[dict[str, str]]:
    csv.field_size_limit(_FIELD_LIMIT)
    delimiter = source.delimiter or DELIMITERS[PurePosixPath(source.path).suffix]
    rows = _csv_rows(csv.reader(stream, delimiter=delimiter, strict=True), source)
    first = next(rows, None)
    if first is None:
        return
    line, header = first
    places = {
        column: header.index(column) for column in _present(source, where, header, f", line {line}")
    }
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
            raise Problem(
                f"{at}: this is not JSON: {error}", "write one whole JSON object on each line"
            ) from None
        if not isinstance(row, dict):
            raise Problem(
                f"{at}: {line.strip()[:40]!r} is no object",
                "write one whole JSON object on each line",
            )
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
        raise Problem(
            f"{at}: column '{column}' holds a {type(value).__name__}, not a text",
            "store one text per row",
        )
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:  # JSON can spell half a character as \ud83d
        raise Problem(
            f"{at}: column '{column}' holds half of a surrogate pair", "write the text out as UTF-8"
        ) from None
    return text
