"""Databases as `init` guesses them: the table with the most text, and a query of its columns.

    sql:HELPDESK_URL            the table with the most text, and the questions that lead to it
    sql:HELPDESK_URL/faq        this table
    "sql:HELPDESK_URL SELECT …" this query

HELPDESK_URL is the environment variable that holds the URL of the database.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stages.collect.kinds.sql import SqlSource
from stages.collect.records import SourceRows
from stages.collect.snapshots import snapshot_path
from stages.collect.source import Source
from stages.commands.fetch.database import Database, connection, open_database
from stages.commands.fetch.sql import take_snapshot
from stages.commands.init.columns import ColumnGuess, guess_columns, guess_label
from stages.commands.init.database_links import Link, LookedAt, find_links, joined, question_columns
from stages.commands.init.database_tables import (
    PREFIX,
    DatabaseTable,
    Relation,
    count_rows,
    list_tables,
    sample_rows,
    select,
)
from stages.commands.init.formats import SAMPLE_ROWS, TableSample
from stages.commands.init.names import free_name, source_name
from stages.commands.init.tables import TableGuess
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import file_hash
from stages.lib.core.temporary_folders import lasting_folder

_ARGUMENT = re.compile(r"sql:([A-Za-z_][A-Za-z0-9_]*)(?:/(.+)|\s+(\S.*))?\s*", re.DOTALL)
# Rows of each table that are looked at to choose a table, and how many tables are listed.
_ROWS_TO_CHOOSE = 300
_LISTED = 10


@dataclass(frozen=True)
class DatabaseGuess:
    """A query against a database as a source of params.yaml.

    Attributes:
        variable: the environment variable that holds the URL.
        origin: the argument of the user, with the table.
        table: the table whose mapped columns are read, perhaps with the one of its questions; None
            for a query of the user's own.
        own_query: the query of the user's own; "" for a table.
        inner: its columns, as those of a table.
        note: what is worth knowing about other tables.
        snapshot: the file with its rows, in a temporary folder; None before they are read.
        rows: the number of rows.
        questions: sources of questions that lead to its documents.
    """

    variable: str
    origin: str
    table: Relation | None
    own_query: str
    inner: TableGuess
    note: str = ""
    snapshot: Path | None = None
    rows: int = 0
    questions: Sequence[DatabaseGuess] = ()

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
        return select(database, self.table, columns)

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
        snapshot = lasting_folder() / self.inner.target.name
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
    sample = sample_rows(database, query, SAMPLE_ROWS)
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
        tables = list_tables(database, connected)
    named = _named(tables, table_name, variable) if table_name else tables

    # The tables that hold texts, and how much text.
    characters_of_table: dict[DatabaseTable, float] = {}
    looked_at: list[LookedAt] = []
    for table in named:
        query = select(database, table, table.columns, _ROWS_TO_CHOOSE)
        sample = sample_rows(database, query, _ROWS_TO_CHOOSE)
        inner = _inner(sample, table.name, used)
        if inner is not None:
            count = count_rows(database, table) if len(named) > 1 else sample.row_count
            characters_of_table[table] = _characters(sample, inner) / sample.row_count * count
            looked_at.append(LookedAt(table, sample, inner.guess))
    if not looked_at:
        listed = ", ".join(table.full_name for table in named[:_LISTED]) or "none"
        raise UserError(
            f"{PREFIX}{variable}: no table holds texts; its tables are {listed}",
            "write the query yourself: init sql:" + variable + ' --query "SELECT ..."',
        )

    # The one with the most text. The questions that lead to its documents are part of it.
    links = find_links(named, looked_at)
    total_of_table = dict(characters_of_table)
    for link in links:
        total_of_table[link.documents.table] += characters_of_table[link.questions.table]
    largest, *others = sorted(
        total_of_table, key=lambda table: (-total_of_table[table], table.full_name)
    )
    own_links = [link for link in links if link.documents.table == largest]
    asking = {link.questions.table for link in own_links}
    note = _note(variable, [table for table in others if table not in asking])
    return _linked_guess(database, largest, own_links, used=used, note=note)


def _linked_guess(
    database: Database,
    table: DatabaseTable,
    links: Sequence[Link],
    *,
    used: Collection[str],
    note: str,
) -> DatabaseGuess:
    """Return the guess of a table of documents, with the questions that are linked to it."""
    argument = f"{PREFIX}{database.variable}/{table.full_name}"
    answers = next((link for link in links if link.holder == table), None)
    if answers is not None:
        join, columns = joined(answers)
        inner = _named_inner(database, join, columns, free_name(source_name(table.name), [*used]))
        asking = answers.questions.table.full_name
        reason = (
            f"a guess: column '{answers.key.column}' of {table.full_name} names the question, a "
            f"row of {asking}. Without questions: {argument}"
        )
        both = "; ".join(text for text in (reason, note) if text)
        return DatabaseGuess(
            database.variable,
            f"{argument} with {asking}",
            join,
            own_query="",
            inner=inner,
            note=both,
        )

    query = select(database, table, table.columns, SAMPLE_ROWS)
    own = _inner(sample_rows(database, query, SAMPLE_ROWS), table.name, used)
    assert own is not None
    documents = DatabaseGuess(
        database.variable, argument, table, own_query="", inner=own, note=note
    )
    questions: list[DatabaseGuess] = []
    for link in links:
        names = [*used, own.name, *(guess.name for guess in questions)]
        questions.append(_question_guess(database, link, documents, names))
    return replace(documents, questions=questions)


def _question_guess(
    database: Database, link: Link, documents: DatabaseGuess, used: Sequence[str]
) -> DatabaseGuess:
    """Return the guess of a table of questions, each with the key of its document."""
    relation, columns = question_columns(link)
    asking = link.questions.table
    inner = _named_inner(
        database, relation, ColumnGuess(columns), free_name(source_name(asking.name), used)
    )
    label, settings, notes = guess_label(inner.sample.values, columns.values())
    guess = ColumnGuess({**columns, **label}, settings, notes=notes)
    return DatabaseGuess(
        database.variable,
        f"{PREFIX}{database.variable}/{asking.full_name}",
        relation,
        own_query="",
        inner=replace(inner, guess=guess, documents_of=documents.name),
        note=f"a guess: column '{link.key.column}' of {link.holder.full_name} names the document, "
        f"a row of {link.documents.table.full_name}",
    )


def _named_inner(
    database: Database, relation: Relation, guess: ColumnGuess, name: str
) -> TableGuess:
    query = select(database, relation, relation.columns, SAMPLE_ROWS)
    target = Path(snapshot_path(name))
    return TableGuess(name, target, target, sample_rows(database, query, SAMPLE_ROWS), guess)


def _note(variable: str, others: Sequence[DatabaseTable]) -> str:
    if not others:
        return ""
    listed = ", ".join(table.full_name for table in others[:_LISTED])
    more = f" and {len(others) - _LISTED} more" if len(others) > _LISTED else ""
    return (
        f"it has the most text. Other tables with texts: {listed}{more}. Name one as "
        f'{PREFIX}{variable}/{others[0].full_name}, or join them with --query "SELECT ..."'
    )


def _named(tables: Sequence[DatabaseTable], name: str, variable: str) -> list[DatabaseTable]:
    named = [table for table in tables if name in (table.full_name, table.name)]
    if not named:
        listed = ", ".join(table.full_name for table in tables[:20]) or "none"
        raise UserError(
            f"{PREFIX}{variable}: there is no table '{name}'; its tables are {listed}",
            f"name one of them after {PREFIX}{variable}/",
        )
    return named[:1]


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
