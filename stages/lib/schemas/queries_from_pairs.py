"""Queries and qrels of an evaluation set, made from collected pairs."""

from __future__ import annotations

import pandas as pd

from stages.lib.core.ids import hash_hex
from stages.lib.schemas.evaluation_set import Qrels, Queries
from stages.lib.text.normal_form import normal_form
from stages.lib.text.strict_form import strict_form


def query_id_of(raw: str) -> str:
    """Return the id of a query from `raw`, its string as collected.

    Strings with one strict form have one id. It is the id that versions of before the strict form
    gave them, unless the coarse form leaves content out.

    >>> query_id_of("No signal?") == query_id_of("no signal")
    True
    >>> query_id_of("Grade 5-7") == query_id_of("Grade 5.7")
    False
    """
    strict = strict_form(raw)
    coarse = normal_form(raw)
    is_whole = strict_form(coarse) == strict
    return "q" + hash_hex("query", coarse if is_whole else strict)


def queries_and_qrels(pairs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables Queries and Qrels of the collected `pairs` of one split.

    `pairs` has the columns of Pairs, `raw` (the anchor as collected) and `component_id`.
    `anchor` is cleaned, or equal to `raw` if cleaning dropped the row: such a query stays in
    the benchmark. A query is a unique strict form of raw anchors, with all their documents.
    Its string is that of the smallest pair id.
    """
    relevant = pairs[pairs["score"] > 0].sort_values("pair_id")
    if not len(relevant):
        return Queries.empty(), Qrels.empty()
    relevant = relevant.assign(query_id=relevant["raw"].map(query_id_of))

    # One row per query, from its first pair.
    first_pairs = relevant.drop_duplicates("query_id")
    query_columns = list(Queries.empty().columns)
    queries = first_pairs.rename(columns={"anchor": "text"})[query_columns]

    # One row per query and document, with the best score.
    best_first = relevant.sort_values("score", ascending=False)
    best_pairs = best_first.drop_duplicates(["query_id", "doc_id"])
    qrels = best_pairs[["query_id", "doc_id", "score"]].rename(columns={"score": "grade"})
    return queries, qrels
