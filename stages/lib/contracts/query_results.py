"""QueryResults: the metrics of each system on each query, as TSV in metrics/, not rounded."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.runs import SYSTEMS
from stages.lib.contracts.table import QUERY_ID, Table


class QueryResults(Table):
    """One row is the result of one system on one query."""

    query_id: str = pa.Field(str_matches=QUERY_ID, description="the query")
    split: str = pa.Field(
        isin=["validation", "test", "out_of_domain", "synthetic"],
        description="the evaluation set; synthetic: synthetic queries, where there are also "
        "collected ones",
    )
    system: str = pa.Field(isin=list(SYSTEMS), description="the system that ranked the corpus")
    component_id: str = pa.Field(
        description="connected component of the query; intervals resample components"
    )
    ndcg_at_10: float = pa.Field(
        ge=0.0, le=1.0, description="nDCG of the first 10 hits, with linear gains"
    )
    mrr_at_10: float = pa.Field(
        ge=0.0, le=1.0, description="1 / rank of the first relevant document in 10 hits, else 0"
    )
    recall_at_10: float = pa.Field(
        ge=0.0, le=1.0, description="share of the relevant documents in the first 10 hits"
    )
    recall_at_100: float = pa.Field(
        ge=0.0, le=1.0, description="share of the relevant documents in the first 100 hits"
    )
    first_rank: int = pa.Field(
        ge=0, description="rank of the first relevant document, from 1; 0 if not in 100 hits"
    )
    first_score: float = pa.Field(
        nullable=True,
        description="score of that document, to six decimals; missing if first_rank is 0",
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["split", "system", "query_id"]
