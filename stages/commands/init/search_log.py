"""Search logs as `init` recognises them: a column of queries beside one of clicks."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import typer

from stages.collect.id_set import IdSet
from stages.collect.kinds.clicks import to_count
from stages.collect.kinds.search_log import LogColumns, SearchLogSource, check_search_log
from stages.collect.kinds.search_log import read_search_log as read_log
from stages.collect.records import SourceRows, document_id
from stages.collect.reject_reasons import to_utc
from stages.collect.source import ReadRequest, Source
from stages.commands.init.column_facts import column_facts
from stages.commands.init.column_names import name_rank, plain_name
from stages.commands.init.formats import TableSample, is_known, read_sample, stem_of
from stages.commands.init.guess import SourceGuess
from stages.commands.init.names import free_name, source_name
from stages.commands.init.raw_copies import (
    RECORDS_SHOWN,
    linked_raw,
    listed,
    raw_target,
    shortened,
)
from stages.lib.core.errors import UserError
from stages.lib.core.terminal import say

# Names of columns in the logs of search engines and shops; better ones come first.
_NAMES: Mapping[str, Sequence[str]] = {
    "query": (
        *("query", "searchquery", "searchterm", "querytext", "userquery", "searchstring", "q"),
        *("search", "keyword", "keywords", "term", "suchbegriff", "suchanfrage", "requete"),
        *("consulta", "busqueda", "pesquisa", "ricerca", "zoekterm", "запрос", "查询", "検索語"),
    ),
    "document": (
        *("clickedid", "clickeddocid", "clickeddocumentid", "clickeddocument", "clickeddoc"),
        *("clickedurl", "clickurl", "clickeditem", "clickeditemid", "clickedproduct", "docid"),
        *("documentid", "doc", "document", "itemid", "productid", "resultid", "articleid"),
        *("pageid", "asin", "sku", "url", "page", "item", "product", "id"),
    ),
    "clicks": ("clicks", "clickcount", "numclicks", "nclicks", "clicked", "isclicked", "click"),
    "impressions": (
        *("impressions", "impressioncount", "numimpressions", "impression", "views", "shown"),
        *("shows", "impressionen", "einblendungen"),
    ),
    "position": ("position", "clickposition", "rank", "clickrank", "itemrank", "pos"),
    "time": (
        *("time", "timestamp", "datetime", "date", "clicktime", "querytime", "clickedat", "day"),
        *("ts", "clickedon", "eventtime"),
    ),
    "text": ("text", "snippet", "body", "content", "abstract", "passage"),
    "title": (
        *("title", "headline", "doctitle", "producttitle", "productname", "pagetitle", "titel"),
        *("titulo", "titre", "titolo", "заголовок", "标题", "タイトル"),
    ),
}
# Any other thing that is clicked, such as `clicked_article` or `clicked_kb_id`.
_CLICKED = re.compile(r"click(?:ed)?[a-z]{2,40}")
_ROW_NOTE = "no column counts clicks, so a row is taken for a click"
_NONE = "-"
_ROWS = ("clicks", "impressions", "totals")
# So many of the clicked ids are documents of the source that they lead to.
_LEADING_SHARE = 0.5


@dataclass(frozen=True)
class SearchLogGuess:
    """A search log as a source of params.yaml.

    Attributes:
        name: its name.
        origin: the file that the user named.
        sample: what the beginning of the file looks like.
        columns: field to column.
        log_rows: what a row is.
        documents_of: the source of the clicked documents; "" if the log holds their texts.
        notes: what is worth knowing about columns that are not read.
    """

    name: str
    origin: Path
    sample: TableSample
    columns: Mapping[str, str]
    log_rows: str
    documents_of: str = ""
    notes: Sequence[str] = field(default_factory=list)

    @property
    def target(self) -> Path:
        """The path under data/raw/."""
        default = f"{self.name}{self.sample.suffix}"
        is_known = self.origin.suffix == self.sample.suffix
        return raw_target(self.origin, default) if is_known else Path("data/raw") / default

    @property
    def copies(self) -> Mapping[Path, Path]:
        """The path under data/raw/, and the file that is copied there."""
        return {self.target: self.origin}

    def settings(self) -> dict[str, Any]:
        """Return the settings of the source as they stand in params.yaml."""
        settings: dict[str, Any] = {"reader": "search_log", "path": self.target.as_posix()}
        settings |= {**self.sample.settings, "rows": self.log_rows, "columns": dict(self.columns)}
        if self.documents_of:
            settings["documents_of"] = self.documents_of
        return settings

    def description(self) -> list[str]:
        """Return lines that show the log: its columns, what is not read, three rows."""
        lines = [
            f"Source '{self.name}': {self.origin}, a search log (reader: search_log); "
            f"rows: {self.log_rows}"
        ]
        if self.documents_of:
            lines.append(f"  documents of '{self.documents_of}'")
        lines += [f"  {name:<11}  '{column}'" for name, column in self.columns.items()]
        used = set(self.columns.values())
        unread = [column for column in self.sample.values if column not in used]
        if unread:
            lines.append(f"  not read: {listed(unread)}")
        lines += [f"  note: {note}" for note in self.notes]

        for index in range(min(RECORDS_SHOWN, self.sample.row_count)):
            lines.append(f"  row {index + 1}")
            for name, column in self.columns.items():
                lines.append(f"    {name}: {shortened(self.sample.values[column][index])}")
        return lines

    def ask(self) -> SearchLogGuess:
        """Return the log as a person confirms it, or with the columns that they name."""
        say("\n".join(self.description()))
        if typer.confirm("Is this right?", default=True):
            return self

        # A column for each field, or none.
        names = [*self.sample.values, _NONE]
        columns: dict[str, str] = {}
        say(f"Columns: {', '.join(names[:-1])}. A column for each field; {_NONE} for none.")
        for name in LogColumns.model_fields:
            column = _prompt(f"  {name}", names, self.columns.get(name, _NONE))
            if column != _NONE:
                columns[name] = column
        log_rows = _prompt(f"  a row is one of {', '.join(_ROWS)}", _ROWS, self.log_rows)
        return replace(self, columns=columns, log_rows=log_rows).ask()

    def read(
        self, sources: Mapping[str, Source], known_documents: Collection[str]
    ) -> tuple[SearchLogGuess, SourceRows]:
        """Return the log and its rows, as `collect` reads them."""
        settings = SearchLogSource.model_validate(self.settings())
        check_search_log(self.name, settings, {**sources, self.name: settings})
        with linked_raw(self.copies) as raw:
            rows = read_log(settings, ReadRequest(self.name, raw, known_documents))
        return self, rows


def recognise_search_log(argument: str, used: Collection[str]) -> SearchLogGuess | None:
    """Return the guess for a search log; None for anything else."""
    path = Path(argument)
    if not path.is_file() or not is_known(path):
        return None
    try:
        sample = read_sample(path)
    except UserError:
        return None
    if ".xlsx" in sample.suffix or sample.settings.keys() - {"encoding", "delimiter", "quote"}:
        return None

    columns = _guess_columns(sample.values)
    if "query" not in columns or not {"document", "text"} & columns.keys():
        return None
    if not _says_clicks(path, sample, columns):
        return None

    log_rows, unused = _guess_rows(sample.values, columns)
    notes = [] if "clicks" in columns or log_rows != "clicks" else [_ROW_NOTE]
    notes += [f"column '{columns.pop(name)}' says no more than the rows do" for name in unused]
    notes += _drop_unreadable(sample.values, columns)
    name = free_name(source_name(stem_of(path)), list(used))
    return SearchLogGuess(name, path, sample, columns, log_rows, notes=notes)


def _says_clicks(path: Path, sample: TableSample, columns: Mapping[str, str]) -> bool:
    """Return whether a column or the file is called one of clicks.

    Where neither is, rows of a query and an id with a position and a time are a log too.
    """
    document = columns.get("document", "")
    if "clicks" in columns or "click" in plain_name(document):
        return True

    facts = column_facts(sample.values.get(document, []))
    is_named = facts.is_whole or facts.code_share > 0.5 or facts.url_share > 0.5
    is_log = "click" in plain_name(path.name) or {"position", "time"} <= columns.keys()
    return is_named and is_log


def linked_logs(guesses: Sequence[SourceGuess]) -> list[SourceGuess]:
    """Return the guesses, each log with the source whose documents were clicked.

    Raises:
        UserError: a log has no texts, and no source holds its documents.
    """
    return [
        _linked(guess, guesses) if isinstance(guess, SearchLogGuess) else guess for guess in guesses
    ]


def positive_from(guesses: Sequence[SourceGuess], rows_of_source: Mapping[str, SourceRows]) -> Any:
    """Return the score from which pairs are positives, so that clicked ones are; None to keep it.

    A share of clicks is small, and a pair under `pair.positive_from` is a hard negative.
    """
    scores = [
        score
        for guess in guesses
        if isinstance(guess, SearchLogGuess)
        for score in rows_of_source[guess.name].pairs["score"]
    ]
    if not scores:
        return None

    # Rounded down, so that the smallest one still counts.
    smallest = min(scores)
    digits = max(2, 1 - math.floor(math.log10(smallest)))
    return math.floor(smallest * 10**digits) / 10**digits


def _guess_columns(values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return field to column, by the names of the columns."""
    column_of_name = {plain_name(column): column for column in reversed(list(values))}
    columns: dict[str, str] = {}
    for name, known in _NAMES.items():
        matches = [
            column_of_name[plain_name(word)] for word in known if plain_name(word) in column_of_name
        ]
        free = [column for column in matches if column not in columns.values()]
        if free:
            columns[name] = free[0]

    # A column of what was clicked says more than the name of a column that may be anything.
    known_names = {plain_name(word) for words in _NAMES.values() for word in words}
    for name, column in column_of_name.items():
        if _CLICKED.fullmatch(name) and name not in known_names:
            columns["document"] = column
            break

    # Texts have the names that they have in tables, such as `doc_text` and `Inhalt`. Titles have
    # not: a column such as `user_name` may name people.
    if "text" not in columns:
        columns |= _named_text(values, columns.values())
    return columns


def _named_text(values: Mapping[str, Sequence[str]], used: Collection[str]) -> dict[str, str]:
    """Return the free column of texts whose name is the best one of documents."""
    rank_of_column: dict[str, int] = {}
    for column in values:
        rank = name_rank(column, "text")
        if column not in used and rank is not None and column_facts(values[column]).is_prose:
            rank_of_column[column] = rank
    if not rank_of_column:
        return {}
    return {"text": min(rank_of_column, key=lambda column: rank_of_column[column])}


def _guess_rows(
    values: Mapping[str, Sequence[str]], columns: Mapping[str, str]
) -> tuple[str, list[str]]:
    """Return what a row is, and the fields that say nothing then."""
    clicks = [to_count(value) for value in values.get(columns.get("clicks", ""), [])]
    has_impressions = "impressions" in columns
    if not any(count is not None for count in clicks):
        return "clicks", [name for name in ("clicks", "impressions") if name in columns]
    if has_impressions:
        return "totals", []

    # Ones and zeros say of each result whether it was clicked. Ones alone are clicks.
    counts = {count for count in clicks if count is not None}
    if counts == {1}:
        return "clicks", ["clicks"]
    return ("impressions" if counts <= {0, 1} else "totals"), []


def _drop_unreadable(values: Mapping[str, Sequence[str]], columns: dict[str, str]) -> list[str]:
    """Take out times and positions whose bad values would cost rows, and return notes on them."""
    notes: list[str] = []
    readable: dict[str, Callable[[str], object]] = {"time": to_utc, "position": to_position}
    for name, is_readable in readable.items():
        column = columns.get(name)
        bad = [text for text in values.get(column or "", []) if text.strip()]
        bad = [text for text in bad if not is_readable(text)]
        if column and bad:
            del columns[name]
            notes.append(f"column '{column}' is no {name} (such as {bad[0]!r}), so it is not read")
    return notes


def to_position(text: str) -> str:
    """Return a position as it is written; "" if it is no count."""
    return text if to_count(text) is not None else ""


def _linked(guess: SearchLogGuess, guesses: Sequence[SourceGuess]) -> SearchLogGuess:
    column = guess.columns.get("document")
    ids = set(guess.sample.values[column]) - {""} if column else set()
    for other in guesses:
        if isinstance(other, SearchLogGuess) or other.documents_of or not ids:
            continue
        _, rows = other.read({}, set())
        known = IdSet(row[0] for row in rows.documents)
        leading = sum(document_id(other.name, key) in known for key in ids)
        if leading >= _LEADING_SHARE * len(ids):
            columns = {
                name: used for name, used in guess.columns.items() if name not in ("text", "title")
            }
            return replace(guess, columns=columns, documents_of=other.name)

    if "text" not in guess.columns:
        raise UserError(
            f"{guess.origin}: no source holds the documents that its column '{column}' names",
            "name the file of the documents too; its key is what the log names",
        )
    return guess


def _prompt(text: str, choices: Sequence[str], default: str) -> str:
    choice = str(typer.prompt(text, default=default))
    while choice not in choices:
        say(f"  there is no '{choice}'")
        choice = str(typer.prompt(text, default=default))
    return choice
