"""Sketches: what is compared instead of texts. The table never leaves the stage."""

from __future__ import annotations

import pandera.pandas as pa
import pyarrow as arrow

from stages.lib.contracts.table import Table

_BYTES = {"arrow": arrow.binary()}


class Sketches(Table):
    """One row is a reading of a document or an anchor, as hashes."""

    id: str = pa.Field(str_matches=r"^[dp][0-9a-f]{16}$", description="the document or pair")
    reading: str = pa.Field(
        isin=["characters", "words"], description="of what its shingles are made"
    )
    form: int = pa.Field(description="64-bit hash of the normal form")
    bands: object = pa.Field(
        metadata=_BYTES, description="64-bit hashes of the bands of its MinHash signature"
    )
    shingles: object = pa.Field(metadata=_BYTES, description="sorted 64-bit hashes of its shingles")

    class Config(Table.Config):
        """Key."""

        unique = ["id", "reading"]
