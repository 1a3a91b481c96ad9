"""Times: when the pairs and documents of a source were made, where it says so."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import Table

# Fixed width and always UTC, so that times are in order as text.
TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"


class Times(Table):
    """One row says when a pair or a document was made; those of sources without times are in no row."""

    id: str = pa.Field(str_matches=r"^[dp][0-9a-f]{16}$", description="the pair or the document")
    time: str = pa.Field(
        str_matches=TIME, description="ISO 8601 in UTC, to the microsecond; in order as text"
    )

    class Config(Table.Config):
        """Key."""

        unique = ["id"]
