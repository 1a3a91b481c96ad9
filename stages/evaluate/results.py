"""What is told of each system: its results by query, its hits, and its means with the gain over the base."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from stages.evaluate.systems import SYSTEMS
from stages.lib import written
from stages.lib.benchmark import Corpus, HeldOut
from stages.lib.contracts.query_results import QueryResults
from stages.lib.contracts.runs import Runs
from stages.lib.contracts.table import check
from stages.lib.retrieval import METRICS, Hits, measure
from stages.lib.statistics import effect


def tell(hits: dict[str, Hits], corpus: Corpus, held: HeldOut, split: str) -> pd.DataFrame:
    """Return the QueryResults of one split, sorted by its key."""
    ids = list(held.queries["query_id"])
    frames = [
        measure(ids, found, corpus.doc_ids, held.grades).assign(
            system=system, split=split, component_id=held.queries["component_id"].to_numpy()
        )
        for system, found in hits.items()
    ]
    order = list(QueryResults.empty().columns)
    return pd.concat(frames, ignore_index=True)[order].sort_values(["split", "system", "query_id"], ignore_index=True)


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


def summarize(results: pd.DataFrame, split: str, seed: int) -> dict[str, float]:
    """Return the mean of each metric by system, and the gain of the fine-tuned model over the base."""
    of = {system: results[results["system"] == system] for system in SYSTEMS}
    told = {f"{split}.{system}.{name}": float(of[system][name].mean()) for system in SYSTEMS for name in METRICS}
    wide = results.pivot(index="query_id", columns="system", values="ndcg_at_10")
    components = results.drop_duplicates("query_id").set_index("query_id")["component_id"].reindex(wide.index)
    differences = (wide["finetuned"] - wide["base"]).to_numpy(dtype=np.float64)
    # With a single component nothing can be resampled: the means stand alone, without an interval.
    if components.nunique() > 1:
        gain = effect(differences, components.to_numpy(dtype=str), seed)
        told.update({f"{split}.gain.over_base.ndcg_at_10.{name}": value for name, value in gain._asdict().items()})
    return told


def write_results(results: pd.DataFrame, path: Path) -> None:
    """Write per-query results as TSV, unrounded: what `compare` and git diff."""
    checked = check(results, QueryResults, str(path)) if len(results) else QueryResults.empty()
    with written.atomically(path) as temporary:
        checked.to_csv(temporary, sep="\t", index=False, lineterminator="\n")
