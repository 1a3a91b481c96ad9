"""Pairs: which text should find which document."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import DOC_ID, PAIR_ID, Table


class Pairs(Table):
    """One row says: this anchor should find that document."""

    pair_id: str = pa.Field(
        str_matches=PAIR_ID, description="id, given once by the stage that made the pair"
    )
    anchor: str = pa.Field(
        str_length={"min_value": 1}, description="the query side: a question, a synonym, a title"
    )
    doc_id: str = pa.Field(
        str_matches=DOC_ID, description="the positive: the document that answers the anchor"
    )
    relation: str = pa.Field(
        description="how anchor and document relate (lay, abbreviation, exact, ...)"
    )
    score: float = pa.Field(
        ge=0.0, le=1.0, description="relevance from 0 to 1; 1 where the source gives none"
    )
    source: str = pa.Field(
        str_length={"min_value": 1}, description="source, recipe or method that made the pair"
    )

    class Config(Table.Config):
        """Key."""

        unique = ["pair_id"]
