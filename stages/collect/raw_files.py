"""The files of a source under data/raw/: which they are, and their bytes, decompressed.

A path may be a pattern for several files. A file may be compressed with gzip or Zstandard, or be
the one file in a zip archive. A file that unpacks to far more than any table does is refused.
"""

from __future__ import annotations

import gzip
import io
import lzma
import re
import shutil
import struct
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple
from zipfile import BadZipFile, ZipFile, ZipInfo

from stages.lib.core.errors import UserError
from stages.lib.core.temporary_folders import temporary_root

RAW = PurePosixPath("data/raw")
FORMATS = (".csv", ".tsv", ".jsonl", ".json", ".parquet", ".xlsx")
COMPRESSIONS = (".gz", ".zst", ".zip")
RESTORE = "export the file again, or restore it with 'dvc checkout'"

# Repetitive tables are compressed to a 50th at most. Small files may be anything.
LARGEST_RATIO = 200
ALWAYS_ALLOWED = 64 * 2**20

# The first bit of the flags of a file in a zip archive.
_ENCRYPTED = 1
_PATTERN = re.compile(r"[*?\[]")
# In the cache of DVC the name of a file is the hash of its content.
_CACHE_ENTRY = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}$")
UNREADABLE = (
    *(OSError, EOFError, zlib.error, lzma.LZMAError, struct.error, BadZipFile),
    *(NotImplementedError, RuntimeError, ValueError),
)


class RawFile(NamedTuple):
    """A file under data/raw/: its path on this machine, and its name from the root."""

    path: Path
    name: str

    @property
    def table_format(self) -> str:
        """The format of its table, such as ".csv"; "" for a zip that does not say."""
        return table_format(self.name)

    @property
    def compression(self) -> str:
        """How it is compressed, such as ".gz"; "" if it is not."""
        return compression_of(self.name)


def compression_of(name: str) -> str:
    """Return the suffix of the compression; "" for none.

    >>> compression_of("faq.csv.gz"), compression_of("faq.csv")
    ('.gz', '')
    """
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix in COMPRESSIONS else ""


def table_format(name: str) -> str:
    """Return the suffix of the format, without that of a compression; "" if it is unknown.

    >>> table_format("faq.csv.gz"), table_format("faq.JSONL"), table_format("faq.txt")
    ('.csv', '.jsonl', '')
    """
    compression = compression_of(name)
    suffix = PurePosixPath(name[: len(name) - len(compression)]).suffix.lower()
    return suffix if suffix in FORMATS else ""


def find_files(raw: Path, path: str) -> list[RawFile]:
    """Return the files of a source, in the order of their names.

    Args:
        raw: the folder that stands for data/raw.
        path: the path of the settings, which lies under data/raw/. It may be a pattern.

    Raises:
        UserError: there is none, or one is empty.
    """
    inside = PurePosixPath(path).relative_to(RAW)
    paths = [raw / inside]
    if not paths[0].is_file() and _PATTERN.search(path):
        paths = sorted(
            (match for match in raw.glob(str(inside)) if match.is_file()), key=Path.as_posix
        )

    files = [RawFile(file, (RAW / file.relative_to(raw).as_posix()).as_posix()) for file in paths]
    if not files:
        raise UserError(
            f"no file matches {path}",
            "correct the pattern, or run 'dvc pull' if the files are tracked by DVC",
        )

    for file in files:
        _check_file(file)
    return files


def check_links(files: Sequence[RawFile], raw: Path) -> None:
    """Check that no file is a link out of the folder: it would be read without being tracked.

    DVC itself may link a tracked file to its cache.

    Raises:
        UserError: one is.
    """
    for file in files:
        target = file.path.resolve()
        is_inside = target.is_relative_to(raw.resolve())
        if not is_inside and not _CACHE_ENTRY.search(target.as_posix()):
            raise UserError(
                f"{file.name} is a link to {target}, outside {RAW}/",
                f"copy the file into {RAW}/: DVC tracks that folder",
            )


def _check_file(file: RawFile) -> None:
    if not file.path.is_file():
        raise UserError(
            f"{file.name} does not exist",
            f"put it there and run 'dvc add {file.name}' (experiments elsewhere see only what DVC "
            "tracks); if DVC tracks it already, run 'dvc pull'",
        )

    if not file.path.stat().st_size:
        raise UserError(f"{file.name} is empty", RESTORE)


@contextmanager
def open_bytes(file: RawFile) -> Iterator[tuple[io.BufferedReader, str]]:
    """Give the decompressed bytes of `file`, and the format of the table in them.

    Raises:
        UserError: the file cannot be decompressed, or holds too much or no table.
    """
    with ExitStack() as stack:
        if not file.compression:
            yield stack.enter_context(file.path.open("rb")), file.table_format
            return

        packed_size = file.path.stat().st_size
        try:
            source, known_format = _open_compressed(file, stack)
        except UNREADABLE as error:
            raise _unreadable(file, error) from None

        guarded = _GuardedReader(source, file, limit=unpacked_limit(packed_size))
        yield io.BufferedReader(guarded, 2**20), known_format


@contextmanager
def open_seekable(file: RawFile) -> Iterator[IO[bytes]]:
    """Give the decompressed bytes of `file` as a file that can be read in any order."""
    with open_bytes(file) as (stream, _):
        if not file.compression:
            yield stream
            return

        with tempfile.TemporaryFile(dir=temporary_root()) as unpacked:
            shutil.copyfileobj(stream, unpacked, 2**20)
            unpacked.seek(0)
            yield unpacked


def unpacked_limit(packed_size: int) -> int:
    """Return how many bytes a file of `packed_size` bytes may unpack to."""
    return max(ALWAYS_ALLOWED, LARGEST_RATIO * packed_size)


def check_unpacked_size(name: str, declared: int, packed_size: int) -> None:
    """Check the size that an archive declares.

    Raises:
        UserError: it is far larger than that of any table.
    """
    if declared > unpacked_limit(packed_size):
        raise _too_large(name, packed_size)


def _open_compressed(file: RawFile, stack: ExitStack) -> tuple[Any, str]:
    if file.compression == ".gz":
        return stack.enter_context(gzip.open(file.path, "rb")), file.table_format
    if file.compression == ".zst":
        import pyarrow as arrow

        stream = arrow.input_stream(str(file.path), compression="zstd")
        return stack.enter_context(stream), file.table_format

    archive = stack.enter_context(ZipFile(file.path))
    entry = _single_entry(archive, file)
    if entry.flag_bits & _ENCRYPTED:
        raise UserError(
            f"{file.name} holds {entry.filename[:80]!r}, which a password locks",
            "unpack it with its password, and name the unpacked file",
        )
    inner_format = file.table_format or table_format(entry.filename)
    check_unpacked_size(file.name, entry.file_size, file.path.stat().st_size)

    return stack.enter_context(archive.open(entry)), inner_format


def _single_entry(archive: ZipFile, file: RawFile) -> ZipInfo:
    """Return the one file of the archive. What macOS adds to archives is no file of the user."""
    entries = [
        entry
        for entry in archive.infolist()
        if not entry.is_dir()
        and not entry.filename.startswith("__MACOSX/")
        and PurePosixPath(entry.filename).name != ".DS_Store"
    ]
    if len(entries) != 1:
        names = ", ".join(entry.filename[:40] for entry in entries[:5]) or "nothing"
        raise UserError(
            f"{file.name} holds {len(entries)} files ({names})",
            "pack each table into an archive of its own, or unpack them and name a pattern",
        )

    entry = entries[0]
    inner_format = table_format(entry.filename)
    is_known = bool(inner_format) and not compression_of(entry.filename)
    if not is_known or file.table_format not in ("", inner_format):
        raise UserError(
            f"{file.name} holds {entry.filename[:80]!r}, which is no "
            f"{file.table_format or 'table'}",
            f"pack a file that ends in one of {', '.join(FORMATS)}",
        )
    return entry


class _GuardedReader(io.RawIOBase):
    """Decompressed bytes. Reading stops with a UserError at a fault, and past the limit."""

    def __init__(self, source: Any, file: RawFile, *, limit: int) -> None:
        self._source = source
        self._file = file
        self._limit = limit
        self._bytes_read = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into `buffer`, and return the number of bytes; 0 at the end."""
        try:
            chunk = self._source.read(len(buffer))
        except UNREADABLE as error:
            raise _unreadable(self._file, error) from None

        self._bytes_read += len(chunk)
        if self._bytes_read > self._limit:
            raise _too_large(self._file.name, self._file.path.stat().st_size)

        buffer[: len(chunk)] = chunk
        return len(chunk)


def _unreadable(file: RawFile, error: Exception) -> UserError:
    cause = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return UserError(f"{file.name} is not a readable {file.compression} file: {cause}", RESTORE)


def _too_large(name: str, packed_size: int) -> UserError:
    return UserError(
        f"{name}, {packed_size:,} bytes, unpacks to more than {unpacked_limit(packed_size):,} "
        "bytes, as no table does",
        "unpack it by yourself if you trust it, and name the unpacked file",
    )
