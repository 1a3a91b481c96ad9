"""Ledger: every decision on every row, so that nothing is lost without a reason."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import Table


class Ledger(Table):
    """One row is one decision that one stage took on one row (one file per stage)."""

    row_id: str = pa.Field(
        str_length={"min_value": 1}, description="the pair, document or raw record decided on"
    )
    seq: int = pa.Field(ge=0, description="order of the decisions on that row within the stage")
    field: str = pa.Field(
        description="the column that was edited; empty for decisions on the whole row"
    )
    action: str = pa.Field(
        isin=["drop", "edit", "add", "repoint", "note"], description="what was done"
    )
    reason: str = pa.Field(
        str_length={"min_value": 1}, description="the rule that decided; counted in the metrics"
    )
    partner_id: str = pa.Field(
        description="the row that beat it or that it came from; empty when there is none"
    )
    score: float = pa.Field(
        nullable=True, description="similarity, length or count that decided, where there is one"
    )
    start: int = pa.Field(
        ge=-1, description="where in `field` the edit begins, in characters; -1 if not a span"
    )
    end: int = pa.Field(
        ge=-1, description="where it ends in the text before the edit, exclusive; -1 if not a span"
    )
    before: str = pa.Field(description="what stood there")
    after: str = pa.Field(description="what stands there now")

    class Config(Table.Config):
        """Key."""

        unique = ["row_id", "seq"]
