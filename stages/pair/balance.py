"""Balance: caps per document, topic and relation, and how skewed the pairs are before and after.

Effective number: exp of the Shannon entropy, the number of equally frequent values that would be as diverse (Hill
1973, order 1).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import pandas as pd

from stages.lib.ledger import Ledger
from stages.lib.text import hash_hex

KINDS = ("document", "topic", "relation")
REASONS = tuple(f"over_{kind}_cap" for kind in KINDS)


def keys(pairs: pd.DataFrame, kind: str, topics: Mapping[str, str]) -> pd.Series[str]:
    """Return what each pair counts for under `kind`: its document, that one's topic, or its relation.

    "" is no topic: such pairs count for none and are never capped.
    """
    if kind == "relation":
        return pairs["relation"]
    if kind == "document":
        return pairs["doc_id"]
    return pairs["doc_id"].map(lambda doc_id: topics.get(doc_id, "")).astype("str")


def cap(
    pairs: pd.DataFrame, most: Mapping[str, int | None], topics: Mapping[str, str], ledger: Ledger
) -> pd.DataFrame:
    """Return at most as many pairs per document, topic and relation as `most` says, capped in this order.

    Given pairs stay before made ones, and then those whose id hashes smallest.
    """
    for kind in KINDS:
        limit = most[kind]
        if limit is None or not len(pairs):
            continue
        counted = pairs.assign(
            key=keys(pairs, kind, topics),
            lot=pairs["pair_id"].map(hash_hex),
            made=pairs["source"].str.startswith("pair."),
        ).sort_values(["key", "made", "lot"])
        place = counted.groupby("key").cumcount()
        over = (place >= limit) & ((counted["key"] != "") | (kind != "topic"))
        gone = set(counted.loc[over, "pair_id"])
        for pair_id in sorted(gone):
            ledger.drop(pair_id, f"over_{kind}_cap", score=float(limit))
        pairs = pairs[~pairs["pair_id"].isin(gone)]
    return pairs


def skew(pairs: pd.DataFrame, topics: Mapping[str, str], when: str) -> dict[str, float]:
    """Return the share of the most frequent document, topic and relation, and the effective number of each.

    `when` is part of the metrics' names. Topics are left out where no document has one.
    """
    measured: dict[str, float] = {}
    for kind in KINDS:
        counts = Counter(keys(pairs, kind, topics))
        if kind == "topic":
            del counts[""]
        if counts:
            shares = [count / counts.total() for _, count in sorted(counts.items())]
            measured[f"balance.{when}.{kind}.largest_share"] = max(shares)
            entropy = -sum(share * math.log(share) for share in shares)
            measured[f"balance.{when}.{kind}.effective_number"] = math.exp(entropy)
    return measured
