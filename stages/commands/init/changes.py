"""Apply all changes or none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from stages.commands.init.guess import Copies, FolderCopy
from stages.lib.core.errors import UserError


def apply(copies: Copies, changes: Mapping[Path, bytes | None]) -> None:
    """Copy files and folders to data/raw/, track them with DVC, and write or remove other files.

    Each file and each folder appears whole. If anything fails, everything is as it was.

    Args:
        copies: path under data/raw/ to the file or the folder that is copied there.
        changes: path to its new content; None removes the file.

    Raises:
        UserError: a file cannot be copied, or DVC cannot track one.
    """
    files = {target: origin for target, origin in copies.items() if isinstance(origin, Path)}
    folders = {
        target: origin
        for target, origin in copies.items()
        if isinstance(origin, FolderCopy) and not is_same(target, origin.base)
    }

    # What DVC writes beside the files is undone too.
    beside: list[Path] = []
    for target in copies:
        beside += [Path(f"{target}.dvc"), target.parent / ".gitignore"]

    restored_files = _restored_on_error([*files, *beside, *changes])
    with restored_files, _folders_restored_on_error(list(folders)):
        for target, origin in files.items():
            if not is_same(target, origin):
                with _replacing(target) as temporary:
                    _copy(origin, temporary)
        for target, folder in folders.items():
            _copy_folder(folder, target)
        if copies:
            _track(sorted(copies))
        for path, content in changes.items():
            if content is None:
                path.unlink(missing_ok=True)
                continue
            with _replacing(path) as temporary:
                temporary.write_bytes(content)


def is_same(target: Path, origin: Path) -> bool:
    """Return whether a file or folder lies under data/raw/ already."""
    return target.exists() and target.samefile(origin)


def _copy(origin: Path, target: Path) -> None:
    try:
        shutil.copyfile(origin, target)
    except OSError as error:
        raise UserError(
            f"{origin} cannot be copied: {error.strerror or error}",
            "correct it; nothing was changed",
        ) from None


def _copy_folder(folder: FolderCopy, target: Path) -> None:
    """Write the files to a folder beside `target`, which takes its place when all are written."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        temporary.mkdir(parents=True)
        for key, origin in folder.files.items():
            path = temporary / key
            path.parent.mkdir(parents=True, exist_ok=True)
            _copy(origin, path)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


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


@contextmanager
def _folders_restored_on_error(targets: Sequence[Path]) -> Iterator[None]:
    """Move folders aside that the block writes anew, and move them back if it fails."""
    backup_of_target: dict[Path, Path | None] = {}
    try:
        for target in targets:
            backup = target.with_name(f".{target.name}.{os.getpid()}.old")
            is_there = target.exists()
            if is_there:
                target.rename(backup)
            backup_of_target[target] = backup if is_there else None
        yield
    except BaseException:
        for target, backup_path in backup_of_target.items():
            shutil.rmtree(target, ignore_errors=True)
            if backup_path is not None:
                backup_path.rename(target)
        raise

    for backup_path in backup_of_target.values():
        if backup_path is not None:
            shutil.rmtree(backup_path, ignore_errors=True)


def _second_name(path: Path, backup: Path) -> None:
    # DVC writes .gitignore and the file itself in place, so those need a copy of the bytes.
    shutil.copy2(path, backup)
