"""Show what the cache of costly values holds, or clear it.

The cache has embeddings, translations and other values that take long to compute. All clones of
this user share it. Clearing it changes the speed of the next run, and no byte of its results.
"""

from __future__ import annotations

import shutil
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

    # Other processes may use the file, so it is emptied and not removed.
    if clear:
        store = CacheStore(folder, limit, _refuse)
        store.clear()
        store.close()
        for path in _damaged_files(folder):
            path.unlink()
        say(f"{folder}: cleared")
    if clear_older:
        for path in _older_folders(folder):
            shutil.rmtree(path)
            say(f"{path}: removed")

    for line in _report(folder, limit):
        say(line)


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
