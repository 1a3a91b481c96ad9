"""Runs: the first 100 hits of each system for each query, as in TREC."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import DOC_ID, QUERY_ID, Table

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
