"""QueryResults: how each system did on each query. TSV under metrics/, in git, measures never rounded."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.runs import SYSTEMS
from stages.lib.contracts.table import QUERY_ID, Table


class QueryResults(Table):
    """One row is one query under one system."""

    query_id: str = pa.Field(str_matches=QUERY_ID, description="the held-out query")
    split: str = pa.Field(
        isin=["validation", "test", "out_of_domain", "synthetic"],
        description="which set it belongs to; synthetic: made queries beside real ones",
    )
    system: str = pa.Field(isin=list(SYSTEMS), description="who ranked the corpus")
    component_id: str = pa.Field(description="component of the query; intervals resample these")
    ndcg_at_10: float = pa.Field(
        ge=0.0, le=1.0, description="nDCG over the first ten hits, linear gains"
    )
    mrr_at_10: float = pa.Field(
        ge=0.0, le=1.0, description="1 / rank of the first answer within ten hits, else 0"
    )
    recall_at_10: float = pa.Field(
        ge=0.0, le=1.0, description="share of the answers within ten hits"
    )
    recall_at_100: float = pa.Field(
        ge=0.0, le=1.0, description="share of the answers within a hundred hits"
    )
    first_rank: int = pa.Field(
        ge=0, description="rank of the first answer from 1; 0 if not within a hundred hits"
    )
    first_score: float = pa.Field(
        nullable=True, description="its score to six decimals; missing if no first_rank"
    )

    class Config(Table.Config):
        """Key."""

        unique = ["split", "system", "query_id"]
