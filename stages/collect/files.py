"""The user's own files, read as records: CSV, TSV, JSONL, JSON, Parquet and Excel.

Every value is read as the string that stands in the file ("001" stays "001"). A typed null, NaN or
Infinity is a missing value, and read as an empty string. The text "None" or "NA" is a text. A
broken file raises a UserError that names the line. `table.py` decides which rows can be used.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from stages.collect.binary_tables import read_excel, read_parquet
from stages.collect.columns import ColumnMapping, Place, Record
from stages.collect.json_rows import read_json, read_jsonl
from stages.collect.raw_files import RESTORE, RawFile, find_files, open_bytes, open_seekable
from stages.collect.table_source import TableSource
from stages.lib.core.errors import UserError

DELIMITERS = {".csv": ",", ".tsv": "\t"}

# The limit of the csv module, 131,072 characters, is shorter than a long page.
_FIELD_LIMIT = 2**31 - 1
# Bytes that are decoded at a time to find the line of one that cannot be.
_CHUNK = 2**20
_BINARY = {".parquet": read_parquet, ".xlsx": read_excel}

Row = tuple[Place, dict[str, Any]]


def read_records(raw: Path, source: TableSource, setting: str) -> Iterator[Record]:
    """Yield the rows of all files of a source, in their order.

    Args:
        raw: the folder that stands for data/raw.
        source: the settings of the source.
        setting: the key of params.yaml that holds the settings, for errors.

    Raises:
        UserError: a file is missing, empty or broken, or lacks a mapped column; or none has rows.
    """
    mapping = ColumnMapping(source, setting)
    has_rows = False
    for file in find_files(raw, source.path):
        for place, values in read_rows(file, mapping):
            has_rows = True
            yield mapping.record(values, place)

    if not has_rows:
        raise UserError(f"{source.path} holds no rows", RESTORE)


def read_rows(file: RawFile, mapping: ColumnMapping) -> Iterator[Row]:
    """Yield the place and the mapped columns of each row of a file.

    Raises:
        UserError: the file is broken, or lacks a mapped column.
    """
    with open_bytes(file) as (stream, file_format):
        if file_format not in _BINARY:
            yield from _text_rows(stream, file, mapping, file_format=file_format)
            return

    with open_seekable(file) as seekable:
        yield from _BINARY[file_format](seekable, file, mapping)


def skip_marks(stream: io.BufferedReader) -> None:
    """Skip the byte order marks at the beginning of UTF-8. Some programs write several."""
    while stream.peek(len(codecs.BOM_UTF8)).startswith(codecs.BOM_UTF8):
        stream.read(len(codecs.BOM_UTF8))


def _text_rows(
    stream: io.BufferedReader, file: RawFile, mapping: ColumnMapping, *, file_format: str
) -> Iterator[Row]:
    source = mapping.source
    # utf-8-sig: a byte order mark is no part of the name of the first column.
    is_utf8 = source.encoding.lower().replace("_", "-") in ("utf-8", "utf8")
    encoding = "utf-8-sig" if is_utf8 else source.encoding

    # The file is read while rows are taken, so errors of the encoding come up here.
    if is_utf8:
        skip_marks(stream)
    try:
        with io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
            if file_format == ".jsonl":
                yield from read_jsonl(text, file.name, mapping)
            elif file_format == ".json":
                yield from read_json(text, file.name, mapping)
            else:
                yield from _delimited_rows(text, file.name, mapping, file_format=file_format)
    except LookupError:
        raise UserError(
            f"params.yaml: {mapping.setting}.encoding = '{source.encoding}' is no text encoding",
            "use a name that Python knows, such as utf-8, utf-16 or cp1252",
        ) from None
    except UnicodeError:
        raise undecodable(file, encoding, mapping.setting) from None


def undecodable(file: RawFile, encoding: str, setting: str) -> UserError:
    """Return the error that names the line and the byte that cannot be decoded."""
    with open_bytes(file) as (stream, _):
        beginning = stream.peek(2)[:2]
        line_number, cause = _first_fault(stream, encoding)

    # Windows programs call UTF-16 "Unicode", and begin such files with a mark.
    is_utf16 = beginning in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    likely = "here utf-16, by its first bytes" if is_utf16 else "often cp1252 for files from Excel"
    return UserError(
        f"{file.name}, line {line_number}: this is not {encoding.removesuffix('-sig')}{cause}",
        f"save the file as UTF-8, or set {setting}.encoding in params.yaml to its "
        f"encoding ({likely})",
    )


def _first_fault(stream: IO[bytes], encoding: str) -> tuple[int, str]:
    """Return the line of the first fault of the encoding, and what it is."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line_number = 1
    while True:
        chunk = stream.read(_CHUNK)
        state = decoder.getstate()
        try:
            line_number += decoder.decode(chunk, final=not chunk).count("\n")
        except UnicodeDecodeError as error:
            # Bytes of a character that the chunk before has begun come first.
            valid_bytes = max(0, error.start - len(state[0]))
            decoder.setstate(state)
            line_number += decoder.decode(chunk[:valid_bytes]).count("\n")
            return line_number, f" (byte 0x{error.object[error.start]:02x})"
        except UnicodeError as error:
            # Some codecs name no position.
            return line_number, f" ({error})"

        if not chunk:
            return line_number, ""


def _delimited_rows(
    stream: io.TextIOWrapper, name: str, mapping: ColumnMapping, *, file_format: str
) -> Iterator[Row]:
    source = mapping.source
    delimiter = source.delimiter or DELIMITERS[file_format]
    rows = csv_rows(stream, name, source, delimiter=delimiter)

    # The first row is the header, or says how many columns there are.
    first_row = next(rows, None)
    if first_row is None:
        return

    line_number, first_fields = first_row
    header = first_fields
    if not source.header:
        header = [str(number) for number in range(1, len(first_fields) + 1)]
    mapping.check_header(header, f"{name}, line {line_number}", is_delimited=True)
    index_of_column = {column: header.index(column) for column in mapping.columns}

    row_number = 0
    if not source.header:
        row_number = 1
        values = {column: first_fields[index] for column, index in index_of_column.items()}
        yield Place(name, row_number, line_number), values

    for line_number, fields in rows:
        if len(fields) != len(header):
            raise _ragged(
                f"{name}, line {line_number}", fields, header, mapping=mapping, delimiter=delimiter
            )

        row_number += 1
        values = {column: fields[index] for column, index in index_of_column.items()}
        yield Place(name, row_number, line_number), values


def _ragged(
    place: str, fields: list[str], header: list[str], *, mapping: ColumnMapping, delimiter: str
) -> UserError:
    first = "the header" if mapping.source.header else "the first row"
    setting = mapping.setting
    if mapping.source.quote is None:
        remedy = f"correct the row, or set {setting}.delimiter or {setting}.quote"
    else:
        quote = "double quotes" if mapping.source.quote == '"' else f"{mapping.source.quote!r}"
        remedy = (
            f"put fields that hold a {delimiter!r} or a line break in {quote}, "
            f"or set {setting}.delimiter"
        )

    return UserError(
        f"{place}: {len(fields)} fields where {first} has {len(header)} "
        f"(the row begins with {fields[0][:40]!r})",
        remedy,
    )


def csv_rows(
    stream: io.TextIOWrapper, name: str, source: TableSource, *, delimiter: str
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, each with the number of its first line.

    A quoted field may span several lines.
    """
    csv.field_size_limit(_FIELD_LIMIT)
    for _ in range(source.skip_lines):
        stream.readline()

    # Without a quote character, quotes are characters like any other.
    quoting = {"quoting": csv.QUOTE_NONE} if source.quote is None else {"quotechar": source.quote}
    reader: Any = csv.reader(
        stream, delimiter=delimiter, escapechar=source.escape, strict=True, **quoting
    )

    while True:
        line_number = source.skip_lines + reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise UserError(
                f"{name}: the row that begins on line {line_number} is malformed: {error}",
                "quote the field that holds the quote or line break, and write a quote inside it "
                "twice; or set quote: null where quotes are characters like any other",
            ) from None

        if fields is None:
            return
        if fields:
            yield line_number, fields
