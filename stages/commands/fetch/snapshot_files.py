"""Write rows into a snapshot: a Parquet file whose bytes follow from the rows alone.

Every value is a text, or a list of texts. The rows are sorted by all their columns, since a
database promises no order. They are held in a file meanwhile, never in memory as a whole.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pyarrow.parquet as parquet

from stages.lib.core.database import connect
from stages.lib.core.errors import UserError
from stages.lib.core.tables import PARQUET_FORMAT, SHARD_ROWS, write_row_groups

Row = Sequence[Any]


def write_rows(
    columns: Sequence[str], batches: Iterable[Sequence[Row]], path: Path, *, where: str
) -> int:
    """Write the rows to `path`, and return their number.

    Args:
        columns: the names of the columns.
        batches: the rows, some at a time.
        path: the snapshot. Another file beside it is written first, and removed.
        where: what gives the rows, for errors.

    Raises:
        UserError: two columns share a name, or a value is no text, number, time or list.
    """
    _check_names(columns, where)
    unsorted = path.with_suffix(".unsorted")
    try:
        count, list_columns = _write_unsorted(columns, batches, unsorted, where=where)
        fields = [
            arrow.field(name, arrow.list_(arrow.string()) if is_list else arrow.string())
            for name, is_list in zip(columns, list_columns, strict=True)
        ]
        _write_sorted(unsorted, path, arrow.schema(fields))
    finally:
        unsorted.unlink(missing_ok=True)

    return count


def cell_text(value: Any, column: str, where: str) -> str | None:
    """Return a value as text: numbers as digits, times in UTC, lists and objects as JSON.

    >>> from decimal import Decimal
    >>> [cell_text(value, "a", "b") for value in (True, Decimal("1E+2"), 0.5, None, ["x", 1])]
    ['true', '100', '0.5', None, '["x","1"]']

    Raises:
        UserError: the value is bytes.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (float, Decimal)):
        return _number_text(value)
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        items = [cell_text(item, column, where) for item in value]
        return json.dumps(items, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, dict):
        return json.dumps(
            value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str
        )
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise UserError(
            f"{where}: column '{column}' holds bytes, not texts",
            "leave the column out of the query, or cast it to a text there",
        )

    return str(value)


def _number_text(value: float | Decimal) -> str | None:
    if not math.isfinite(value):
        return None
    return format(value, "f") if isinstance(value, Decimal) else repr(value)


def _check_names(columns: Sequence[str], where: str) -> None:
    for column in columns:
        if not column.strip():
            raise UserError(f"{where}: a column has no name", "give it one with AS in the query")
        if columns.count(column) > 1:
            raise UserError(
                f"{where}: more than one column is called '{column}'",
                "give each its own name with AS in the query",
            )


def _write_unsorted(
    columns: Sequence[str], batches: Iterable[Sequence[Row]], path: Path, *, where: str
) -> tuple[int, list[bool]]:
    """Write all values as texts; return the number of rows, and which columns hold lists alone."""
    # Numbered columns: DuckDB takes names that differ in case for the same.
    schema = arrow.schema([(f"c{index}", arrow.string()) for index in range(len(columns))])
    has_list = [False] * len(columns)
    has_other = [False] * len(columns)
    count = 0
    with parquet.ParquetWriter(path, schema, **PARQUET_FORMAT) as writer:
        for rows in batches:
            arrays: list[Any] = []
            for index, column in enumerate(columns):
                values = [row[index] for row in rows]
                for value in values:
                    has_list[index] |= isinstance(value, (list, tuple))
                    has_other[index] |= value is not None and not isinstance(value, (list, tuple))
                texts = [cell_text(value, column, where) for value in values]
                arrays.append(_string_array(texts, column, where))
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))
            count += len(rows)

    return count, [
        is_list and not is_other for is_list, is_other in zip(has_list, has_other, strict=True)
    ]


def _string_array(texts: Sequence[str | None], column: str, where: str) -> Any:
    try:
        return arrow.array(texts, arrow.string())
    except UnicodeEncodeError:
        raise UserError(
            f"{where}: column '{column}' holds half of a surrogate pair",
            "write the text out as UTF-8 there, or leave the row out of the query",
        ) from None


def _write_sorted(unsorted: Path, path: Path, schema: Any) -> None:
    order = ", ".join(f"c{index} NULLS FIRST" for index in range(len(schema)))
    with (
        connect() as connection,
        parquet.ParquetWriter(path, schema, **PARQUET_FORMAT) as writer,
    ):
        query = f"SELECT * FROM read_parquet($file) ORDER BY {order}"
        relation = connection.sql(query, params={"file": str(unsorted)})
        reader = relation.to_arrow_reader(SHARD_ROWS)
        for rows in _full_groups(reader):
            columns = [
                _lists(rows.column(index))
                if arrow.types.is_list(field.type)
                else rows.column(index)
                for index, field in enumerate(schema)
            ]
            write_row_groups(writer, arrow.Table.from_arrays(columns, schema=schema))


def _full_groups(reader: Any) -> Iterator[Any]:
    """Yield the rows in pieces of one row group, whatever the sizes of the batches are."""
    waiting: list[Any] = []
    count = 0
    for batch in reader:
        waiting.append(batch)
        count += batch.num_rows
        if count >= SHARD_ROWS:
            rows = arrow.Table.from_batches(waiting)
            full = count - count % SHARD_ROWS
            yield rows.slice(0, full)
            waiting = rows.slice(full).to_batches()
            count -= full

    if count:
        yield arrow.Table.from_batches(waiting)


def _lists(texts: Any) -> Any:
    values = [None if text is None else json.loads(text) for text in texts.to_pylist()]
    return arrow.array(values, arrow.list_(arrow.string()))
