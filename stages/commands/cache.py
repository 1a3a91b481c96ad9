"""Show what the cache of costly values holds, or clear it.

The cache has embeddings, translations and other values that take long to compute. All clones of
this user share it. Clearing it changes the speed of the next run, and no byte of its results.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from stages.lib.core.errors import UserError
from stages.lib.core.stage import command
from stages.lib.core.terminal import say
from stages.lib.retrieval.cache import cache_folder, cache_limit
from stages.lib.retrieval.cache_store import CacheStore


def main(
    clear: Annotated[bool, typer.Option("--clear", help="Remove all values.")] = False,
    clear_unused_since: Annotated[
        datetime | None,
        typer.Option(help="Remove the values that nothing used since this time."),
    ] = None,
    clear_older: Annotated[
        bool, typer.Option("--clear-older", help="Remove what older versions stored.")
    ] = False,
) -> None:
    """Show what the cache of costly values holds, or clear it."""
    folder = cache_folder()
    limit = cache_limit()
    if folder is None:
        say("there is no cache: PAIRSMITH_CACHE is off, or this user has no home folder")
        return

    if clear:
        clear_values(folder, limit)
        say(f"{folder}: cleared")
    if clear_unused_since:
        count = clear_unused(folder, limit, clear_unused_since)
        say(f"{folder}: {count:,} values removed, which nothing used since")
    if clear_older:
        for path in clear_older_folders(folder):
            say(f"{path}: removed")

    for line in _report(folder, limit):
        say(line)


def clear_values(folder: Path, limit: int) -> None:
    """Remove all values. Other processes may use the file, so it is emptied and not removed."""
    store = CacheStore(folder, limit, _refuse)
    store.clear()
    store.close()
    for path in _damaged_files(folder):
        path.unlink()


def clear_unused(folder: Path, limit: int, since: datetime) -> int:
    """Remove the values that nothing used since a time, and return their number."""
    store = CacheStore(folder, limit, _refuse)
    count = store.clear_unused(round(since.timestamp() * 1000))
    store.close()
    return count


def clear_older_folders(folder: Path) -> list[Path]:
    """Remove what older versions of the project stored, and return its folders."""
    folders = _older_folders(folder)
    for path in folders:
        shutil.rmtree(path)
    return folders


def _report(folder: Path, limit: int) -> list[str]:
    """Return the lines that show what the cache in `folder` holds."""
    lines = [f"{folder} (PAIRSMITH_CACHE), at most {_size(limit)} (PAIRSMITH_CACHE_LIMIT)"]
    if not folder.exists():
        return [*lines, "  nothing yet"]

    store = CacheStore(folder, limit, _refuse)
    for name, (count, size) in store.counts().items():
        lines.append(f"  {name:<20} {count:>12,} values {_size(size):>12}")
    store.close()

    # What is counted apart.
    for path in sorted(folder.glob("checkpoints/*.checkpoint")):
        lines.append(f"  {'a checkpoint':<20} {_size(path.stat().st_size):>32}  {path.name}")
    for path in _older_folders(folder):
        size = sum(file.stat().st_size for file in path.iterdir())
        remedy = "of an older version; --clear-older removes it"
        lines.append(f"  {path.name:<20} {_size(size):>32}  {remedy}")
    for path in _damaged_files(folder):
        size = path.stat().st_size
        lines.append(f"  {path.name:<20} {_size(size):>32}  damaged; --clear removes it")
    return lines


def _refuse(fact: str, remedy: str) -> None:
    raise UserError(fact, remedy)


def _damaged_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("values.damaged-*"))


def _older_folders(folder: Path) -> list[Path]:
    """Return the LMDB databases of older versions."""
    return sorted(path.parent for path in folder.glob("*/data.mdb"))


def _size(size: int) -> str:
    return f"{size / 10**6:,.1f} MB" if size < 10**9 else f"{size / 10**9:,.1f} GB"


app = command(main)

if __name__ == "__main__":
    app()
