"""Documents: the texts that are retrieved."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import DOC_ID, Table


class Documents(Table):
    """One row is a document that can be retrieved: a definition, an answer, a product."""

    doc_id: str = pa.Field(
        str_matches=DOC_ID, description="id, set once by collect from source and key"
    )
    source: str = pa.Field(
        str_length={"min_value": 1}, description="name of the source under collect.sources"
    )
    title: str = pa.Field(description="name of the document; empty if it has none")
    text: str = pa.Field(
        str_length={"min_value": 1}, description="the text that is embedded and retrieved"
    )
    topic: str = pa.Field(description="coarse subject, for slices and balance; empty if unknown")
    group: str = pa.Field(description="rows of one group are never in two splits; empty if unknown")

    class Config(Table.Config):
        """The key of the table."""

        unique = ["doc_id"]
