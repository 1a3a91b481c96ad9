"""Queries: the queries of an evaluation set."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import QUERY_ID, Table


class Queries(Table):
    """One row is a query of an evaluation set: an anchor, unique in normal form."""

    query_id: str = pa.Field(
        str_matches=QUERY_ID, description="hash of the normal form of the raw anchor"
    )
    component_id: str = pa.Field(
        description="connected component of its pairs; intervals resample components"
    )
    raw: str = pa.Field(
        str_length={"min_value": 1},
        description="the string as collected; it is part of the benchmark",
    )
    text: str = pa.Field(
        str_length={"min_value": 1},
        description="the cleaned string, which is searched; as collected if cleaning dropped it",
    )
    relation: str = pa.Field(description="relation of its first pair, for slices")
    source: str = pa.Field(
        str_length={"min_value": 1},
        description="source of its first pair; pair.<recipe> for a synthetic query",
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["query_id"]
