"""Aliases: which kept document stands for a dropped copy."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from stages.lib.contracts.table import DOC_ID, Table


class Aliases(Table):
    """One row re-points a dropped document to the kept one that says the same."""

    doc_id: str = pa.Field(str_matches=DOC_ID, description="the dropped copy")
    kept_id: str = pa.Field(str_matches=DOC_ID, description="the document that stands for it")

    class Config(Table.Config):
        """Key."""

        unique = ["doc_id"]

    @pa.dataframe_check
    @classmethod
    def kept_is_not_dropped(cls, frame: pd.DataFrame) -> pd.Series:
        """Allow stars and no chains: what is kept is not itself re-pointed."""
        return ~frame["kept_id"].isin(frame["doc_id"])
