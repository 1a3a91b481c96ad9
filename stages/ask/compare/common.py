"""The common ground: both versions on the same queries, over the same documents.

Two numbers compare only where the questions and what was searched are the same. Where they are not, the queries that
both have are judged over the documents that both have, by deleting the others from the stored first hundred hits of
both: what is left stands in the order in which a search of those documents alone would have put it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.ask.compare.sides import Side
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.qrels import Qrels
from stages.lib.contracts.runs import Runs
from stages.lib.measures import DEPTH, measure
from stages.lib.topk import Hits

METRICS = ("ndcg_at_10", "mrr_at_10", "recall_at_10")
LEAST_IN_COMMON = 0.8


class Ground(NamedTuple):
    """What both sides are judged on: their results by query id, and how much of each side that is.

    `results` (queries in common,) have the columns component_id and those of METRICS. Queries and documents `left`
    were there before and are gone, `entered` are new.
    """

    before: pd.DataFrame
    after: pd.DataFrame
    same: bool
    queries_left: int = 0
    queries_entered: int = 0
    documents_left: int = 0
    documents_entered: int = 0
    share: float = 1.0

    @property
    def comparable(self) -> bool:
        """Return whether enough is in common."""
        return self.share >= LEAST_IN_COMMON


class World(NamedTuple):
    """One side: the hits of a system (Runs), the qrels, the documents searched, and which copies they stand for."""

    hits: pd.DataFrame
    qrels: pd.DataFrame
    corpus: frozenset[str]
    aliases: Mapping[str, str]


def ground(before: Side, after: Side, split: str, system: str) -> Ground:
    """Return what two sides have in common on `split`, and how `system` does there."""
    old, new = before.results(split, system), after.results(split, system)
    told = [side.metrics("evaluate") for side in (before, after)]
    if all(one.get(key) == told[0].get(key) is not None for one in told for key in ("benchmark", "corpus")):
        return Ground(old, new.loc[old.index], same=True)
    return common(_world(before, split, system), _world(after, split, system), old, new)


def common(one: World, other: World, old: pd.DataFrame, new: pd.DataFrame) -> Ground:
    """Return both sides judged on the queries in common, over the documents in common.

    Documents that either side merged as copies count as one. The answers of a query are never deleted: one that a side
    lacks is a miss of that side.
    """
    kept = merged([one.aliases, other.aliases])
    corpora = [frozenset(kept.get(doc_id, doc_id) for doc_id in world.corpus) for world in (one, other)]
    both, shared = sorted(set(old.index) & set(new.index)), corpora[0] & corpora[1]
    grades = [_grades(world.qrels, kept, both) for world in (one, other)]
    # A query is the same where the same documents answer it, as far as both sides have collected them.
    judged = {query: grades[1][query] for query in both if grades[0].get(query) == grades[1].get(query)}
    queries = sorted(judged)
    share = min(
        len(queries) / max(1, len(old)),
        len(queries) / max(1, len(new)),
        *(len(shared) / max(1, len(corpus)) for corpus in corpora),
    )
    was, is_now = (_judge(world.hits, kept, shared, judged).join(new["component_id"]) for world in (one, other))
    return Ground(
        was,
        is_now,
        same=False,
        queries_left=len(old) - len(queries),
        queries_entered=len(new) - len(queries),
        documents_left=len(corpora[0] - shared),
        documents_entered=len(corpora[1] - shared),
        share=share,
    )


def merged(aliases: list[Mapping[str, str]]) -> dict[str, str]:
    """Return document id to the smallest id of all that one of `aliases` merges with it."""
    from stages.split.components import tie

    edges = [edge for one in aliases for edge in one.items()]
    return tie(sorted({doc_id for edge in edges for doc_id in edge}), edges, min)


def _grades(qrels: pd.DataFrame, kept: Mapping[str, str], queries: list[str]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for query_id, doc_id, grade in qrels[qrels["query_id"].isin(queries)].itertuples(index=False):
        of, name = found.setdefault(query_id, {}), kept.get(doc_id, doc_id)
        of[name] = max(grade, of.get(name, 0.0))
    return found


def _judge(
    hits: pd.DataFrame, kept: Mapping[str, str], shared: frozenset[str], judged: Mapping[str, Mapping[str, float]]
) -> pd.DataFrame:
    """Return METRICS of a run over the documents `shared`, by query id."""
    if not judged:
        return pd.DataFrame(columns=list(METRICS), index=pd.Index([], name="query_id"), dtype="float64")
    frame = hits[hits["query_id"].isin(judged)].sort_values(["query_id", "rank"])
    frame = frame.assign(doc_id=frame["doc_id"].map(lambda doc_id: kept.get(doc_id, doc_id)))
    frame = frame.drop_duplicates(["query_id", "doc_id"])
    stays = [
        doc_id in shared or doc_id in judged[query_id]
        for query_id, doc_id in zip(frame["query_id"], frame["doc_id"], strict=True)
    ]
    frame = frame[stays]
    # The first name stands for no document, where fewer than DEPTH are left.
    names = np.array(["", *sorted(set(frame["doc_id"]))])
    queries = sorted(judged)
    positions = np.zeros((len(queries), DEPTH), dtype=np.int64)
    rows = np.searchsorted(queries, frame["query_id"].to_numpy(dtype=str))
    positions[rows, frame.groupby("query_id").cumcount()] = np.searchsorted(names, frame["doc_id"].to_numpy(dtype=str))
    ranked = Hits(positions, np.zeros(positions.shape, dtype=np.float32))
    return measure(queries, ranked, names, judged).set_index("query_id")[list(METRICS)]


def _world(side: Side, split: str, system: str) -> World:
    hits = side.table("data/evaluate/runs.parquet", Runs)
    copies = side.table("data/deduplicate/aliases.parquet", Aliases)
    return World(
        hits[(hits["split"] == split) & (hits["system"] == system)],
        side.table(f"data/split/{split}/qrels.parquet", Qrels),
        frozenset(side.table("data/pair/documents.parquet", Documents)["doc_id"]),
        dict(zip(copies["doc_id"], copies["kept_id"], strict=True)),
    )
