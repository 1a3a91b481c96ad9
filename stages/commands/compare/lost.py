"""What became of the answers of queries that lost: the ledger lines that are new since the other version."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import pandas as pd

from stages.commands.compare.common import QRELS
from stages.commands.compare.sides import Side

STAGES = ("clean", "deduplicate")
_DECISION = ["row_id", "field", "action", "reason", "before", "after"]


class Touched(NamedTuple):
    """A rule of a stage, and the queries that lost whose answer it touches now and did not before."""

    stage: str
    action: str
    reason: str
    queries: list[str]


def touched(before: Side, after: Side, split: str, lost: list[str]) -> list[Touched]:
    """Return which rules newly touched the answers of the queries `lost`, most queries first."""
    qrels = after.table(f"data/split/{split}/qrels.parquet", *QRELS)
    asked_of: dict[str, set[str]] = defaultdict(set)
    losers = set(lost)
    for query_id, doc_id in zip(qrels["query_id"], qrels["doc_id"], strict=True):
        if query_id in losers:
            asked_of[doc_id].add(query_id)
    found: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for stage in STAGES:
        for row_id, action, reason in _new(before, after, stage, sorted(asked_of)):
            found[stage, action, reason] |= asked_of[row_id]
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return [Touched(*key, sorted(queries)) for key, queries in ordered]


def _new(before: Side, after: Side, stage: str, ids: list[str]) -> list[tuple[str, str, str]]:
    old, new = (
        _lines(side.table(f"data/{stage}/ledger.parquet", *_DECISION), ids)
        for side in (before, after)
    )
    known = set(map(tuple, old.to_numpy().tolist()))
    return [(row[0], row[2], row[3]) for row in new.to_numpy().tolist() if tuple(row) not in known]


def _lines(ledger: pd.DataFrame, ids: list[str]) -> pd.DataFrame:
    return ledger.loc[ledger["row_id"].isin(ids), _DECISION]
