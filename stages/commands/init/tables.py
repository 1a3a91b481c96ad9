"""Tables as `init` guesses them: names, settings, and what `collect` reads with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer

from stages.collect.columns import columns_of
from stages.collect.kinds import table
from stages.collect.records import SourceRows
from stages.collect.source import ReadRequest, Source
from stages.collect.table_settings import RAW, check_settings
from stages.collect.table_source import Columns, TableSource
from stages.commands.init.column_facts import column_facts
from stages.commands.init.column_names import name_rank
from stages.commands.init.columns import ColumnGuess
from stages.commands.init.formats import TableSample, read_sample, stem_of
from stages.commands.init.guess import Copies
from stages.commands.init.list_columns import guess_listed_columns
from stages.commands.init.names import free_name, source_name
from stages.commands.init.record_fields import with_joined_fields
from stages.lib.core.errors import UserError
from stages.lib.core.temporary_folders import temporary_folder
from stages.lib.core.terminal import say

# A column leads to the documents of another file if so many of its values are keys there.
_LEADING_SHARE = 0.9
# A field whose bad values would cost whole rows is not mapped, by the reason of the rejection.
_COSTLY_FIELD = {"duplicate_key": "key", "bad_time": "time"}
_LABELS = ("score", "grade", "split")
# Records that a person sees, and the characters of a value. The answer that maps no column.
_RECORDS = 3
_WIDTH = 100
_NONE = "-"


@dataclass(frozen=True)
class TableGuess:
    """A table as a source of params.yaml.

    Attributes:
        name: its name.
        origin: the file that the user named.
        target: its path under data/raw/.
        sample: what the beginning of the file looks like.
        guess: which column holds which field.
        documents_of: the source whose documents its pairs lead to; "" for none.
    """

    name: str
    origin: Path
    target: Path
    sample: TableSample
    guess: ColumnGuess
    documents_of: str = ""

    @property
    def copies(self) -> Copies:
        """The path under data/raw/, and the file that is copied there."""
        return {self.target: self.origin}

    def settings(self) -> dict[str, Any]:
        """Return the settings of the source as they stand in params.yaml."""
        settings: dict[str, Any] = {"reader": "table", "path": self.target.as_posix()}
        settings |= self.sample.settings
        if self.documents_of:
            settings["documents_of"] = self.documents_of
        settings["columns"] = dict(self.guess.columns)
        return settings | dict(self.guess.settings)

    def description(self) -> list[str]:
        """Return lines that show the table: its file, its columns and its first records."""
        return _description(self)

    def ask(self) -> TableGuess:
        """Return the table as a person confirms or corrects its columns."""
        return _ask(self)

    def read(
        self, sources: Mapping[str, Source], known_documents: Collection[str]
    ) -> tuple[TableGuess, SourceRows]:
        """Return the table and its rows, as `read_table` does."""
        return read_table(self, sources, known_documents)

    def with_columns(self, columns: Mapping[str, str], note: str = "") -> TableGuess:
        """Return the source with other columns, and one more note."""
        kept = dict(self.guess.settings)
        if "score" not in columns:
            kept.pop("score_range", None)
            kept.pop("score_names", None)
        notes = [*self.guess.notes, *([note] if note else [])]
        return replace(self, guess=replace(self.guess, columns=columns, settings=kept, notes=notes))


def guess_tables(files: Sequence[Path], used: Collection[str] = ()) -> list[TableGuess]:
    """Return a guess for each file. `used` are the names of other sources.

    Raises:
        UserError: a file cannot be read, or holds no texts.
    """
    guesses: list[TableGuess] = []
    for file in files:
        sample = read_sample(file)
        sample, guess = with_joined_fields(sample, guess_listed_columns(sample))
        if not {"text", "positive"} & guess.columns.keys():
            names = ", ".join(map(repr, [*sample.values, *sample.nested][:20]))
            twice = f" (the name {sample.repeated[0]!r} stands twice)" if sample.repeated else ""
            raise UserError(
                f"{file}: no column holds texts; its columns are {names}{twice}",
                "check the header and the delimiter of the file",
            )
        name = free_name(source_name(stem_of(file)), [*used, *(other.name for other in guesses)])
        target = _target(file, name, sample.suffix)
        guesses.append(TableGuess(name, file, target, sample, guess))
    return [_linked(guess, guesses) for guess in guesses]


def read_table(
    source: TableGuess, sources: Mapping[str, Source], known_documents: Collection[str]
) -> tuple[TableGuess, SourceRows]:
    """Return the source and its rows, read by the reader of `collect`.

    A field that would cost rows is taken out of the mapping, with a note: a key that stands twice,
    a time that is no date, labels on an unknown scale.

    Args:
        source: the source.
        sources: the settings of all sources by name.
        known_documents: the ids of the documents that its pairs lead to.

    Raises:
        UserError: the file is broken, or none of its rows can be used.
    """
    try:
        rows = _rows(source, sources, known_documents)
    except UserError as error:
        corrected = _without_quotes(source, error) or _without_labels(source, error)
        if corrected is None:
            raise
        try:
            return read_table(corrected, sources, known_documents)
        except UserError:
            # The file is broken in any case. What was guessed first says it best.
            raise error from None

    # Take out what costs rows, and read once more.
    dropped = rows.ledger.dropped()
    for reason, field in _COSTLY_FIELD.items():
        columns = dict(source.guess.columns)
        if dropped[reason] and field in columns:
            column = columns.pop(field)
            if field == "key":
                columns.pop("parent", None)
            note = f"column '{column}' is no {field}: {dropped[reason]:,} rows would be lost"
            return read_table(source.with_columns(columns, note), sources, known_documents)
    return source, rows


def _without_quotes(source: TableGuess, error: UserError) -> TableGuess | None:
    """Return the table with quotes as characters, if they are what is wrong; None if not.

    The sample ends before the first quote of some files. Where fields do stand in quotes, a quote
    too many is a fault of its row.
    """
    settings = source.sample.settings
    is_plain = not source.sample.has_quotes and not {"quote", "escape"} & settings.keys()
    if not is_plain or "quote" not in error.remedy:
        return None

    sample = replace(source.sample, settings={**settings, "quote": None})
    note = f"quotes are read as characters, since {error.fact}"
    noted = source.with_columns(source.guess.columns, note)
    return replace(noted, sample=sample)


def _without_labels(source: TableGuess, error: UserError) -> TableGuess | None:
    """Return the table without scores, grades and splits; None if it has none."""
    unlabelled = {
        field: column for field, column in source.guess.columns.items() if field not in _LABELS
    }
    if len(unlabelled) == len(source.guess.columns):
        return None
    return source.with_columns(unlabelled, f"labels are not read, since {error.fact}")


def table_source(source: TableGuess) -> TableSource:
    """Return the checked settings of a source."""
    return TableSource.model_validate(source.settings())


def _rows(
    source: TableGuess, sources: Mapping[str, Source], known_documents: Collection[str]
) -> SourceRows:
    settings = table_source(source)
    check_settings(source.name, settings, {**sources, source.name: settings})

    # The file stands where `collect` will find it, without a copy.
    with temporary_folder() as folder:
        link = folder / source.target.relative_to(RAW)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(source.origin.resolve())
        request = ReadRequest(source.name, folder, known_documents)
        try:
            return table.read_files(settings, request)
        except UserError as error:
            # It does not stand under data/raw/ yet.
            fact = error.fact.replace(source.target.as_posix(), str(source.origin))
            raise UserError(fact, error.remedy) from None


def _linked(source: TableGuess, guesses: Sequence[TableGuess]) -> TableGuess:
    """Return a file of questions that name documents of another file as such a source."""
    columns = source.guess.columns
    has_documents = "text" in columns or "positive" in columns
    is_complete = "anchor" in columns and has_documents and "text" not in source.guess.uncertain
    if is_complete:
        return source

    for other in guesses:
        if other is source or "key" not in other.guess.columns:
            continue
        keys = set(other.sample.values[other.guess.columns["key"]])
        for column, values in source.sample.values.items():
            filled = [value for value in values if value.strip()]
            leading = [value for value in filled if value in keys]
            # Codes lead to where they are keys; numbers from 1 are keys of anything.
            facts = column_facts(values)
            is_code = facts.code_share > 0.5 and not facts.is_whole
            is_named = name_rank(column, "key") is not None or other.name in column
            names_documents = is_named or is_code
            if (
                names_documents
                and column != columns.get("key")
                and len(leading) >= _LEADING_SHARE * len(filled) > 0
            ):
                return _question_source(source, column, other.name)
    return source


def _question_source(source: TableGuess, column: str, documents_of: str) -> TableGuess:
    columns = source.guess.columns
    anchor = columns.get("anchor") or columns["text"]
    kept = {
        field: name
        for field, name in columns.items()
        if field in ("key", "time", *_LABELS) and name != column
    }
    mapped = {"anchor": anchor, "document_key": column, **kept}
    guess = replace(source.guess, columns=mapped, uncertain={})
    return replace(source, guess=guess, documents_of=documents_of)


def _target(file: Path, name: str, suffix: str) -> Path:
    """Return the path under data/raw/. A file that lies there with a known suffix stays there."""
    raw = Path(RAW)
    resolved = file.resolve()
    is_inside = raw.resolve() in resolved.parents and not file.is_symlink()
    if is_inside and resolved.name.endswith(suffix):
        return raw / resolved.relative_to(raw.resolve())
    return raw / f"{name}{suffix}"


def _description(source: TableGuess) -> list[str]:
    """Return lines that show a table: its file, its columns and its first records."""
    guess = source.guess
    settings = [_setting(key, value) for key, value in source.sample.settings.items()]
    settings += [f"{key} {value}" for key, value in guess.settings.items()]
    if source.documents_of:
        settings.append(f"documents of '{source.documents_of}'")
    lines = [f"Source '{source.name}': {', '.join([str(source.origin), *settings])}"]

    # What each column is taken for, and what is not read.
    width = max(map(len, guess.columns))
    for field, column in guess.columns.items():
        reason = guess.uncertain.get(field)
        lines.append(f"  {field:<{width}}  '{column}'{f'   ? {reason}' if reason else ''}")
    mapped = guess.columns.values()
    used = {*mapped, *(part for column in mapped for part in columns_of(column))}
    unused = [column for column in source.sample.values if column not in used]
    if unused:
        lines.append(f"  not read: {', '.join(map(repr, unused))}")
    if source.sample.nested:
        nested = ", ".join(map(repr, source.sample.nested))
        lines.append(f"  not read, since they hold lists, objects or bytes: {nested}")
    if source.sample.repeated:
        repeated = ", ".join(map(repr, source.sample.repeated))
        lines.append(f"  not read, since the name stands twice in the header: {repeated}")
    lines += [f"  note: {note}" for note in guess.notes]
    return lines + _record_lines(source)


def _setting(key: str, value: object) -> str:
    """Return a setting in words.

    >>> _setting("quote", None), _setting("delimiter", ";")
    ('without quotes', "delimiter ';'")
    """
    if value is None:
        return f"without {key}s"
    return "without a header" if key == "header" else f"{key} {value!r}"


def _ask(source: TableGuess) -> TableGuess:
    """Return the table as a person confirms or corrects it."""
    say("\n".join(_description(source)))
    if typer.confirm("Is this right?", default=True):
        return source

    # A column for each field, or none.
    columns: dict[str, str] = {}
    names = list(source.sample.values)
    say(f"Columns: {', '.join(names)}. A column for each field; {_NONE} for none.")
    fields = [field for field in Columns.model_fields if field != "document_key"]
    if source.documents_of:
        fields = ["anchor", "document_key", "key", "score", "grade", "split", "time"]
    for field in fields:
        default = source.guess.columns.get(field, _NONE)
        column = typer.prompt(f"  {field}", default=default)
        while column not in (*names, _NONE):
            say(f"  there is no column '{column}'")
            column = typer.prompt(f"  {field}", default=default)
        if column != _NONE:
            columns[field] = column

    return _ask(_corrected(source, columns))


def _corrected(source: TableGuess, columns: dict[str, str]) -> TableGuess:
    corrected = source.with_columns(columns)
    return replace(corrected, guess=replace(corrected.guess, uncertain={}))


def _record_lines(source: TableGuess) -> list[str]:
    # Rows in which a field is empty show less.
    columns = [source.sample.values[column] for column in source.guess.columns.values()]
    rows = range(source.sample.row_count)
    filled = sorted(rows, key=lambda row: sum(not texts[row].strip() for texts in columns))

    lines: list[str] = []
    for index in sorted(filled[:_RECORDS]):
        lines.append(f"  record {index + 1}")
        for field, column in source.guess.columns.items():
            value = " ".join(source.sample.values[column][index].split())
            shown = value if len(value) <= _WIDTH else f"{value[: _WIDTH - 3]}..."
            lines.append(f"    {field}: {shown}")
    return lines
