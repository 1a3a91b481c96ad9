"""Who is at work in this clone: DVC's two locks, read as DVC reads them.

A lock of a process that is gone holds nobody up. DVC itself is held up by a file that was cut, and
by a number of a process that another one has meanwhile.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from stages.lib.core.errors import UserError

RWLOCK = Path(".dvc/tmp/rwlock")
LOCK = Path(".dvc/tmp/lock")
_WAIT_SECONDS = 5.0


@contextmanager
def alone() -> Iterator[None]:
    """Keep DVC from starting in this clone until the block ends.

    Raises:
        UserError: DVC is at work, and does not end within seconds.
    """
    if not LOCK.parent.is_dir():
        yield
        return

    descriptor = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _wait_for_lock(descriptor)
        holders = live_holders()
        if holders:
            raise _at_work(holders)
        yield
    finally:
        os.close(descriptor)


def end_orphans() -> list[str]:
    """End the stages that a killed DVC left at work in this clone, and return their names.

    DVC will run them anew, and the files that they still write would appear in the midst of it.
    Call it when no DVC is at work: one that is at work stands in its list.
    """
    orphans = _orphans() if _holders() is not None else []
    names = [f"{process.pid} ({process.environ()['DVC_STAGE']})" for process in orphans]

    # Their workers first, since they are no longer known once the stage is gone.
    processes = [child for orphan in orphans for child in orphan.children(recursive=True)]
    processes += orphans
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=_WAIT_SECONDS)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=_WAIT_SECONDS)
    return names


def live_holders() -> list[str]:
    """Return the processes that work on stages of this clone, such as "4711 (repro)"."""
    holders = _holders()
    if not holders:
        return []

    # A process that is younger than the file did not write it: it has the number of a dead one.
    written = RWLOCK.stat().st_mtime
    return sorted(
        {
            f"{holder['pid']} ({holder['cmd']})"
            for holder in holders
            if _may_have_written(int(holder["pid"]), written)
        }
    )


def is_damaged() -> bool:
    """Return whether DVC cannot read its list of who is at work, or takes a dead one for alive."""
    holders = _holders()
    if holders is None:
        return True
    return any(psutil.pid_exists(int(holder["pid"])) for holder in holders) and not live_holders()


def _orphans() -> list[psutil.Process]:
    """Return the processes that DVC started for stages of this clone, without their workers."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    orphans = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            # It has ended, or belongs to somebody else.
            continue
        is_stage = "DVC_STAGE" in environment and environment.get("DVC_ROOT") == str(Path.cwd())
        if is_stage and process.pid not in own:
            orphans.append(process)
    return [process for process in orphans if process.parent() not in orphans]


def _holders() -> list[dict[str, Any]] | None:
    """Return number and command of each process in the list; None if it cannot be read."""
    if not RWLOCK.exists():
        return []
    try:
        content = json.loads(RWLOCK.read_bytes())
        writers = list(content.get("write", {}).values())
        readers = [reader for group in content.get("read", {}).values() for reader in group]
        holders = [*writers, *readers]
        is_valid = all(isinstance(holder["pid"], int) and "cmd" in holder for holder in holders)
    except (ValueError, AttributeError, TypeError, KeyError):
        return None
    return holders if is_valid else None


def _may_have_written(process_id: int, moment: float) -> bool:
    """Return whether a process is at work, and was so at this moment."""
    try:
        process = psutil.Process(process_id)
        started: float = process.create_time()
        has_ended = process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

    # A killed process keeps its id until its parent learns of its end.
    if has_ended:
        return False
    # The clock of processes counts in hundredths of a second.
    return started <= moment + 1.0


def _wait_for_lock(descriptor: int) -> None:
    end = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise _at_work([LOCK.read_text("utf-8").strip() or "unknown"]) from None
            time.sleep(0.1)
        else:
            return


def _at_work(holders: list[str]) -> UserError:
    return UserError(
        f"DVC is at work in this folder: process {', '.join(holders)}",
        "wait until it ends, then run this again",
    )
