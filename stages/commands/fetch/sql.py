"""Take the snapshot of a query: run it once, and write its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from stages.collect.columns import ColumnMapping
from stages.collect.kinds.sql import SqlSource
from stages.collect.records import params_path
from stages.collect.snapshots import snapshot_table
from stages.commands.fetch.database import open_database, run_query
from stages.commands.fetch.snapshot_files import write_rows
from stages.lib.core.errors import UserError


def take_snapshot(name: str, source: SqlSource, path: Path) -> tuple[int, Mapping[str, str | int]]:
    """Write the rows of the query to `path`; return their number, and no more pins.

    Raises:
        UserError: the database cannot be read, a mapped column is missing, or there are no rows.
    """
    setting = f"params.yaml: {params_path(name)}"
    database = open_database(source.url_env, f"{setting}.url_env")
    with run_query(database, source.query, f"{setting}.query") as result:
        _check_columns(name, source, result.columns)
        count = write_rows(result.columns, result.batches, path, where=f"{setting}.query")

    if not count:
        raise UserError(f"{setting}.query gives no rows", "correct the query")
    return count, {}


def _check_columns(name: str, source: SqlSource, columns: Sequence[str]) -> None:
    """Check that the query gives each mapped column, before its rows are read."""
    mapping = ColumnMapping(snapshot_table(name, source), params_path(name))
    for column, field in mapping.field_of_column.items():
        if column not in columns:
            listed = ", ".join(map(repr, columns[:20]))
            raise UserError(
                f"params.yaml: {params_path(name)}.query gives no column '{column}'; "
                f"it gives {listed}",
                f"correct columns.{field}, or name the column in the query (with AS)",
            )
