"""What is told of each system: its results by query, its hits, and its means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from stages.lib import written
from stages.lib.contracts.query_results import QueryResults
from stages.lib.contracts.runs import SYSTEMS, Runs
from stages.lib.contracts.table import check
from stages.lib.heldout import Corpus, HeldOut
from stages.lib.measures import METRICS, judge, means, measure
from stages.lib.topk import Hits


def tell(hits: dict[str, Hits], corpus: Corpus, held: HeldOut, split: str) -> pd.DataFrame:
    """Return the QueryResults of one split.

    The rows of one query stand together, whatever the system: the ids that they share lie near each other then, and
    git, which compresses what is near, keeps half as much.
    """
    ids = list(held.queries["query_id"])
    frames = [
        measure(ids, found, corpus.doc_ids, held.qrels).assign(
            system=system, split=split, component_id=held.queries["component_id"].to_numpy()
        )
        for system, found in hits.items()
    ]
    order = list(QueryResults.empty().columns)
    return pd.concat(frames, ignore_index=True)[order].sort_values(
        ["split", "query_id", "system"], ignore_index=True
    )


def list_measures(
    hits: dict[str, Hits], corpus: Corpus, held: HeldOut, split: str, depths: Sequence[int]
) -> pd.DataFrame:
    """Return the mean of every measure at each of `depths`, to six decimals.

    Columns: split, system, measure, k, mean.
    """
    ids = list(held.queries["query_id"])
    frames = [
        means(judge(ids, hits[system], corpus.doc_ids, held.qrels), depths).assign(
            split=split, system=system
        )
        for system in SYSTEMS
        if system in hits
    ]
    return pd.concat(frames, ignore_index=True)[["split", "system", "measure", "k", "mean"]].round(
        {"mean": 6}
    )


def list_hits(hits: dict[str, Hits], corpus: Corpus, held: HeldOut, split: str) -> pd.DataFrame:
    """Return the Runs of one split."""
    frames = []
    for system, found in hits.items():
        count, depth = found.positions.shape
        frames.append(
            pd.DataFrame(
                {
                    "split": split,
                    "system": system,
                    "query_id": np.repeat(held.queries["query_id"].to_numpy(dtype=object), depth),
                    "rank": np.tile(np.arange(1, depth + 1), count),
                    "doc_id": corpus.doc_ids[found.positions.ravel()].astype(object),
                    "score": found.scores.ravel().astype(np.float64).round(6),
                }
            )
        )
    return pd.concat(frames, ignore_index=True).astype(Runs.empty().dtypes.to_dict())


def summarize(results: pd.DataFrame, split: str) -> dict[str, float]:
    """Return the mean of each metric by system."""
    of = {system: results[results["system"] == system] for system in present(results)}
    return {
        f"{split}.{system}.{name}": float(of[system][name].mean())
        for system in of
        for name in METRICS
    }


def present(results: pd.DataFrame) -> list[str]:
    """Return the systems that `results` hold, in the order of the ladder."""
    return [system for system in SYSTEMS if (results["system"] == system).any()]


def write_results(results: pd.DataFrame, path: Path) -> None:
    """Write per-query results, measures unrounded: what `compare` and git diff."""
    write_rows(
        check(results, QueryResults, str(path)) if len(results) else QueryResults.empty(), path
    )


def write_rows(rows: pd.DataFrame, path: Path) -> None:
    """Write `rows` as TSV."""
    with written.atomically(path) as temporary:
        rows.to_csv(temporary, sep="\t", index=False, lineterminator="\n")
