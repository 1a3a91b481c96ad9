"""Show what was guessed of a table, and ask what only a person can know."""

from __future__ import annotations

from dataclasses import replace

import typer

from stages.collect.table_source import Columns
from stages.commands.init.tables import TableGuess

_RECORDS = 3
_WIDTH = 100
_NONE = "-"


def description(source: TableGuess) -> list[str]:
    """Return lines that show a table: its file, its columns and its first records."""
    guess = source.guess
    settings = [f"{key} {value!r}" for key, value in source.sample.settings.items()]
    settings += [f"{key} {value}" for key, value in guess.settings.items()]
    if source.documents_of:
        settings.append(f"documents of '{source.documents_of}'")
    lines = [f"Source '{source.name}': {', '.join([str(source.origin), *settings])}"]

    # What each column is taken for, and what is not read.
    width = max(map(len, guess.columns))
    for field, column in guess.columns.items():
        reason = guess.uncertain.get(field)
        lines.append(f"  {field:<{width}}  '{column}'{f'   ? {reason}' if reason else ''}")
    used = set(guess.columns.values())
    unused = [column for column in source.sample.values if column not in used]
    if unused:
        lines.append(f"  not read: {', '.join(map(repr, unused))}")
    if source.sample.nested:
        lines.append(f"  lists or objects: {', '.join(map(repr, source.sample.nested))}")
    lines += [f"  note: {note}" for note in guess.notes]
    return lines + _record_lines(source)


def ask(source: TableGuess) -> TableGuess:
    """Return the table as a person confirms or corrects it."""
    typer.echo("\n".join(description(source)))
    if typer.confirm("Is this right?", default=True):
        return source

    # A column for each field, or none.
    columns: dict[str, str] = {}
    names = list(source.sample.values)
    typer.echo(f"Columns: {', '.join(names)}. A column for each field; {_NONE} for none.")
    fields = [field for field in Columns.model_fields if field != "document_key"]
    if source.documents_of:
        fields = ["anchor", "document_key", "key", "score", "grade", "split", "time"]
    for field in fields:
        default = source.guess.columns.get(field, _NONE)
        column = typer.prompt(f"  {field}", default=default)
        while column not in (*names, _NONE):
            typer.echo(f"  there is no column '{column}'")
            column = typer.prompt(f"  {field}", default=default)
        if column != _NONE:
            columns[field] = column

    return ask(_corrected(source, columns))


def _corrected(source: TableGuess, columns: dict[str, str]) -> TableGuess:
    corrected = source.with_columns(columns)
    return replace(corrected, guess=replace(corrected.guess, uncertain={}))


def _record_lines(source: TableGuess) -> list[str]:
    lines: list[str] = []
    for index in range(min(_RECORDS, source.sample.row_count)):
        lines.append(f"  record {index + 1}")
        for field, column in source.guess.columns.items():
            value = " ".join(source.sample.values[column][index].split())
            shown = value if len(value) <= _WIDTH else f"{value[: _WIDTH - 3]}..."
            lines.append(f"    {field}: {shown}")
    return lines
