"""Tables of a database: their columns and foreign keys, queries of them, and their first rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from stages.commands.fetch.database import Database, run_query
from stages.commands.fetch.snapshot_files import cell_text
from stages.commands.init.formats import TableSample
from stages.lib.core.errors import UserError

if TYPE_CHECKING:
    from sqlalchemy import Connection

PREFIX = "sql:"
_SYSTEM_SCHEMAS = ("information_schema", "sys", "mysql", "performance_schema")


class ForeignKey(NamedTuple):
    """A column whose values are keys of another table."""

    column: str
    schema: str
    table: str
    key: str


class DatabaseTable(NamedTuple):
    """A table or view.

    Attributes:
        schema: its schema; "" for the default.
        name: its name.
        columns: its columns without those of bytes.
        foreign_keys: those of one column.
    """

    schema: str
    name: str
    columns: Sequence[str]
    foreign_keys: Sequence[ForeignKey] = ()

    @property
    def full_name(self) -> str:
        """The name with the schema, as it stands after sql:VARIABLE/."""
        return f"{self.schema}.{self.name}" if self.schema else self.name


class JoinedTable(NamedTuple):
    """A table, each row with the row of another table that it names.

    Attributes:
        table: the table.
        link: the column that names rows of the other table, and their key there.
        other: the other table.
        column_of_name: name of a column of the join to whether it is of the other table, and its
            name there.
    """

    table: DatabaseTable
    link: ForeignKey
    other: DatabaseTable
    column_of_name: Mapping[str, tuple[bool, str]]

    @property
    def columns(self) -> Sequence[str]:
        """The columns of the join."""
        return list(self.column_of_name)

    @property
    def full_name(self) -> str:
        """The name of the table whose rows are the rows of the join."""
        return self.table.full_name


Relation = DatabaseTable | JoinedTable


def list_tables(database: Database, connected: Connection) -> list[DatabaseTable]:
    """Return the tables and views of all schemas, sorted by schema and name.

    Raises:
        UserError: they cannot be listed.
    """
    from sqlalchemy import inspect

    try:
        inspector = inspect(connected)
        default = inspector.default_schema_name
        tables: list[DatabaseTable] = []
        for schema in inspector.get_schema_names():
            if schema in _SYSTEM_SCHEMAS or schema.startswith("pg_"):
                continue
            shown = "" if schema in (default, "main") else schema
            names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
            tables += [_table(inspector, schema, shown, name) for name in names]
    except Exception as error:
        raise UserError(
            f"{PREFIX}{database.variable}: its tables cannot be listed: {database.cause(error)}",
            "check that it is the database that its URL says, and that no other program locks it; "
            'or write the query yourself with --query "SELECT ..."',
        ) from None
    return sorted(table for table in tables if table.columns)


def _table(inspector: Any, schema: str, shown_schema: str, name: str) -> DatabaseTable:
    from sqlalchemy import LargeBinary

    columns = [
        str(column["name"])
        for column in inspector.get_columns(name, schema)
        if not isinstance(column["type"], LargeBinary)
    ]
    foreign_keys: list[ForeignKey] = []
    for constraint in inspector.get_foreign_keys(name, schema):
        referred = str(constraint["referred_table"])
        named = constraint["referred_schema"]
        # SQLite may leave out the key of the other table.
        keys = (
            constraint["referred_columns"]
            or inspector.get_pk_constraint(referred, named or schema)["constrained_columns"]
        )
        if len(constraint["constrained_columns"]) == len(keys) == 1:
            other_schema = shown_schema if named in (None, schema) else str(named)
            foreign_keys.append(
                ForeignKey(
                    str(constraint["constrained_columns"][0]), other_schema, referred, str(keys[0])
                )
            )
    return DatabaseTable(shown_schema, name, tuple(columns), tuple(sorted(foreign_keys)))


def select(
    database: Database, relation: Relation, columns: Sequence[str], limit: int | None = None
) -> str:
    """Return the query of these columns, in the dialect of the database."""
    import sqlalchemy as sql

    statement: Any
    if isinstance(relation, JoinedTable):
        link = relation.link
        sides = (_clause(relation.table, link.column), _clause(relation.other, link.key))
        clause = sides[0].join(sides[1], sides[0].c[link.column] == sides[1].c[link.key])
        selected = [_labelled(relation, name, sides) for name in columns]
        statement = sql.select(*selected).select_from(clause)
    else:
        clause = sql.table(relation.name, schema=relation.schema or None)
        statement = sql.select(*map(sql.column, columns)).select_from(clause)
    if limit is not None:
        statement = statement.limit(limit)
    return _text_of(statement, database)


def _clause(table: DatabaseTable, linked: str) -> Any:
    import sqlalchemy as sql

    # A key of bytes links rows, and is not read.
    columns = dict.fromkeys([*table.columns, linked])
    return sql.table(table.name, *map(sql.column, columns), schema=table.schema or None)


def _labelled(relation: JoinedTable, name: str, sides: Sequence[Any]) -> Any:
    is_other, own_name = relation.column_of_name[name]
    column = sides[is_other].c[own_name]
    return column if own_name == name else column.label(name)


def count_rows(database: Database, table: DatabaseTable) -> int:
    """Return the number of rows of a table."""
    import sqlalchemy as sql

    clause = sql.table(table.name, schema=table.schema or None)
    query = _text_of(sql.select(sql.func.count()).select_from(clause), database)
    with run_query(database, query, f"{PREFIX}{database.variable}") as result:
        return int(next(result.batches)[0][0])


def _text_of(statement: Any, database: Database) -> str:
    """Return a statement in the dialect of the database, on one line."""
    dialect = database.engine.dialect
    text = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))

    # A query without parameters is sent as it is, so a name with % needs no second one.
    if dialect.paramstyle in ("format", "pyformat"):
        text = text.replace("%%", "%")
    return text.replace(" \n", " ").replace("\n", " ")


def sample_rows(database: Database, query: str, limit: int) -> TableSample:
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
