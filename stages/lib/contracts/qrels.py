"""Qrels: which documents answer a held-out query."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import DOC_ID, QUERY_ID, Table


class Qrels(Table):
    """One row is a judgement, as in TREC: this document answers that query, this well."""

    query_id: str = pa.Field(str_matches=QUERY_ID, description="a row of queries")
    doc_id: str = pa.Field(
        str_matches=DOC_ID, description="the document as collected, before any copy was re-pointed"
    )
    grade: float = pa.Field(gt=0.0, le=1.0, description="relevance; gains are linear in it")

    class Config(Table.Config):
        """Key."""

        unique = ["query_id", "doc_id"]
