"""Rows of Parquet files and of Excel sheets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Any
from zipfile import ZipFile

from stages.collect.columns import MISSING, ColumnMapping, Place, nested_value
from stages.collect.parquet_batches import ParquetRows
from stages.collect.raw_files import RESTORE, RawFile, check_unpacked_size
from stages.lib.core.errors import UserError
from stages.lib.core.machine_faults import machine_fault

_ZEROS = re.compile(r"0+")

Row = tuple[Place, dict[str, Any]]


def read_parquet(stream: IO[bytes], file: RawFile, mapping: ColumnMapping) -> Iterator[Row]:
    """Yield the place and the columns of each row of a Parquet file.

    Raises:
        UserError: it is none, or lacks a column.
    """
    import pyarrow as arrow

    try:
        table = ParquetRows(stream, file)
        for column in mapping.columns:
            _check_column(column, table.schema, file, mapping=mapping)

        # A path is read from the column that holds it.
        names = table.schema.names
        heads = [
            column if column in names else column.partition(".")[0] for column in mapping.columns
        ]
        for row_number, row in enumerate(table.rows(list(dict.fromkeys(heads))), 1):
            values = {column: nested_value(row, column) for column in mapping.columns}
            yield Place(file.name, row_number), _without_missing(values)
    except (arrow.ArrowException, UnicodeDecodeError, OSError) as error:
        cause = str(error).splitlines()[0]
        problem = UserError(f"{file.name} is not a readable Parquet file: {cause}", RESTORE)
        raise machine_fault(error) or problem from None


def _check_column(column: str, schema: Any, file: RawFile, *, mapping: ColumnMapping) -> None:
    names = schema.names
    if column in names:
        if names.count(column) > 1:
            fact = "more than one column is called"
            raise mapping.wrong_column(column, fact, names, place=file.name)
        return

    # A dotted path leads through objects and lists of objects.
    head, *path = column.split(".")
    kind: Any = schema.field(head).type if names.count(head) == 1 else None
    for name in path:
        while kind is not None and hasattr(kind, "value_type"):
            kind = kind.value_type
        fields: dict[str, Any] = {}
        if _is_struct(kind):
            fields = {field.name: field.type for field in kind}
        kind = fields.get(name)

    if kind is None:
        raise mapping.wrong_column(column, "there is no column", names, place=file.name)


def _is_struct(kind: Any) -> bool:
    import pyarrow as arrow

    return kind is not None and bool(arrow.types.is_struct(kind))


def _without_missing(values: dict[str, Any]) -> dict[str, Any]:
    return {column: None if value is MISSING else value for column, value in values.items()}


def read_excel(stream: IO[bytes], file: RawFile, mapping: ColumnMapping) -> Iterator[Row]:
    """Yield the place and the columns of each row of an Excel sheet. Blank rows hold none.

    Raises:
        UserError: it is no workbook, has several sheets and none is chosen, or lacks a column.
    """
    try:
        yield from _sheet_rows(stream, file, mapping)
    except UserError:
        raise
    # The library raises errors of many types for a damaged workbook.
    except Exception as error:
        raise _damaged(file, error) from None


def read_workbook(stream: IO[bytes], file: RawFile) -> Any:
    """Return the workbook, to be read row by row, with the values that Excel has stored.

    Raises:
        UserError: it is no workbook, or unpacks to more than any does.
    """
    from openpyxl import load_workbook

    try:
        _check_archive(stream, file)
        return load_workbook(stream, read_only=True, data_only=True)
    except UserError:
        raise
    # The library raises errors of many types for a damaged workbook.
    except Exception as error:
        raise _damaged(file, error) from None


def _damaged(file: RawFile, error: Exception) -> UserError:
    cause = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return UserError(f"{file.name} is not a readable Excel file: {cause}", RESTORE)


def _sheet_rows(stream: IO[bytes], file: RawFile, mapping: ColumnMapping) -> Iterator[Row]:
    from openpyxl import load_workbook

    # Once with the values that Excel has stored, and once with the formulas behind them.
    values_book = read_workbook(stream, file)
    formulas_book = load_workbook(stream, read_only=True, data_only=False)
    name = _sheet_name(values_book, file, mapping)
    sheets = [values_book[name], formulas_book[name]]
    for sheet in sheets:
        sheet.reset_dimensions()

    header: list[str] = []
    rows = zip(*(sheet.iter_rows() for sheet in sheets), strict=True)
    for number, (cells, formulas) in enumerate(rows, 1):
        if number <= mapping.source.skip_lines:
            continue

        place = Place(file.name, number)
        values = [
            _cell_value(cell, formula, place) for cell, formula in zip(cells, formulas, strict=True)
        ]
        if not any(str(value).strip() for value in values if value is not None):
            continue

        # The first row is the header, or says how many columns there are.
        if not header:
            header = _header(values, mapping)
            mapping.check_header(header, str(place), is_delimited=False)
            index_of_column = {column: header.index(column) for column in mapping.columns}
            if mapping.source.header:
                continue

        yield (
            place,
            {
                column: values[index] if index < len(values) else None
                for column, index in index_of_column.items()
            },
        )


def _check_archive(stream: IO[bytes], file: RawFile) -> None:
    """Check the size that the workbook, a zip archive, declares."""
    with ZipFile(stream) as archive:
        entries = archive.infolist()
        declared = sum(entry.file_size for entry in entries)
        packed_size = sum(entry.compress_size for entry in entries)

    check_unpacked_size(file.name, declared, packed_size)
    stream.seek(0)


def _sheet_name(workbook: Any, file: RawFile, mapping: ColumnMapping) -> str:
    """Return the name of the sheet to read: the chosen one, or the only one that holds rows."""
    names = [sheet.title for sheet in workbook.worksheets]
    listed = ", ".join(map(repr, names[:20]))
    chosen = mapping.source.sheet
    if chosen is not None:
        if chosen not in names:
            raise UserError(
                f"{file.name}: there is no sheet '{chosen}'; found {listed}",
                f"correct {mapping.setting}.sheet in params.yaml",
            )
        return chosen

    filled = [sheet.title for sheet in workbook.worksheets if _holds_values(sheet)]
    if len(filled) > 1:
        raise UserError(
            f"{file.name} has several sheets: {', '.join(map(repr, filled[:20]))}",
            f"set {mapping.setting}.sheet in params.yaml to the one to read",
        )
    if not filled:
        raise UserError(f"{file.name} holds no rows", RESTORE)
    return str(filled[0])


def _holds_values(sheet: Any) -> bool:
    rows = sheet.iter_rows(values_only=True)
    return any(value is not None for row in rows for value in row)


def _cell_value(cell: Any, formula: Any, place: Place) -> Any:
    """Return the value of a cell; None for an empty cell and for an error such as #N/A."""
    value = cell.value
    if value is None:
        if formula.data_type == "f":
            raise UserError(
                f"{place}: the cell {formula.coordinate} holds a formula without its value",
                "open the file in a spreadsheet program, and save it again",
            )
        return None
    if cell.data_type == "e":
        return None

    # A number that is shown with leading zeros is an identifier.
    number_format = str(cell.number_format)
    if type(value) is int and value >= 0 and _ZEROS.fullmatch(number_format):
        return str(value).zfill(len(number_format))
    return value


def _header(values: list[Any], mapping: ColumnMapping) -> list[str]:
    if not mapping.source.header:
        return [str(number) for number in range(1, len(values) + 1)]
    return ["" if value is None else str(value) for value in values]
