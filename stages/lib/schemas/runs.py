"""The tables of results: Runs (ranked hits) and QueryResults (metrics of each query)."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.core.ids import DOC_ID, QUERY_ID
from stages.lib.core.tables import Table

# Systems that rank the corpus, from the simplest to the fine-tuned model, and their labels.
SYSTEMS = {
    "bm25": "BM25",
    "static": "static",
    "base": "base",
    "fusion": "BM25 + base",
    "probe": "probe",
    "finetuned": "fine-tuned",
}


class Runs(Table):
    """One row is a hit: a document in the ranking of a system for a query."""

    split: str = pa.Field(
        isin=["validation", "test", "out_of_domain", "synthetic"],
        description="the evaluation set of the query",
    )
    system: str = pa.Field(isin=list(SYSTEMS), description="the system that ranked the corpus")
    query_id: str = pa.Field(str_matches=QUERY_ID, description="the query")
    rank: int = pa.Field(ge=1, le=100, description="rank of the hit, from 1")
    doc_id: str = pa.Field(str_matches=DOC_ID, description="the document")
    score: float = pa.Field(
        description="score to six decimals; equal scores are ordered by document id"
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["split", "system", "query_id", "rank"]


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
