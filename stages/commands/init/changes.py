"""Apply all changes or none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from stages.lib.core.errors import UserError


def apply(copies: Mapping[Path, Path], changes: Mapping[Path, bytes | None]) -> None:
    """Copy files to data/raw/, track them with DVC, and write or remove the other files.

    Each file appears whole. If anything fails, everything is as it was.

    Args:
        copies: path under data/raw/ to the file that is copied there.
        changes: path to its new content; None removes the file.

    Raises:
        UserError: DVC cannot track a file.
    """
    # What DVC writes beside the files is undone too.
    beside: list[Path] = []
    for target in copies:
        beside += [Path(f"{target}.dvc"), target.parent / ".gitignore"]

    with _restored_on_error([*copies, *beside, *changes]):
        for target, origin in copies.items():
            if not (target.exists() and target.samefile(origin)):
                with _replacing(target) as temporary:
                    shutil.copyfile(origin, temporary)
        if copies:
            _track(sorted(copies))
        for path, content in changes.items():
            if content is None:
                path.unlink(missing_ok=True)
                continue
            with _replacing(path) as temporary:
                temporary.write_bytes(content)


def _track(paths: Sequence[Path]) -> None:
    command = [sys.executable, "-m", "dvc", "add", "--quiet", *map(str, paths)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        lines = [line for line in process.stderr.splitlines() if line.strip()]
        reason = lines[0].removeprefix("ERROR: ") if lines else f"exit code {process.returncode}"
        raise UserError(
            f"'dvc add {' '.join(map(str, paths))}' failed: {reason}",
            "correct it; nothing was changed",
        )


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which replaces it if the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _restored_on_error(paths: Sequence[Path]) -> Iterator[None]:
    """Put every file back that the block changed, if it fails."""
    # A second name keeps the old bytes without a copy of a large file.
    backup_of_path: dict[Path, Path | None] = {}
    for path in dict.fromkeys(paths):
        backup = path.with_name(f".{path.name}.{os.getpid()}.old")
        if path.exists():
            backup.unlink(missing_ok=True)
            _second_name(path, backup)
            backup_of_path[path] = backup
        else:
            backup_of_path[path] = None

    try:
        yield
    except BaseException:
        for path, backup_path in backup_of_path.items():
            if backup_path is None:
                path.unlink(missing_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                backup_path.replace(path)
        raise
    finally:
        for backup_path in backup_of_path.values():
            if backup_path is not None:
                backup_path.unlink(missing_ok=True)


def _second_name(path: Path, backup: Path) -> None:
    # DVC writes .gitignore and the file itself in place, so those need a copy of the bytes.
    shutil.copy2(path, backup)
