"""Pairs that a person judged wrong. They are not built, whatever made them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from stages.lib.schemas.reviews import RowIds
from stages.pair.candidates import PairCandidate
from stages.pair.filters import Exclusion, FilterResult, GivenPairs


def without_judged_wrong(given: GivenPairs, wrong: Collection[RowIds]) -> GivenPairs:
    """Return the given pairs without those that a person judged wrong.

    Args:
        given: the given pairs.
        wrong: the pair and the document of each pair that is wrong. A pair that leads to another
            document now stays.
    """

    def is_wrong(pairs: pd.DataFrame) -> pd.Series[bool]:
        keys = zip(pairs["pair_id"], pairs["doc_id"], strict=True)
        return pd.Series([key in wrong for key in keys], index=pairs.index, dtype=bool)

    # What is not built for another reason keeps that reason.
    mask = is_wrong(given.built)
    rows = given.built.loc[mask, ["pair_id", "doc_id"]].itertuples(index=False, name=None)
    excluded = [Exclusion(pair_id, "judged_wrong", partner_id=doc_id) for pair_id, doc_id in rows]
    return given._replace(
        built=given.built[~mask],
        similar=given.similar[~is_wrong(given.similar)],
        excluded=[*excluded, *given.excluded],
    )


def exclude_judged_wrong(
    candidates: Sequence[PairCandidate], wrong: Collection[RowIds]
) -> FilterResult:
    """Exclude the pairs of recipes that a person judged wrong."""
    accepted: list[PairCandidate] = []
    excluded: list[Exclusion] = []
    for pair in candidates:
        if (pair.pair_id, pair.doc_id) in wrong:
            excluded.append(Exclusion(pair.pair_id, "judged_wrong", partner_id=pair.doc_id))
        else:
            accepted.append(pair)

    return FilterResult(accepted, excluded)
