"""The tables of duplicates: Aliases of dropped copies, and NearDuplicates."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from stages.lib.core.ids import ANY_ID, DOC_ID
from stages.lib.core.tables import Table


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


class NearDuplicates(Table):
    """One row is an edge between two similar texts. The similarity is exact, not estimated."""

    left_id: str = pa.Field(str_matches=ANY_ID, description="the smaller id of the two")
    right_id: str = pa.Field(str_matches=ANY_ID, description="the larger id of the two")
    similarity: float = pa.Field(
        ge=0.0, le=1.0, description="exact Jaccard similarity of the shingle sets"
    )
    rule: str = pa.Field(
        isin=["equal", "near"],
        description="equal: same coarse form; near: at or above the threshold",
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["left_id", "right_id"]

    @pa.dataframe_check
    @classmethod
    def left_is_smaller_than_right(cls, frame: pd.DataFrame) -> pd.Series:
        """Every edge stands once, in one direction."""
        return frame["left_id"] < frame["right_id"]
