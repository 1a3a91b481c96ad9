"""Made: where the pairs come from that a recipe made, and what they are trained on."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.contracts.table import PAIR_ID, Table


class Made(Table):
    """One row is a pair that a recipe made; given pairs have none."""

    pair_id: str = pa.Field(str_matches=PAIR_ID, description="the pair")
    origin_id: str = pa.Field(
        str_matches=r"^[dp][0-9a-f]{16}$",
        description="the document whose text is the anchor, or the given pair whose anchor is the positive; it never "
        "sits in another split than the pair",
    )
    positive: str = pa.Field(
        description="what is trained on instead of a passage of the document: a passage without the sentence that "
        "became the anchor, say; empty where any passage will do"
    )

    class Config(Table.Config):
        """Key."""

        unique = ["pair_id"]
