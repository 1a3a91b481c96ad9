"""Hierarchy: which document stands above which, where a source says so."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from stages.lib.contracts.table import DOC_ID, Table


class Hierarchy(Table):
    """One row says that a document stands directly above another, as a class above its kinds; it may have several.

    Both are documents: what stands between them and is none (a term without a definition) is passed through.
    """

    doc_id: str = pa.Field(str_matches=DOC_ID, description="the document below")
    parent_id: str = pa.Field(
        str_matches=DOC_ID, description="the nearest document above it, on one of its ways up"
    )

    class Config(Table.Config):
        """Key."""

        unique = ["doc_id", "parent_id"]

    @pa.dataframe_check
    @classmethod
    def no_document_stands_above_itself(cls, frame: pd.DataFrame) -> pd.Series:
        """No document is its own parent."""
        return frame["doc_id"] != frame["parent_id"]
