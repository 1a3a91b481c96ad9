"""The formats of the user's own files: CSV, TSV, JSONL and Parquet, each read as rows of strings.

Every value is read as the string that stands in the file ("001" stays "001"). A typed null, NaN or
Infinity is a missing value, and read as an empty string. The text "None" or "NA" is a text. A
broken file raises a UserError that names the line. `table.py` decides which rows can be used.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from stages.collect.interface import TableSource
from stages.lib.core.errors import UserError

DELIMITERS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (*DELIMITERS, ".jsonl", ".parquet")

# The limit of the csv module, 131,072 characters, is shorter than a long page.
_FIELD_LIMIT = 2**31 - 1
_RESTORE = "export the file again, or restore it with 'dvc checkout'"

# A row of the file: column to value.
Row = dict[str, str]


class Record(NamedTuple):
    """The fields of one row of a file. Fields without a mapped column are empty."""

    key: str = ""
    title: str = ""
    text: str = ""
    anchor: str = ""
    topic: str = ""
    group: str = ""
    relation: str = ""
    score: str = ""
    grade: str = ""
    split: str = ""
    document_key: str = ""
    time: str = ""
    parent: str = ""


def read_records(file: Path, source: TableSource, setting: str) -> list[Record]:
    """Return the rows of `file`.

    Args:
        file: the file to read.
        source: its settings.
        setting: the key of params.yaml that holds the settings, for errors.

    Raises:
        UserError: the file is missing, empty or broken, or lacks a mapped column.
    """
    if not file.is_file():
        raise UserError(
            f"{source.path} does not exist",
            "put it there, or run 'dvc pull' if it is tracked by DVC",
        )

    if not file.stat().st_size:
        raise UserError(f"{source.path} is empty", _RESTORE)

    # Each format gives rows by column. Records have the fields that the columns are mapped to.
    read_rows = _parquet_rows if file.suffix == ".parquet" else _text_rows
    mapped = source.columns.mapped()
    records: list[Record] = []
    for row in read_rows(file, source, setting):
        values = {field: row[column] for field, column in mapped.items()}
        records.append(Record(**values))

    if not records:
        raise UserError(f"{source.path} holds no rows", _RESTORE)

    return records


def _text_rows(file: Path, source: TableSource, setting: str) -> Iterator[Row]:
    # utf-8-sig: a byte order mark is no part of the name of the first column.
    is_utf8 = source.encoding.lower().replace("_", "-") in ("utf-8", "utf8")
    encoding = "utf-8-sig" if is_utf8 else source.encoding

    # The file is read while rows are taken, so errors of the encoding come up here.
    read_rows = _jsonl_rows if file.suffix == ".jsonl" else _delimited_rows

    try:
        with file.open(encoding=encoding, newline="") as stream:
            yield from read_rows(stream, source, setting)
    except LookupError:
        raise UserError(
            f"params.yaml: {setting}.encoding = '{source.encoding}' is no text encoding",
            "use a name that Python knows, such as utf-8, utf-16 or cp1252",
        ) from None
    except UnicodeError:
        raise _undecodable(file, encoding, source, setting=setting) from None


def _undecodable(file: Path, encoding: str, source: TableSource, *, setting: str) -> UserError:
    """Return the error that names the line and the byte that cannot be decoded."""
    content = file.read_bytes()
    line_number = 1
    cause = ""

    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        text_before = content[: error.start].decode(encoding, "replace")
        line_number += text_before.count("\n")
        cause = f" (byte 0x{content[error.start]:02x})"
    except UnicodeError as error:
        # Some codecs name no position.
        cause = f" ({error})"

    return UserError(
        f"{source.path}, line {line_number}: this is not {source.encoding}{cause}",
        f"save the file as UTF-8, or set {setting}.encoding in params.yaml to its encoding "
        "(often cp1252 for files from Excel)",
    )


def _delimited_rows(stream: io.TextIOWrapper, source: TableSource, setting: str) -> Iterator[Row]:
    csv.field_size_limit(_FIELD_LIMIT)
    delimiter = source.delimiter or DELIMITERS[PurePosixPath(source.path).suffix]
    rows = _csv_rows(csv.reader(stream, delimiter=delimiter, strict=True), source)

    # The first row is the header.
    first_row = next(rows, None)
    if first_row is None:
        return

    line_number, header = first_row
    columns = _check_columns(source, setting, header, place=f", line {line_number}")
    index_of_column = {column: header.index(column) for column in columns}

    for line_number, fields in rows:
        if len(fields) != len(header):
            raise UserError(
                f"{source.path}, line {line_number}: {len(fields)} fields where the header has "
                f"{len(header)} (the row begins with {fields[0][:40]!r})",
                f"put fields that hold a {delimiter!r} or a line break in double quotes, "
                f"or set {setting}.delimiter",
            )

        yield {column: fields[index] for column, index in index_of_column.items()}


def _csv_rows(reader: Any, source: TableSource) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, each with the number of its first line.

    A quoted field may span several lines.
    """
    while True:
        line_number = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise UserError(
                f"{source.path}: the row that begins on line {line_number} is malformed: {error}",
                "quote the field that holds the quote or line break, "
                "and write a quote inside it twice",
            ) from None

        if fields is None:
            return
        if fields:
            yield line_number, fields


def _jsonl_rows(stream: io.TextIOWrapper, source: TableSource, setting: str) -> Iterator[Row]:
    columns = source.columns.mapped().values()
    keys_seen: set[str] = set()
    rows: list[Row] = []
    for line_number, line in enumerate(stream, 1):
        if not line.strip():
            continue

        place = f"{source.path}, line {line_number}"
        values = _parse_object(line, place)
        keys_seen.update(values)
        rows.append({column: _to_text(values.get(column), place, column) for column in columns})

    # A key may be missing from some lines, but not from all.
    if rows:
        _check_columns(source, setting, sorted(keys_seen), place="")

    yield from rows


def _parse_object(line: str, place: str) -> dict[str, Any]:
    """Return the JSON object on a line. Numbers stay strings, so that they keep their spelling."""
    remedy = "write one whole JSON object on each line"
    try:
        values = json.loads(line, parse_int=str, parse_float=_number, parse_constant=_missing)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UserError(f"{place}: this is not JSON: {error}", remedy) from None

    if not isinstance(values, dict):
        raise UserError(f"{place}: {line.strip()[:40]!r} is no object", remedy)

    return values


def _missing(constant: str) -> None:
    """Return None, the value of NaN, Infinity and -Infinity."""


def _number(digits: str) -> str | None:
    """Return a number as it is written; None for one that no float can hold, as 1e999."""
    return digits if math.isfinite(float(digits)) else None


def _parquet_rows(file: Path, source: TableSource, setting: str) -> Iterator[Row]:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    try:
        with parquet.ParquetFile(file) as table:
            columns = _check_columns(source, setting, table.schema_arrow.names, place="")

            # A batch of rows at a time. Errors name the number of the row.
            row_number = 0
            for batch in table.iter_batches(columns=columns):
                for row in batch.to_pylist():
                    row_number += 1
                    place = f"{source.path}, row {row_number}"
                    yield {column: _to_text(row[column], place, column) for column in columns}
    except (arrow.ArrowException, UnicodeDecodeError, OSError) as error:
        cause = str(error).splitlines()[0]
        raise UserError(
            f"{source.path} is not a readable Parquet file: {cause}", _RESTORE
        ) from None


def _check_columns(
    source: TableSource, setting: str, header: Sequence[str], *, place: str
) -> list[str]:
    """Return the mapped columns, each once.

    Raises:
        UserError: a mapped column is missing from the header, or stands there twice.
    """
    mapped = source.columns.mapped()
    for field, column in mapped.items():
        count = header.count(column)
        if count == 1:
            continue

        fact = "more than one column is called" if count else "there is no column"
        names = ", ".join(map(repr, header[:20]))[:200] or "none"

        # A header of one field often means that the delimiter is another one.
        delimiter_hint = f", or set {setting}.delimiter" if place and len(header) == 1 else ""
        raise UserError(
            f"{source.path}{place}: {fact} '{column}'; found {names}",
            f"correct {setting}.columns.{field} in params.yaml, or the header of the file"
            f"{delimiter_hint}",
        )

    return list(dict.fromkeys(mapped.values()))


def _to_text(value: Any, place: str, column: str) -> str:
    """Return a value of JSON or Parquet as text; "" for null and what is no finite number.

    Raises:
        UserError: the value is no single text or number.
    """
    if value is None or (isinstance(value, (float, Decimal)) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()

    if isinstance(value, (list, dict, tuple, bytes)):
        raise UserError(
            f"{place}: column '{column}' holds a {type(value).__name__}, not a text",
            "store one text per row",
        )

    # JSON can hold half of a character, as \ud83d. Such a text cannot be written to a file.
    text = str(value)

    try:
        text.encode()
    except UnicodeEncodeError:
        raise UserError(
            f"{place}: column '{column}' holds half of a surrogate pair",
            "write the text out as UTF-8",
        ) from None

    return text
