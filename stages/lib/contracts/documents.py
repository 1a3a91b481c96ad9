"""Documents: what can be retrieved."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import DOC_ID, Table


class Documents(Table):
    """One row is something that can be retrieved: a definition, an answer, a product, an operation."""

    doc_id: str = pa.Field(
        str_matches=DOC_ID, description="id, given once by collect from source and key"
    )
    source: str = pa.Field(
        str_length={"min_value": 1}, description="name of the source under collect.sources"
    )
    title: str = pa.Field(description="name of the document, empty when it has none")
    text: str = pa.Field(str_length={"min_value": 1}, description="what is embedded and retrieved")
    topic: str = pa.Field(description="coarse subject, for slices and balance; empty when unknown")
    group: str = pa.Field(
        description="rows of one group never sit in two splits; empty when unknown"
    )

    class Config(Table.Config):
        """Key."""

        unique = ["doc_id"]
