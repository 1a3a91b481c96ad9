"""Times: timestamps of pairs and documents, from sources that have them."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import Table

# Of fixed width and always UTC, so that sorting as text sorts by time.
TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"


class Times(Table):
    """One row is the timestamp of a pair or a document. Sources without timestamps have no rows."""

    id: str = pa.Field(str_matches=r"^[dp][0-9a-f]{16}$", description="the pair or the document")
    time: str = pa.Field(
        str_matches=TIME,
        description="ISO 8601 in UTC, to the microsecond; sorted as text it is sorted by time",
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["id"]
