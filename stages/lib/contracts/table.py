"""What every table has in common: strict and ordered columns, one key, exact storage types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow

from stages.lib.errors import Problem

# Ids are a letter for what they name and 16 hexadecimal digits; the letters keep documents, pairs and
# queries apart, since several evaluation tools silently drop hits whose id equals the query's.
DOC_ID = r"^d[0-9a-f]{16}$"
PAIR_ID = r"^p[0-9a-f]{16}$"
QUERY_ID = r"^q[0-9a-f]{16}$"
ANY_ID = r"^[dpqr][0-9a-f]{16}$"

_ARROW = {
    "str": arrow.string(),
    "float64": arrow.float64(),
    "int64": arrow.int64(),
    "bool": arrow.bool_(),
}


class Table(pa.DataFrameModel):
    """A table between two stages. Its `Config.unique` is its key and the order of its rows on disk."""

    class Config:
        """Nothing is coerced: a float is never cut to an integer, a number never becomes a string."""

        strict = True
        ordered = True
        coerce = False


def key_of(table: type[Table]) -> list[str]:
    """Return the columns that identify a row and order the rows of `table`."""
    unique = table.to_schema().unique
    return [unique] if isinstance(unique, str) else list(unique or [])


def arrow_schema(table: type[Table]) -> arrow.Schema:
    """Return the storage types of `table`: one Arrow type per column, nulls only where allowed.

    A list column names its Arrow type in its field's metadata, since pandas knows it only as `object`.
    """
    fields = []
    for name, column in table.to_schema().columns.items():
        kind = (column.metadata or {}).get("arrow") or _ARROW[
            "str" if str(column.dtype).startswith("str") else str(column.dtype)
        ]
        fields.append(arrow.field(name, kind, nullable=bool(column.nullable)))
    return arrow.schema(fields)


def check(frame: pd.DataFrame, table: type[Table], where: str) -> pd.DataFrame:
    """Return `frame` when it obeys `table`, else raise a Problem.

    The message names `where` (a file or a stage's output), then up to five rules with the first row
    and value that break each.
    """
    try:
        # Pandera needs row numbers that are unique.
        table.validate(frame.reset_index(drop=True), lazy=True)
    except pa.errors.SchemaErrors as error:
        raise Problem(
            f"{where} breaks the contract of {table.__name__}:\n{_summary(frame, table, error)}",
            _REMEDY,
        ) from None
    return frame


_REMEDY = "correct the rows named above; data/README.md lists every column and rule"


_COLUMN_RULES = {
    "column_in_dataframe": "is missing",
    "column_in_schema": "is not in the contract",
    "column_ordered": "is out of order",
}


def _summary(frame: pd.DataFrame, table: type[Table], error: pa.errors.SchemaErrors) -> str:
    told: dict[str, dict[Any, str]] = {}
    for case in error.failure_cases.to_dict("records"):
        rule, row = _rule(case)
        # A rule over whole rows is reported once per column; its rows are what matters.
        told.setdefault(rule, {}).setdefault(
            row, "" if rule.startswith("row:") else f", value {_short(case)!r}"
        )
    lines = []
    for rule, rows in list(told.items())[:5]:
        row, value = next(iter(rows.items()))
        where = (
            ""
            if row is None
            else f" broken in {len(rows)} row(s) (first: {_name(frame, table, row)}{value})"
        )
        lines.append(f"  {rule}{where}")
    if len(told) > 5:
        lines.append(f"  and {len(told) - 5} more rules")
    return "\n".join(lines)


def _rule(case: Mapping[Any, Any]) -> tuple[str, int | None]:
    """Return what a failure case of Pandera's is about, and its row, if it has one."""
    rule, column = str(case["check"]), str(case["column"])
    if case["index"] is not None and case["index"] == case["index"]:
        whole = case["schema_context"] == "DataFrameSchema"
        subject = "row" if whole else column
        return f"{subject}: {rule.replace('multiple_fields_uniqueness', 'key_is_unique')}", int(
            case["index"]
        )
    if rule in _COLUMN_RULES:
        return f"column {_short(case)!r} {_COLUMN_RULES[rule]}", None
    # A column of the wrong type, or a rule that could not even be computed, because of another fault.
    return (
        f"{'row' if case['schema_context'] == 'DataFrameSchema' else column}: {rule}, found {_short(case)}",
        None,
    )


def _short(case: Mapping[Any, Any]) -> str:
    return str(case["failure_case"])[:60]


def _name(frame: pd.DataFrame, table: type[Table], row: int) -> str:
    key = [name for name in key_of(table) if name in frame.columns]
    return ", ".join(f"{name} {str(frame[name].iloc[row])[:60]}" for name in key) or f"row {row}"
