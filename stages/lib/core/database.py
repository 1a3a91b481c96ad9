"""The embedded database DuckDB: one connection rule for all work on relations.

A query that is written to a table has to give the same bytes everywhere, so queries follow these
rules. `hash()` is never stored, since it changes between versions. Floats are not summed. There
is no `any_value` and no list without an order. The last step is ORDER BY a key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from stages.lib.core.errors import UserError
from stages.lib.core.stage import workers
from stages.lib.core.temporary_folders import lasting_folder, temporary_folder

if TYPE_CHECKING:
    import duckdb

_MEMORY = re.compile(r"[1-9][0-9]*(MB|GB)")
_DEFAULT_MEGABYTES = 1000
# With less a query of one thread may not get on, even with a disk.
_LEAST_MEGABYTES = 64


def connect() -> duckdb.DuckDBPyConnection:
    """Return a connection to the database of this process; temporary tables are its own.

    Its memory is bounded by PAIRSMITH_MEMORY, and its threads by PAIRSMITH_WORKERS. What does not
    fit into memory is written to a temporary folder, which is removed when the process ends. No
    extension is installed or loaded. Close the connection to free its tables.

    Raises:
        UserError: one of the two variables has a value that is not valid.

    >>> with connect() as connection:
    ...     connection.execute("SELECT 1 + 1").fetchone()
    (2,)
    """
    # A process that was forked needs a database of its own, since threads are not forked.
    connection = _database(os.getpid(), workers(), memory_limit()).cursor()
    connection.execute("SET enable_progress_bar = false")
    return connection


@contextmanager
def own_database(memory: str, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection to a database of its own, which is closed after the block.

    It is for a task beside others on one machine. Its temporary folder goes with it.

    Args:
        memory: how much memory it may use, such as `share_of_memory` returns.
        threads: how many threads it may use.

    >>> with own_database("64MB", threads=1) as connection:
    ...     connection.execute("SELECT 1 + 1").fetchone()
    (2,)
    """
    with temporary_folder() as folder, _open(threads, memory, folder) as connection:
        connection.execute("SET enable_progress_bar = false")
        yield connection


def share_of_memory(task_count: int) -> str:
    """Return the memory of one of `task_count` databases on a machine.

    Together they have the memory of `memory_limit`, but each has at least 64 MB.
    """
    limit = memory_limit()
    megabytes = int(limit[:-2]) * (1000 if limit.endswith("GB") else 1)
    return f"{max(_LEAST_MEGABYTES, megabytes // task_count)}MB"


def release() -> None:
    """Close the database of this process once no connection needs it; `connect` opens a new one.

    Its memory goes back to the system, which dropped tables alone do not bring about.

    >>> release()
    """
    _database.cache_clear()


def memory_limit() -> str:
    """Return how much memory the database may use: PAIRSMITH_MEMORY, or 1,000 MB.

    By default it is at most half of the machine. The join of a million texts fits, with a part of
    its tables on disk.

    Raises:
        UserError: PAIRSMITH_MEMORY is not a number of MB or GB.
    """
    value = os.environ.get("PAIRSMITH_MEMORY", "")
    if not value:
        total_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return f"{max(1, min(_DEFAULT_MEGABYTES, total_bytes // 2 // 10**6))}MB"

    if not _MEMORY.fullmatch(value):
        raise UserError(
            f"the environment has PAIRSMITH_MEMORY={value!r}",
            "set it to a whole number of MB or GB, such as 4GB, or unset it",
        )
    return value


@lru_cache(maxsize=1)
def _database(process_id: int, threads: int, memory: str) -> duckdb.DuckDBPyConnection:
    """Return the database of the process `process_id`. To open one takes 30 ms, a cursor 1 ms."""
    return _open(threads, memory, lasting_folder())


def _open(threads: int, memory: str, folder: Path) -> duckdb.DuckDBPyConnection:
    import duckdb

    return duckdb.connect(
        ":memory:",
        config={
            "memory_limit": memory,
            "threads": threads,
            "temp_directory": str(folder),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
