"""What every table has in common: strict and ordered columns, one key, exact storage types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow

from stages.lib.errors import Problem

# An id is a letter and 16 hexadecimal digits. The letter keeps documents, pairs and queries apart:
# several evaluation tools silently drop hits whose id equals the query's.
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

    A list column names its Arrow type in its field's metadata. Pandas knows it only as `object`.
    """
    fields = []
    for name, column in table.to_schema().columns.items():
        pandas_type = "str" if str(column.dtype).startswith("str") else str(column.dtype)
        arrow_type = (column.metadata or {}).get("arrow") or _ARROW[pandas_type]
        fields.append(arrow.field(name, arrow_type, nullable=bool(column.nullable)))
    return arrow.schema(fields)


def check(frame: pd.DataFrame, table: type[Table], where: str) -> pd.DataFrame:
    """Return `frame` if it obeys `table`.

    Args:
        frame: rows in any order.
        table: the contract.
        where: the file or output that the error names.

    Raises:
        Problem: with up to five broken rules, and the first row and value of each.
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
    # Gather the broken rows of each rule. A rule over whole rows is reported once per column;
    # only its rows matter.
    rows_of_rule: dict[str, dict[Any, str]] = {}
    for case in error.failure_cases.to_dict("records"):
        rule, row = _rule(case)
        value = "" if rule.startswith("row:") else f", value {_short(case)!r}"
        rows_of_rule.setdefault(rule, {}).setdefault(row, value)

    # One line for each of the first five rules.
    lines = []
    for rule, rows in list(rows_of_rule.items())[:5]:
        row, value = next(iter(rows.items()))
        place = ""
        if row is not None:
            first = f"{_name(frame, table, row)}{value}"
            place = f" broken in {len(rows)} row(s) (first: {first})"
        lines.append(f"  {rule}{place}")
    if len(rows_of_rule) > 5:
        lines.append(f"  and {len(rows_of_rule) - 5} more rules")
    return "\n".join(lines)


def _rule(case: Mapping[Any, Any]) -> tuple[str, int | None]:
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
        return f"column {_short(case)!r} {_COLUMN_RULES[rule]}", None

    # The column has a wrong type, or the rule could not be computed because of another fault.
    return f"{subject}: {rule}, found {_short(case)}", None


def _short(case: Mapping[Any, Any]) -> str:
    return str(case["failure_case"])[:60]


def _name(frame: pd.DataFrame, table: type[Table], row: int) -> str:
    key = [name for name in key_of(table) if name in frame.columns]
    return ", ".join(f"{name} {str(frame[name].iloc[row])[:60]}" for name in key) or f"row {row}"
