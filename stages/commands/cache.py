"""Show what the cache of costly values holds, or clear it.

The cache has embeddings, translations and other values that take long to compute. All clones of
this user share it. Clearing it changes the speed of the next run, and no byte of its results.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from stages.commands.json_output import AsJson, message_printer, say_json
from stages.lib.core.errors import UserError
from stages.lib.core.stage import command
from stages.lib.core.terminal import say
from stages.lib.retrieval.cache import cache_folder, cache_limit
from stages.lib.retrieval.cache_store import CacheStore


class CacheContent(NamedTuple):
    """What the cache holds. Sizes are in bytes.

    Attributes:
        values: name to the number of values and their size.
        checkpoints: file name to size of each checkpoint.
        older: folder name to size of what older versions stored.
        damaged: file name to size of each file that cannot be read.
    """

    values: dict[str, tuple[int, int]]
    checkpoints: dict[str, int]
    older: dict[str, int]
    damaged: dict[str, int]


def main(
    clear: Annotated[bool, typer.Option("--clear", help="Remove all values.")] = False,
    clear_unused_since: Annotated[
        datetime | None,
        typer.Option(help="Remove the values that nothing used since this time."),
    ] = None,
    clear_older: Annotated[
        bool, typer.Option("--clear-older", help="Remove what older versions stored.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what the cache of costly values holds, or clear it."""
    folder = cache_folder()
    limit = cache_limit()
    tell = message_printer(as_json)
    if folder is None:
        if as_json:
            say_json({"folder": None})
        tell("there is no cache: PAIRSMITH_CACHE is off, or this user has no home folder")
        return

    if clear:
        clear_values(folder, limit)
        tell(f"{folder}: cleared")
    if clear_unused_since:
        count = clear_unused(folder, limit, clear_unused_since)
        tell(f"{folder}: {count:,} values removed, which nothing used since")
    if clear_older:
        for path in clear_older_folders(folder):
            tell(f"{path}: removed")

    # What it holds now.
    content = read_content(folder, limit) if folder.exists() else None
    if as_json:
        say_json(_figures(folder, limit, content))
    else:
        say("\n".join(_report(folder, limit, content)))


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


def read_content(folder: Path, limit: int) -> CacheContent:
    """Return what the cache in `folder` holds.

    Raises:
        UserError: the cache cannot be read.
    """
    store = CacheStore(folder, limit, _refuse)
    values = store.counts()
    store.close()

    # What is counted apart.
    checkpoints = sorted(folder.glob("checkpoints/*.checkpoint"))
    older = {}
    for path in _older_folders(folder):
        older[path.name] = sum(file.stat().st_size for file in path.iterdir())
    return CacheContent(
        values,
        {path.name: path.stat().st_size for path in checkpoints},
        older,
        {path.name: path.stat().st_size for path in _damaged_files(folder)},
    )


def _figures(folder: Path, limit: int, content: CacheContent | None) -> dict[str, object]:
    """Return what the cache holds, for JSON. Sizes are in bytes."""
    held = content or CacheContent({}, {}, {}, {})
    values = {name: {"count": count, "bytes": size} for name, (count, size) in held.values.items()}
    return {"folder": folder, "limit": limit, **held._asdict(), "values": values}


def _report(folder: Path, limit: int, content: CacheContent | None) -> list[str]:
    """Return the lines that show what the cache in `folder` holds; None is one without a folder."""
    lines = [f"{folder} (PAIRSMITH_CACHE), at most {_size(limit)} (PAIRSMITH_CACHE_LIMIT)"]
    if content is None:
        return [*lines, "  nothing yet"]

    for name, (count, size) in content.values.items():
        lines.append(f"  {name:<20} {count:>12,} values {_size(size):>12}")
    for name, size in content.checkpoints.items():
        lines.append(f"  {'a checkpoint':<20} {_size(size):>32}  {name}")
    for name, size in content.older.items():
        remedy = "of an older version; --clear-older removes it"
        lines.append(f"  {name:<20} {_size(size):>32}  {remedy}")
    for name, size in content.damaged.items():
        lines.append(f"  {name:<20} {_size(size):>32}  damaged; --clear removes it")
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
