"""Where rows come from: the places in raw files, for those who ask for them.

A run needs no places, so nothing keeps them. `python -m stages forget` reads the sources again and
asks for the places of the rows that it removes.
"""

from __future__ import annotations

from collections.abc import Callable

from stages.collect.columns import Place, Record

# Gets the id of a row ("" for a rejected record) and the record that it comes from.
IsSought = Callable[[str, Record], bool]


class Origins:
    """Collects ids and places of the rows that are asked for.

    >>> origins = Origins(lambda row_id, record: record.key == "7")
    >>> for key in ("6", "7"):
    ...     origins.note(f"d{key}", Record(key=key, place=Place("faq.csv", int(key))))
    >>> origins.rows
    {('d7', Place(file='faq.csv', row=7, line=0))}

    Attributes:
        rows: the id and the place of each row that was asked for.
    """

    def __init__(self, is_sought: IsSought) -> None:
        self.rows: set[tuple[str, Place]] = set()
        self._is_sought = is_sought

    def note(self, row_id: str, record: Record) -> None:
        """Note a row if it is asked for."""
        if self._is_sought(row_id, record):
            self.rows.add((row_id, record.place))
