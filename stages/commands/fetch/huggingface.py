"""Take the snapshot of a data set of a hub: its Parquet files, as one. No code of it is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pyarrow.parquet as parquet

from stages.collect.columns import ColumnMapping
from stages.collect.kinds.huggingface import SPLIT_COLUMN, HuggingFaceSource, table_of
from stages.collect.parquet_batches import chunks_of, rows_at_a_time
from stages.collect.records import params_path
from stages.commands.fetch.hub import (
    CONVERTED,
    DatasetSplits,
    Repository,
    download,
    find_repository,
    find_splits,
)
from stages.lib.core.errors import UserError
from stages.lib.core.machine_faults import machine_fault
from stages.lib.core.tables import PARQUET_FORMAT, SHARD_ROWS, write_row_groups

# What the rows of a batch may need in memory.
_MOST_BATCH_BYTES = 2**32


def take_snapshot(
    name: str, source: HuggingFaceSource, path: Path
) -> tuple[int, Mapping[str, str | int]]:
    """Write the rows of the splits to `path`; return their number, and the commit as a pin.

    Raises:
        UserError: the hub cannot be reached, or does not hold what the settings name.
    """
    setting = f"params.yaml: {params_path(name)}"
    repository = find_repository("dataset", source.id, source.revision, setting)
    splits = readable_splits(repository, source.config, setting)
    missing = sorted(source.splits.keys() - splits.files.keys())
    if missing:
        raise UserError(
            f"{setting}.splits: {repository.title} has no split '{missing[0]}'; "
            f"it has {', '.join(splits.files)}",
            "correct the name of the split",
        )

    chosen = {split: splits.files[split] for split in source.splits}
    count = write_splits(repository, chosen, path, setting)
    _check_columns(name, source, path)
    return count, {"revision": repository.commit}


def readable_splits(repository: Repository, config: str | None, setting: str) -> DatasetSplits:
    """Return the splits of a configuration, which all have Parquet files.

    Raises:
        UserError: there are several configurations and none is chosen, the chosen one is not
            there, or its files have another format.
    """
    splits = find_splits(repository, config, setting)
    if splits.config is None:
        fact = f"has no configuration '{config}'" if config else "has several configurations"
        raise UserError(
            f"{setting}: {repository.title} {fact}",
            f"choose one of them (config): {', '.join(splits.configs[:20])}",
        )

    files = [file for files in splits.files.values() for file in files]
    if splits.format != "parquet" or not all(file.endswith(".parquet") for file in files):
        raise UserError(
            f"{setting}: {repository.title} has files of the format '{splits.format}', not Parquet",
            f"set revision to {CONVERTED}, where the hub keeps a conversion of most data sets; "
            "or download the files and use the reader table",
        )
    return splits


def write_splits(
    repository: Repository, files_of_split: Mapping[str, Sequence[str]], path: Path, setting: str
) -> int:
    """Write the rows of all splits to `path`, in the order of the files, and return their number.

    Columns that hold bytes, such as images, are left out.

    Raises:
        UserError: a file is damaged or has other columns, or there are no rows.
    """
    folder = path.parent / "downloads"
    schema: Any = None
    writer: Any = None
    count = 0
    try:
        for split, files in sorted(files_of_split.items()):
            for file in files:
                # A file at a time, so that a large data set needs little space.
                local = download(repository, [file], folder, setting)[0]
                with _readable(local, file, repository, setting) as table:
                    schema = schema or _snapshot_schema(table.schema_arrow, repository, setting)
                    writer = writer or parquet.ParquetWriter(path, schema, **PARQUET_FORMAT)
                    _check_memory(local, table, where=f"{setting}: {file}")
                    for batch in table.iter_batches(SHARD_ROWS):
                        rows = _with_split(batch, split, schema, where=f"{setting}: {file}")
                        write_row_groups(writer, rows)
                        count += rows.num_rows
                local.unlink()
    finally:
        if writer is not None:
            writer.close()

    if not count:
        raise UserError(f"{setting}: {repository.title} holds no rows", "name another split")
    return count


def _readable(local: Path, file: str, repository: Repository, setting: str) -> Any:
    try:
        return parquet.ParquetFile(local)
    except (arrow.ArrowException, OSError) as error:
        cause = str(error).splitlines()[0]
        problem = UserError(
            f"{setting}: {file} of {repository.title} is not a readable Parquet file: {cause}",
            "name another revision, where the file is whole",
        )
        raise machine_fault(error, local) or problem from None


def _check_memory(local: Path, table: Any, *, where: str) -> None:
    """Check that a batch of rows fits into memory: a few bytes may stand for a long text each."""
    with local.open("rb") as stream:
        row_count = rows_at_a_time(stream, chunks_of(table.metadata), SHARD_ROWS)
    if row_count == SHARD_ROWS:
        return

    # So many rows as fit for certain, one batch after another.
    size = 0
    rows = 0
    for batch in table.iter_batches(row_count):
        size += batch.nbytes
        rows += batch.num_rows
        if size > _MOST_BATCH_BYTES:
            raise UserError(
                f"{where}: {SHARD_ROWS:,} rows unpack to more than {_MOST_BATCH_BYTES:,} bytes",
                "download the file, and check it before you use it",
            )
        if rows >= SHARD_ROWS:
            size = 0
            rows = 0


def _snapshot_schema(schema: Any, repository: Repository, setting: str) -> Any:
    if SPLIT_COLUMN in schema.names:
        raise UserError(
            f"{setting}: {repository.title} has a column '{SPLIT_COLUMN}', which names the splits",
            "download the files and use the reader table",
        )
    fields = [field.remove_metadata() for field in schema if not _holds_bytes(field.type)]
    return arrow.schema([*fields, arrow.field(SPLIT_COLUMN, arrow.string())])


def _holds_bytes(kind: Any) -> bool:
    if arrow.types.is_struct(kind):
        return any(_holds_bytes(field.type) for field in kind)
    if hasattr(kind, "value_type"):
        return _holds_bytes(kind.value_type)
    return bool(
        arrow.types.is_binary(kind)
        or arrow.types.is_large_binary(kind)
        or arrow.types.is_fixed_size_binary(kind)
    )


def _with_split(batch: Any, split: str, schema: Any, *, where: str) -> Any:
    rows = arrow.Table.from_batches([batch])
    names = schema.names[:-1]
    try:
        rows = rows.select(names)
        rows = rows.append_column(SPLIT_COLUMN, arrow.array([split] * len(rows), arrow.string()))
        return rows.cast(schema)
    except (arrow.ArrowException, KeyError, ValueError) as error:
        cause = str(error).splitlines()[0]
        raise UserError(
            f"{where} has other columns than the files before it: {cause}",
            "name splits whose files have the same columns",
        ) from None


def _check_columns(name: str, source: HuggingFaceSource, path: Path) -> None:
    """Check that the snapshot has each mapped column."""
    names = parquet.read_schema(path).names
    mapping = ColumnMapping(table_of(name, source), params_path(name))
    for column, field in mapping.field_of_column.items():
        if column not in names and column.partition(".")[0] not in names:
            raise UserError(
                f"params.yaml: {params_path(name)}.columns.{field}: the data set has no column "
                f"'{column}'; it has {', '.join(map(repr, names[:-1][:20]))}",
                f"correct columns.{field}",
            )
