"""Rows of a file with all of their columns, for kinds that know the columns by their names.

A table reads the columns that its settings map. A kind whose format defines the columns reads whole
rows: from CSV, TSV, JSONL, JSON arrays and Parquet, each also compressed. Values are as in a table:
numbers of JSON stay as they are spelled, null and NaN are None.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

from stages.collect.columns import Place
from stages.collect.files import DELIMITERS, csv_rows, undecodable
from stages.collect.json_rows import CHUNK, ArrayReader, decode_line
from stages.collect.parquet_batches import ParquetRows
from stages.collect.raw_files import RAW, RESTORE, RawFile, open_bytes, open_seekable
from stages.collect.table_source import Columns, TableSource
from stages.lib.core.errors import UserError
from stages.lib.core.machine_faults import machine_fault

Row = tuple[Place, dict[str, Any]]

_ARRAY_REMEDY = "write one object, or one array of texts, on each line"


def dialect(
    path: str, *, encoding: str = "utf-8", delimiter: str | None = None, quote: str | None = '"'
) -> TableSource:
    """Return settings that say how the text of a file is read."""
    return TableSource(
        reader="table",
        path=path,
        columns=Columns(),
        encoding=encoding,
        delimiter=delimiter,
        quote=quote,
    )


def read_whole_rows(file: RawFile, settings: TableSource, setting: str) -> Iterator[Row]:
    """Yield the place and all columns of each row of a file.

    Args:
        file: the file.
        settings: how its text is read.
        setting: the key of params.yaml that holds the settings of the source.

    Raises:
        UserError: the file is broken, or of no known format.
    """
    file_format = _format(file)
    if file_format == ".parquet":
        yield from _parquet_rows(file)
        return

    with open_text(file, settings.encoding, setting) as stream:
        if file_format in DELIMITERS:
            yield from _delimited_rows(stream, file, settings, file_format=file_format)
        else:
            yield from _json_rows(stream, file, is_lines=file_format == ".jsonl")


@contextmanager
def open_text(file: RawFile, encoding: str, setting: str) -> Iterator[io.TextIOWrapper]:
    """Give the text of a file, decompressed and without a byte order mark.

    Raises:
        UserError: the text has another encoding, or `encoding` is none.
    """
    is_utf8 = encoding.lower().replace("_", "-") in ("utf-8", "utf8")
    codec = "utf-8-sig" if is_utf8 else encoding
    try:
        with (
            open_bytes(file) as (stream, _),
            io.TextIOWrapper(stream, encoding=codec, newline="") as text,
        ):
            yield text
    except LookupError:
        raise UserError(
            f"params.yaml: {setting}.encoding = '{encoding}' is no text encoding",
            "use a name that Python knows, such as utf-8, utf-16 or cp1252",
        ) from None
    except UnicodeError:
        raise undecodable(file, codec, setting) from None


def _format(file: RawFile) -> str:
    if file.table_format or file.compression != ".zip":
        return file.table_format

    # The archive itself does not say.
    with open_bytes(file) as (_, inner_format):
        return inner_format


def _delimited_rows(
    stream: io.TextIOWrapper, file: RawFile, settings: TableSource, *, file_format: str
) -> Iterator[Row]:
    delimiter = settings.delimiter or DELIMITERS[file_format]
    rows = csv_rows(stream, file.name, settings, delimiter=delimiter)
    line_number, header = next(rows, (0, []))
    repeated = [column for column in header if header.count(column) > 1]
    if repeated:
        raise UserError(
            f"{file.name}, line {line_number}: more than one column is called '{repeated[0]}'",
            "give each column of the header its own name",
        )

    for row_number, (line, fields) in enumerate(rows, 1):
        if len(fields) != len(header):
            raise UserError(
                f"{file.name}, line {line}: {len(fields)} fields where the header has "
                f"{len(header)} (the row begins with {fields[0][:40]!r})",
                f"put fields that hold a {delimiter!r} or a line break in double quotes",
            )
        yield Place(file.name, row_number, line), dict(zip(header, fields, strict=True))


def _json_rows(stream: io.TextIOWrapper, file: RawFile, *, is_lines: bool) -> Iterator[Row]:
    beginning = "" if is_lines else stream.read(CHUNK)
    if beginning.lstrip().startswith("["):
        yield from ArrayReader(stream, beginning, file.name).objects()
        return

    # Up to the end of a line.
    beginning += stream.readline()
    row_number = 0
    line_number = 0
    for lines in (io.StringIO(beginning, newline=""), stream):
        for line in lines:
            line_number += 1
            if line.strip():
                row_number += 1
                place = Place(file.name, row_number, line_number)
                yield place, _columns(decode_line(line, place), place)


def _columns(value: Any, place: Place) -> dict[str, Any]:
    """Return the columns of a line. The texts of an array are the columns 1, 2 and so on."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        return {str(number): item for number, item in enumerate(value, 1)}

    raise UserError(f"{place}: {str(value)[:40]!r} is no object", _ARRAY_REMEDY)


def _parquet_rows(file: RawFile) -> Iterator[Row]:
    import pyarrow as arrow

    try:
        with open_seekable(file) as stream:
            table = ParquetRows(stream, file)
            for row_number, row in enumerate(table.rows(), 1):
                yield Place(file.name, row_number), row
    except (arrow.ArrowException, UnicodeDecodeError, OSError) as error:
        cause = str(error).splitlines()[0]
        problem = UserError(f"{file.name} is not a readable Parquet file: {cause}", RESTORE)
        raise machine_fault(error) or problem from None


def check_raw_path(path: str, setting: str, key: str = "path") -> None:
    """Check that a path lies under data/raw/.

    Raises:
        UserError: it does not.
    """
    parts = PurePosixPath(path)
    if RAW not in parts.parents or ".." in parts.parts or "\\" in path:
        raise UserError(
            f"params.yaml: {setting}.{key} = '{path}' is not under {RAW}/",
            f"put the file into {RAW}/: DVC tracks that folder",
        )
