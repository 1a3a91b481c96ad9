"""Files between the steps of a join in partitions.

A step writes a file for each partition that it works on. A file is either for the same partition of
a later step, or it has a piece for each partition: row groups with the number of the partition in a
column `destination`. So n partitions exchange n files, and not n times n.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet

from stages.lib.core import atomic
from stages.lib.core.tables import readable

# The column with the partition that a row is for.
DESTINATION = "destination"

# These files live for minutes. A higher level takes longer than it saves.
_FORMAT = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": False,
    "write_statistics": [DESTINATION],
}


def file_of(scratch: Path, name: str, number: int) -> Path:
    """Return the path of the file that the task `number` writes under `name`.

    >>> file_of(Path("scratch"), "pairs", 12)
    PosixPath('scratch/pairs-0012.parquet')
    """
    return scratch / f"{name}-{number:04d}.parquet"


def write_file(rows: arrow.RecordBatchReader, path: Path) -> int:
    """Write `rows` to `path`, and return their number.

    If there is a column `destination`, rows are sorted by it, and each row group has one value.
    """
    row_count = 0
    has_pieces = DESTINATION in rows.schema.names
    with (
        atomic.write(path) as temporary,
        parquet.ParquetWriter(temporary, rows.schema, **_FORMAT) as writer,
    ):
        for batch in rows:
            row_count += batch.num_rows
            for piece in _pieces(batch) if has_pieces else [batch]:
                writer.write_batch(piece)
    return row_count


def read_files(paths: Sequence[Path], destination: int | None) -> arrow.RecordBatchReader:
    """Return the rows of the files, one row group after another.

    Args:
        paths: at least one file. All have the same columns.
        destination: the partition whose pieces are read; None for all rows.
    """
    with readable(paths[0]):
        schema = parquet.read_schema(paths[0])
    if DESTINATION in schema.names:
        schema = schema.remove(schema.get_field_index(DESTINATION))
    return arrow.RecordBatchReader.from_batches(schema, _batches(paths, destination, schema))


def _pieces(batch: arrow.RecordBatch) -> Iterator[arrow.RecordBatch]:
    """Yield the rows of each destination; they are sorted by it."""
    destinations = batch.column(DESTINATION).to_numpy()
    cuts = np.flatnonzero(np.diff(destinations)) + 1
    edges = [0, *cuts.tolist(), len(destinations)]
    for start, end in pairwise(edges):
        yield batch.slice(start, end - start)


def _batches(
    paths: Sequence[Path], destination: int | None, schema: arrow.Schema
) -> Iterator[arrow.RecordBatch]:
    for path in paths:
        with readable(path), parquet.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                if destination is None or destination == _destination_of(file, group):
                    yield from file.read_row_group(group, schema.names).to_batches()


def _destination_of(file: parquet.ParquetFile, group: int) -> int:
    """Return the destination of a row group, from the statistics of its column."""
    column = file.schema_arrow.get_field_index(DESTINATION)
    return int(file.metadata.row_group(group).column(column).statistics.min)
