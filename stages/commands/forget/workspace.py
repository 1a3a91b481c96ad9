"""Take a record out of what lies in the folder: tables, pages, review and frozen files.

Rows of tables that name the record or hold its texts go. Pages are removed whole: the next run
writes them anew. In files of people, such as verdicts, only the lines of the record go.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as arrow
import pyarrow.compute as compute
from pyarrow import parquet

from stages.commands.forget.sought import (
    Sought,
    file_holds,
    is_table,
    matching_rows,
)
from stages.commands.pipeline import order
from stages.lib.core import atomic, tables
from stages.lib.core.errors import UserError

# Lines in these files belong to people, and stay unless they are of the record.
_FILES_OF_PEOPLE = (
    "review/*.csv",
    "review/*/*.csv",
    "written_queries/*.csv",
    "frozen/*.csv",
)
# Tasks for Label Studio hold whole texts, and are written anew from the queues.
_TASKS = "review/*/*.json"
_TRIPLETS = "triplets.parquet"
# A folder of a model: its weights are named in the report, and hold no row.
_MODEL = "model"


class Removal(NamedTuple):
    """What leaves a file: some of its rows, or the whole file."""

    path: Path
    rows: int
    is_whole: bool = False

    def __str__(self) -> str:
        if self.is_whole:
            return f"{self.path}: all of it, which the next run writes anew"
        return f"{self.path}: {self.rows:,} row{'' if self.rows == 1 else 's'}"


def clean_tables(data: Path, sought: Sought, *, dry_run: bool) -> list[Removal]:
    """Take the record out of the outputs of all stages, and return what went from where."""
    removals: list[Removal] = []
    pages: list[Path] = []
    for stage in order():
        for path in sorted((data / stage).rglob("*")):
            if not path.is_file() or atomic.is_temporary(path):
                continue
            if not is_table(path) or not _has_ids(path):
                pages.append(path)
                continue

            # Tokens of a row say nothing of whose they are but the id of its pair.
            removal, pair_ids = _clean_table(path, sought, dry_run=dry_run)
            sought = Sought(sought.cells | pair_ids, sought.texts)
            if removal is not None:
                removals.append(removal)

    # A page shows parts of texts, and counts have their words: both go if a table held the record.
    for path in pages:
        if _MODEL in path.relative_to(data).parts:
            continue
        is_page = path.suffix in (".html", ".parquet")
        if (is_page and removals) or file_holds(path, sought, with_cells=True):
            removals.append(Removal(path, 0, is_whole=True))
            if not dry_run:
                atomic.move_aside(path)
    return removals


def clean_files_of_people(data: Path, sought: Sought, *, dry_run: bool) -> list[Removal]:
    """Take the lines of the record out of review, written and frozen files."""
    removals = []
    for pattern in _FILES_OF_PEOPLE:
        for path in sorted(data.glob(pattern)):
            header, *lines = _read_csv(path) or [[]]
            kept = [line for line in lines if not _names(line, sought)]
            if len(kept) == len(lines):
                continue
            removals.append(Removal(path, len(lines) - len(kept)))
            if not dry_run:
                with (
                    atomic.write(path) as temporary,
                    temporary.open("w", encoding="utf-8", newline="") as stream,
                ):
                    csv.writer(stream, lineterminator="\n").writerows([header, *kept])

    for path in sorted(data.glob(_TASKS)):
        if file_holds(path, sought, with_cells=True):
            removals.append(Removal(path, 0, is_whole=True))
            if not dry_run:
                atomic.move_aside(path)
    return removals


def clean_logs(runs: Path, sought: Sought, *, dry_run: bool) -> list[Removal]:
    """Remove the logs of each stage that hold the record: texts stand there beside their vectors.

    Args:
        runs: the folder of the logs, one folder for each stage.
        sought: what is searched.
        dry_run: whether they stay.
    """
    removals = []
    for folder in sorted(path for path in runs.glob("*") if path.is_dir()):
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        if any(file_holds(path, sought, with_cells=True) for path in files):
            removals.append(Removal(folder, 0, is_whole=True))
            if not dry_run:
                atomic.move_aside(folder)
    return removals


def lines_that_hold(folders: Collection[Path], sought: Sought) -> Iterator[str]:
    """Yield the places in other files of people that hold a text of the record."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if not path.is_file():
                continue
            if is_table(path):
                if file_holds(path, sought):
                    yield str(path)
                continue
            with path.open(encoding="utf-8", errors="replace") as stream:
                for number, line in enumerate(stream, 1):
                    if any(text in line for text in sought.texts):
                        yield f"{path}, line {number}"


def _clean_table(
    path: Path, sought: Sought, *, dry_run: bool
) -> tuple[Removal | None, frozenset[str]]:
    """Return what leaves a table, and the pairs whose training rows leave it."""
    with tables.readable(path), parquet.ParquetFile(path) as file:
        parts = [file.read_row_group(index) for index in range(file.num_row_groups)]
        schema = file.schema_arrow
    masks = [matching_rows(part, sought) for part in parts]
    count = sum(int(mask.sum()) for mask in masks)
    if not count:
        return None, frozenset()

    pair_ids: set[str] = set()
    if path.name == _TRIPLETS:
        for part, mask in zip(parts, masks, strict=True):
            pair_ids |= set(part["pair_id"].filter(arrow.array(mask)).to_pylist())
    if not dry_run:
        kept = [
            part.filter(compute.invert(arrow.array(mask)))
            for part, mask in zip(parts, masks, strict=True)
        ]
        tables.write_arrow(arrow.concat_tables(kept).cast(schema), path)
    return Removal(path, count), frozenset(pair_ids)


def _has_ids(path: Path) -> bool:
    """Return whether the rows of a table are of some id, and no counts over all texts."""
    with tables.readable(path):
        names = parquet.read_schema(path).names
    return any(name == "id" or name.endswith("_id") for name in names)


def _names(line: list[str], sought: Sought) -> bool:
    return any(sought.is_in(cell) for cell in line)


def _read_csv(path: Path) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return [row for row in csv.reader(stream, strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"{path} is not a CSV file in UTF-8: {error}", "correct it, or restore it with git"
        ) from None
