"""Queries against a database, read from the snapshot that `python -m stages fetch` has written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from stages.collect.kinds.kind import Kind
from stages.collect.records import SourceRows, params_path
from stages.collect.snapshots import SnapshotSource, read_snapshot, snapshot_table
from stages.collect.source import ReadRequest, Source
from stages.collect.table_settings import check_settings
from stages.lib.core.errors import UserError

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SqlSource(SnapshotSource):
    """A query, and the name of the environment variable that holds the URL of the database."""

    reader: Literal["sql"]
    url_env: str
    query: str = Field(min_length=1)


def is_variable(name: str) -> bool:
    """Return whether `name` can be the name of an environment variable.

    >>> is_variable("HELPDESK_URL"), is_variable("sqlite:///helpdesk.db")
    (True, False)
    """
    return _VARIABLE.fullmatch(name) is not None


def _check(name: str, source: SqlSource, sources: Mapping[str, Source]) -> None:
    # The value may be a URL with a password, so no error shows it.
    if not is_variable(source.url_env):
        raise UserError(
            f"params.yaml: {params_path(name)}.url_env is not the name of an environment variable",
            "put the URL into a variable (export HELPDESK_URL=...), and write its name here: a "
            "password never belongs in a file",
        )

    check_settings(name, snapshot_table(name, source), sources)


def _read(source: SqlSource, request: ReadRequest) -> SourceRows:
    table = snapshot_table(request.name, source)
    origin = f"a query of the database in {source.url_env}"
    return read_snapshot(source, table, request, origin=origin)


KIND = Kind(SqlSource, _read, _check)
