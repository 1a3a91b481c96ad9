"""Files appear whole or not at all, and a failed run puts back what stood there before.

A file is written beside its place, flushed to the disk, and renamed. Between `begin_run` and
`commit` the old content is kept under a second name. `rollback` puts it back, and removes what
this run alone has made.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from stages.lib.core.errors import UserError
from stages.lib.core.machine_faults import machine_fault

# .NAME.PROCESS.new.tmp, or .old.tmp for what stood there. Git and DVC ignore these names.
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<process>\d+)\.(?P<state>new|old)\.tmp", re.DOTALL)
_PAGE_START = b"<!doctype html"


class _Change(NamedTuple):
    """A path that this run has written.

    Attributes:
        path: the path, made absolute: a run may change its folder.
        temporary: the path beside it that was renamed, or None if another program writes it.
        backup: the path that holds the old content, or None if there was none.
    """

    path: Path
    temporary: Path | None
    backup: Path | None


# None while no run is under way: then nothing is kept for a rollback.
_changes: list[_Change] | None = None
# Folders in which this run has looked for what killed processes left.
_cleaned_folders: set[Path] = set()


@contextmanager
def write(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which replaces `path` if the block ends well.

    Args:
        path: what is written.
        folder: whether the block may write a folder, which replaces the folder that is there.

    Raises:
        UserError: a folder stands where a file is written, or the other way round.
    """
    if not folder:
        check_target(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path.parent)
    temporary = _beside(path, "new")
    try:
        yield temporary
        check_target(path, folder=temporary.is_dir())
        _keep_mode(path, temporary)
        _flush(temporary)
        _replace(path, temporary)
    except Exception as error:
        # A library does not say which file it could not write.
        fault = machine_fault(error, path)
        if fault is None:
            raise
        raise fault from error
    finally:
        # A disk that can only be read does not let it go. The error of the block matters more.
        with suppress(OSError):
            _remove(temporary)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, with the line ends that it has."""
    with write(path) as temporary:
        temporary.write_text(text, "utf-8", newline="\n")


def check_target(path: Path, *, folder: bool = False) -> None:
    """Check that a file (or a folder) may be written to `path`: before the work, not after it.

    Raises:
        UserError: a folder stands where a file is written, or the other way round.
    """
    if folder:
        if path.exists() and not path.is_dir():
            raise UserError(f"{path} is a file, and a folder is written there", "name a folder")
    elif path.is_dir() and not path.is_symlink():
        raise UserError(f"{path} is a folder, and a file is written there", "name a file in it")
    for parent in path.parents:
        if parent.exists():
            if not parent.is_dir():
                raise UserError(f"{parent} is a file, not a folder", f"{path} needs a folder")
            break


def check_free(path: Path) -> None:
    """Check that `path` is no folder with files in it, which a folder would replace.

    Raises:
        UserError: it is one.
    """
    if path.is_dir() and any(path.iterdir()):
        raise UserError(
            f"{path} is a folder with files in it, which would be replaced", "name a new path"
        )


def check_page(path: Path) -> None:
    """Check that a page may be written to `path`: nothing stands there, or another page.

    Raises:
        UserError: `path` is a folder, or a file that is no HTML page.
    """
    check_target(path)
    if not path.exists():
        return
    with path.open("rb") as stream:
        start = stream.read(len(_PAGE_START)).lower()
    if start and start != _PAGE_START:
        raise UserError(
            f"{path} is no HTML page, and a page would replace it",
            "name a new file, such as page.html",
        )


def begin_run() -> None:
    """Start a run. A rollback does not touch what was written before."""
    global _changes
    _changes = []
    _cleaned_folders.clear()


def commit() -> None:
    """End a run that went well: what it wrote stays."""
    global _changes
    changes = _changes or []
    _changes = None
    for change in changes:
        if change.backup is not None:
            _remove(change.backup)


def rollback() -> None:
    """End a run that failed: put back what stood where it wrote, and remove the rest of it.

    Raises:
        UserError: a path could not be put back. All others are.
    """
    global _changes
    changes = _changes or []
    _changes = None
    failures: list[str] = []
    with _uninterrupted():
        for change in reversed(changes):
            try:
                _restore(change)
            except OSError as error:
                content = f"; its old content is in {change.backup}" if change.backup else ""
                failures.append(f"{change.path} could not be put back: {error}{content}")
    if failures:
        raise UserError("\n".join(failures), "put it back by hand, or restore it with git or DVC")


def settle() -> None:
    """Let what this run has written so far stay, even if the rest of the run fails."""
    if _changes is not None:
        commit()
        begin_run()


@contextmanager
def transaction() -> Iterator[None]:
    """Keep all that the block writes, or nothing of it.

    In a run, what it writes is undone too if the run fails later.
    """
    global _changes
    outer = _changes
    begin_run()
    try:
        yield
    except BaseException:
        rollback()
        _changes = outer
        raise
    if outer is None:
        commit()
    else:
        _changes = outer + (_changes or [])


def protect(path: Path) -> None:
    """Put the file `path` back on a rollback, for a program that writes it in place, as DVC does.

    The bytes are copied, since another name for them would change with them.
    """
    assert _changes is not None, "only a run is rolled back"
    if _is_known(path):
        return
    backup = None
    if os.path.lexists(path):
        _remove_abandoned(path.parent)
        backup = _beside(path, "old")
        shutil.copy2(path, backup)
    _changes.append(_Change(path.absolute(), None, backup and backup.absolute()))


def move_aside(path: Path) -> None:
    """Take a file or a folder away; a rollback puts it back.

    Without a run it is removed at once.
    """
    if not os.path.lexists(path):
        return
    if _changes is None or _is_known(path):
        _remove(path)
        return
    _remove_abandoned(path.parent)
    backup = _beside(path, "old")
    _changes.append(_Change(path.absolute(), None, backup.absolute()))
    path.rename(backup)


def remove_abandoned(folder: Path) -> list[str]:
    """Clean all folders below `folder` of what killed processes left; return the names of it.

    What they had moved away comes back, if nothing stands there.
    """
    left = [path for path in folder.rglob(".*.tmp") if _is_abandoned(path)]
    for parent in sorted({path.parent for path in left}):
        _remove_abandoned(parent)
    return sorted(str(path) for path in left)


def is_temporary(path: Path) -> bool:
    """Return whether `path` has the name of a temporary file of this module.

    >>> is_temporary(Path("data/.a.csv.17.new.tmp")), is_temporary(Path("notes.tmp"))
    (True, False)
    """
    return _TEMPORARY.fullmatch(path.name) is not None


def _beside(path: Path, state: str) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{state}.tmp")


def _replace(path: Path, temporary: Path) -> None:
    # The change is recorded before it is made, so that an interruption between the two is undone.
    if _changes is not None and not _is_known(path):
        backup = _beside(path, "old").absolute() if os.path.lexists(path) else None
        _changes.append(_Change(path.absolute(), temporary.absolute(), backup))
        if backup is not None:
            _remove(backup)
            _keep(path, backup)

    # A folder is renamed only to a name that is free.
    if temporary.is_dir() and os.path.lexists(path):
        _remove(path)
    temporary.replace(path)
    _flush_folder(path.parent)


def _is_known(path: Path) -> bool:
    """Return whether this run has changed `path` before, so that its old content is kept."""
    return any(change.path == path.absolute() for change in _changes or [])


def _keep(path: Path, backup: Path) -> None:
    """Keep the old content under a second name; the path itself stays where that is possible."""
    if path.is_dir() and not path.is_symlink():
        path.rename(backup)
        return
    try:
        os.link(path, backup, follow_symlinks=False)
    except OSError:
        # Not every file system has a second name for a file.
        shutil.copy2(path, backup, follow_symlinks=False)


def _restore(change: _Change) -> None:
    if change.backup is not None:
        # Without a backup the change was not made yet.
        if os.path.lexists(change.backup):
            # A rename to another name of the same file does nothing.
            if _is_same_file(change.path, change.backup):
                _remove(change.backup)
                return
            if change.path.is_dir() or change.backup.is_dir():
                _remove(change.path)
            change.path.parent.mkdir(parents=True, exist_ok=True)
            change.backup.replace(change.path)
        return

    # Nothing stood here. What is here now is of this run, unless it was not renamed yet.
    if change.temporary is None or not os.path.lexists(change.temporary):
        _remove(change.path)


def _is_same_file(path: Path, other: Path) -> bool:
    return os.path.lexists(path) and os.path.samestat(path.lstat(), other.lstat())


def _keep_mode(path: Path, temporary: Path) -> None:
    """Give a file that is replaced its old permissions: a private file stays private."""
    if not path.is_file() or path.is_symlink() or temporary.is_dir():
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    # DVC takes the right to write from files that share their bytes with its cache.
    if mode & stat.S_IWUSR and temporary.exists():
        temporary.chmod(mode)


def _flush(path: Path) -> None:
    """Bring a file, or all files of a folder, to the disk before the name says so."""
    if not path.is_dir():
        files = [path]
    else:
        files = [file for file in sorted(path.rglob("*")) if file.is_file()]
    for file in files:
        with file.open("rb") as stream:
            os.fsync(stream.fileno())


def _flush_folder(folder: Path) -> None:
    # Not every file system flushes a folder, and then the rename is as safe as it can be.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_abandoned(folder: Path) -> None:
    """Remove what killed processes left in `folder`; what they had moved away comes back."""
    if folder.absolute() in _cleaned_folders:
        return
    _cleaned_folders.add(folder.absolute())
    for left in sorted(folder.iterdir()):
        name = _TEMPORARY.fullmatch(left.name)
        if name is None or not _is_abandoned(left):
            continue
        path = left.with_name(name["name"])
        if name["state"] == "old" and not os.path.lexists(path):
            left.replace(path)
        else:
            _remove(left)


def _is_abandoned(path: Path) -> bool:
    """Return whether a killed process left `path`."""
    name = _TEMPORARY.fullmatch(path.name)
    return name is not None and not _is_alive(int(name["process"]))


def _is_alive(process_id: int) -> bool:
    import psutil

    # A killed process keeps its id until its parent learns of its end.
    try:
        return bool(psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ignore the signals that end a process: a second Ctrl-C must not stop a rollback halfway."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
