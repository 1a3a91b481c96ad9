"""Every drop and edit, with its reason; and the sums that must balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from stages.lib.contracts.ledger import Ledger as LedgerTable


class Ledger:
    """Collects decisions; `frame()` is the table. Decisions on one row keep their order."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, int, str, str, str, str, float, int, int, str, str]] = []
        self._seq: Counter[str] = Counter()

    def drop(
        self,
        row_id: str,
        reason: str,
        *,
        partner_id: str = "",
        score: float = float("nan"),
        before: str = "",
    ) -> None:
        """Note that the row leaves. `before` holds what cannot be read elsewhere, such as a rejected record."""
        self._add(row_id, "", "drop", reason, partner_id, score, -1, -1, before, "")

    def edit(
        self,
        row_id: str,
        field: str,
        reason: str,
        before: str,
        after: str,
        *,
        start: int = -1,
        end: int = -1,
    ) -> None:
        """Note that text of `field` changed from `before` to `after`, at a span where the edit has one."""
        self._add(row_id, field, "edit", reason, "", float("nan"), start, end, before, after)

    def add(
        self,
        row_id: str,
        reason: str,
        *,
        partner_id: str = "",
        score: float = float("nan"),
        after: str = "",
    ) -> None:
        """Note that the row was made here, from `partner_id`."""
        self._add(row_id, "", "add", reason, partner_id, score, -1, -1, "", after)

    def repoint(self, row_id: str, field: str, reason: str, before: str, after: str) -> None:
        """Note that the row names another row: `field` went from id `before` to id `after`."""
        self._add(row_id, field, "repoint", reason, after, float("nan"), -1, -1, before, after)

    def note(
        self,
        row_id: str,
        reason: str,
        *,
        partner_id: str = "",
        score: float = float("nan"),
        after: str = "",
    ) -> None:
        """Note something worth knowing that changed nothing."""
        self._add(row_id, "", "note", reason, partner_id, score, -1, -1, "", after)

    def _add(
        self,
        row_id: str,
        field: str,
        action: str,
        reason: str,
        partner_id: str,
        score: float,
        start: int,
        end: int,
        before: str,
        after: str,
    ) -> None:
        self._lines.append(
            (
                row_id,
                self._seq[row_id],
                field,
                action,
                reason,
                partner_id,
                score,
                start,
                end,
                before,
                after,
            )
        )
        self._seq[row_id] += 1

    def frame(self) -> pd.DataFrame:
        """Return the decisions as a Ledger table."""
        empty = LedgerTable.empty()
        frame = pd.DataFrame(self._lines, columns=list(empty.columns))
        return frame.astype(empty.dtypes.to_dict()) if len(frame) else empty

    def dropped(self) -> Counter[str]:
        """Return how many rows were dropped, by reason."""
        return Counter(line[4] for line in self._lines if line[3] == "drop")


def balance(
    rows_in: int,
    rows_out: int,
    dropped: Mapping[str, int],
    reasons: Sequence[str],
    added: Mapping[str, int] | None = None,
    added_reasons: Sequence[str] = (),
) -> dict[str, int]:
    """Return the row accounting of a table, every known reason named, 0 included.

    Raises AssertionError when rows_in + added != rows_out + dropped, or a reason is not a known one:
    a row would have gone without a trace, which is a bug and never the data's fault.
    """
    added = added or {}
    unknown = (set(dropped) - set(reasons)) | (set(added) - set(added_reasons))
    if unknown:
        raise AssertionError(f"reasons that the metrics do not know: {sorted(unknown)}")
    if rows_in + sum(added.values()) != rows_out + sum(dropped.values()):
        raise AssertionError(f"{rows_in} in + {dict(added)} != {rows_out} out + {dict(dropped)}")
    return {
        "rows_in": rows_in,
        "rows_out": rows_out,
        **{f"added.{reason}": int(added.get(reason, 0)) for reason in added_reasons},
        **{f"dropped.{reason}": int(dropped.get(reason, 0)) for reason in reasons},
    }
