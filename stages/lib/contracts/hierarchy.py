"""Hierarchy: the parents of documents, in sources that have a hierarchy."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from stages.lib.contracts.table import DOC_ID, Table


class Hierarchy(Table):
    """One row is a document and one of its parents, such as a kind and its class.

    A term without a definition is no document. Its children then have its parents.
    """

    doc_id: str = pa.Field(str_matches=DOC_ID, description="the child")
    parent_id: str = pa.Field(
        str_matches=DOC_ID, description="the nearest document above it, on one path"
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["doc_id", "parent_id"]

    @pa.dataframe_check
    @classmethod
    def no_document_stands_above_itself(cls, frame: pd.DataFrame) -> pd.Series:
        """No document is its own parent."""
        return frame["doc_id"] != frame["parent_id"]
