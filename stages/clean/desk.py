"""Where one step of cleaning works through one shard: rows are mended, kept or dropped, and things counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from stages.clean.rules import Rule, repair
from stages.lib.contracts.knowledge import Knowledge
from stages.lib.contracts.table import Table, key_of
from stages.lib.ledger import Ledger

# An edit of more characters than this copies no text into the ledger when it is the first on its field:
# what stood there is the field as collected (whole pages would double the data).
COPIED = 200

Row = dict[str, Any]


class Desk:
    """Takes the rows of one shard of `table` and collects what was decided on them."""

    def __init__(self, frame: pd.DataFrame, table: type[Table]) -> None:
        self.rows: list[Row] = [
            {str(name): value for name, value in row.items()} for row in frame.to_dict("records")
        ]
        self.ledger = Ledger()
        self._table, self._key = table, key_of(table)[0]
        self._kept: list[Row] = []
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def mend(
        self,
        row: Row,
        fields: Iterable[str],
        rules: Sequence[Rule],
        own: Sequence[Rule] | None = None,
        first: Sequence[Rule] = (),
    ) -> bool:
        """Apply `rules` to `fields` of `row`, after `first`, in the step that reads the text as collected.

        The later steps name rules of their `own`, which follow `rules`. A text in which these find nothing has
        settled in the step before. Returns whether the row is still there: a text that does not settle is dropped.
        """
        for field in fields:
            if not row[field] or (own is not None and not any(rule(row[field]) for rule in own)):
                continue
            done = repair(row[field], [*rules, *(own or ())], first)
            for at, edit in enumerate(done.edits):
                if first and not at and len(edit.before) + len(edit.after) > COPIED:
                    self.ledger.edit(row[self._key], field, edit.rule, "", "")
                else:
                    span = {"start": edit.start, "end": edit.end}
                    self.ledger.edit(
                        row[self._key], field, edit.rule, edit.before, edit.after, **span
                    )
            row[field] = done.text
            if not done.settled:
                self.drop(row, "unstable", score=float(len(done.text)))
                return False
        return True

    def drop(
        self, row: Row, reason: str, *, partner_id: str = "", score: float = float("nan")
    ) -> None:
        """Note that `row` leaves."""
        self.ledger.drop(row[self._key], reason, partner_id=partner_id, score=score)

    def keep(self, row: Row) -> None:
        """Note that `row` stays."""
        self._kept.append(row)

    def count(self, kind: str, items: Iterable[str], source: str = "") -> None:
        """Count one more text for each different item of `items`."""
        self._counts.update((kind, source, item) for item in set(items))

    def results(self) -> list[pd.DataFrame]:
        """Return the rows that stay, the Ledger and the Knowledge of this shard."""
        columns = list(self._table.empty().columns)
        kept = pd.DataFrame(self._kept, columns=columns).astype(
            self._table.empty().dtypes.to_dict()
        )
        lines = [(*thing, count) for thing, count in sorted(self._counts.items())]
        known = pd.DataFrame(lines, columns=list(Knowledge.empty().columns))
        return [kept, self.ledger.frame(), known.astype(Knowledge.empty().dtypes.to_dict())]
