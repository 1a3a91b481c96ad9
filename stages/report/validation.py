"""What the validation queries say one by one: by change, and the worst of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stages.lib.errors import Problem
from stages.report.inputs import Held

SHOWN_CHARACTERS = 120
_BIN = 0.1


def side_by_side(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row per query: query_id, component_id, base, finetuned, change, and the ranks of the first answer.

    `base` and `finetuned` are nDCG@10, `change` is their difference; ranks are 0 beyond a hundred hits.
    """
    columns = ["query_id", "component_id", "ndcg_at_10", "first_rank"]
    base, tuned = (
        results.loc[results["system"] == system, columns] for system in ("base", "finetuned")
    )
    both = base.merge(
        tuned, on=["query_id", "component_id"], suffixes=("_base", "_tuned"), validate="1:1"
    )
    if len(both) != len(base) or len(both) != len(tuned):
        raise Problem(
            "base and fine-tuned were not scored on the same queries", "run 'dvc repro evaluate'"
        )
    both = both.rename(
        columns={
            "ndcg_at_10_base": "base",
            "ndcg_at_10_tuned": "finetuned",
            "first_rank_base": "base_rank",
            "first_rank_tuned": "tuned_rank",
        }
    )
    return both.assign(change=both["finetuned"] - both["base"]).sort_values(
        "query_id", ignore_index=True
    )


def change_bins(both: pd.DataFrame) -> pd.DataFrame:
    """Return counts of changed queries in bins of 0.1 away from 0: start, end, queries, what."""
    changed = both.loc[both["change"].abs() > 1e-9, "change"].to_numpy()
    steps = np.clip(np.ceil(np.abs(changed) / _BIN - 1e-9), 1, 10).astype(int) * np.sign(
        changed
    ).astype(int)
    rows = [
        {
            "start": round((step - np.sign(step)) * _BIN, 1),
            "end": round(step * _BIN, 1),
            "queries": int(count),
            "what": "better" if step > 0 else "worse",
        }
        for step, count in zip(*np.unique(steps, return_counts=True), strict=True)
    ]
    return pd.DataFrame(rows, columns=["start", "end", "queries", "what"])


def worst(both: pd.DataFrame, held: Held, count: int) -> pd.DataFrame:
    """Return the `count` validation queries that the fine-tuned model answers worst.

    Lowest nDCG@10 first, then the answer farthest down, then what the base had answered best. A query that
    is answered perfectly is never among them. Ranks are missing beyond a hundred hits, and what was found instead where
    the first hit is an answer.
    """
    frame = _with_queries(both[both["finetuned"] < 1.0 - 1e-9], held.queries)
    depth = frame["tuned_rank"].where(frame["tuned_rank"] > 0, 101)
    frame = frame.assign(depth=-depth, base_first=-frame["base"])
    frame = frame.sort_values(
        ["finetuned", "depth", "base_first", "query_id"], ignore_index=True
    ).head(count)
    answers, instead = _answers(held), _instead(held)
    ranks = frame[["base_rank", "tuned_rank"]].astype("Int64").replace(0, pd.NA)
    return pd.DataFrame(
        {
            "Query": frame["text"],
            "Relation": frame["relation"],
            "What answers it": [answers[query_id] for query_id in frame["query_id"]],
            "Found instead": [instead[query_id] for query_id in frame["query_id"]],
            "Base rank": ranks["base_rank"],
            "Fine-tuned rank": ranks["tuned_rank"],
        }
    )


def _answers(held: Held) -> dict[str, str]:
    texts = _texts(held)
    found = {
        query_id: list(
            dict.fromkeys(
                texts.get(doc_id, f"{doc_id}, which is no longer in the corpus") for doc_id in of
            )
        )
        for query_id, of in _standing(held).items()
    }
    return {query_id: told[0] + _more(len(told) - 1) for query_id, told in found.items()}


def _instead(held: Held) -> dict[str, str]:
    texts, right = _texts(held), _standing(held)
    return {
        query_id: "" if doc_id in right[query_id] else texts.get(doc_id, doc_id)
        for query_id, doc_id in zip(held.first["query_id"], held.first["doc_id"], strict=True)
    }


def _texts(held: Held) -> dict[str, str]:
    documents = held.documents
    shown = [
        _shortly(title, text)
        for title, text in zip(documents["title"], documents["text"], strict=True)
    ]
    return dict(zip(documents["doc_id"], shown, strict=True))


def _standing(held: Held) -> dict[str, list[str]]:
    """Return the documents that answer each query, or stand for one that does; the best first."""
    kept = dict(zip(held.aliases["doc_id"], held.aliases["kept_id"], strict=True))
    ordered = held.qrels.sort_values(["query_id", "grade", "doc_id"], ascending=[True, False, True])
    found: dict[str, list[str]] = {}
    for query_id, doc_id in zip(ordered["query_id"], ordered["doc_id"], strict=True):
        found.setdefault(query_id, []).append(kept.get(doc_id, doc_id))
    return found


def _more(count: int) -> str:
    return f" (and {count} more)" if count else ""


def _shortly(title: str, text: str) -> str:
    start = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS].rstrip() + "…"
    return f"{title}: {start}" if title else start


def _with_queries(both: pd.DataFrame, queries: pd.DataFrame) -> pd.DataFrame:
    frame = both.merge(
        queries[["query_id", "text", "relation"]], on="query_id", how="left", validate="1:1"
    )
    if frame["text"].isna().any():
        first = frame.loc[frame["text"].isna(), "query_id"].iloc[0]
        raise Problem(
            f"metrics/queries/validation.tsv scores {first}, which is no query",
            "run 'dvc repro evaluate'",
        )
    return frame
