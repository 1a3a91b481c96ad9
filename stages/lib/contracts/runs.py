"""Runs: the first hundred hits of every system on every held-out query, as in TREC."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import DOC_ID, QUERY_ID, Table

# What ranks the corpus, from the simplest to what was trained, as people read it.
SYSTEMS = {
    "bm25": "BM25",
    "static": "static",
    "base": "base",
    "fusion": "BM25 + base",
    "probe": "probe",
    "finetuned": "fine-tuned",
}


class Runs(Table):
    """One row is one hit: a document that a system ranked for a query."""

    split: str = pa.Field(
        isin=["validation", "test", "out_of_domain", "synthetic"],
        description="which set the query belongs to",
    )
    system: str = pa.Field(isin=list(SYSTEMS), description="who ranked the corpus")
    query_id: str = pa.Field(str_matches=QUERY_ID, description="the held-out query")
    rank: int = pa.Field(ge=1, le=100, description="place of the hit, from 1")
    doc_id: str = pa.Field(str_matches=DOC_ID, description="the document")
    score: float = pa.Field(
        description="what it scored, to six decimals; equal scores are ordered by document id"
    )

    class Config(Table.Config):
        """Key."""

        unique = ["split", "system", "query_id", "rank"]
