"""Batches of Parquet files whose texts need no more memory than those of any table.

A few bytes of Parquet can say that a long text stands in each of a million rows: a text of a
dictionary is named by its number. So batches are as small as the longest text of a dictionary
asks for. In small files texts stay in their dictionaries until their size is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO, Any

from stages.collect.raw_files import RawFile, check_unpacked_size

# Rows of Parquet that are held at a time, if they are short.
BATCH_ROWS = 1_000
# Bytes of a column that are read at a time, so that a row group need not fit into memory.
BUFFER_BYTES = 2**20
# The rows of a batch that holds more bytes become values one at a time.
_LARGE_BATCH = 2**26
# In files up to this size dictionaries cost little memory.
_SMALL_FILE = 2**23
_HEADER_BYTES = 32


class ParquetRows:
    """The rows of a Parquet file.

    Args:
        stream: the file.
        file: where it comes from, for errors.
    """

    def __init__(self, stream: IO[bytes], file: RawFile) -> None:
        import pyarrow.parquet as parquet

        self._stream = stream
        self._file = file
        self._packed_size = file.path.stat().st_size
        with parquet.ParquetFile(stream, pre_buffer=False) as table:
            self._metadata = table.metadata
            self._texts = _paths_of_texts(table.schema)
            self.schema = table.schema_arrow

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """Yield each row as a dictionary, of some top-level columns or of all.

        Raises:
            UserError: the file unpacks to more than any table does.
        """
        import pyarrow as arrow
        import pyarrow.parquet as parquet

        chunks = self._chunks(columns)
        declared = sum(chunk.total_uncompressed_size for chunk in chunks)
        check_unpacked_size(self._file.name, declared, self._packed_size)

        # Keep dictionaries, or read as few rows as their longest texts allow.
        is_small = self._packed_size <= _SMALL_FILE
        batch_rows = BATCH_ROWS
        if not is_small:
            batch_rows = rows_at_a_time(self._stream, chunks, BATCH_ROWS)

        self._stream.seek(0)
        with parquet.ParquetFile(
            self._stream,
            metadata=self._metadata,
            read_dictionary=self._texts if is_small else None,
            buffer_size=BUFFER_BYTES,
            pre_buffer=False,
        ) as table:
            chosen = None if columns is None else list(columns)
            unpacked = 0
            for batch in table.iter_batches(batch_rows, columns=chosen):
                size = sum(map(_unpacked_size, batch.columns))
                unpacked += size
                check_unpacked_size(self._file.name, unpacked, self._packed_size)
                kinds = self.schema
                if chosen is not None:
                    kinds = arrow.schema([kinds.field(name) for name in batch.schema.names])
                yield from _rows_of(batch, kinds, is_large=size > _LARGE_BATCH)

    def _chunks(self, columns: Sequence[str] | None) -> list[Any]:
        """Return what the file says of the parts of its columns."""
        return [
            chunk
            for chunk in chunks_of(self._metadata)
            if columns is None
            or chunk.path_in_schema in columns
            or chunk.path_in_schema.partition(".")[0] in columns
        ]


def chunks_of(metadata: Any) -> list[Any]:
    """Return what a file says of all parts of all columns."""
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    return [group.column(index) for group in groups for index in range(group.num_columns)]


def rows_at_a_time(stream: IO[bytes], chunks: Sequence[Any], most_rows: int) -> int:
    """Return how many rows may be read at a time: their longest texts fit into memory.

    No text of a dictionary is longer than the dictionary.
    """
    longest = 1
    for chunk in chunks:
        if not chunk.has_dictionary_page or chunk.physical_type != "BYTE_ARRAY":
            continue
        stream.seek(chunk.dictionary_page_offset)
        declared = _declared_page_size(stream.read(_HEADER_BYTES))
        longest = max(longest, chunk.total_uncompressed_size if declared is None else declared)

    return max(1, min(most_rows, _LARGE_BATCH // longest))


def _paths_of_texts(schema: Any) -> list[str]:
    """Return the paths of the columns, and of parts of columns, that hold texts."""
    columns = [schema.column(index) for index in range(len(schema))]
    return [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]


def _declared_page_size(header: bytes) -> int | None:
    """Return the unpacked size that the header of a page declares; None if it is none.

    The header is a struct of Thrift's compact protocol. Its first field is the kind of the page,
    and the second its unpacked size, both as variable-length integers in zigzag form.
    """
    values: list[int] = []
    position = 0
    for _ in range(2):
        # A field of type i32 whose number is one more than that before it.
        if header[position : position + 1] != b"\x15":
            return None
        position += 1

        value = 0
        shift = 0
        while position < len(header):
            byte = header[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        values.append((value >> 1) ^ -(value & 1))

    return values[1] if values[1] >= 0 else None


def _unpacked_size(array: Any) -> int:
    """Return the bytes of an array, each text of its dictionaries written out."""
    import pyarrow as arrow
    import pyarrow.compute as compute

    kind = array.type
    if arrow.types.is_dictionary(kind):
        lengths = compute.cast(compute.binary_length(array.dictionary), arrow.int64())
        return int(compute.sum(lengths.take(array.indices)).as_py() or 0)
    if arrow.types.is_struct(kind):
        return sum(_unpacked_size(array.field(index)) for index in range(kind.num_fields))
    if hasattr(array, "flatten") and hasattr(kind, "value_type"):
        return _unpacked_size(array.flatten())

    return int(array.nbytes)


def _rows_of(batch: Any, kinds: Any, *, is_large: bool) -> Iterator[dict[str, Any]]:
    """Yield the rows of a batch; one at a time where all together are long."""
    if is_large:
        for index in range(len(batch)):
            yield from batch.slice(index, 1).to_pylist()
        return

    # Written out, texts become values ten times as fast.
    yield from (batch if batch.schema.equals(kinds) else batch.cast(kinds)).to_pylist()
