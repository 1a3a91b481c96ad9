"""Sheets for people who judge in a spreadsheet: the rows with their texts, which git ignores.

A sheet is written from the file of verdicts and read back into it. Its column `state` holds what
the file held when the sheet was written. So a line that nobody edited changes nothing, an edited
one is taken over, and a row that was changed on both sides is an error.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from stages.commands.review.queues import ReviewQueue
from stages.commands.review.verdict_file import VerdictFile
from stages.lib.core import atomic
from stages.lib.core.csv_cells import safe_row
from stages.lib.core.errors import UserError
from stages.lib.core.ids import hash_hex
from stages.lib.schemas.reviews import Judgement, RowIds, normal_verdict, one_line, read_cells

# The folder of the sheets, beside the files of verdicts. `.gitignore` names it.
WITH_TEXTS = "with_texts"
_REMEDY = "correct the line, or remove the sheet: the next run writes it anew"


def sheet_path(queue: ReviewQueue, judge: str) -> Path:
    """Return the sheet of a queue. Each judge has one, so that nobody sees verdicts of others."""
    suffix = f"-{judge}" if judge else ""
    return queue.path.parent / WITH_TEXTS / f"{queue.path.stem}{suffix}.csv"


def read_edits(queue: ReviewQueue, judge: str, file: VerdictFile) -> list[Judgement]:
    """Return the lines of a sheet that a person has edited since it was written.

    Raises:
        UserError: the sheet is malformed, or a row was changed in both files.
    """
    path = sheet_path(queue, judge)
    if not path.exists():
        return []
    edit_of_ids: dict[RowIds, Judgement] = {}
    for number, line, state in _lines(path, queue, judge):
        current = file.get(line.ids, judge)
        if line == current or _state(line) == state:
            continue
        if _state(current) != state:
            raise UserError(
                f"{path}, line {number}: {' and '.join(line.ids)} is {line.verdict!r} here, and "
                f"{current.verdict!r} in {file.path}, which changed since",
                "write the right verdict into both files",
            )
        first = edit_of_ids.setdefault(line.ids, line)
        if first != line:
            raise UserError(
                f"{path}, line {number}: {' and '.join(line.ids)} has another verdict further up",
                "remove one of the lines",
            )
    return list(edit_of_ids.values())


def write_sheet(queue: ReviewQueue, judge: str, file: VerdictFile) -> None:
    """Write the sheet of a queue, with the verdicts of one judge."""
    with (
        atomic.write(sheet_path(queue, judge)) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as stream,
    ):
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_header(queue))
        for item in queue.items:
            line = file.get(item.ids, judge)
            cells = (*item.ids, *item.texts, line.verdict, line.note, _state(line))
            writer.writerow(safe_row(cells))


def _header(queue: ReviewQueue) -> tuple[str, ...]:
    return (*queue.header[:2], *queue.text_columns, "verdict", "note", "state")


def _lines(path: Path, queue: ReviewQueue, judge: str) -> Iterator[tuple[int, Judgement, str]]:
    """Yield the number of each line, what it says, and its state."""
    numbered_rows = read_cells(path.read_bytes(), path)
    header = _header(queue)

    # Older sheets end with the verdict.
    columns = tuple(numbered_rows[0][1]) if numbered_rows else ()
    if columns not in (header, header[:-2]):
        raise UserError(f"{path}, line 1: the header is not '{','.join(header)}'", _REMEDY)
    for number, row in numbered_rows[1:]:
        if len(row) != len(columns):
            fact = f"{path}, line {number}: {len(row)} fields where {len(columns)} are expected"
            raise UserError(fact, _REMEDY)
        cells = dict(zip(columns, row, strict=True))
        verdict = normal_verdict(cells["verdict"])
        if verdict is None:
            raise UserError(
                f"{path}, line {number}: the verdict {cells['verdict'][:40]!r} is neither yes "
                "nor no",
                _REMEDY,
            )
        note = one_line(cells.get("note", ""))
        yield number, Judgement(row[0], row[1], verdict, judge, note), cells.get("state", "")


def _state(line: Judgement) -> str:
    """Return a short name of a verdict and a note. A letter begins it, so it is no number."""
    if not line.verdict and not line.note:
        return ""
    return f"s{hash_hex('state', line.verdict, line.note)[:8]}"
