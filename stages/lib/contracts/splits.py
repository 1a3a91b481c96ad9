"""Splits: the split of every collected pair and document."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import Table

HELD_OUT = ("validation", "test")


class Splits(Table):
    """One row is the split of a pair or a document. No connected component is in two splits."""

    id: str = pa.Field(str_matches=r"^[dp][0-9a-f]{16}$", description="a pair or a document")
    component_id: str = pa.Field(
        str_matches=r"^[dp][0-9a-f]{16}$",
        description="the connected component, named after the member whose id has the smallest hash "
        "(a document or a pair, by split.unit; for the unit anchor a hash of the anchor)",
    )
    split: str = pa.Field(
        isin=["train", "validation", "test", "corpus", "protected"],
        description="corpus: a document without pairs, or whose training pairs are not used; "
        "protected: its text is in split.protect, and it is in no row of training, not even as a "
        "negative",
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["id"]
