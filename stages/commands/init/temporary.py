"""Folders for snapshots that are taken before `init` copies them under data/raw/."""

from __future__ import annotations

import tempfile
from pathlib import Path

_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []


def temporary_folder() -> Path:
    """Return a new folder that lasts until the process ends."""
    _FOLDERS.append(tempfile.TemporaryDirectory(prefix="pairsmith-"))
    return Path(_FOLDERS[-1].name)
