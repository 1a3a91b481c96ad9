"""Knowledge: what a corpus teaches about itself, counted over its documents."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import Table


class Knowledge(Table):
    """One row says in how many documents (or anchors) of a source something stands."""

    kind: str = pa.Field(
        isin=["text", "boilerplate", "definition", "word", "foreign", "private"],
        description="what is counted: texts at all, lines and sentences (by their hash), definitions of abbreviations "
        "(short, a tab, long), words, texts in a language that cannot be spell-checked, kinds of private data",
    )
    source: str = pa.Field(
        description="the source it was counted in; empty for what is counted over all of them"
    )
    item: str = pa.Field(description="the thing itself; empty for a plain count of texts")
    documents: int = pa.Field(ge=1, description="how many texts hold it")

    class Config(Table.Config):
        """Key."""

        unique = ["kind", "source", "item"]
