"""The cap of a source: at most so many of its pairs, chosen by a hash of their anchors.

Pairs of one anchor stay together, so that no query loses a part of its judgements, and an anchor
keeps its negatives. A larger cap keeps all that a smaller one keeps. Documents stay: they are
searched too. Pairs that the source gives to validation or test stay as well, and are not counted.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby, islice
from operator import itemgetter

from stages.collect.id_set import IdSet
from stages.collect.records import SourceRows
from stages.collect.sorted_rows import SortedRows
from stages.lib.core.ids import hash_hex
from stages.lib.schemas.queries_from_pairs import query_id_of
from stages.lib.schemas.splits import EVALUATION_SPLITS

OVER_CAP = "over_cap"


def cap_pairs(rows: SourceRows, max_pairs: int | None) -> SourceRows:
    """Return `rows` with at most `max_pairs` pairs; each one that is left out is in the ledger."""
    if max_pairs is None or len(rows.pairs) <= max_pairs:
        return rows

    left_out = _pairs_over(rows, max_pairs)
    for pair_id, anchor, doc_id, *_ in rows.pairs:
        if pair_id in left_out:
            rows.ledger.drop(pair_id, OVER_CAP, partner_id=doc_id, before=anchor)

    return replace(
        rows,
        pairs=rows.pairs.without(left_out),
        times=rows.times.without(left_out),
        given_splits=rows.given_splits.without(left_out),
        grades=rows.grades.without(left_out),
    )


def _pairs_over(rows: SourceRows, max_pairs: int) -> IdSet:
    """Return the ids of the pairs that are left out."""
    held_out = IdSet(pair_id for pair_id, split in rows.given_splits if split in EVALUATION_SPLITS)

    # Anchors in the order of a hash, and within them pairs by their ids.
    ranked = SortedRows()
    for pair_id, anchor, *_ in rows.pairs:
        if pair_id not in held_out:
            ranked.add((hash_hex("max_pairs", query_id_of(anchor)), pair_id))

    # Whole anchors as long as they fit. One that is larger than the cap is cut.
    kept = 0
    for _, pairs in groupby(ranked, key=itemgetter(0)):
        count = sum(1 for _ in pairs)
        if kept + count > max_pairs:
            break
        kept += count

    return IdSet(pair_id for _, pair_id in islice(ranked, kept or max_pairs, None))
