"""Databases as `init` guesses them: the table with the most text, and a query of its columns.

    sql:HELPDESK_URL            the table with the most text
    sql:HELPDESK_URL/faq        this table
    "sql:HELPDESK_URL SELECT …" this query

HELPDESK_URL is the environment variable that holds the URL of the database.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stages.collect.kinds.sql import SqlSource
from stages.collect.records import SourceRows
from stages.collect.snapshots import snapshot_path
from stages.collect.source import Source
from stages.commands.fetch.database import Database, connection, open_database, run_query
from stages.commands.fetch.snapshot_files import cell_text
from stages.commands.fetch.sql import take_snapshot
from stages.commands.init.columns import guess_columns
from stages.commands.init.formats import SAMPLE_ROWS, TableSample
from stages.commands.init.names import free_name, source_name
from stages.commands.init.paths import temporary_folder
from stages.commands.init.tables import TableGuess
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import file_hash

if TYPE_CHECKING:
    from sqlalchemy import Connection

PREFIX = "sql:"
_ARGUMENT = re.compile(r"sql:([A-Za-z_][A-Za-z0-9_]*)(?:/(.+)|\s+(\S.*))?\s*", re.DOTALL)
# Rows of each table that are looked at to choose a table, and how many tables are listed.
_ROWS_TO_CHOOSE = 300
_LISTED = 10
_SYSTEM_SCHEMAS = ("information_schema", "sys", "mysql", "performance_schema")


class _DatabaseTable(NamedTuple):
    """A table or view: its schema ("" for the default), its name, and its columns of no bytes."""

    schema: str
    name: str
    columns: Sequence[str]

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True)
class DatabaseGuess:
    """A query against a database as a source of params.yaml.

    Attributes:
        variable: the environment variable that holds the URL.
        origin: the argument of the user, with the table.
        table: the table whose mapped columns are read; None for a query of the user's own.
        own_query: the query of the user's own; "" for a table.
        inner: its columns, as those of a table.
        note: what is worth knowing about other tables.
        snapshot: the file with its rows, in a temporary folder; None before they are read.
        rows: the number of rows.
    """

    variable: str
    origin: str
    table: _DatabaseTable | None
    own_query: str
    inner: TableGuess
    note: str = ""
    snapshot: Path | None = None
    rows: int = 0

    @property
    def name(self) -> str:
        """The name of the source."""
        return self.inner.name

    @property
    def documents_of(self) -> str:
        """The source whose documents its pairs lead to; "" for its own documents."""
        return self.inner.documents_of

    @property
    def copies(self) -> Mapping[Path, Path]:
        """The path of the snapshot under data/raw/, and the file that is copied there."""
        return {self.inner.target: self.snapshot} if self.snapshot else {}

    @property
    def query(self) -> str:
        """The query: that of the user, or one of the mapped columns."""
        if self.table is None:
            return self.own_query

        mapped = list(dict.fromkeys(self.inner.guess.columns.values()))
        columns = [column for column in self.table.columns if column in mapped]
        database = open_database(self.variable, PREFIX + self.variable)
        return _select(database, self.table, columns)

    def settings(self) -> dict[str, Any]:
        """Return the settings of the source as they stand in params.yaml."""
        settings = self.inner.settings()
        settings.pop("path")
        sql = {"reader": "sql", "url_env": self.variable, "query": self.query}
        pins = {"sha256": file_hash(self.snapshot), "rows": self.rows} if self.snapshot else {}
        return {**sql, **{key: settings[key] for key in settings if key != "reader"}, **pins}

    def description(self) -> list[str]:
        """Return lines that show the source: its query, its columns and its first records."""
        first, *others = replace(self.inner, origin=Path(self.origin)).description()
        lines = [first, f"  query: {' '.join(self.query.split())}"]
        if self.note:
            lines.append(f"  note: {self.note}")
        return [*lines, *others]

    def ask(self) -> DatabaseGuess:
        """Return the source as a person confirms or corrects its columns."""
        asked_of = replace(self.inner, origin=Path(self.origin))
        return replace(self, inner=asked_of.ask())

    def read(
        self, sources: Mapping[str, Source], known_documents: Collection[str]
    ) -> tuple[DatabaseGuess, SourceRows]:
        """Return the source with its snapshot, and the rows that `collect` reads from it."""
        snapshot = temporary_folder() / self.inner.target.name
        settings = SqlSource.model_validate(self.settings())
        count, _ = take_snapshot(self.name, settings, snapshot)
        inner, rows = replace(self.inner, origin=snapshot).read(sources, known_documents)
        return replace(self, inner=inner, snapshot=snapshot, rows=count), rows


def recognise_database(argument: str, used: Collection[str]) -> DatabaseGuess | None:
    """Return a guess for an argument such as sql:HELPDESK_URL; None for another argument.

    Raises:
        UserError: the database cannot be read, or holds no texts.
    """
    if not argument.startswith(PREFIX):
        return None

    # The argument may be a URL with a password, so no error shows it.
    match = _ARGUMENT.fullmatch(argument)
    if match is None:
        raise UserError(
            "what follows sql: is not the name of an environment variable",
            "put the URL into a variable (export HELPDESK_URL=...), and write sql:HELPDESK_URL",
        )

    variable, table_name, own_query = match.groups(default="")
    database = open_database(variable, PREFIX + variable)
    if own_query:
        return _query_guess(database, own_query, used)
    return _table_guess(database, table_name, used)


def _query_guess(database: Database, query: str, used: Collection[str]) -> DatabaseGuess:
    variable = database.variable
    sample = _sample(database, query, SAMPLE_ROWS)
    stem = variable.lower().removesuffix("_url").removesuffix("_dsn")
    inner = _inner(sample, stem, used)
    if inner is None:
        names = ", ".join(map(repr, [*sample.values, *sample.nested][:20])) or "none"
        raise UserError(
            f"{PREFIX}{variable}: no column of the query holds texts; its columns are {names}",
            "name the columns of the texts in the query",
        )
    return DatabaseGuess(variable, f"{PREFIX}{variable}", None, own_query=query, inner=inner)


def _table_guess(database: Database, table_name: str, used: Collection[str]) -> DatabaseGuess:
    variable = database.variable
    with connection(database) as connected:
        tables = _tables(database, connected)
    if table_name:
        tables = _named(tables, table_name, variable)

    # The tables that hold texts, and how much text.
    characters_of_table: dict[_DatabaseTable, float] = {}
    for table in tables:
        query = _select(database, table, table.columns, _ROWS_TO_CHOOSE)
        sample = _sample(database, query, _ROWS_TO_CHOOSE)
        guess = _inner(sample, table.name, used)
        if guess is not None:
            count = _count(database, table) if len(tables) > 1 else sample.row_count
            characters_of_table[table] = _characters(sample, guess) / sample.row_count * count
    if not characters_of_table:
        listed = ", ".join(table.full_name for table in tables[:_LISTED]) or "none"
        raise UserError(
            f"{PREFIX}{variable}: no table holds texts; its tables are {listed}",
            "write the query yourself: init sql:" + variable + ' --query "SELECT ..."',
        )

    # The one with the most text.
    largest, *others = sorted(
        characters_of_table,
        key=lambda table: (-characters_of_table[table], table.full_name),
    )
    query = _select(database, largest, largest.columns, SAMPLE_ROWS)
    inner = _inner(_sample(database, query, SAMPLE_ROWS), largest.name, used)
    assert inner is not None
    return DatabaseGuess(
        variable,
        f"{PREFIX}{variable}/{largest.full_name}",
        largest,
        own_query="",
        inner=inner,
        note=_note(variable, others),
    )


def _note(variable: str, others: Sequence[_DatabaseTable]) -> str:
    if not others:
        return ""
    listed = ", ".join(table.full_name for table in others[:_LISTED])
    more = f" and {len(others) - _LISTED} more" if len(others) > _LISTED else ""
    return (
        f"it has the most text. Other tables with texts: {listed}{more}. Name one as "
        f'{PREFIX}{variable}/{others[0].full_name}, or join them with --query "SELECT ..."'
    )


def _tables(database: Database, connected: Connection) -> list[_DatabaseTable]:
    """Return the tables and views of all schemas, sorted by schema and name."""
    from sqlalchemy import LargeBinary, inspect

    try:
        inspector = inspect(connected)
        default = inspector.default_schema_name
        tables: list[_DatabaseTable] = []
        for schema in inspector.get_schema_names():
            if schema in _SYSTEM_SCHEMAS or schema.startswith("pg_"):
                continue
            shown = "" if schema in (default, "main") else schema
            names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
            for name in names:
                columns = [
                    str(column["name"])
                    for column in inspector.get_columns(name, schema)
                    if not isinstance(column["type"], LargeBinary)
                ]
                if columns:
                    tables.append(_DatabaseTable(shown, name, tuple(columns)))
    except Exception as error:
        raise UserError(
            f"{PREFIX}{database.variable}: its tables cannot be listed: {database.cause(error)}",
            'write the query yourself with --query "SELECT ..."',
        ) from None
    return sorted(tables)


def _named(tables: Sequence[_DatabaseTable], name: str, variable: str) -> list[_DatabaseTable]:
    named = [table for table in tables if name in (table.full_name, table.name)]
    if not named:
        listed = ", ".join(table.full_name for table in tables[:20]) or "none"
        raise UserError(
            f"{PREFIX}{variable}: there is no table '{name}'; its tables are {listed}",
            f"name one of them after {PREFIX}{variable}/",
        )
    return named[:1]


def _select(
    database: Database, table: _DatabaseTable, columns: Sequence[str], limit: int | None = None
) -> str:
    """Return the query of these columns, in the dialect of the database."""
    from sqlalchemy import column, select
    from sqlalchemy import table as table_clause

    clause = table_clause(table.name, schema=table.schema or None)
    statement: Any = select(*map(column, columns)).select_from(clause)
    if limit is not None:
        statement = statement.limit(limit)
    return _text_of(statement, database)


def _count(database: Database, table: _DatabaseTable) -> int:
    from sqlalchemy import func, select
    from sqlalchemy import table as table_clause

    clause = table_clause(table.name, schema=table.schema or None)
    statement = select(func.count()).select_from(clause)
    with run_query(
        database, _text_of(statement, database), f"{PREFIX}{database.variable}"
    ) as result:
        return int(next(result.batches)[0][0])


def _text_of(statement: Any, database: Database) -> str:
    """Return a statement in the dialect of the database, on one line."""
    dialect = database.engine.dialect
    text = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))

    # A query without parameters is sent as it is, so a name with % needs no second one.
    if dialect.paramstyle in ("format", "pyformat"):
        text = text.replace("%%", "%")
    return text.replace(" \n", " ").replace("\n", " ")


def _sample(database: Database, query: str, limit: int) -> TableSample:
    """Return the first rows of a query as texts. Columns of lists are nested."""
    where = f"{PREFIX}{database.variable}"
    rows: list[Sequence[Any]] = []
    with run_query(database, query, where) as result:
        for batch in result.batches:
            rows += batch
            if len(rows) >= limit:
                break
        columns = result.columns

    values: dict[str, list[str]] = {}
    nested: list[str] = []
    for index, name in enumerate(columns):
        cells = [row[index] for row in rows[:limit]]
        if any(isinstance(cell, (list, tuple, dict)) for cell in cells):
            nested.append(name)
        elif name and columns.count(name) == 1:
            values[name] = [cell_text(cell, name, where) or "" for cell in cells]
    return TableSample(".parquet", values, nested=nested)


def _inner(sample: TableSample, stem: str, used: Collection[str]) -> TableGuess | None:
    """Return the guess of a table with this sample; None if it holds no texts."""
    if not sample.row_count:
        return None
    guess = guess_columns(sample.values)
    if "text" not in guess.columns:
        return None
    name = free_name(source_name(stem), list(used))
    target = Path(snapshot_path(name))
    return TableGuess(name, target, target, sample, guess)


def _characters(sample: TableSample, guess: TableGuess) -> int:
    columns = [guess.guess.columns.get(field, "") for field in ("text", "anchor", "title")]
    return sum(sum(map(len, sample.values[column])) for column in dict.fromkeys(columns) if column)
