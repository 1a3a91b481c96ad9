"""Apply all changes or none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from stages.commands.init.guess import Copies, FolderCopy
from stages.lib.core import atomic
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

    # What DVC writes beside the files, or in their place, is undone too.
    written_by_dvc: list[Path] = [target for target in files if target.exists()]
    for target in copies:
        written_by_dvc += [Path(f"{target}.dvc"), target.parent / ".gitignore"]

    with atomic.transaction():
        for path in written_by_dvc:
            atomic.protect(path)
        for target, origin in files.items():
            if not is_same(target, origin):
                with atomic.write(target) as temporary:
                    _copy(origin, temporary)
        for target, folder in folders.items():
            with atomic.write(target, folder=True) as temporary:
                _copy_folder(folder, temporary)
        if copies:
            _track(sorted(copies))
        for path, content in changes.items():
            if content is None:
                atomic.move_aside(path)
                continue
            with atomic.write(path) as temporary:
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
    target.mkdir()
    for key, origin in folder.files.items():
        path = target / key
        path.parent.mkdir(parents=True, exist_ok=True)
        _copy(origin, path)


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
