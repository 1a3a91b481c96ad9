"""The table CorpusCounts: in how many documents of a source something occurs."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.core.tables import Table


class CorpusCounts(Table):
    """One row is the number of documents (or anchors) of a source that contain an item."""

    kind: str = pa.Field(
        isin=["text", "boilerplate", "definition", "mention", "word", "foreign", "private"],
        description="the kind of item: all texts, lines and sentences (as hashes), definitions of "
        "abbreviations (short, a tab, long), mentions of short forms, words, texts in a "
        "language without spelling correction, kinds of private data",
    )
    source: str = pa.Field(description="the source; empty for counts over all sources")
    item: str = pa.Field(description="the item; empty for a count of all texts")
    document_frequency: int = pa.Field(ge=1, description="number of texts that contain it")

    class Config(Table.Config):
        """The key of the table."""

        unique = ["kind", "source", "item"]
