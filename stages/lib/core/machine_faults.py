"""Faults of the machine (disk, permissions, memory, limits) as errors that a user can read."""

from __future__ import annotations

import errno
import os
import re
import signal
import tempfile
from pathlib import Path

from stages.lib.core.errors import UserError

_AGAIN = "then run the same command again"
_DISK_FULL = (
    "the disk is full",
    "free some space ('python -m stages cache' shows what the cache takes; TMPDIR says where "
    f"temporary files go), {_AGAIN}",
)
_NO_MEMORY = (
    "the memory was not enough",
    f"end other programs, or set PAIRSMITH_WORKERS=1 and a lower PAIRSMITH_MEMORY, {_AGAIN}",
)
_DATABASE_MEMORY = (
    "the database needs more memory than it may use",
    f"set PAIRSMITH_MEMORY to more, such as 4GB, or PAIRSMITH_WORKERS to 1, {_AGAIN}",
)
_GPU_MEMORY = (
    "the memory of the GPU was not enough",
    "end other programs on it, or set run.device: cpu; for a training that does not fit, also a "
    f"Cached loss or a smaller finetune.batch_size, {_AGAIN}",
)
_NO_PERMISSION = (
    "this user has no permission",
    f"give this user the right to read and write the files of the project, {_AGAIN}",
)
_TOO_MANY_FILES = (
    "too many files are open",
    f"raise the limit ('ulimit -n 4096') or set PAIRSMITH_WORKERS=1, {_AGAIN}",
)

# What each error of the system means, and what to do.
_MEANINGS = {
    errno.ENOSPC: _DISK_FULL,
    errno.EDQUOT: ("this user may not store more (quota)", _DISK_FULL[1]),
    errno.EFBIG: (
        "a file grew above the limit of this process",
        f"raise the limit ('ulimit -f unlimited'), {_AGAIN}",
    ),
    errno.EROFS: (
        "the file system can only be read",
        f"mount it so that it can be written, or move the project, {_AGAIN}",
    ),
    errno.EACCES: _NO_PERMISSION,
    errno.EPERM: _NO_PERMISSION,
    errno.EMFILE: _TOO_MANY_FILES,
    errno.ENFILE: _TOO_MANY_FILES,
    errno.ENOMEM: _NO_MEMORY,
    errno.EIO: (
        "the disk reports an error",
        f"check the disk and its connection, {_AGAIN}",
    ),
    errno.ESTALE: (
        "the network file system lost the file",
        f"mount it again, {_AGAIN}",
    ),
    errno.EAGAIN: (
        "the system starts no more threads or processes",
        f"raise the limit ('ulimit -u') or set PAIRSMITH_WORKERS=1, {_AGAIN}",
    ),
}
# The exit code after a signal is this and the number of the signal.
_SIGNAL_CODES = 128
# numpy and torch do not say why a file could not be written whole.
_SHORT_WRITE = re.compile(r"requested and \d+ written|unexpected pos \d+ vs|failed writing file")
# Libraries report a lack of memory in their own words.
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc")
# DuckDB has one error for the memory that it may use, and for the disk that takes the rest.
_DATABASE_WORDS = "Out of Memory Error: "
_GPU_WORDS = re.compile(r"(CUDA|MPS backend) out of memory")
_DATABASE_DISK_WORDS = ("failed to offload", "max_temp_directory_size")
# What stops a write to a file. Without the name of one it is temporary: others are written by name.
_OF_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_THREAD_WORDS = ("can't start new thread", "failed to create thread")


def problem_of(error: BaseException) -> UserError | None:
    """Return what is printed when a run ends with `error`; None for a bug, which has a traceback.

    >>> print(problem_of(KeyboardInterrupt()))
    the run was interrupted, and what it wrote was taken back
      remedy: run the same command again
    """
    if isinstance(error, UserError):
        return error
    if exit_code(error) > _SIGNAL_CODES:
        return UserError(
            "the run was interrupted, and what it wrote was taken back",
            "run the same command again",
        )
    return machine_fault(error)


def exit_code(error: BaseException) -> int:
    """Return the exit code of a run that ends with `error`: 128 and more after a signal.

    >>> exit_code(KeyboardInterrupt()), exit_code(SystemExit(143)), exit_code(ValueError())
    (130, 143, 1)
    """
    if isinstance(error, KeyboardInterrupt):
        return _SIGNAL_CODES + signal.SIGINT
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return error.code
    return 1


def machine_fault(error: BaseException, path: Path | None = None) -> UserError | None:
    """Return the UserError of a fault of the machine; None if the error is of another kind.

    Libraries raise errors of their own for a full disk, and their text has the words of the
    system.

    Args:
        error: any error.
        path: what was read or written, if the error does not say it.

    >>> print(machine_fault(OSError(errno.EROFS, "Read-only file system"), Path("a.parquet")).fact)
    the file system can only be read: a.parquet (Read-only file system)
    >>> machine_fault(ValueError("a bug")) is None
    True
    """
    if isinstance(error, UserError):
        return None
    code = _error_code(error)
    if code is None:
        return None
    fact, remedy = _MEANINGS[code]
    cause = getattr(error, "strerror", None) or str(error)
    if code == errno.ENOMEM and cause.startswith(_DATABASE_WORDS):
        fact, remedy = _DATABASE_MEMORY
    if code == errno.ENOMEM and _GPU_WORDS.search(cause):
        fact, remedy = _GPU_MEMORY

    # The place, and what the system said. A temporary file has the name of its target within.
    place = getattr(error, "filename", None)
    if path is not None and (place is None or path.name in str(place)):
        place = path
    if place is None and code in _OF_WRITING and '"/' not in cause:
        place = f"most likely a temporary file in {tempfile.gettempdir()}"
    shown = [str(place)] if place else []
    if cause:
        first_line = cause.splitlines()[0][:200]
        shown.append(f"({first_line})" if place else first_line)
    return UserError(": ".join([fact, " ".join(shown)]) if shown else fact, remedy)


def _error_code(error: BaseException) -> int | None:
    """Return the number of the system's error that `error` stands for, or None."""
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno if error.errno in _MEANINGS else None
    if not isinstance(error, Exception):
        return None
    return _code_in_text(str(error))


def _code_in_text(text: str) -> int | None:
    """Return the number of the system's error that a library quotes in its own error."""
    lowered = text.lower()
    if text.startswith(_DATABASE_WORDS) and any(words in text for words in _DATABASE_DISK_WORDS):
        return errno.ENOSPC
    for code in _MEANINGS:
        if code != errno.EAGAIN and os.strerror(code) in text:
            return code
    if _SHORT_WRITE.search(text):
        return errno.ENOSPC
    if any(words in lowered for words in _MEMORY_WORDS):
        return errno.ENOMEM
    if any(words in lowered for words in _THREAD_WORDS):
        return errno.EAGAIN
    return None
