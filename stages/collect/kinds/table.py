"""Tables of the user's own: files under data/raw/, with a mapping of their columns."""

from __future__ import annotations

from stages.collect.files import read_records
from stages.collect.kinds.kind import Kind
from stages.collect.raw_files import check_links, find_files
from stages.collect.record_rows import RecordTable, read_record_tables
from stages.collect.records import SourceRows, params_path
from stages.collect.source import ReadRequest
from stages.collect.table_settings import check_path, check_settings
from stages.collect.table_source import TableSource


def read_files(source: TableSource, request: ReadRequest) -> SourceRows:
    """Return the rows of the files. A raw record is a row of a file.

    Raises:
        UserError: a file is broken, a label is on another scale than the settings say, none of
            the rows can be used, or too many are rejected.
    """
    setting = params_path(request.name)
    check_path(source, setting)
    records = read_records(request.raw, source, setting)

    return read_record_tables([RecordTable(source, records)], request)


def _read(source: TableSource, request: ReadRequest) -> SourceRows:
    check_path(source, params_path(request.name))
    check_links(find_files(request.raw, source.path), request.raw)

    return read_files(source, request)


KIND = Kind(TableSource, _read, check_settings)
