"""Slices: the queries of one relation or one source, judged apart, so that one kind's loss is not lost in the mean."""

from __future__ import annotations

import pandas as pd

KINDS = ("relation", "source")


def slices(queries: pd.DataFrame) -> dict[str, list[str]]:
    """Return the ids of each slice of `queries` (query_id, and a column for each of KINDS), by its name.

    A kind that all queries share cuts nothing and is left out.
    """
    found: dict[str, list[str]] = {}
    for kind in KINDS:
        if queries[kind].nunique() > 1:
            for value, of in queries.groupby(kind, sort=True)["query_id"]:
                found[f"nDCG@10, {kind} {str(value) or 'none'}"] = list(of)
    return found
