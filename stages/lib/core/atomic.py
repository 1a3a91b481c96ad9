"""Files appear whole or not at all, and a failed run removes what it wrote."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_written_paths: list[Path] = []


@contextmanager
def write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which replaces `path` if the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        if path.is_dir():
            _remove(path)
        temporary.replace(path)
        _written_paths.append(path)
    finally:
        _remove(temporary)


def begin_run() -> None:
    """Start a run. A rollback does not remove what was written before."""
    _written_paths.clear()


def rollback() -> None:
    """Remove everything that this run has written so far."""
    while _written_paths:
        _remove(_written_paths.pop())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
