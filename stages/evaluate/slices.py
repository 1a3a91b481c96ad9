"""Where the gain comes from: by relation, topic, length, source and origin of the query, and by other measures.

Each slice is one of many questions put to the same queries, so p-values are corrected for their number (Holm 1979).
One that has too few components has its means and no verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from stages.evaluate.gains import PRIMARY, Chance, Paired, paired
from stages.lib.benchmark import is_made
from stages.lib.heldout import HeldOut
from stages.lib.measures import METRICS
from stages.lib.statistics import Tested, finding, holm

COLUMNS = (
    *("split", "kind", "slice", "queries", "components"),
    *("base", "finetuned", "gain", "low", "high", "p", "finding"),
)
NONE, OTHERS = "(none)", "(others)"
MOST = 50  # slices of a kind; the smaller ones stand together
_WORDS = ((1, "1 word"), (2, "2 words"), (3, "3 words"), (5, "4 to 5 words"), (9, "6 to 9 words"))
_MORE = "10 words or more"


def kinds(held: HeldOut, topics: Mapping[str, str]) -> dict[str, pd.Series[str]]:
    """Return for each kind of slice the one that every query is in, by query id.

    `topics` maps documents to their topics; a query has that of the document that answers it best. A kind that has the
    same name for all queries tells nothing and is left out.
    """
    queries = held.queries.set_index("query_id")
    found = {
        "relation": queries["relation"],
        "topic": pd.Series(
            {query_id: topics.get(held.best_document(query_id), "") for query_id in queries.index},
            dtype="str",
        ),
        "length": queries["text"].map(length),
        "source": queries["source"],
        "origin": is_made(queries["source"]).map({True: "made by a recipe", False: "real"}),
    }
    return {kind: of.replace("", NONE) for kind, of in found.items() if of.nunique() > 1}


def length(text: str) -> str:
    """Return which slice of length a query is in."""
    words = len(text.split())
    return next((name for most, name in _WORDS if words <= most), _MORE)


def slices(
    results: pd.DataFrame, held: HeldOut, topics: Mapping[str, str], chance: Chance
) -> pd.DataFrame:
    """Return a row per slice of one split's QueryResults, columns COLUMNS, and one per measure besides nDCG@10.

    `low` and `high` bound the gain (95 %), `p` is corrected for the number of rows that have one. To four digits.
    """
    parts: list[tuple[str, str, Paired]] = [
        ("measure", name, paired(results, name)) for name in METRICS if name != PRIMARY
    ]
    both = paired(results, PRIMARY)
    for kind, of in kinds(held, topics).items():
        names = of.loc[list(both.query_ids)].to_numpy(dtype=object)
        counts = Counter(names.tolist())
        ordered = sorted(counts, key=lambda name: (-counts[name], name))
        parts += [(kind, name, both.at(names == name)) for name in ordered[:MOST]]
        if rest := ordered[MOST:]:
            parts.append((kind, OTHERS, both.at(np.isin(names, rest))))
    found = [part.gain(chance) for _, _, part in parts]
    judged = [one.p for one in found if one.p is not None]
    corrected = iter(holm(judged))
    split = str(results["split"].iloc[0])
    rows = [
        _row((split, kind, name), part, one, None if one.p is None else next(corrected))
        for (kind, name, part), one in zip(parts, found, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS).round(4)
    numbers = frame.columns[frame.dtypes == "float64"]
    return frame.assign(
        **{name: frame[name] + 0.0 for name in numbers}
    )  # -0.0 would stand in a diff as a change


def _row(
    names: tuple[str, str, str], part: Paired, found: Tested, p: float | None
) -> tuple[Any, ...]:
    low, high = (found.effect.low, found.effect.high) if found.effect else (None, None)
    means = (float(part.other.mean()), float(part.tuned.mean()), found.mean)
    return (*names, found.queries, found.components, *means, low, high, p, finding(found, p))


def counted(rows: pd.DataFrame, split: str) -> dict[str, int]:
    """Return how many slices were judged, and how many of them are better or worse."""
    told = rows.loc[(rows["split"] == split) & (rows["kind"] != "measure"), "finding"]
    return {
        f"{split}.slices.judged": int((told != "too few components").sum()),
        f"{split}.slices.better": int((told == "better").sum()),
        f"{split}.slices.worse": int((told == "worse").sum()),
    }
