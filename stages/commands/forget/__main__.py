"""Remove a record from everything that holds it, and say what still does.

    python -m stages forget d1f0c2...               the record that gave this document
    python -m stages forget --key C-1042            the record with this key
    python -m stages forget --text ann@example.com  every record that holds this text
    python -m stages forget --text - < texts.txt    a text a line, out of the shell's history

A record is a row of a raw file, with all that it gave. It leaves the raw file, the tables, the
pages, the review and frozen files, and the caches. What cannot be edited safely is named with its
place, and so are the versions and remotes of DVC and the commits of git that still hold it. A
search for its texts proves the rest. `--dry-run` changes nothing and says all of this.

The exit status is 1 if something remains to be removed by hand in this folder.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from stages.collect.interface import CollectParams
from stages.collect.raw_files import RAW
from stages.commands.forget.caches import ClearedCache, clear_cache
from stages.commands.forget.raw_rows import RawRows, cut_rows, rows_by_file
from stages.commands.forget.records import Forgotten, Named, find_record
from stages.commands.forget.sought import Sought, file_holds
from stages.commands.forget.versions import HeldVersions, held_versions
from stages.commands.forget.workspace import (
    Removal,
    clean_files_of_people,
    clean_logs,
    clean_tables,
    lines_that_hold,
)
from stages.commands.json_output import AsJson, message_printer, say_json
from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.ids import ANY_ID
from stages.lib.core.params import load_section
from stages.lib.core.stage import command

_ID = re.compile(ANY_ID)
_DATA = Path("data")
_MODEL = Path("data/finetune/model")
# Logs for TensorBoard.
_LOGS = Path("runs")
# Files that only a person should edit.
_BY_HAND = ("protected", "glossary")
# Searched apart, or not of the project.
_UNSEARCHED = {".git", ".venv", "__pycache__"}
_LISTED = 20


class _Outcome(NamedTuple):
    """What the command did, as it stands in its JSON.

    Attributes:
        left: what left which file, a line each.
        caches: what left the caches, by kind; None if they were kept.
        searched: the number of files that were searched, and of texts.
        by_hand: what remains to be removed by hand, a line each.
        older_versions: what still holds the record.
        then: the commands that remain to be run.
    """

    left: list[str]
    caches: dict[str, int] | None
    searched: dict[str, int]
    by_hand: list[str]
    older_versions: dict[str, Any]
    then: list[str]


def main(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID", help="Ids of documents, pairs, queries or rejected records."),
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="Key of a record, as the raw file has it.")
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(help="A text that no record may hold; '-' reads a text a line."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing, and say what would be removed.")
    ] = False,
    keep_cache: Annotated[
        bool, typer.Option("--keep-cache", help="Leave the cache, which other clones share.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a record from everything that holds it, and say what still does."""
    named = _named(ids or [], key or [], text or [])
    outcome = _forget(named, dry_run=dry_run, keep_cache=keep_cache, tell=message_printer(as_json))
    if as_json:
        say_json({"dry_run": dry_run, **outcome._asdict()})
    if outcome.by_hand and not dry_run:
        raise typer.Exit(1)


def _forget(
    named: Named, *, dry_run: bool, keep_cache: bool, tell: Callable[[str], None]
) -> _Outcome:
    """Remove the record, and say step by step what was done."""
    settings = load_section(CollectParams)
    forgotten = find_record(named, settings, Path(RAW), _DATA)
    verb = "would leave" if dry_run else "left"

    # What stands in files of this folder.
    rows = rows_by_file(forgotten.places, settings, Path(RAW))
    by_hand = [row for row in rows if row.by_hand]
    removals = _remove(forgotten, rows, dry_run=dry_run)
    cut = [row for row in rows if not row.by_hand]
    left = [*(row.where() for row in cut), *_lines_of(removals)]
    _print(f"what {verb}", left, tell)
    remaining = [f"{row.where()}: {row.by_hand}" for row in by_hand]
    folders = [_DATA / name for name in _BY_HAND]
    remaining += [f"{place}: edit it" for place in lines_that_hold(folders, forgotten.own)]

    # The caches. A rollback could not bring them back, so all else stays from here on.
    start = datetime.now().replace(microsecond=0)
    atomic.settle()
    cleared = None if keep_cache else clear_cache(dry_run=dry_run)
    _print("caches", _cache_lines(cleared, dry_run=dry_run, start=start), tell)

    # The proof, and what holds older versions. In a dry run what would leave is still there.
    skipped = {row.path for row in by_hand}
    if dry_run:
        skipped |= {row.path for row in cut} | {removal.path for removal in removals}
    searched = [path for path in _files(Path()) if not _is_below(path, skipped)]
    counts = {"files": len(searched), "texts": len(forgotten.own.texts)}
    tell(f"searched {counts['files']:,} files for {counts['texts']:,} texts")
    remaining += list(_proof(searched, forgotten.own))
    _print("by hand", remaining, tell)
    held = held_versions(Path(), Sought(forgotten.ids, forgotten.own.texts))
    _print("older versions", _version_lines(held), tell)

    # What remains to be run.
    changed = [*(row.path for row in cut), *(removal.path for removal in removals)]
    commands = _next_lines(changed, held)
    _print("then", commands, tell)
    caches = None if cleared is None else cleared._asdict()
    return _Outcome(left, caches, counts, remaining, held._asdict(), commands)


def _named(ids: list[str], keys: list[str], texts: list[str]) -> Named:
    """Return what the options name.

    Raises:
        UserError: they name nothing, or something that is no id.
    """
    for row_id in ids:
        if not _ID.fullmatch(row_id):
            raise UserError(
                f"'{row_id}' is no id",
                "an id is a letter (d, p, q, r) and 16 hexadecimal digits; "
                "name a key with --key and a text with --text",
            )
    named_texts: list[str] = []
    for text in texts:
        named_texts += sys.stdin.read().splitlines() if text == "-" else [text]
    named_texts = [text for text in named_texts if text.strip()]
    if not ids and not keys and not named_texts:
        raise UserError("nothing is named that is to be forgotten", "name an ID, --key or --text")
    return Named(frozenset(ids), frozenset(keys), frozenset(named_texts))


def _remove(forgotten: Forgotten, rows: list[RawRows], *, dry_run: bool) -> list[Removal]:
    """Take the record out of the files, and return what left the tables and other files."""
    for row in rows:
        if not row.by_hand and not dry_run:
            cut_rows(row)
    return [
        *clean_tables(_DATA, forgotten.derived, dry_run=dry_run),
        *clean_files_of_people(_DATA, forgotten.own, dry_run=dry_run),
        *clean_logs(_LOGS, forgotten.own, dry_run=dry_run),
    ]


def _lines_of(removals: list[Removal]) -> list[str]:
    lines = [str(removal) for removal in removals]

    # Weights do not show what they were trained on.
    is_trained = any("tokenize" in removal.path.parts for removal in removals)
    if is_trained and _MODEL.exists():
        lines.append(f"{_MODEL} was trained on it and stays until 'dvc repro' trains it anew")
    return lines


def _cache_lines(cleared: ClearedCache | None, *, dry_run: bool, start: datetime) -> list[str]:
    if cleared is None:
        return [
            "kept; it holds vectors of the record until, after 'dvc repro', you run",
            f"  python -m stages cache --clear-unused-since {start.isoformat()}",
        ]
    verb = "would be removed" if dry_run else "removed"
    return [
        f"{cleared.values:,} values, {cleared.checkpoints} checkpoints and {cleared.older} folders "
        f"of older versions {verb}: whose a vector is cannot be seen",
    ]


def _is_below(path: Path, folders: set[Path]) -> bool:
    """Return whether `path` is one of `folders`, or lies in one."""
    return path in folders or not folders.isdisjoint(path.parents)


def _proof(files: list[Path], sought: Sought) -> Iterator[str]:
    """Yield a sentence for each file that holds a text of the record."""
    for path in files:
        if file_holds(path, sought):
            yield f"{path} holds a text of it"


def _files(folder: Path) -> Iterator[Path]:
    for parent, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if name not in _UNSEARCHED)
        if Path(parent) == folder / ".dvc":
            names[:] = [name for name in names if name != "cache"]
        for name in sorted(files):
            path = Path(parent, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _version_lines(held: HeldVersions) -> list[str]:
    lines = []
    if held.objects:
        lines.append(f"{len(held.objects):,} objects in DVC's cache hold it, by these commits:")
        lines += _listed(held.commits or ["none: only runs that were never committed"])
    if held.unsearched:
        lines.append("these commits name objects that are not here, so they may hold it:")
        lines += _listed(held.unsearched)
    if held.git_commits:
        lines.append("git itself holds a text of it, in files of these commits:")
        lines += _listed(held.git_commits)
    return lines


def _next_lines(changed: list[Path], held: HeldVersions) -> list[str]:
    """Return the commands that remain to be run, in their order."""
    tracked = set()
    for path in changed:
        tracked |= {parent for parent in (path, *path.parents) if Path(f"{parent}.dvc").exists()}
    lines = [f"dvc add {path}" for path in sorted(tracked)]
    lines += ["dvc repro", "git commit --all"]
    if held.objects or held.unsearched:
        lines.append("dvc gc --workspace   # removes every version but this one from the cache")
    for remote in held.remotes:
        lines.append(f"dvc push --remote {remote}")
        lines.append(f"dvc gc --workspace --cloud --remote {remote}   # the same there")
    if held.git_commits:
        lines.append("git filter-repo --replace-text FILE   # rewrites history; all clone it anew")
    lines.append("the same in every other clone, backup and copy of the model")
    return lines


def _listed(lines: list[str]) -> list[str]:
    more = [f"  and {len(lines) - _LISTED:,} more"] if len(lines) > _LISTED else []
    return [f"  {line}" for line in lines[:_LISTED]] + more


def _print(title: str, lines: list[str], tell: Callable[[str], None]) -> None:
    tell(f"{title}:")
    for line in lines or ["nothing"]:
        tell(f"  {line}")


app = command(main, alone=True)

if __name__ == "__main__":
    app()
