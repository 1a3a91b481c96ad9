"""Scored: held-out pairs with a similarity that a person assigned."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import DOC_ID, PAIR_ID, Table


class Scored(Table):
    """One row is a held-out pair, similar or not, of a source that has scores."""

    pair_id: str = pa.Field(str_matches=PAIR_ID, description="the pair as collected")
    component_id: str = pa.Field(
        description="connected component of the pair; intervals resample components"
    )
    anchor: str = pa.Field(
        str_length={"min_value": 1},
        description="the cleaned anchor; as collected if cleaning dropped it",
    )
    doc_id: str = pa.Field(
        str_matches=DOC_ID, description="the document as collected; it may be a dropped copy"
    )
    score: float = pa.Field(ge=0.0, le=1.0, description="similarity that a person assigned")

    class Config(Table.Config):
        """The key of the table."""

        unique = ["pair_id"]
