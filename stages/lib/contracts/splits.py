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
        description="the member whose id hashes smallest; everything tied together shares it",
    )
    split: str = pa.Field(
        isin=["train", "validation", "test", "corpus"],
        description="corpus: a document without pairs, or whose training pairs were not sampled",
    )

    class Config(Table.Config):
        """Key."""

        unique = ["id"]
