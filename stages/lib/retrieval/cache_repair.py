"""Save what is intact of a damaged cache. The damaged file is moved and never removed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

# After so many ids in a row that cannot be read, no more are tried.
_MAX_GAP = 20_000
# The primary codes of SQLite: logic (a table is missing), a damaged page, and no database at all.
_DAMAGE_CODES = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class OtherKindError(sqlite3.DatabaseError):
    """The file is a database that this project has not made."""


def is_damage(error: Exception) -> bool:
    """Return whether an error of SQLite says that the file is damaged or of another kind.

    >>> is_damage(OSError("no space left on device"))
    False
    """
    if isinstance(error, OtherKindError):
        return True
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGE_CODES


def set_aside(path: Path, inode: int) -> Path | None:
    """Rename a damaged file, and return its new path; None if another process has done it.

    Args:
        path: the file.
        inode: the number of the damaged file; a file of another number is a new one.

    Raises:
        OSError: the folder cannot be written.
    """
    for number in range(1, 1000):
        target = path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")
        if not target.exists():
            break
    try:
        if path.stat().st_ino != inode:
            return None
        path.rename(target)
    except FileNotFoundError:
        return None

    # A journal of the damaged file must not be applied to the next one.
    journal = path.with_name(f"{path.name}-journal")
    if journal.exists():
        journal.rename(target.with_name(f"{target.name}-journal"))
    return target


def salvage(path: Path) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Yield name, key, checksum and value of each row that can be read.

    The caller compares the checksums.
    """
    query = "SELECT id, name, key, checksum, value FROM entries WHERE id >= ? ORDER BY id"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # With this SQLite also reads a file that is shorter than its head says.
        connection.execute("PRAGMA writable_schema = ON")
        start = 0
        gap = 0
        while gap < _MAX_GAP:
            try:
                for entry_id, *row in connection.execute(query, (start,)):
                    yield tuple(row)
                    start = entry_id + 1
                    gap = 0
            except sqlite3.Error:
                # The row is on a damaged page. Perhaps the next is not.
                start += 1
                gap += 1
            else:
                return
