"""Documents that answer a held-out query but lie in another split, since a component was cut.

They are relevant, so a system that ranks them high is right. They are trained on, so a system that
ranks them high has shown nothing. Both make them count for nothing: they are no part of the qrels,
and leave the ranking of the query before it is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from stages.lib.schemas.evaluation_set import Masked
from stages.lib.schemas.pairs import positive_pairs
from stages.lib.schemas.queries_from_pairs import query_id_of
from stages.split.evaluation_set import QuerySet


class MaskedSet(NamedTuple):
    """The queries and qrels of one evaluation set, and its Masked documents."""

    queries: pd.DataFrame
    qrels: pd.DataFrame
    masked: pd.DataFrame


def mask_documents(
    query_set: QuerySet,
    pairs: pd.DataFrame,
    side_of: Mapping[str, str],
    split: str,
    *,
    positive_from: float,
) -> MaskedSet:
    """Return `query_set` with the documents that count, and those that are masked.

    Args:
        query_set: the queries and qrels of one split.
        pairs: all Pairs, collected and built.
        side_of: id of a row of a giant to its split before training is sampled.
        split: the split of the queries.
        positive_from: the score from which a pair is a positive.
    """
    queries, qrels = query_set
    if not side_of:
        return MaskedSet(queries, qrels, Masked.empty())

    # Queries that ask for any document of a topic have documents elsewhere among their qrels.
    sides = qrels["doc_id"].map(side_of)
    is_elsewhere = sides.notna() & (sides != split)
    counted = qrels[~is_elsewhere]

    # The pairs across two parts of a giant.
    left_out = pairs[pairs["pair_id"].map(side_of) == "left_out"]
    positives = positive_pairs(left_out, positive_from)
    query_ids = positives["anchor"].map(query_id_of)
    across = pd.DataFrame({"query_id": query_ids, "doc_id": positives["doc_id"]})
    table = pd.concat([across, qrels.loc[is_elsewhere, ["query_id", "doc_id"]]])

    # What counts for a query is not masked, and only queries that are asked matter.
    is_counted = pd.MultiIndex.from_frame(table).isin(
        pd.MultiIndex.from_frame(counted[["query_id", "doc_id"]])
    )
    is_asked = table["query_id"].isin(queries["query_id"]).to_numpy()
    masked = table[is_asked & ~is_counted].drop_duplicates()
    masked = masked.sort_values(["query_id", "doc_id"], ignore_index=True)
    return MaskedSet(queries, counted, masked.astype(Masked.empty().dtypes.to_dict()))
