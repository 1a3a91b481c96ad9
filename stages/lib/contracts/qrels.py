"""Qrels: the relevant documents of each query."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import DOC_ID, QUERY_ID, Table


class Qrels(Table):
    """One row is a relevance grade, as in TREC: of a document for a query."""

    query_id: str = pa.Field(str_matches=QUERY_ID, description="the query")
    doc_id: str = pa.Field(
        str_matches=DOC_ID, description="the document as collected; it may be a dropped copy"
    )
    grade: float = pa.Field(
        gt=0.0, le=1.0, description="relevance; the gain in nDCG is linear in it"
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["query_id", "doc_id"]
