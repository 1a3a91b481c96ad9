"""Documents that answer a held-out query but lie in another split, since a component was cut.

They are relevant, so a system that ranks them high is right. They are trained on, so a system that
ranks them high has shown nothing. Both make them count for nothing: they are no part of the qrels,
and leave the ranking of the query before it is measured.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
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


def mask_sets(
    sets: Mapping[str, QuerySet],
    pairs: pd.DataFrame,
    split_of_row: Mapping[str, str],
    *,
    positive_from: float,
    given_queries: Collection[str] = (),
) -> dict[str, MaskedSet]:
    """Return evaluation set name to its queries, qrels and masked documents.

    The arguments are those of `mask_documents`. Synthetic queries are of validation.
    """
    return {
        name: mask_documents(
            query_set,
            pairs,
            split_of_row,
            "validation" if name == "synthetic" else name,
            positive_from=positive_from,
            given_queries=given_queries,
        )
        for name, query_set in sets.items()
    }


def mask_documents(
    query_set: QuerySet,
    pairs: pd.DataFrame,
    split_of_row: Mapping[str, str],
    split: str,
    *,
    positive_from: float,
    given_queries: Collection[str] = (),
) -> MaskedSet:
    """Return `query_set` with the documents that count, and those that are masked.

    Args:
        query_set: the queries and qrels of one split.
        pairs: all Pairs, collected and built.
        split_of_row: id of a row of a giant to its split before training is sampled.
        split: the split of the queries.
        positive_from: the score from which a pair is a positive.
        given_queries: ids of queries whose split is given: they are asked as given, so nothing of
            theirs is masked.
    """
    queries, qrels = query_set
    if not split_of_row:
        return MaskedSet(queries, qrels, Masked.empty())

    # Queries that ask for any document of a topic have documents elsewhere among their qrels.
    document_splits = qrels["doc_id"].map(split_of_row)
    is_given = qrels["query_id"].isin(given_queries)
    is_elsewhere = document_splits.notna() & (document_splits != split) & ~is_given
    counted = qrels[~is_elsewhere]

    # The pairs across two parts of a giant.
    left_out = pairs[pairs["pair_id"].map(split_of_row) == "left_out"]
    positives = positive_pairs(left_out, positive_from)
    query_ids = positives["anchor"].map(query_id_of)
    across = pd.DataFrame({"query_id": query_ids, "doc_id": positives["doc_id"]})
    table = pd.concat([across, qrels.loc[is_elsewhere, ["query_id", "doc_id"]]])

    # What counts for a query is not masked, and only queries that are asked matter.
    is_counted = pd.MultiIndex.from_frame(table).isin(
        pd.MultiIndex.from_frame(counted[["query_id", "doc_id"]])
    )
    others = queries[~queries["query_id"].isin(given_queries)]
    is_asked = table["query_id"].isin(others["query_id"]).to_numpy()
    masked = table[is_asked & ~is_counted].drop_duplicates()
    masked = masked.sort_values(["query_id", "doc_id"], ignore_index=True)
    return MaskedSet(queries, counted, masked.astype(Masked.empty().dtypes.to_dict()))
