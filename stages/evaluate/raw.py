"""Queries as people type them: what cleaning the queries is worth, since in production nobody cleans them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from stages.evaluate.gains import PRIMARY, TUNED, Chance
from stages.evaluate.results import tell
from stages.evaluate.systems import Systems, rank
from stages.lib.heldout import Corpus, HeldOut
from stages.lib.statistics import tested
from stages.lib.topk import Hits


def as_raw(
    results: Mapping[str, pd.DataFrame],
    systems: Systems,
    corpus: Corpus,
    asked: Mapping[str, HeldOut],
) -> dict[str, pd.DataFrame]:
    """Return `results` of what was `asked`, by split, with the queries that cleaning changed asked as they were raw.

    All splits search one `corpus`, at once. `results` are QueryResults.
    """
    changed = {name: _changed(held) for name, held in asked.items()}
    every = (
        pd.concat([held.queries for held in changed.values()], ignore_index=True)
        if changed
        else pd.DataFrame()
    )
    if not len(every):
        return dict(results)
    hits = rank(systems, corpus, HeldOut(every, {}, pd.DataFrame()))
    told, start = dict[str, pd.DataFrame](), 0
    for name, held in changed.items():
        part = slice(start, start + len(held.queries))
        start = part.stop
        found = {system: Hits(of.positions[part], of.scores[part]) for system, of in hits.items()}
        kept = results[name][~results[name]["query_id"].isin(held.queries["query_id"])]
        told[name] = pd.concat(
            [kept, tell(found, corpus, held, name)] if len(held.queries) else [kept]
        )
    return told


def _changed(held: HeldOut) -> HeldOut:
    changed = held.queries[held.queries["raw"] != held.queries["text"]]
    return held._replace(queries=changed.assign(text=changed["raw"]).reset_index(drop=True))


def compared(
    results: pd.DataFrame, raw: pd.DataFrame, split: str, chance: Chance
) -> dict[str, float]:
    """Return nDCG@10 of every system on `raw` queries, and how much the fine-tuned model changes by them.

    The change, raw less cleaned, has an interval on validation, where there are enough components. Both are of one
    model, so no seed of training moves it.
    """
    means = raw.groupby("system")[PRIMARY].mean()
    told = {
        f"{split}.raw_queries.{system}.{PRIMARY}": float(value) for system, value in means.items()
    }
    if split != "validation":
        return told
    both = [frame[frame["system"] == TUNED].sort_values("query_id") for frame in (raw, results)]
    change = both[0][PRIMARY].to_numpy(dtype=np.float64) - both[1][PRIMARY].to_numpy(
        dtype=np.float64
    )
    found = tested(change, both[0]["component_id"].to_numpy(dtype=str), chance.seed)
    told[f"{split}.raw_queries.change.mean"] = found.mean
    if found.effect:
        told |= {
            f"{split}.raw_queries.change.{end}": getattr(found.effect, end)
            for end in ("low", "high")
        }
    return told
