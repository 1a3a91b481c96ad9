"""Temporary folders: they go with the process that made them, or after a kill with a later one.

They are in TMPDIR, or in /tmp without it. A name has the number of its process, and that process
holds a lock on the folder. A folder is removed if its process is gone and nobody holds the lock:
on a disk of several machines, or in a container, the number alone would say nothing.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from stages.lib.core.errors import UserError

_NAME = re.compile(r"pairsmith-([0-9]+)-\w+")
# The descriptor that holds the lock on each folder of this process.
_locks: dict[Path, int] = {}


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a new folder, which is removed after the block.

    >>> with temporary_folder() as folder:
    ...     folder.is_dir()
    True
    >>> folder.exists()
    False
    """
    folder = _new_folder()
    try:
        yield folder
    finally:
        _remove(folder, os.getpid())


def lasting_folder() -> Path:
    """Return a new folder, which is removed when this process ends."""
    folder = _new_folder()
    atexit.register(_remove, folder, os.getpid())
    return folder


def temporary_root() -> Path:
    """Return the folder in which all temporary folders and files are.

    Raises:
        UserError: no folder can be written.
    """
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise UserError(
            f"there is no folder for temporary files: {error.strerror}",
            "free some space there, or set TMPDIR to a folder that can be written, then run the "
            "same command again",
        ) from None


def remove_left(root: Path) -> list[Path]:
    """Remove the folders that killed processes left in `root`, and return them."""
    removed = []
    for folder in sorted(root.glob("pairsmith-*")):
        name = _NAME.fullmatch(folder.name)
        if name is None or Path(f"/proc/{name[1]}").exists():
            continue
        # A folder of another user cannot be opened or removed, and a link is not followed.
        with suppress(OSError):
            descriptor = _lock(folder)
            try:
                shutil.rmtree(folder)
                removed.append(folder)
            finally:
                os.close(descriptor)
    return removed


def _new_folder() -> Path:
    root = temporary_root()
    _remove_left_once(root, os.getpid())
    folder = Path(tempfile.mkdtemp(prefix=f"pairsmith-{os.getpid()}-", dir=root))
    # Without locks nobody else removes the folder.
    with suppress(OSError):
        _locks[folder] = _lock(folder)
    return folder


@lru_cache(maxsize=1)
def _remove_left_once(root: Path, process_id: int) -> None:
    remove_left(root)


def _lock(folder: Path) -> int:
    """Return a descriptor that holds the lock on a folder, or raise OSError at once."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove(folder: Path, process_id: int) -> None:
    # A forked process has not made the folder.
    if os.getpid() != process_id:
        return
    shutil.rmtree(folder, ignore_errors=True)
    descriptor = _locks.pop(folder, None)
    if descriptor is not None:
        os.close(descriptor)
