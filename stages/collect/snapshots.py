"""Snapshots: rows from elsewhere that `python -m stages fetch` has written under data/raw/.

`collect` reads files only. A source in a database or on a hub is read once, into a Parquet file
that DVC tracks and whose hash stands in params.yaml. Every run then reads this file, offline.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import Field

from stages.collect.kinds.table import read_files
from stages.collect.raw_files import RAW
from stages.collect.records import SourceRows, params_path
from stages.collect.source import ReadRequest
from stages.collect.table_source import RowSource, TableSource
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import file_hash

SNAPSHOTS = RAW / "snapshots"


class SnapshotSource(RowSource):
    """Rows that are read from a snapshot. `fetch` writes `sha256` and `rows`."""

    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    rows: int = Field(default=0, ge=0)


def snapshot_path(name: str) -> PurePosixPath:
    """Return the path of the snapshot of source `name`, from the root of the project.

    >>> snapshot_path("faq").as_posix()
    'data/raw/snapshots/faq.parquet'
    """
    return SNAPSHOTS / f"{name}.parquet"


def snapshot_table(name: str, source: SnapshotSource, **settings: Any) -> TableSource:
    """Return the settings of the snapshot as a table; `settings` replace those of the source."""
    given = source.model_fields_set & RowSource.model_fields.keys()
    values = {key: getattr(source, key) for key in given}
    path = snapshot_path(name).as_posix()
    return TableSource.model_validate({**values, **settings, "reader": "table", "path": path})


def read_snapshot(
    source: SnapshotSource, table: TableSource, request: ReadRequest, *, origin: str
) -> SourceRows:
    """Return the rows of the snapshot, after checking its hash. A raw record is a row of it.

    Args:
        source: the settings of the source.
        table: the same as those of a table.
        request: what the reader gets.
        origin: where the rows come from, for the data card.

    Raises:
        UserError: there is no snapshot, it is not the pinned one, or as for a table.
    """
    check_snapshot(request.name, source, request.raw)
    rows = read_files(table, request)
    return replace(rows, facts=replace(rows.facts, origin=origin))


def check_snapshot(name: str, source: SnapshotSource, raw: Path) -> None:
    """Check that the pinned snapshot is there.

    Args:
        name: the name of the source.
        source: its settings.
        raw: the folder that stands for data/raw.

    Raises:
        UserError: there is no snapshot, or it is not the pinned one.
    """
    path = snapshot_path(name)
    setting = params_path(name)
    if not source.sha256:
        raise UserError(
            f"params.yaml: {setting} has no snapshot yet (sha256 is not set)",
            "run 'python -m stages fetch'",
        )
    file = raw / path.relative_to(RAW)
    if not file.is_file():
        raise UserError(
            f"{path} does not exist, the snapshot of {setting}",
            f"run 'dvc pull {path}'; or take it anew with 'python -m stages fetch {name}'",
        )

    actual = file_hash(file)
    if actual != source.sha256:
        raise UserError(
            f"params.yaml: {setting}.sha256 is {source.sha256[:12]}..., but {path} is "
            f"{actual[:12]}...",
            "run 'dvc checkout' or 'git checkout params.yaml', so that both are of one commit; "
            f"or take the snapshot anew with 'python -m stages fetch {name}'",
        )
