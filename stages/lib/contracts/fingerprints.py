"""Fingerprints: held-out texts as hashes, to exclude them later without reading them."""

from __future__ import annotations

import pandera.pandas as pa
import pyarrow as arrow

from stages.lib.contracts.table import Table


class Fingerprints(Table):
    """One row is a held-out text as hashes of it and its shingles, without the text."""

    id: str = pa.Field(
        str_matches=r"^[dp][0-9a-f]{16}$",
        description="the held-out pair (its anchor) or document; a protected text has a generated "
        "id of each kind",
    )
    split: str = pa.Field(
        isin=["validation", "test", "protected"],
        description="the split of the text; protected: it is a text of split.protect",
    )
    normal_hash: str = pa.Field(
        str_matches=r"^[0-9a-f]{16}$", description="hash of the normal form"
    )
    shingles: object = pa.Field(
        metadata={"arrow": arrow.list_(arrow.list_(arrow.uint64()))},
        description="sorted 64-bit hashes of the shingles, one list per shingle set",
    )

    class Config(Table.Config):
        """The key: a text may be held out as collected and as cleaned."""

        unique = ["id", "normal_hash"]
