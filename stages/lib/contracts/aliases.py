"""Aliases: the kept document for each dropped copy."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from stages.lib.contracts.table import DOC_ID, Table


class Aliases(Table):
    """One row maps a dropped document to the kept document that says the same."""

    doc_id: str = pa.Field(str_matches=DOC_ID, description="the dropped copy")
    kept_id: str = pa.Field(str_matches=DOC_ID, description="the kept document")

    class Config(Table.Config):
        """The key of the table."""

        unique = ["doc_id"]

    @pa.dataframe_check
    @classmethod
    def kept_is_not_dropped(cls, frame: pd.DataFrame) -> pd.Series:
        """No kept document is a dropped copy itself, so there are no chains."""
        return ~frame["kept_id"].isin(frame["doc_id"])
