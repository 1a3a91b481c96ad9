"""The tables of the split: GivenSplits, Splits, and Fingerprints of held-out texts."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow

from stages.lib.core.ids import PAIR_ID
from stages.lib.core.tables import Table

EVALUATION_SPLITS = ("validation", "test")
# The split of the rows that `run.sample` leaves out.
NOT_IN_SAMPLE = "not_in_sample"


class GivenSplits(Table):
    """One row is the split that a source gives to a pair. Pairs without one are split as ever."""

    id: str = pa.Field(str_matches=PAIR_ID, description="the pair")
    split: str = pa.Field(
        isin=["train", *EVALUATION_SPLITS], description="the split that its source gives it"
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["id"]


class Splits(Table):
    """One row is the split of a pair or a document. No connected component is in two splits."""

    id: str = pa.Field(str_matches=r"^[dp][0-9a-f]{16}$", description="a pair or a document")
    component_id: str = pa.Field(
        str_matches=r"^[dp][0-9a-f]{16}$",
        description="the connected component, named after the member whose id hashes smallest "
        "(a document or a pair, by split.unit; for the unit anchor a hash of the anchor); a query "
        "whose split is given is a component of its own",
    )
    split: str = pa.Field(
        isin=["train", "validation", "test", "corpus", "protected", "left_out", NOT_IN_SAMPLE],
        description="corpus: a document without pairs, or whose training pairs are not used; "
        "protected: its text is in split.protect, and it is in no row of training, not even as a "
        "negative; left_out: a row of a component that was cut, which lies across its parts; "
        "not_in_sample: run.sample leaves its component out",
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["id"]


def ids_in_sample(ids: pd.Series[str], splits: pd.DataFrame) -> pd.Series[str]:
    """Return those of `ids` that `splits`, a Splits table, does not leave out of the sample."""
    outside = splits.loc[splits["split"] == NOT_IN_SAMPLE, "id"]
    return ids[~ids.isin(outside)]


class GiantRows(Table):
    """One row is a pair or a document of a component that was too large to be held out whole."""

    id: str = pa.Field(str_matches=r"^[dp][0-9a-f]{16}$", description="a pair or a document")
    giant: str = pa.Field(
        str_matches=r"^[dp][0-9a-f]{16}$", description="the component before it was divided"
    )
    handling: str = pa.Field(
        isin=["train", "cut"], description="train: trained on as a whole; cut: cut into the splits"
    )
    split: str = pa.Field(
        isin=["train", "validation", "test", "left_out"],
        description="the split of the row before training is sampled",
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["id"]


class Fingerprints(Table):
    """One row is a held-out text as hashes of it, its shingles and its runs, without the text.

    Short texts and single shingles can be guessed by trying, so it is as confidential as the texts.
    """

    id: str = pa.Field(
        str_matches=r"^[dp][0-9a-f]{16}$",
        description="the held-out pair (its anchor) or document; a protected text has a generated "
        "id",
    )
    split: str = pa.Field(
        isin=["validation", "test", "protected"],
        description="the split of the text; protected: it is a text of split.protect",
    )
    normal_hash: str = pa.Field(
        str_matches=r"^[0-9a-f]{16}$", description="hash of the coarse form"
    )
    compared_with: str = pa.Field(
        isin=["anchors", "texts"],
        description="what must not match it in training: anchors alone, where the unit of the "
        "split shares documents, or any text",
    )
    shingles: object = pa.Field(
        metadata={"arrow": arrow.list_(arrow.list_(arrow.uint64()))},
        description="sorted 64-bit hashes of the shingles, one list per shingle set",
    )
    runs: object = pa.Field(
        metadata={"arrow": arrow.list_(arrow.uint64())},
        description="sorted 64-bit hashes of the runs of fifty words and of the long sentences, "
        "boilerplate left out",
    )

    class Config(Table.Config):
        """The key: a text may be held out as collected and as cleaned."""

        unique = ["id", "normal_hash"]
