"""Queries that people write for held-out passages: the sheet data/written_queries/queries.csv.

`python -m stages queries` draws the passages. A person writes a query into the column `query`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from stages.lib.core.csv_cells import cell_text, safe_row
from stages.lib.core.errors import UserError
from stages.lib.schemas.splits import EVALUATION_SPLITS

SHEET = "queries.csv"
_REMEDY = "correct the line, or restore the sheet: with git, or 'dvc checkout' where DVC holds it"


class SheetLine(NamedTuple):
    """A passage and the query that a person wrote for it.

    Attributes:
        doc_id: the document of the passage.
        split: the split in which the document is held out.
        topic: the topic of the document.
        title: the title of the document.
        passage: the text of the passage.
        query: what a person wrote; empty if nobody has.
    """

    doc_id: str
    split: str
    topic: str
    title: str
    passage: str
    query: str

    @property
    def is_written(self) -> bool:
        """Whether a person has written a query."""
        return bool(self.query.strip())


def read_sheet(path: Path) -> list[SheetLine]:
    """Return the lines of the sheet, in its order; an empty list if there is no sheet.

    Raises:
        UserError: the sheet is malformed. The message names the line.
    """
    if not path.exists():
        return []

    rows = _read_csv(path)
    header = list(SheetLine._fields)
    if not rows or rows[0][1] != header:
        raise UserError(f"{path}, line 1: the header is not '{','.join(header)}'", _REMEDY)

    lines: list[SheetLine] = []
    for line_number, fields in rows[1:]:
        place = f"{path}, line {line_number}"
        if len(fields) != len(header):
            raise UserError(f"{place}: {len(fields)} fields instead of {len(header)}", _REMEDY)

        line = SheetLine(*fields)
        if line.split not in EVALUATION_SPLITS:
            raise UserError(
                f"{place}: the split {line.split[:40]!r} is none of {', '.join(EVALUATION_SPLITS)}",
                _REMEDY,
            )
        lines.append(line)

    return lines


def write_sheet(lines: Iterable[SheetLine], path: Path) -> None:
    """Write the sheet. It begins with a byte order mark, so that spreadsheets read it as UTF-8."""
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(SheetLine._fields)
        writer.writerows(map(safe_row, lines))


def _read_csv(path: Path) -> list[tuple[int, list[str]]]:
    """Return the rows that are not blank, with the number of their last line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            # Spreadsheets of some languages write semicolons.
            first_line = stream.readline()
            delimiter = ";" if first_line.count(";") > first_line.count(",") else ","
            stream.seek(0)
            reader = csv.reader(stream, delimiter=delimiter, strict=True)
            return [(reader.line_num, list(map(cell_text, row))) for row in reader if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"{path} is not a CSV file in UTF-8: {error}",
            "save it as 'CSV UTF-8' in the spreadsheet",
        ) from None
