"""Pairs: an anchor, and the document that a search for it should find."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import DOC_ID, PAIR_ID, Table


class Pairs(Table):
    """One row is an anchor and its positive: the document that it should find."""

    pair_id: str = pa.Field(
        str_matches=PAIR_ID, description="id, set once by the stage that created the pair"
    )
    anchor: str = pa.Field(
        str_length={"min_value": 1}, description="the query: a question, a synonym, a title"
    )
    doc_id: str = pa.Field(
        str_matches=DOC_ID, description="the positive: the document that answers the anchor"
    )
    relation: str = pa.Field(
        description="how anchor and document relate (lay, abbreviation, exact, ...)"
    )
    score: float = pa.Field(
        ge=0.0, le=1.0, description="relevance from 0 to 1; 1 if the source has none"
    )
    source: str = pa.Field(
        str_length={"min_value": 1},
        description="the source, recipe or method that created the pair",
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["pair_id"]
