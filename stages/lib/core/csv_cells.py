"""Cells of CSV files that people open in spreadsheets: a text never becomes a formula.

A spreadsheet takes a cell that begins with =, +, -, @, a tab or a carriage return for a formula,
which can send other cells to an address (OWASP, "CSV Injection"). An apostrophe before it makes it
a text, and is taken away when the file is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

_FORMULA = re.compile(r"'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
# A number is none, although it may begin with a sign.
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")


def safe_cell(text: str) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula.

    >>> safe_cell("=1+1"), safe_cell("'=1"), safe_cell("-5"), safe_cell("a=b")
    ("'=1+1", "''=1", '-5', 'a=b')
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def safe_row(cells: Iterable[str]) -> list[str]:
    """Return a row of cells, none of which is a formula."""
    return [safe_cell(cell) for cell in cells]


def cell_text(cell: str) -> str:
    """Return the text of a cell that `safe_cell` made. Other cells stay as they are.

    >>> cell_text(safe_cell("=1+1")), cell_text("'tis"), cell_text("=1+1")
    ('=1+1', "'tis", '=1+1')
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def safe_texts(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table, no text of which is a formula. Other values stay as they are."""
    safe = table.copy()
    for name in table.columns:
        if pd.api.types.is_string_dtype(table[name]):
            safe[name] = table[name].map(safe_cell, na_action="ignore")
    return safe
