"""The "errors" on the first rank: how many of them are none, because the labels are incomplete or wrong.

The documents that the fine-tuned model ranks first on validation, and that no label calls an answer, are written out by
`python -m stages review` for people to judge. Test queries are never shown.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from stages.evaluate.gains import TUNED
from stages.lib.heldout import HeldOut
from stages.lib.reviewed import Verdict, estimated, said
from stages.lib.text import hash_hex

SPLIT = "validation"


def drawn(runs: pd.DataFrame, held: HeldOut, wanted: int, seed: int) -> pd.DataFrame:
    """Return up to `wanted` errors on the first rank, in the order in which they are to be judged.

    `runs` are Runs, `held` validation. Columns: query_id, component_id, doc_id. They come in the order of a hash of the
    query, so that whoever judges only the first lines has judged a random sample too, and a query keeps its place.
    """
    first = runs[(runs["split"] == SPLIT) & (runs["system"] == TUNED) & (runs["rank"] == 1)]
    wrong = [
        held.qrels[query_id].get(doc_id, 0.0) <= 0.0
        for query_id, doc_id in zip(first["query_id"], first["doc_id"], strict=True)
    ]
    found = first.loc[wrong, ["query_id", "doc_id"]].merge(
        held.queries[["query_id", "component_id"]], on="query_id"
    )
    lots = [hash_hex("first hit", str(seed), query_id) for query_id in found["query_id"]]
    found = found.assign(lot=lots).sort_values("lot", ignore_index=True).head(wanted)
    return found[["query_id", "component_id", "doc_id"]]


def label_error(found: pd.DataFrame, lines: Iterable[Verdict]) -> dict[str, float | int]:
    """Return label_error.judged, rate, low and high: the share of the errors `found` that are answers after all.

    The interval takes components as clusters; without verdicts on two of them there is no figure.
    """
    keys = zip(found["query_id"], found["doc_id"], strict=True)
    return estimated("label_error", list(found["component_id"]), said(keys, lines))
