"""Slices: the queries of one kind, judged apart, so that one kind's loss is not lost in the mean.

The kinds are those of `evaluate`; a query is in the slice that it has in the newer version.
"""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from stages.ask.compare.common import QRELS
from stages.ask.compare.sides import Side
from stages.evaluate.results import query_slices
from stages.lib.heldout import HeldOut, grades
from stages.lib.statistics import LEAST_COMPONENTS


class Slices(NamedTuple):
    """The query ids of each slice that has components enough for a verdict, by its name; how many have too few."""

    judged: dict[str, list[str]]
    small: int


def read_held(side: Side, split: str) -> tuple[HeldOut, dict[str, str]]:
    """Return the held-out queries of one side with their answers, copies resolved, and the topics of documents."""
    queries = side.table(
        f"data/split/{split}/queries.parquet", "query_id", "text", "relation", "source"
    )
    qrels = side.table(f"data/split/{split}/qrels.parquet", *QRELS)
    copies = side.table("data/deduplicate/aliases.parquet", "doc_id", "kept_id")
    documents = side.table("data/pair/documents.parquet", "doc_id", "topic")
    kept = dict(zip(copies["doc_id"], copies["kept_id"], strict=True))
    topics = dict(zip(documents["doc_id"], documents["topic"], strict=True))
    return HeldOut(queries, grades(qrels, kept), qrels), topics


def slices(held: HeldOut, topics: dict[str, str], components: pd.Series[str]) -> Slices:
    """Return the slices of the queries that `components` (queries,) has, by kind and name."""
    judged, small = dict[str, list[str]](), 0
    for kind, of in query_slices(held, topics).items():
        here = of[of.index.isin(components.index)]
        for name in sorted(set(here)):
            ids = list(here.index[here == name])
            if components[ids].nunique() < LEAST_COMPONENTS:
                small += 1
            else:
                judged[f"nDCG@10, {kind} {name}"] = ids
    return Slices(judged, small)
