"""The ledger of the stage `collect`, sorted on disk: there may be a line for each record."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import pandas as pd

from stages.collect.sorted_rows import SortedRows
from stages.lib.schemas.ledger import Ledger


class _Line(NamedTuple):
    """A decision. `number` is how many came before it, on any row."""

    row_id: str
    number: int
    action: str
    reason: str
    partner_id: str
    score: float
    before: str
    after: str


class StoredLedger:
    """Collects decisions, as `LedgerWriter` does. Decisions on one row keep their order.

    >>> ledger = StoredLedger()
    >>> ledger.note("d2", "empty_anchor")
    >>> ledger.drop("d1", "empty_text", after="faq.csv, line 2")
    >>> ledger.frame()[["row_id", "seq", "action", "after"]].values.tolist()
    [['d1', 0, 'drop', 'faq.csv, line 2'], ['d2', 0, 'note', '']]
    >>> ledger.dropped(), ledger.noted()
    (Counter({'empty_text': 1}), Counter({'empty_anchor': 1}))
    """

    def __init__(self) -> None:
        self._lines = SortedRows()
        self._counts: Counter[tuple[str, str]] = Counter()

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of the table Ledger, sorted by its key."""
        for row_id, lines in groupby(self._lines, key=itemgetter(0)):
            for seq, line in enumerate(map(_Line._make, lines)):
                texts = (line.partner_id, line.score, -1, -1, line.before, line.after)
                yield row_id, seq, "", line.action, line.reason, *texts

    def drop(
        self, row_id: str, reason: str, *, partner_id: str = "", before: str = "", after: str = ""
    ) -> None:
        """Record that the row is dropped. `after` is the place of a record, `before` the record."""
        self._add(row_id, "drop", reason, partner_id, math.nan, before, after)

    def note(
        self,
        row_id: str,
        reason: str,
        *,
        partner_id: str = "",
        score: float = math.nan,
        after: str = "",
    ) -> None:
        """Record a fact about a row that changed nothing."""
        self._add(row_id, "note", reason, partner_id, score, "", after)

    def dropped(self) -> Counter[str]:
        """Return the number of dropped rows by reason."""
        return self._count_by_reason("drop")

    def noted(self) -> Counter[str]:
        """Return the number of notes by reason."""
        return self._count_by_reason("note")

    def frame(self) -> pd.DataFrame:
        """Return the whole table Ledger in memory."""
        empty = Ledger.empty()
        return pd.DataFrame(list(self), columns=list(empty.columns)).astype(empty.dtypes.to_dict())

    def _add(self, row_id: str, action: str, reason: str, *facts: str | float) -> None:
        """Add a line. `facts` are the other fields of a line, in their order."""
        self._counts[action, reason] += 1
        number = len(self._lines)
        self._lines.add((row_id, number, action, reason, *facts))

    def _count_by_reason(self, action: str) -> Counter[str]:
        counts: Counter[str] = Counter()
        for (line_action, reason), count in self._counts.items():
            if line_action == action:
                counts[reason] = count

        return counts
