"""Passages: parts of documents that fit the input length of the model."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import DOC_ID, Table

PASSAGE_ID = r"^d[0-9a-f]{16}-[0-9]{4}$"


class Passages(Table):
    """One row is a part of a document. A document that fits the model is one passage."""

    passage_id: str = pa.Field(
        str_matches=PASSAGE_ID, description="the id of the document and the position in it"
    )
    doc_id: str = pa.Field(str_matches=DOC_ID, description="the document")
    position: int = pa.Field(ge=0, description="position of the passage in its document, from 0")
    text: str = pa.Field(str_length={"min_value": 1}, description="the text that is embedded")

    class Config(Table.Config):
        """The key of the table."""

        unique = ["passage_id"]
