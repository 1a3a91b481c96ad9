"""Ledger: every decision on every row, so that no row is lost without a reason."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import Table


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
    after: str = pa.Field(description="the new text or id")

    class Config(Table.Config):
        """The key of the table."""

        unique = ["row_id", "seq"]
