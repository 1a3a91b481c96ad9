"""Locks between processes: at most one stage works in a clone at a time.

The file of the lock says who holds it and what it works on. A process that ends takes that back,
unless it was killed: then the next one reads it there.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from stages.lib.core.errors import UserError
from stages.lib.core.terminal import say_error

LOCK_FILE = Path(".dvc/tmp/pairsmith.lock")
_POLL_SECONDS = 0.5
# The open file of the lock that this process holds.
_held: FileIO | None = None


@contextmanager
def clone_lock(path: Path = LOCK_FILE) -> Iterator[None]:
    """Let one process at a time into the block. The others wait, and say for whom.

    The system gives the lock back when its process ends, also after `kill -9`. Where there is no
    DVC, or a file system without locks, nobody waits. If the last process that worked here was
    killed, that is printed.
    """
    global _held
    stream = _opened(path)
    if stream is None:
        yield
        return
    with stream:
        _wait_for(stream, path)
        killed = _killed(_content(stream))
        if killed is not None:
            say_error(f"note: {killed}")
        _write(stream, _holder())
        _held = stream
        try:
            yield
        finally:
            _held = None
            _write(stream, "")


def note_work(text: str) -> None:
    """Say in the file of the lock what this process works on, in case that it is killed."""
    if _held is not None:
        _write(_held, f"{_holder()}{text}\n")


def killed_run(path: Path = LOCK_FILE) -> UserError | None:
    """Return what happened to the last process that worked here, if it was killed, and the remedy.

    It is None while a process works, or after one that ended by itself.

    >>> killed_run(Path("no such file")) is None
    True
    """
    # To close the file would give back a lock of this process.
    if _held is not None:
        return None
    try:
        with path.open("r+b", buffering=0) as stream:
            _lock(stream)
            return _killed(_content(stream))
    except OSError:
        # There is no such file, a process works, or this user may not ask.
        return None


def forget_killed_run(path: Path = LOCK_FILE) -> None:
    """Take back what `killed_run` returns."""
    if killed_run(path) is not None:
        path.write_text("", "utf-8")


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


def _opened(path: Path) -> FileIO | None:
    """Return the file of the lock; None where there is none."""
    if not path.parents[1].is_dir():
        return None
    try:
        path.parent.mkdir(exist_ok=True)
        return path.open("a+b", buffering=0)
    except OSError:
        # The stage itself says what it cannot write.
        return None


def _wait_for(stream: FileIO, path: Path) -> None:
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
    holder = path.read_text("utf-8", "replace").partition("\n")[0] or "another process"
    say_error(f"waiting for {holder}, which works in this folder (Ctrl-C to stop)")


def _killed(content: str) -> UserError | None:
    """Return the message about the process that left `content` in the file of its lock."""
    holder, *work = content.splitlines() or [""]
    if not holder:
        return None
    place = f"; it was at: {work[0]}" if work else ""
    rows = "; if it does not help, look at these rows: a text may be very long" if work else ""
    return UserError(
        f"{holder} was killed before it ended, as the system does when the memory is not enough"
        f"{place}",
        "end other programs, or set PAIRSMITH_WORKERS=1 and a lower PAIRSMITH_MEMORY, then run the "
        f"same command again{rows}",
    )


def _holder() -> str:
    return f"process {os.getpid()} ('{' '.join(sys.argv)[:200]}')\n"


def _content(stream: FileIO) -> str:
    stream.seek(0)
    return stream.read().decode("utf-8", "replace")


def _write(stream: FileIO, text: str) -> None:
    """Replace the content. A full disk stops nobody: the text is needed for messages alone."""
    with suppress(OSError):
        stream.seek(0)
        stream.truncate()
        stream.write(text.encode("utf-8", "replace"))


def _lock(stream: FileIO) -> None:
    """Lock a file, or raise an error at once. Unlike `flock`, forked workers do not keep it."""
    if sys.platform == "win32":
        return
    import fcntl

    fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
