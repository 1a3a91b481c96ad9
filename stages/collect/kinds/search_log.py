"""Logs of a search: which documents people clicked for a query.

| rows | a row is | clicks | share of clicks |
| --- | --- | --- | --- |
| clicks | a click | counted | of all clicks of the query |
| impressions | a result that was shown | `clicks`: whether it was clicked | of the impressions |
| totals | a query with a document | `clicks` | of `impressions`, or of the query's clicks |

The rows of a query and a document are added up. Queries that differ in case, in spaces or in the
form of their characters (NFC) are one query; its most frequent spelling is the anchor, and of
equally frequent ones the first in order. The score of a pair is its share of clicks. Pairs under
`min_clicks` or `min_click_share` are left out, each with its counts in the ledger.

Only the mapped columns are read: no names, addresses, sessions or devices of people.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from stages.collect.columns import ColumnMapping
from stages.collect.files import read_rows
from stages.collect.kinds.clicks import ClickLimits, ClickRow, Clicks
from stages.collect.kinds.kind import Kind
from stages.collect.kinds.whole_rows import check_raw_path, dialect
from stages.collect.raw_files import RESTORE, check_links, find_files, table_format
from stages.collect.record_rows import RecordTable, read_record_tables
from stages.collect.records import SourceRows, params_path
from stages.collect.source import FileSource, ReadRequest, Source
from stages.collect.table_settings import check_target
from stages.collect.table_source import Columns, table_of
from stages.lib.core.errors import UserError

FORMATS = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
REMEDY = "correct the columns of the source in params.yaml, or the file; or lower its limits"
# What each row is, to the columns that it needs, and to those that it may have.
_COUNTS_OF_ROWS = {
    "clicks": ((), ()),
    "impressions": (("clicks",), ()),
    "totals": (("clicks",), ("impressions",)),
}


class LogColumns(Source):
    """The column of the log that holds each field. Other columns are not read."""

    query: str = Field(min_length=1)
    document: str | None = Field(default=None, min_length=1)
    text: str | None = Field(default=None, min_length=1)
    title: str | None = Field(default=None, min_length=1)
    clicks: str | None = Field(default=None, min_length=1)
    impressions: str | None = Field(default=None, min_length=1)
    position: str | None = Field(default=None, min_length=1)
    time: str | None = Field(default=None, min_length=1)

    def mapped(self) -> dict[str, str]:
        """Return the mapped fields: field to column."""
        return {field: column for field, column in self.model_dump().items() if column is not None}


class SearchLogSource(FileSource):
    """A search log under data/raw/.

    Attributes:
        path: the file, or a pattern.
        rows: what a row is.
        columns: the column of each field. `document` is the id of a clicked document.
        documents_of: the source of the documents; null: the log holds their texts.
        min_clicks: pairs with fewer clicks are left out.
        min_click_share: pairs with a smaller share of clicks are left out.
    """

    reader: Literal["search_log"]
    rows: Literal["clicks", "impressions", "totals"]
    columns: LogColumns
    documents_of: str | None = None
    min_clicks: int = Field(default=1, ge=1)
    min_click_share: float = Field(default=0.0, ge=0.0, le=1.0)
    encoding: str = "utf-8"
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    quote: str | None = Field(default='"', min_length=1, max_length=1)

    @property
    def target(self) -> str:
        """The name of the source whose documents the pairs lead to; "" for its own documents."""
        return self.documents_of or ""


class LogMapping(ColumnMapping):
    """The columns of a log, for the readers of files. Errors name them as the settings do."""

    def __init__(self, source: SearchLogSource, setting: str) -> None:
        self.source = dialect(
            source.path, encoding=source.encoding, delimiter=source.delimiter, quote=source.quote
        )
        self.setting = setting
        self.field_of_column = {column: field for field, column in source.columns.mapped().items()}


def check_search_log(name: str, source: SearchLogSource, sources: Mapping[str, Source]) -> None:
    """Check that the columns are those that the rows need, and that the documents are somewhere.

    Raises:
        UserError: a setting makes no sense. The message names the key of params.yaml.
    """
    setting = params_path(name)
    check_raw_path(source.path, setting)
    if table_format(source.path) not in FORMATS and not source.path.endswith(".zip"):
        raise UserError(
            f"params.yaml: {setting}.path = '{source.path}' ends in none of {', '.join(FORMATS)} "
            "(.gz, .zst, .zip)",
            "save the log in one of these formats",
        )

    # The counts.
    mapped = source.columns.mapped()
    needed, allowed = _COUNTS_OF_ROWS[source.rows]
    for column in ("clicks", "impressions"):
        if column in needed and column not in mapped:
            raise UserError(
                f"params.yaml: {setting}.rows = '{source.rows}' needs {setting}.columns.{column}",
                "map the column, or say what a row is: clicks, impressions or totals",
            )
        if column in mapped and column not in (*needed, *allowed):
            raise UserError(
                f"params.yaml: {setting}.columns.{column} has no meaning where rows = "
                f"'{source.rows}'",
                f"remove the key, or set {setting}.rows to what a row is",
            )

    _check_columns_differ(mapped, setting)
    _check_documents(name, source, sources)


def read_search_log(source: SearchLogSource, request: ReadRequest) -> SourceRows:
    """Return the rows of a log.

    A raw record is a query with a document, or a row that cannot be used.

    Raises:
        UserError: a file is broken or lacks a column, or too many records are rejected.
    """
    setting = params_path(request.name)
    mapping = LogMapping(source, setting)
    clicks = Clicks(source.rows, has_impressions=source.columns.impressions is not None)
    row_count = 0
    for file in find_files(request.raw, source.path):
        for place, values in read_rows(file, mapping):
            row_count += 1
            clicks.add(ClickRow.of(values, source.columns.mapped(), place))
    if not row_count:
        raise UserError(f"{source.path} holds no rows", RESTORE)

    # The texts of the log are documents, each once, named by their ids or by themselves.
    limits = ClickLimits(source.min_clicks, source.min_click_share)
    columns = Columns(
        key="key",
        anchor="query",
        document_key="document",
        score="share",
        time="time" if source.columns.time else None,
        relation="position" if source.columns.position else None,
    )
    tables = [
        RecordTable(
            table_of(source, columns, documents_of=source.documents_of or request.name),
            clicks.records(limits),
            REMEDY,
        )
    ]
    if source.documents_of is None:
        document_columns = Columns(key="document", title="title", text="text")
        documents = clicks.documents()
        tables.insert(0, RecordTable(table_of(source, document_columns), documents, REMEDY))

    return read_record_tables(tables, request)


def _check_columns_differ(mapped: Mapping[str, str], setting: str) -> None:
    field_of_column: dict[str, str] = {}
    for field, column in mapped.items():
        other = field_of_column.setdefault(column, field)
        if other != field:
            raise UserError(
                f"params.yaml: {setting}.columns.{other} and {setting}.columns.{field} are both "
                f"'{column}'",
                "map a column to one field",
            )


def _check_documents(name: str, source: SearchLogSource, sources: Mapping[str, Source]) -> None:
    setting = params_path(name)
    columns = source.columns
    if source.documents_of is None:
        if columns.text is None:
            raise UserError(
                f"params.yaml: {setting} has neither documents_of nor columns.text",
                "name the source of the clicked documents, or map the column of their texts",
            )
        return

    if columns.document is None:
        raise UserError(
            f"params.yaml: {setting}.documents_of needs {setting}.columns.document",
            "map the column of the ids of the clicked documents",
        )
    for field in ("text", "title"):
        if getattr(columns, field) is not None:
            raise UserError(
                f"params.yaml: {setting}.columns.{field} has no meaning beside documents_of",
                "remove the key: the documents come from the other source",
            )
    check_target(name, source.documents_of, sources)


def _read(source: SearchLogSource, request: ReadRequest) -> SourceRows:
    check_links(find_files(request.raw, source.path), request.raw)

    return read_search_log(source, request)


KIND = Kind(SearchLogSource, _read, check_search_log)
