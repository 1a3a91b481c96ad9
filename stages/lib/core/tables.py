"""Contracts of tables, and canonical reading and writing of whole tables.

A contract has strict and ordered columns, one key and exact storage types. The same rows give the
same bytes, whatever came before: rows are sorted by the contract's key, columns have the
contract's order and types, row groups have a fixed size, and compression has a fixed level. The
file has no index and no pandas metadata. A row group (a shard) is also the unit of work of
parallel stages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow
import pyarrow.parquet as parquet

from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.machine_faults import machine_fault

_ARROW_TYPES = {
    "str": arrow.string(),
    "float64": arrow.float64(),
    "int64": arrow.int64(),
    "bool": arrow.bool_(),
}


class Table(pa.DataFrameModel):
    """A table between two stages. `Config.unique` is its key and the order of its rows."""

    class Config:
        """Nothing is coerced: no float is cut to an integer, no number becomes a string."""

        strict = True
        ordered = True
        coerce = False


def key_of(table: type[Table]) -> list[str]:
    """Return the columns that identify a row and order the rows of `table`."""
    unique = table.to_schema().unique
    return [unique] if isinstance(unique, str) else list(unique or [])


def arrow_schema(table: type[Table]) -> arrow.Schema:
    """Return the storage types of `table`: one Arrow type per column, nulls only where allowed.

    A list column names its Arrow type in its field's metadata. Pandas knows it only as `object`.
    """
    fields = []
    for name, column in table.to_schema().columns.items():
        pandas_type = "str" if str(column.dtype).startswith("str") else str(column.dtype)
        arrow_type = (column.metadata or {}).get("arrow") or _ARROW_TYPES[pandas_type]
        fields.append(arrow.field(name, arrow_type, nullable=bool(column.nullable)))
    return arrow.schema(fields)


def check_table(
    frame: pd.DataFrame, table: type[Table], where: str, remedy: str = ""
) -> pd.DataFrame:
    """Return `frame` if it obeys `table`.

    Args:
        frame: rows in any order.
        table: the contract.
        where: the file or output that the error names.
        remedy: what the error advises, if not to correct the rows.

    Raises:
        UserError: with up to five broken rules, and the first row and value of each.
    """
    try:
        # Pandera needs row numbers that are unique.
        table.validate(frame.reset_index(drop=True), lazy=True)
    except pa.errors.SchemaErrors as error:
        raise UserError(
            f"{where} breaks the contract of {table.__name__}:\n{_summary(frame, table, error)}",
            remedy or _REMEDY,
        ) from None
    return frame


_REMEDY = "correct the rows named above; data/README.md lists every column and rule"
# Of a table that a stage reads no row is corrected: the stage before writes it.
_READ_REMEDY = (
    "it was edited, or another version of the code wrote it; 'dvc repro' makes it anew, "
    "and data/README.md lists every column and rule"
)
_COLUMN_RULES = {
    "column_in_dataframe": "is missing",
    "column_in_schema": "is not in the contract",
    "column_ordered": "is out of order",
}


def _summary(frame: pd.DataFrame, table: type[Table], error: pa.errors.SchemaErrors) -> str:
    # Gather the broken rows of each rule. A rule over whole rows is reported once per column;
    # only its rows matter.
    rows_of_rule: dict[str, dict[Any, str]] = {}
    for case in error.failure_cases.to_dict("records"):
        rule, row = _broken_rule(case)
        value = "" if rule.startswith("row:") else f", value {_short_value(case)!r}"
        rows_of_rule.setdefault(rule, {}).setdefault(row, value)

    # One line for each of the first five rules.
    lines = []
    for rule, rows in list(rows_of_rule.items())[:5]:
        row, value = next(iter(rows.items()))
        place = ""
        if row is not None:
            first = f"{_row_name(frame, table, row)}{value}"
            place = f" broken in {len(rows)} row(s) (first: {first})"
        lines.append(f"  {rule}{place}")
    if len(rows_of_rule) > 5:
        lines.append(f"  and {len(rows_of_rule) - 5} more rules")
    return "\n".join(lines)


def _broken_rule(case: Mapping[Any, Any]) -> tuple[str, int | None]:
    """Return the rule of a failure case of Pandera, and its row if it has one."""
    rule = str(case["check"])
    column = str(case["column"])
    of_whole_row = case["schema_context"] == "DataFrameSchema"
    subject = "row" if of_whole_row else column

    # An index that is missing is None or NaN, and NaN differs from itself.
    has_row = case["index"] is not None and case["index"] == case["index"]
    if has_row:
        name = rule.replace("multiple_fields_uniqueness", "key_is_unique")
        return f"{subject}: {name}", int(case["index"])

    if rule in _COLUMN_RULES:
        return f"column {_short_value(case)!r} {_COLUMN_RULES[rule]}", None

    # The column has a wrong type, or the rule could not be computed because of another fault.
    return f"{subject}: {rule}, found {_short_value(case)}", None


def _short_value(case: Mapping[Any, Any]) -> str:
    return str(case["failure_case"])[:60]


def _row_name(frame: pd.DataFrame, table: type[Table], row: int) -> str:
    key = [name for name in key_of(table) if name in frame.columns]
    return ", ".join(f"{name} {str(frame[name].iloc[row])[:60]}" for name in key) or f"row {row}"


SHARD_ROWS = 4096
AnyTable = TypeVar("AnyTable", bound=Table)


class Shard(NamedTuple):
    """One row group of a table on disk, or a whole small table."""

    path: Path
    group: int | None = None


def write(frame: pd.DataFrame, path: Path, table: type[AnyTable]) -> None:
    """Check `frame` against `table` and write it canonically.

    Columns and rows may come in any order. The file has them in the order of the contract.

    Raises:
        UserError: the frame breaks the contract. Nothing is written then.
    """
    write_arrow(_canonical(frame, table, str(path)), path)


def write_arrow(rows: arrow.Table, path: Path) -> None:
    """Write rows that are already canonical (checked, ordered, typed)."""
    with (
        atomic.write(path) as temporary,
        parquet.ParquetWriter(temporary, rows.schema, **PARQUET_FORMAT) as writer,
    ):
        write_row_groups(writer, rows)


PARQUET_FORMAT = {
    "compression": "zstd",
    "compression_level": 3,
    "version": "2.6",
    "write_statistics": False,
}


def read(path: Path, table: type[AnyTable], **where: str | int) -> pd.DataFrame:
    """Return the rows of `path` whose columns have the values of `where`, checked against `table`.

    Raises:
        UserError: the file is missing, damaged, or breaks the contract.
    """
    filters = [(name, "==", value) for name, value in where.items()]
    with readable(path):
        return _checked_frame(parquet.read_table(path, filters=filters or None), path, table)


def shards(path: Path) -> list[Shard]:
    """Return the row groups of `path`, in order."""
    with readable(path):
        return [Shard(path, group) for group in range(parquet.ParquetFile(path).num_row_groups)]


def read_without(path: Path, table: type[AnyTable], column: str) -> pd.DataFrame:
    """Return the rows of `path` without a large column, read a row group at a time and checked.

    Raises:
        UserError: the file is missing, damaged, or breaks the contract.
    """
    parts = [read_shard(shard, table).drop(columns=column) for shard in shards(path)]
    empty = table.empty().drop(columns=column)
    frame = pd.concat(parts, ignore_index=True) if parts else empty

    # Each row group was checked by itself. A whole table names a key that comes twice.
    if frame.duplicated(key_of(table)).any():
        return read(path, table).drop(columns=column)
    return frame


def read_shard(shard: Shard, table: type[AnyTable]) -> pd.DataFrame:
    """Return one row group, or the whole table, checked."""
    if shard.group is None:
        return read(shard.path, table)
    with readable(shard.path):
        rows = parquet.ParquetFile(shard.path).read_row_group(shard.group)
        return _checked_frame(rows, shard.path, table)


def write_row_groups(writer: parquet.ParquetWriter, rows: arrow.Table) -> None:
    """Write `rows` in row groups of fixed size.

    Each row group comes from one piece of memory. Pages end where pieces of memory end, so the
    bytes would depend on how the rows came together.
    """
    for start in range(0, max(rows.num_rows, 1), SHARD_ROWS):
        piece = rows.slice(start, SHARD_ROWS).combine_chunks()
        writer.write_table(piece, row_group_size=SHARD_ROWS)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn errors of reading `path` into a UserError that names it."""
    try:
        yield
    except (arrow.ArrowException, OSError) as error:
        raise _read_error(error, path) from None


def _read_error(error: Exception, path: Path) -> UserError:
    """Return what is wrong with a file that cannot be read, or with the machine."""
    if not path.exists():
        return UserError(f"{path} does not exist", f"run 'dvc repro {path.parent.name}' first")

    # Arrow also says that a file does not exist if no more files can be opened.
    try:
        path.open("rb").close()
    except OSError as open_error:
        error = open_error
    fault = machine_fault(error, path)
    if fault is not None:
        return fault

    # A damaged page is an OSError.
    first_line = str(error).partition("\n")[0]
    return UserError(f"{path} is not a Parquet file: {first_line}", "remove it and run 'dvc repro'")


def _canonical(frame: pd.DataFrame, table: type[AnyTable], where: str) -> arrow.Table:
    """Return `frame`, checked, with columns and rows in the order of the contract."""
    schema = arrow_schema(table)

    # Columns in the contract's order. Unknown ones go last, for the check to name them.
    missing = [name for name in schema.names if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in schema.names]
    ordered = frame if missing else frame[[*schema.names, *unknown]]
    ordered = check_table(ordered.reset_index(drop=True), table, where)

    # Rows in the order of the key, without pandas metadata.
    sorted_rows = ordered.sort_values(key_of(table), kind="stable")
    rows = arrow.Table.from_pandas(sorted_rows, schema=schema, preserve_index=False)
    return rows.replace_schema_metadata(None)


def _checked_frame(rows: arrow.Table, path: Path, table: type[AnyTable]) -> pd.DataFrame:
    """Return `rows` as a frame that is checked against `table`, its order included."""
    # Pandera cannot check a frame with two columns of a name.
    names = rows.column_names
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UserError(f"{path} has the column {twice[0]!r} twice", _READ_REMEDY)

    # A damaged page may hold texts that are no UTF-8.
    rows.validate(full=True)
    frame: pd.DataFrame = rows.to_pandas()
    empty = table.empty()
    # An empty column does not show its type to pandas.
    if not len(frame) and list(frame.columns) == list(empty.columns):
        frame = empty
    check_table(frame, table, str(path), _READ_REMEDY)

    # Stages rely on the order, and two orders would give two results.
    key = key_of(table)[:1]
    if key and not frame[key[0]].is_monotonic_increasing:
        raise UserError(f"{path} is not in the order of {key[0]}", _READ_REMEDY)
    return frame
