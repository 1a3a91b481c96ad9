"""The file of the cache: an SQLite database whose values carry checksums.

SQLite is safe under several processes and under `kill -9`, and it reports a damaged file where
other databases end the process. A fault of the file costs time and never a result.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stages.lib.core.process_locks import lock_holders
from stages.lib.retrieval.cache_repair import OtherKindError, is_damage, salvage, set_aside

FILE_NAME = "values.sqlite"
# "Pair" in ASCII marks a file of this project.
APPLICATION_ID = 0x50616972
FORMAT = 1
# How long a process waits for another one that writes.
WAIT_SECONDS = 20.0

# How many values a query reads.
_BATCH = 500
# A cache above its limit shrinks to this share of it, so that it does not shrink at each write.
_SHRUNK_SHARE = 0.9
# What a row needs besides its value: key, checksum and its places in two indices.
_ROW_BYTES = 120
_TABLES = (
    "CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, name TEXT NOT NULL, "
    "key BLOB NOT NULL, checksum BLOB NOT NULL, value BLOB NOT NULL, UNIQUE (name, key))",
    # A table of its own, since noting a use must not write the value again.
    "CREATE TABLE IF NOT EXISTS uses (id INTEGER PRIMARY KEY, used INTEGER NOT NULL, "
    "bytes INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS taken_over (name TEXT PRIMARY KEY)",
)


class CacheStore:
    """The values of the cache in `folder`, by name and key.

    No method raises for a fault of the file, the disk or a lock: `warn` gets a fact and a remedy.

    Args:
        folder: the folder of the cache, which need not exist.
        limit: the bytes above which the least recently used values go.
        warn: gets a fact and a remedy.

    Attributes:
        path: the file.
        is_readable: False after a fault; nothing is read or written then.
        is_writable: False after a fault of writing; nothing is written then.
    """

    def __init__(self, folder: Path, limit: int, warn: Callable[[str, str], None]) -> None:
        self.path = folder / FILE_NAME
        self.is_readable = True
        self.is_writable = True
        self._limit = limit
        self._warn = warn
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        try:
            self._open()
        except (OSError, sqlite3.Error) as error:
            self._recover(error)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def read(self, name: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return the value of each of `keys` that the file holds with the right checksum."""
        ordered = sorted(keys)
        if self._connection is None:
            return {}
        try:
            return self._read(self._connection, name, ordered)
        except sqlite3.Error as error:
            self._recover(error)

        # The file was repaired, or is left alone.
        if self._connection is None:
            return {}
        try:
            return self._read(self._connection, name, ordered)
        except sqlite3.Error as error:
            self._give_up(error)
            return {}

    def write(self, name: str, value_of_key: Mapping[bytes, bytes]) -> None:
        """Store values on the disk. A key that is there keeps its value."""
        if self._connection is None or not self.is_writable or not value_of_key:
            return
        try:
            with _transaction(self._connection):
                _insert(self._connection, name, value_of_key)
                is_shrunk = _shrink(self._connection, self._limit)
            if is_shrunk:
                # Only a script runs this statement to its end.
                self._connection.executescript("PRAGMA incremental_vacuum")
        except sqlite3.Error as error:
            self.is_writable = False
            self._warn(
                f"the cache {self.path} cannot be written ({self._cause(error)}), "
                "so what is computed now is not kept",
                "free some space there or mend its permissions, or name another folder in "
                "PAIRSMITH_CACHE",
            )

    def has_taken_over(self, name: str) -> bool:
        """Return whether values of an older version need not, or cannot, be taken over."""
        if self._connection is None or not self.is_writable:
            return True
        try:
            query = "SELECT count(*) FROM taken_over WHERE name = ?"
            return bool(self._connection.execute(query, (name,)).fetchone()[0])
        except sqlite3.Error:
            return True

    def note_taken_over(self, name: str) -> None:
        """Note that the values of an older version were taken over."""
        if self._connection is not None and self.is_writable:
            with suppress(sqlite3.Error), _transaction(self._connection):
                self._connection.execute("INSERT OR IGNORE INTO taken_over VALUES (?)", (name,))

    def counts(self) -> dict[str, tuple[int, int]]:
        """Return the number of values and their bytes, by name."""
        if self._connection is None:
            return {}
        query = "SELECT name, count(*), sum(bytes) FROM entries JOIN uses USING (id) GROUP BY name"
        try:
            rows = self._connection.execute(query).fetchall()
        except sqlite3.Error as error:
            self._give_up(error)
            return {}
        return {name: (count, size) for name, count, size in sorted(rows)}

    def clear(self) -> None:
        """Remove all values, and give their space back. Other processes may use the file."""
        if self._connection is None:
            return
        try:
            with _transaction(self._connection):
                self._connection.execute("DELETE FROM entries")
                self._connection.execute("DELETE FROM uses")
            self._connection.execute("VACUUM")
        except sqlite3.Error as error:
            self._give_up(error)

    def clear_unused(self, since: int) -> int:
        """Remove the values whose last use is before `since` (milliseconds), and count them."""
        if self._connection is None:
            return 0
        query = "SELECT id FROM uses WHERE used < ? ORDER BY id"
        try:
            with _transaction(self._connection):
                entry_ids = [row[0] for row in self._connection.execute(query, (since,))]
                _delete(self._connection, entry_ids)
            self._connection.execute("VACUUM")
        except sqlite3.Error as error:
            self._give_up(error)
            return 0
        return len(entry_ids)

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._inode = self.path.stat().st_ino if self.path.exists() else 0
        connection = sqlite3.connect(self.path, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            connection.execute("PRAGMA cache_size = -65536")
            _check_kind(connection)
        except sqlite3.Error:
            connection.close()
            raise
        self._connection = connection

    def _read(
        self, connection: sqlite3.Connection, name: str, keys: list[bytes]
    ) -> dict[bytes, bytes]:
        value_of_key: dict[bytes, bytes] = {}
        good_ids: list[int] = []
        bad_ids: list[int] = []
        for entry_id, key, checksum, value in _rows_of_keys(connection, name, keys):
            if is_intact(name, key, checksum, value=value):
                value_of_key[key] = value
                good_ids.append(entry_id)
            else:
                bad_ids.append(entry_id)

        if bad_ids:
            self._warn(
                f"{len(bad_ids)} values of the cache {self.path} do not match their checksum, "
                "so they are computed anew",
                "if it happens again, check the disk",
            )

        # A use that cannot be noted costs nothing, and a bad value is never read.
        if self.is_writable:
            with suppress(sqlite3.Error), _transaction(connection):
                _note_uses(connection, good_ids)
                _delete(connection, bad_ids)
        return value_of_key

    def _recover(self, error: sqlite3.Error | OSError) -> None:
        """Set a damaged file aside and save what is intact of it; leave any other alone."""
        self.close()
        if not is_damage(error):
            self._give_up(error)
            return
        try:
            damaged = set_aside(self.path, self._inode)
            self._open()
        except (OSError, sqlite3.Error) as second_error:
            self._give_up(second_error)
            return
        if damaged is None:
            return

        saved_count = self._save_rows(salvage(damaged))
        self._warn(
            f"the cache {self.path} was damaged or not a cache ({error}): {saved_count} values "
            f"were saved, and the file now is {damaged}",
            "values that are missing are computed anew; 'python -m stages cache --clear' removes "
            "the damaged file",
        )

    def _save_rows(self, rows: Iterable[tuple[Any, Any, Any, Any]]) -> int:
        """Store the rows that are intact, and return their number."""
        saved_count = 0
        values_by_name: dict[str, dict[bytes, bytes]] = {}
        for row_index, (name, key, checksum, value) in enumerate(rows, start=1):
            if is_intact(name, key, checksum, value=value):
                values_by_name.setdefault(name, {})[key] = value
                saved_count += 1

            # In parts, since the file may be larger than memory.
            if row_index % _BATCH == 0:
                self._write_all(values_by_name)
                values_by_name = {}
        self._write_all(values_by_name)
        return saved_count

    def _write_all(self, values_by_name: Mapping[str, Mapping[bytes, bytes]]) -> None:
        for name, value_of_key in values_by_name.items():
            self.write(name, value_of_key)

    def _give_up(self, error: sqlite3.Error | OSError) -> None:
        self.close()
        self.is_readable = False
        self._warn(
            f"the cache {self.path} cannot be used ({self._cause(error)}), so work goes on "
            "without it",
            "mend that, or name another folder in PAIRSMITH_CACHE ('off' for none)",
        )

    def _cause(self, error: sqlite3.Error | OSError) -> str:
        if isinstance(error, OSError):
            return error.strerror or str(error)

        # A lock is held by somebody.
        holders = lock_holders(self.path) if "lock" in str(error) else []
        if holders:
            return f"{error} by process {', '.join(map(str, holders))}"
        return str(error)


def checksum_of(name: str, key: bytes, value: bytes) -> bytes:
    """Return the checksum of a value, 16 bytes. A value under another key has another one.

    >>> checksum_of("embeddings", b"key", b"value").hex()
    'dd7340694f22646e007ac595b19e8b5c'
    """
    digest = hashlib.blake2b(f"{name}\0".encode() + key, digest_size=16)
    digest.update(value)
    return digest.digest()


def is_intact(name: object, key: object, checksum: object, *, value: object) -> bool:
    """Return whether a row as it stands in the file is one that was written.

    >>> is_intact("embeddings", b"key", checksum_of("embeddings", b"key", b"v"), value=b"v")
    True
    >>> is_intact("embeddings", b"key", checksum_of("embeddings", b"key", b"v"), value=b"w")
    False
    >>> is_intact("embeddings", b"key", None, value=3)
    False
    """
    # A damaged row may have a value of another type.
    if not isinstance(name, str) or not isinstance(key, bytes) or not isinstance(value, bytes):
        return False
    return checksum_of(name, key, value) == checksum


def _check_kind(connection: sqlite3.Connection) -> None:
    """Make the tables of a new file; raise sqlite3.Error for a file of another kind."""
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    table_count = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application_id == APPLICATION_ID and version > FORMAT:
        raise sqlite3.OperationalError("it was written by a newer version of the project")
    if application_id == APPLICATION_ID and table_count:
        return
    if application_id or version or table_count:
        raise OtherKindError("file is a database of another kind")

    # Space of removed values goes back to the disk.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    with _transaction(connection):
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        for statement in _TABLES:
            connection.execute(statement)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all or nothing of the block."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back already after a full disk.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _rows_of_keys(
    connection: sqlite3.Connection, name: str, keys: list[bytes]
) -> Iterator[tuple[int, bytes, bytes, bytes]]:
    """Yield id, key, checksum and value of each of `keys` that the file has."""
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        marks = ",".join("?" * len(batch))
        query = f"SELECT id, key, checksum, value FROM entries WHERE name = ? AND key IN ({marks})"
        yield from connection.execute(query, (name, *batch))


def _insert(connection: sqlite3.Connection, name: str, value_of_key: Mapping[bytes, bytes]) -> None:
    now = _now()
    for key, value in value_of_key.items():
        cursor = connection.execute(
            "INSERT OR IGNORE INTO entries (name, key, checksum, value) VALUES (?, ?, ?, ?)",
            (name, key, checksum_of(name, key, value), value),
        )
        if cursor.rowcount == 1:
            row = (cursor.lastrowid, now, len(value) + _ROW_BYTES)
            connection.execute("INSERT OR REPLACE INTO uses VALUES (?, ?, ?)", row)


def _note_uses(connection: sqlite3.Connection, entry_ids: list[int]) -> None:
    now = _now()
    rows = [(now, entry_id) for entry_id in sorted(entry_ids)]
    connection.executemany("UPDATE uses SET used = ? WHERE id = ?", rows)


def _delete(connection: sqlite3.Connection, entry_ids: list[int]) -> None:
    rows = [(entry_id,) for entry_id in entry_ids]
    connection.executemany("DELETE FROM entries WHERE id = ?", rows)
    connection.executemany("DELETE FROM uses WHERE id = ?", rows)


def _shrink(connection: sqlite3.Connection, limit: int) -> bool:
    """Remove the least recently used values of a file above `limit`; return whether it was."""
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    free_pages = connection.execute("PRAGMA freelist_count").fetchone()[0]
    page_bytes = connection.execute("PRAGMA page_size").fetchone()[0]
    excess = (pages - free_pages) * page_bytes - limit
    if excess <= 0:
        return False

    # The oldest uses first, until there is room for a while.
    to_free = excess + round(limit * (1 - _SHRUNK_SHARE))
    entry_ids: list[int] = []
    for entry_id, size in connection.execute("SELECT id, bytes FROM uses ORDER BY used, id"):
        if to_free <= 0:
            break
        entry_ids.append(entry_id)
        to_free -= size
    _delete(connection, entry_ids)
    return True


def _now() -> int:
    """Return the time in milliseconds. It decides what is removed first, and nothing else."""
    return time.time_ns() // 10**6
