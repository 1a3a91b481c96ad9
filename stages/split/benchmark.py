"""The benchmark: held-out queries with their raw strings, and the documents that answer them."""

from __future__ import annotations

import pandas as pd

from stages.lib.contracts.qrels import Qrels
from stages.lib.contracts.queries import Queries
from stages.lib.text import hash_hex, normal_form


def held_out(pairs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the queries and qrels of one split's collected `pairs`.

    `pairs` has the columns of Pairs plus `raw` (the anchor as collected), `component_id`, and `anchor` as
    cleaned, equal to `raw` where cleaning dropped the row: such a query stays in the benchmark. A query
    is a unique raw anchor in normal form, with all its documents; the smallest pair id lends its string.
    """
    relevant = pairs[pairs["score"] > 0].sort_values("pair_id")
    if not len(relevant):
        return Queries.empty(), Qrels.empty()
    relevant = relevant.assign(query_id=["q" + hash_hex("query", normal_form(raw)) for raw in relevant["raw"]])
    first = relevant.drop_duplicates("query_id")
    queries = first.rename(columns={"anchor": "text"})[list(Queries.empty().columns)]
    qrels = relevant.groupby(["query_id", "doc_id"], as_index=False)["score"].max().rename(columns={"score": "grade"})
    return queries, qrels
