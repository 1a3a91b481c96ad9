"""Scored: held-out pairs with the similarity that a person gave them."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import DOC_ID, PAIR_ID, Table


class Scored(Table):
    """One row is a held-out pair of a source that gives scores, similar or not."""

    pair_id: str = pa.Field(str_matches=PAIR_ID, description="the pair as collected")
    component_id: str = pa.Field(description="its component; intervals resample these")
    anchor: str = pa.Field(
        str_length={"min_value": 1},
        description="the cleaned anchor; as collected if cleaning dropped it",
    )
    doc_id: str = pa.Field(
        str_matches=DOC_ID, description="the document as collected, before any copy was re-pointed"
    )
    score: float = pa.Field(ge=0.0, le=1.0, description="how similar a person found them")

    class Config(Table.Config):
        """Key."""

        unique = ["pair_id"]
