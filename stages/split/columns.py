"""Columns of tables as Python strings, each distinct string once in memory."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import pandas as pd


def shared_strings(column: Iterable[str]) -> list[str]:
    """Return the values of a column, equal ones as one object.

    A table makes a new object of an id each time that the id is read. So a dozen mappings of a
    million rows would hold each id a dozen times.

    >>> first, second = shared_strings(["d" + str(1), "d" + str(1)])
    >>> first is second
    True
    """
    # Lists are read many times faster than columns of texts.
    values = column.tolist() if isinstance(column, pd.Series) else column
    return list(map(sys.intern, values))


def column_by_key(frame: pd.DataFrame, key: str, value: str) -> dict[str, str]:
    """Return the column `value` of a table by the column `key`; both hold ids or other names.

    >>> column_by_key(pd.DataFrame({"id": ["d1"], "split": ["train"]}), "id", "split")
    {'d1': 'train'}
    """
    return dict(zip(shared_strings(frame[key]), shared_strings(frame[value]), strict=True))
