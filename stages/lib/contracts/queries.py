"""Queries: the held-out questions of the benchmark."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import QUERY_ID, Table


class Queries(Table):
    """One row is a held-out query: a unique anchor in normal form, with its raw string kept."""

    query_id: str = pa.Field(
        str_matches=QUERY_ID, description="hash of the raw anchor's normal form"
    )
    component_id: str = pa.Field(description="component of its pairs; intervals resample these")
    raw: str = pa.Field(
        str_length={"min_value": 1}, description="the string as collected; part of the benchmark"
    )
    text: str = pa.Field(
        str_length={"min_value": 1},
        description="the cleaned string that is scored; raw if cleaning dropped it",
    )
    relation: str = pa.Field(description="relation of its first pair, for slices")
    source: str = pa.Field(
        str_length={"min_value": 1},
        description="source of its first pair; pair.<recipe> where a recipe made it",
    )

    class Config(Table.Config):
        """Key."""

        unique = ["query_id"]
