"""Splits: where every collected pair and document belongs."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import Table

HELD_OUT = ("validation", "test")


class Splits(Table):
    """One row per pair and per document. A component never sits in two splits."""

    id: str = pa.Field(str_matches=r"^[dp][0-9a-f]{16}$", description="a pair or a document")
    component_id: str = pa.Field(
        str_matches=r"^[dp][0-9a-f]{16}$",
        description="the member whose id hashes smallest (by split.unit a document or a pair; of the unit anchor a "
        "hash of the anchor); everything tied together shares it",
    )
    split: str = pa.Field(
        isin=["train", "validation", "test", "corpus", "protected"],
        description="corpus: a document without pairs, or whose training pairs are not used; protected: it holds a "
        "text of split.protect, and stands in no row of training, not even as a negative",
    )

    class Config(Table.Config):
        """Key."""

        unique = ["id"]
