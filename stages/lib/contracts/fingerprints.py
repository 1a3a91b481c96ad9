"""Fingerprints: held-out texts as hashes, so that later stages can refuse them without seeing them."""

from __future__ import annotations

import pandera.pandas as pa
import pyarrow as arrow

from stages.lib.contracts.table import Table


class Fingerprints(Table):
    """One row is a held-out text, as hashes and shingles, without the text."""

    id: str = pa.Field(
        str_matches=r"^[dp][0-9a-f]{16}$",
        description="the held-out pair (its anchor) or document; made up for protected texts, one of each",
    )
    split: str = pa.Field(
        isin=["validation", "test", "protected"],
        description="where it is held out; protected: it stands under split.protect",
    )
    normal_hash: str = pa.Field(
        str_matches=r"^[0-9a-f]{16}$", description="hash of the normal form"
    )
    shingles: object = pa.Field(
        metadata={"arrow": arrow.list_(arrow.list_(arrow.uint64()))},
        description="sorted 64-bit hashes of the shingles of each of its readings",
    )

    class Config(Table.Config):
        """Key: a text may be held out as collected and as cleaned."""

        unique = ["id", "normal_hash"]
