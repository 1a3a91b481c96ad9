"""Locks between processes: at most one stage works in a clone at a time."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from stages.lib.core.terminal import say_error

LOCK_FILE = Path(".dvc/tmp/pairsmith.lock")
_POLL_SECONDS = 0.5


@contextmanager
def clone_lock(path: Path = LOCK_FILE) -> Iterator[None]:
    """Let one process at a time into the block. The others wait, and say for whom.

    The system gives the lock back when its process ends, also after `kill -9`. Where there is no
    DVC, or a file system without locks, nobody waits.
    """
    stream = _opened(path)
    if stream is None:
        yield
        return
    with stream:
        _wait_for(stream, path)
        _write_holder(stream)
        try:
            yield
        finally:
            stream.seek(0)
            stream.truncate()
            stream.flush()


def lock_holders(path: Path) -> list[int]:
    """Return the ids of the processes that hold a lock on a file, ascending, where Linux says.

    >>> lock_holders(Path("no such file"))
    []
    """
    try:
        inode = path.stat().st_ino
        lines = Path("/proc/locks").read_text("ascii").splitlines()
    except OSError:
        return []

    # For example "1: POSIX  ADVISORY  WRITE 6270 08:02:524 0 EOF".
    holders = set()
    for line in lines:
        words = line.split()
        if "->" not in words and len(words) > 5 and words[5].rpartition(":")[2] == str(inode):
            holders.add(int(words[4]))
    return sorted(holders - {os.getpid()})


def _opened(path: Path) -> TextIO | None:
    """Return the file of the lock; None where there is none."""
    if not path.parents[1].is_dir():
        return None
    try:
        path.parent.mkdir(exist_ok=True)
        return path.open("a+", encoding="utf-8")
    except OSError:
        # The stage itself says what it cannot write.
        return None


def _wait_for(stream: TextIO, path: Path) -> None:
    """Return when this process has the lock, or when there are no locks."""
    is_announced = False
    while True:
        try:
            _lock(stream)
        except (BlockingIOError, PermissionError):
            if not is_announced:
                _announce(path)
                is_announced = True
            time.sleep(_POLL_SECONDS)
        except OSError:
            return
        else:
            return


def _announce(path: Path) -> None:
    holder = path.read_text("utf-8", "replace").strip() or "another process"
    say_error(f"waiting for {holder}, which works in this folder (Ctrl-C to stop)")


def _write_holder(stream: TextIO) -> None:
    stream.seek(0)
    stream.truncate()
    stream.write(f"process {os.getpid()} ('{' '.join(sys.argv)[:200]}')\n")
    stream.flush()


def _lock(stream: TextIO) -> None:
    """Lock a file, or raise an error at once. Unlike `flock`, forked workers do not keep it."""
    if sys.platform == "win32":
        return
    import fcntl

    fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
