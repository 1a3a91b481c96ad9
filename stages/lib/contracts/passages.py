"""Passages: stretches of documents that fit the model."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import DOC_ID, Table

PASSAGE_ID = r"^d[0-9a-f]{16}-[0-9]{4}$"


class Passages(Table):
    """One row is a stretch of a document; a document that fits the model is its own only passage."""

    passage_id: str = pa.Field(
        str_matches=PASSAGE_ID, description="the document's id and the passage's place in it"
    )
    doc_id: str = pa.Field(str_matches=DOC_ID, description="the document")
    position: int = pa.Field(ge=0, description="place of the passage in its document, from 0")
    text: str = pa.Field(str_length={"min_value": 1}, description="what is embedded")

    class Config(Table.Config):
        """Key."""

        unique = ["passage_id"]
