"""Data sets of a hub such as Hugging Face, read from a snapshot.

`python -m stages fetch` writes it. The snapshot holds the rows of all splits. The column `hf_split`
says which split a row is from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from stages.collect.kinds.kind import Kind
from stages.collect.records import SourceRows, params_path
from stages.collect.snapshots import SnapshotSource, read_snapshot, snapshot_table
from stages.collect.source import ReadRequest, Source, SplitName
from stages.collect.table_settings import check_settings
from stages.collect.table_source import TableSource
from stages.lib.core.errors import UserError

SPLIT_COLUMN = "hf_split"
COMMIT = r"[0-9a-f]{40}"


class HuggingFaceSource(SnapshotSource):
    """A data set by its id. `splits` gives each of its splits the split that it is here.

    null stands for rows that are split as those of any source. `fetch` turns `revision` into the
    commit that it stands for.
    """

    reader: Literal["huggingface"]
    id: str = Field(pattern=r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")
    config: str | None = Field(default=None, min_length=1)
    revision: str = ""
    splits: dict[str, SplitName | None] = Field(min_length=1)

    @property
    def gives_splits(self) -> bool:
        """Whether some rows come with the split that they are in."""
        return any(split is not None for split in self.splits.values())


def table_of(name: str, source: HuggingFaceSource) -> TableSource:
    """Return the settings of the snapshot as a table. The splits are those of a mapped column."""
    if not source.gives_splits:
        return snapshot_table(name, source)

    columns = source.columns.model_copy(update={"split": SPLIT_COLUMN})
    settings: dict[str, Any] = {"columns": columns, "split_names": dict(source.splits)}
    return snapshot_table(name, source, **settings)


def _check(name: str, source: HuggingFaceSource, sources: Mapping[str, Source]) -> None:
    setting = params_path(name)
    if source.gives_splits:
        for key, is_given in (
            ("columns.split", source.columns.split is not None),
            ("split", source.split is not None),
            ("split_names", bool(source.split_names)),
        ):
            if is_given:
                raise UserError(
                    f"params.yaml: {setting} has both splits and {key}",
                    "keep 'splits', which says what each split of the data set is here; or give "
                    "each of them null",
                )

        # Documents have no split of their own.
        if source.columns.anchor is None:
            raise UserError(
                f"params.yaml: {setting}.splits has no meaning without anchors",
                "map the queries to columns.anchor, or give each split null",
            )

    check_settings(name, table_of(name, source), sources)


def _read(source: HuggingFaceSource, request: ReadRequest) -> SourceRows:
    origin = f"the data set {source.id} of the hub"
    config = f", configuration {source.config}" if source.config else ""
    commit = f", commit {source.revision[:12]}" if source.revision else ""
    table = table_of(request.name, source)
    return read_snapshot(source, table, request, origin=f"{origin}{config}{commit}")


KIND = Kind(HuggingFaceSource, _read, _check)
