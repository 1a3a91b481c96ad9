"""The Ledger: one line per decision on a row, and the row accounting of a stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd
import pandera.pandas as pa

from stages.lib.core.tables import Table


class Ledger(Table):
    """One row is a decision of a stage on a row of a table. Each stage has its own file."""

    row_id: str = pa.Field(
        str_length={"min_value": 1}, description="the pair, the document or the raw record"
    )
    seq: int = pa.Field(
        ge=0, description="number of the decision on this row in this stage, from 0"
    )
    field: str = pa.Field(description="the edited column; empty for a decision on the whole row")
    action: str = pa.Field(
        isin=["drop", "edit", "add", "repoint", "note"], description="the kind of decision"
    )
    reason: str = pa.Field(
        str_length={"min_value": 1}, description="the rule; the metrics count decisions by rule"
    )
    partner_id: str = pa.Field(
        description="the row that was preferred, or from which this one came; empty if none"
    )
    score: float = pa.Field(
        nullable=True,
        description="similarity, length or count behind the decision, if there is one",
    )
    start: int = pa.Field(
        ge=-1, description="start of the edit in `field`, in characters; -1 if not a span"
    )
    end: int = pa.Field(
        ge=-1, description="end of the edit in the old text, exclusive; -1 if not a span"
    )
    before: str = pa.Field(description="the old text or id")
    after: str = pa.Field(
        description="the new text or id; of a rejected record of a file its file and line"
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["row_id", "seq"]


class _Decision(NamedTuple):
    """A row of the table Ledger. The fields are in the order of its columns."""

    row_id: str
    seq: int
    field: str
    action: str
    reason: str
    partner_id: str = ""
    score: float = float("nan")
    start: int = -1
    end: int = -1
    before: str = ""
    after: str = ""


class LedgerWriter:
    """Collects the decisions of a stage. Decisions on one row keep their order.

    >>> ledger = LedgerWriter()
    >>> ledger.edit("d1", "text", "unescape", before="&amp;", after="&")
    >>> ledger.drop("d1", "duplicate", partner_id="d2")
    >>> ledger.frame()[["row_id", "seq", "action", "reason"]].values.tolist()
    [['d1', 0, 'edit', 'unescape'], ['d1', 1, 'drop', 'duplicate']]
    """

    def __init__(self) -> None:
        self._decisions: list[_Decision] = []
        self._count_by_row: Counter[str] = Counter()

    def drop(
        self,
        row_id: str,
        reason: str,
        *,
        partner_id: str = "",
        score: float = float("nan"),
        before: str = "",
        after: str = "",
    ) -> None:
        """Record that the row is dropped.

        `before` holds what no other table has, such as a rejected record, and `after` its place.
        """
        decision = _Decision(
            row_id=row_id,
            seq=self._next_seq(row_id),
            field="",
            action="drop",
            reason=reason,
            partner_id=partner_id,
            score=score,
            before=before,
            after=after,
        )

        self._decisions.append(decision)

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
        """Record that the text of `field` changed from `before` to `after`.

        `start` and `end` are the span of the edit, in characters; -1 if it has none.
        """
        decision = _Decision(
            row_id=row_id,
            seq=self._next_seq(row_id),
            field=field,
            action="edit",
            reason=reason,
            start=start,
            end=end,
            before=before,
            after=after,
        )

        self._decisions.append(decision)

    def add(
        self,
        row_id: str,
        reason: str,
        *,
        partner_id: str = "",
        score: float = float("nan"),
        after: str = "",
    ) -> None:
        """Record that this stage created the row, from the row `partner_id`."""
        decision = _Decision(
            row_id=row_id,
            seq=self._next_seq(row_id),
            field="",
            action="add",
            reason=reason,
            partner_id=partner_id,
            score=score,
            after=after,
        )

        self._decisions.append(decision)

    def repoint(self, row_id: str, field: str, reason: str, before: str, after: str) -> None:
        """Record that `field` named the row `before`, and now names the row `after`."""
        decision = _Decision(
            row_id=row_id,
            seq=self._next_seq(row_id),
            field=field,
            action="repoint",
            reason=reason,
            partner_id=after,
            before=before,
            after=after,
        )

        self._decisions.append(decision)

    def note(
        self,
        row_id: str,
        reason: str,
        *,
        partner_id: str = "",
        score: float = float("nan"),
        after: str = "",
    ) -> None:
        """Record a fact about the row that changed nothing."""
        decision = _Decision(
            row_id=row_id,
            seq=self._next_seq(row_id),
            field="",
            action="note",
            reason=reason,
            partner_id=partner_id,
            score=score,
            after=after,
        )

        self._decisions.append(decision)

    def _next_seq(self, row_id: str) -> int:
        """Return the number of the next decision on the row, from 0."""
        seq = self._count_by_row[row_id]
        self._count_by_row[row_id] += 1
        return seq

    def frame(self) -> pd.DataFrame:
        """Return the decisions as a table Ledger."""
        empty = Ledger.empty()
        if not self._decisions:
            return empty

        # Pandas would infer other types than those of the table.
        frame = pd.DataFrame(self._decisions, columns=list(empty.columns))
        return frame.astype(empty.dtypes.to_dict())

    def dropped(self) -> Counter[str]:
        """Return the number of dropped rows by reason."""
        return Counter(decision.reason for decision in self._decisions if decision.action == "drop")


# A share of rejected rows from which pages and the terminal state it.
LARGE_SHARE = 0.1


def row_accounting(
    rows_in: int,
    rows_out: int,
    dropped: Mapping[str, int],
    reasons: Sequence[str],
    added: Mapping[str, int] | None = None,
    added_reasons: Sequence[str] = (),
) -> dict[str, int]:
    """Return the row counts of a table as metrics, with every known reason, also at 0.

    `dropped` and `added` map reasons to numbers of rows. `reasons` and `added_reasons` are
    the known ones.

    Raises:
        AssertionError: a reason is not known, or rows_in + added != rows_out + dropped. Then
            a row is lost without a trace. That is a bug, and never the fault of the data.

    >>> row_accounting(10, 8, {"empty": 2}, reasons=["empty", "too_short"])
    {'rows_in': 10, 'rows_out': 8, 'dropped.empty': 2, 'dropped.too_short': 0}
    """
    added = added or {}

    # A reason that is not known would be in no metric.
    unknown = (set(dropped) - set(reasons)) | (set(added) - set(added_reasons))
    if unknown:
        raise AssertionError(f"reasons that the metrics do not know: {sorted(unknown)}")

    # Each row that comes in goes out, or has a reason.
    if rows_in + sum(added.values()) != rows_out + sum(dropped.values()):
        raise AssertionError(f"{rows_in} in + {dict(added)} != {rows_out} out + {dict(dropped)}")

    # Known reasons without rows are listed with 0.
    metrics = {"rows_in": rows_in, "rows_out": rows_out}
    for reason in added_reasons:
        metrics[f"added.{reason}"] = int(added.get(reason, 0))

    for reason in reasons:
        metrics[f"dropped.{reason}"] = int(dropped.get(reason, 0))

    return metrics
