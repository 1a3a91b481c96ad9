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

from stages.commands.compare.sides import METRICS, Side
from stages.lib.measures import DEPTH, measure
from stages.lib.topk import Hits

LEAST_IN_COMMON = 0.8
HITS = ("query_id", "rank", "doc_id")
QRELS = ("query_id", "doc_id", "grade")


class Ground(NamedTuple):
    """What both sides are judged on: their results by query id, and how much of each side that is.

    `results` (queries in common,) have the columns component_id and those of METRICS. Queries and documents `left`
    were there before and are gone, `entered` are new. `anew` are the hits of the older model on the newer benchmark,
    where it was scored there; queries that it had `practised` are left out.
    """

    before: pd.DataFrame
    after: pd.DataFrame
    same: bool
    queries_left: int = 0
    queries_entered: int = 0
    documents_left: int = 0
    documents_entered: int = 0
    share: float = 1.0
    anew: pd.DataFrame | None = None
    practised: int = 0

    @property
    def comparable(self) -> bool:
        """Return whether enough is in common."""
        return self.share >= LEAST_IN_COMMON


class World(NamedTuple):
    """One side: the hits of a system (HITS), the qrels, the documents searched, and which copies they stand for."""

    hits: pd.DataFrame
    qrels: pd.DataFrame
    corpus: frozenset[str]
    aliases: Mapping[str, str]


def ground(before: Side, after: Side, split: str, system: str) -> Ground:
    """Return what two sides have in common on `split`, and how `system` does there."""
    old, new = before.results(split, system), after.results(split, system)
    if same_exam(before, after):
        return Ground(old, new.loc[old.index], same=True)
    return common(_world(before, split, system), _world(after, split, system), old, new)


def same_exam(before: Side, after: Side) -> bool:
    """Return whether both sides asked the same queries over the same documents, as their metrics tell."""
    told = [side.metrics("evaluate") for side in (before, after)]
    if told[0].get("benchmark") != told[1].get("benchmark") or told[0].get("benchmark") is None:
        return False
    # The candidates are part of the benchmark, so two sides that search all of them search the same.
    candidates = [side.metrics("collect").get("documents", -1) for side in (before, after)]
    if all(
        one.get("corpus_documents") == count for one, count in zip(told, candidates, strict=True)
    ):
        return True
    return told[0].get("corpus") == told[1].get("corpus") is not None


def common(one: World, other: World, old: pd.DataFrame, new: pd.DataFrame) -> Ground:
    """Return both sides judged on the queries in common, over the documents in common.

    Documents that either side merged as copies count as one. The answers of a query are never deleted: one that a side
    lacks is a miss of that side.
    """
    kept = merged([one.aliases, other.aliases])
    corpora = [
        frozenset(kept.get(doc_id, doc_id) for doc_id in world.corpus) for world in (one, other)
    ]
    both, shared = sorted(set(old.index) & set(new.index)), corpora[0] & corpora[1]
    grades = [_grades(world.qrels, kept, both) for world in (one, other)]
    # A query is the same where the same documents answer it, as far as both sides have collected them.
    judged = {
        query: grades[1][query] for query in both if grades[0].get(query) == grades[1].get(query)
    }
    queries = sorted(judged)
    share = min(
        len(queries) / max(1, len(old)),
        len(queries) / max(1, len(new)),
        *(len(shared) / max(1, len(corpus)) for corpus in corpora),
    )
    was, is_now = (
        judge_hits(world.hits, kept, shared, judged).join(new["component_id"])
        for world in (one, other)
    )
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
    from stages.split.components import connected_components

    edges = [edge for one in aliases for edge in one.items()]
    return connected_components(sorted({doc_id for edge in edges for doc_id in edge}), edges, min)


def _grades(
    qrels: pd.DataFrame, kept: Mapping[str, str], queries: list[str]
) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for query_id, doc_id, grade in qrels[qrels["query_id"].isin(queries)].itertuples(index=False):
        of, name = found.setdefault(query_id, {}), kept.get(doc_id, doc_id)
        of[name] = max(grade, of.get(name, 0.0))
    return found


def judge_hits(
    hits: pd.DataFrame,
    kept: Mapping[str, str],
    shared: frozenset[str],
    judged: Mapping[str, Mapping[str, float]],
) -> pd.DataFrame:
    """Return METRICS of a run over the documents `shared`, by query id."""
    if not judged:
        return pd.DataFrame(
            columns=list(METRICS), index=pd.Index([], name="query_id"), dtype="float64"
        )
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
    positions[rows, frame.groupby("query_id").cumcount()] = np.searchsorted(
        names, frame["doc_id"].to_numpy(dtype=str)
    )
    ranked = Hits(positions, np.zeros(positions.shape, dtype=np.float32))
    return measure(queries, ranked, names, judged).set_index("query_id")[list(METRICS)]


def _world(side: Side, split: str, system: str) -> World:
    hits = ranked(side, split, system)
    copies = side.table("data/deduplicate/aliases.parquet", "doc_id", "kept_id")
    return World(
        hits,
        side.table(f"data/split/{split}/qrels.parquet", *QRELS),
        frozenset(side.table("data/pair/documents.parquet", "doc_id")["doc_id"]),
        dict(zip(copies["doc_id"], copies["kept_id"], strict=True)),
    )


def ranked(side: Side, split: str, system: str) -> pd.DataFrame:
    """Return query_id, rank and doc_id of the stored first hits of one system on one split."""
    hits = side.table("data/evaluate/runs.parquet", "split", "system", *HITS)
    return hits.loc[(hits["split"] == split) & (hits["system"] == system), list(HITS)]
