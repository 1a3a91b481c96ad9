"""The sheet of hits that a person labels: a CSV file, and the same file read as qrels.

A person writes into the column `grade`: a number, or yes for 1 and no for 0. Lines without a grade
were not looked at. A label is never lost: when the sheet is written again, its labelled lines stay.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from stages.commands.verdict.measures import Run
from stages.commands.verdict.unjudged import UnjudgedHit
from stages.lib.core import atomic
from stages.lib.core.errors import UserError

_KEYS = ("query_id", "doc_id", "grade")
_WORDS = {"yes": 1.0, "no": 0.0}

# Longer texts do not fit into a cell on the screen.
_MAX_TEXT = 1000

# What a spreadsheet takes for a formula, and what it does not.
_FORMULA = re.compile(r"'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")


def write_sheet(
    path: Path,
    hits: Sequence[UnjudgedHit],
    run_names: Sequence[str],
    query_texts: Mapping[str, str],
    document_texts: Mapping[str, str],
) -> None:
    """Write the hits for a person to label, after the lines of the file that have a label.

    Args:
        path: the CSV file.
        hits: the hits, in their order.
        run_names: the names of the runs.
        query_texts: query to text; a query may lack one.
        document_texts: document to text; a document may lack one.

    Raises:
        UserError: the file is there, and is no sheet.
    """
    rank_columns = [f"rank in {name}" for name in run_names]
    header = [*_KEYS, "query", "document", *rank_columns, "change"]

    rows = [row for row in _read_rows(path) if row["grade"].strip()] if path.exists() else []
    for hit in hits:
        texts = (query_texts.get(hit.query_id, ""), document_texts.get(hit.doc_id, ""))
        ranks = ["" if rank is None else str(rank) for rank in hit.ranks]
        cells = [hit.query_id, hit.doc_id, "", *map(_shortened, texts), *ranks]
        rows.append(dict(zip(header, [*cells, f"{hit.change:.6f}"], strict=True)))

    # A text of the collection is never a formula.
    lines = [list(map(_safe_cell, header))]
    for row in rows:
        lines.append([_safe_cell(row.get(name, "")) for name in header])
    _write_lines(path, lines)


def _write_lines(path: Path, lines: Sequence[Sequence[str]]) -> None:
    # The CSV writer quotes a line feed by itself, and a carriage return alone not.
    has_returns = any("\r" in "".join(cells) for cells in lines)
    quoting: Literal[0, 1] = csv.QUOTE_ALL if has_returns else csv.QUOTE_MINIMAL

    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n", quoting=quoting).writerows(lines)
    atomic.write_text(path, buffer.getvalue())


def read_labels(path: Path) -> dict[tuple[str, str], float]:
    """Return (query, document) to grade, of the lines that have a grade.

    Raises:
        UserError: the file is no sheet, a grade is no number, or a hit has two.
    """
    labels: dict[tuple[str, str], float] = {}
    for number, row in enumerate(_read_rows(path), start=2):
        text = row["grade"].strip()
        if not text:
            continue
        hit = (row["query_id"], row["doc_id"])
        grade = _grade(text)
        if grade is None:
            raise UserError(
                f"{path}, row {number}: the grade is {text[:40]!r}",
                "write a number, yes or no, or leave it empty",
            )
        if labels.get(hit, grade) != grade:
            raise UserError(
                f"{path}, row {number}: document {hit[1][:40]!r} has two grades for query "
                f"{hit[0][:40]!r}",
                "keep one of them",
            )
        labels[hit] = grade
    return labels


def with_labels(qrels: Run, labels: Mapping[tuple[str, str], float], path: Path) -> Run:
    """Return the qrels with more grades.

    Args:
        qrels: query to graded documents.
        labels: (query, document) to grade.
        path: the file of the labels, for errors.

    Raises:
        UserError: a document has another grade in the qrels.

    >>> with_labels({"q": {"a": 1}}, {("q", "b"): 0.0}, Path("sheet.csv"))
    {'q': {'a': 1, 'b': 0.0}}
    """
    joined: dict[str, dict[str, float]] = {
        query_id: dict(grades) for query_id, grades in qrels.items()
    }
    for (query_id, doc_id), grade in labels.items():
        of_query = joined.setdefault(query_id, {})
        if of_query.get(doc_id, grade) != grade:
            raise UserError(
                f"{path}: document {doc_id[:40]!r} of query {query_id[:40]!r} has the grade "
                f"{grade:g}, and {of_query[doc_id]:g} in the qrels",
                "keep one of them",
            )
        of_query[doc_id] = grade
    return joined


def _grade(text: str) -> float | None:
    """Return the grade that a person wrote; None for anything else."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        # A spreadsheet of another country writes 1,0.
        grade = float(text.replace(",", "."))
    except ValueError:
        return None
    return grade if math.isfinite(grade) else None


def _read_rows(path: Path) -> list[dict[str, str]]:
    """Return the lines of a sheet, by the names of its columns.

    Raises:
        UserError: the file cannot be read, or lacks a column.
    """
    try:
        # Line ends within a cell stay as they are.
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", "name a file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} cannot be read: {error}", "save the sheet as CSV in UTF-8"
        ) from None

    # Spreadsheets write semicolons where the comma is the decimal point.
    first_line = text.partition("\n")[0]
    delimiter = max(",;\t", key=first_line.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UserError(f"{path} is no CSV file: {error}", "save the sheet as CSV") from None

    header = [_cell_text(name.strip()) for name in lines[0]] if lines else []
    missing = [name for name in _KEYS if name not in header]
    if missing:
        raise UserError(
            f"{path} has no column {', '.join(missing)}",
            "name a sheet of --judge, or a CSV file with query_id, doc_id and grade",
        )

    rows: list[dict[str, str]] = []
    for number, cells in enumerate(lines[1:], start=2):
        if any(cells):
            # A row that was cut off must not count as one without a grade.
            if len(cells) != len(header):
                raise UserError(
                    f"{path}, row {number} has {len(cells)} cells, and the header {len(header)}",
                    "correct the row",
                )
            rows.append(dict(zip(header, map(_cell_text, cells), strict=True)))
    return rows


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 3]}..."


def _safe_cell(text: str) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _cell_text(cell: str) -> str:
    """Return the text of a cell that `_safe_cell` made."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
