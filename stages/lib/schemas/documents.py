"""The tables of documents: Documents, their Passages, Timestamps and the Hierarchy."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from stages.lib.core.ids import DOC_ID
from stages.lib.core.tables import Table


class Documents(Table):
    """One row is a document that can be retrieved: a definition, an answer, a product."""

    doc_id: str = pa.Field(
        str_matches=DOC_ID, description="id, set once by collect from source and key"
    )
    source: str = pa.Field(
        str_length={"min_value": 1}, description="name of the source under collect.sources"
    )
    title: str = pa.Field(description="name of the document; empty if it has none")
    text: str = pa.Field(
        description="the text that is embedded and retrieved; empty before the stage pair where "
        "the title alone is embedded"
    )
    topic: str = pa.Field(description="coarse subject, for slices and balance; empty if unknown")
    group: str = pa.Field(description="rows of one group are never in two splits; empty if unknown")

    class Config(Table.Config):
        """The key of the table."""

        unique = ["doc_id"]

    @pa.dataframe_check
    @classmethod
    def no_document_is_empty(cls, frame: pd.DataFrame) -> pd.Series:
        """Every document has a text or a title."""
        return (frame["text"] != "") | (frame["title"] != "")


PASSAGE_ID_PATTERN = r"^d[0-9a-f]{16}-[0-9]{4}$"


class Passages(Table):
    """One row is a part of a document. A document that fits the model is one passage."""

    passage_id: str = pa.Field(
        str_matches=PASSAGE_ID_PATTERN, description="the id of the document and the position in it"
    )
    doc_id: str = pa.Field(str_matches=DOC_ID, description="the document")
    position: int = pa.Field(ge=0, description="position of the passage in its document, from 0")
    text: str = pa.Field(
        description="the text that is embedded; empty before the stage pair where the title alone "
        "is embedded"
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["passage_id"]


# Of fixed width and always UTC, so that sorting as text sorts by time.
TIMESTAMP_PATTERN = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"


class Timestamps(Table):
    """One row is the timestamp of a pair or a document. Sources without timestamps have no rows."""

    id: str = pa.Field(str_matches=r"^[dp][0-9a-f]{16}$", description="the pair or the document")
    time: str = pa.Field(
        str_matches=TIMESTAMP_PATTERN,
        description="ISO 8601 in UTC, to the microsecond; sorted as text it is sorted by time",
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["id"]


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
