"""The first rows of files whose values have types: JSON, Parquet and Excel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from stages.collect.binary_tables import read_workbook
from stages.collect.json_rows import json_objects, line_objects
from stages.collect.parquet_batches import ParquetRows
from stages.collect.raw_files import RawFile, open_seekable
from stages.commands.init.dialects import is_header, rows_above_header
from stages.lib.core.errors import UserError
from stages.lib.core.machine_faults import machine_fault

# Rows above the header of a sheet, and rows that are compared with it.
_MOST_ROWS_ABOVE = 20
_ROWS_COMPARED = 500

SampledRow = dict[str, Any]


class Sheet(NamedTuple):
    """A sheet of a workbook: its rows as texts, and the settings that it needs."""

    rows: Sequence[Sequence[str]]
    has_header: bool
    settings: dict[str, Any]


def json_rows(stream: TextIO, file: Path, *, is_array: bool) -> Iterator[SampledRow]:
    """Yield the objects of JSONL or of an array, up to the first that is malformed."""
    read_objects = json_objects if is_array else line_objects
    objects = read_objects(stream, file.name)
    while True:
        try:
            item = next(objects, None)
        except (UserError, UnicodeError):
            return
        if item is None:
            return
        yield item[1]


def parquet_rows(file: RawFile) -> Iterator[SampledRow]:
    """Yield the rows of a Parquet file.

    Raises:
        UserError: it is none.
    """
    import pyarrow as arrow

    try:
        with open_seekable(file) as stream:
            yield from ParquetRows(stream, file).rows()
    except (arrow.ArrowException, OSError, ValueError) as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0]
        problem = UserError(
            f"{file.path} is not a readable Parquet file: {cause}", "export the table again"
        )
        raise machine_fault(error) or problem from None


def sheet_rows(file: RawFile, row_limit: int) -> Sheet:
    """Return the first rows of the sheet that holds a table: the largest one of the workbook.

    Raises:
        UserError: the file is no workbook.
    """
    with open_seekable(file) as stream:
        workbook = read_workbook(stream, file)
        names = [sheet.title for sheet in workbook.worksheets]
        rows_of_sheet = {name: _texts(workbook[name], row_limit) for name in names}

    # A sheet with nothing in it needs no name.
    filled = [name for name in names if any(map(any, rows_of_sheet[name]))]
    if not filled:
        return Sheet([], has_header=True, settings={})
    largest = max(filled, key=lambda name: len(rows_of_sheet[name]))
    settings: dict[str, Any] = {"sheet": largest} if len(filled) > 1 else {}

    # Lines above the header, which are counted with the blank ones.
    rows = rows_of_sheet[largest]
    width = max(map(len, rows))
    padded = [[*row, *[""] * (width - len(row))] for row in rows]
    above = rows_above_header(padded[:_MOST_ROWS_ABOVE])
    if above:
        settings["skip_lines"] = above
    below = [row for row in padded[above:] if any(map(str.strip, row))]
    has_header = is_header(below[:_ROWS_COMPARED])
    if not has_header:
        settings["header"] = False
    return Sheet(below, has_header, settings)


def _texts(sheet: Any, row_limit: int) -> list[list[str]]:
    sheet.reset_dimensions()
    rows: list[list[str]] = []
    for row in islice(sheet.iter_rows(values_only=True), row_limit):
        rows.append(["" if value is None else str(value) for value in row])

    return rows
