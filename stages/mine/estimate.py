"""How many of the mined negatives are false: a seeded sample, what judges say of it, and an interval for each judge.

A judge that does not exist has no figure. Negatives of one anchor are drawn, and vary, together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from stages.lib.reviewed import Verdict, Verdicts, estimated, said
from stages.lib.text import hash_hex, normal_form
from stages.mine.answers import Neighbours, joined
from stages.mine.crossing import CrossEncoder


def sample(triplets: pd.DataFrame, wanted: int, seed: int) -> pd.DataFrame:
    """Return about `wanted` of the negatives of `triplets`, in the order in which they are to be judged.

    Columns: form (the anchor in normal form, which is the cluster), pair_id, anchor, positive, negative_id, negative.
    Anchors come in the order of a hash, each with all its negatives, so that whoever judges only the first lines has
    judged a random sample too, and an anchor that is mined again keeps its place.
    """
    flat = triplets[["pair_id", "anchor", "positive", "negative_ids", "negatives"]].explode(
        ["negative_ids", "negatives"]
    )
    flat = flat[flat["negative_ids"].notna()].rename(
        columns={"negative_ids": "negative_id", "negatives": "negative"}
    )
    flat = flat.assign(form=flat["anchor"].map(normal_form))
    lots = {form: hash_hex("judge", str(seed), form) for form in flat["form"].unique()}
    flat = flat.assign(lot=flat["form"].map(lots)).sort_values(
        ["lot", "pair_id"], kind="stable", ignore_index=True
    )
    starts = np.flatnonzero(~flat["form"].duplicated())
    after = starts[starts >= wanted]
    return flat.iloc[: after[0] if len(after) else None].drop(columns="lot")


def by_structure(
    drawn: pd.DataFrame, positives: Mapping[str, frozenset[str]], lineage: Neighbours
) -> Verdicts:
    """Judge by the hierarchy: false is an ancestor or descendant of an answer; no opinion where none stands in it."""
    return [
        negative_id in joined(lineage, positives[form])
        if positives[form] & lineage.keys()
        else None
        for form, negative_id in zip(drawn["form"], drawn["negative_id"], strict=True)
    ]


def by_cross_encoder(drawn: pd.DataFrame, model: CrossEncoder | None) -> Verdicts:
    """Judge by a model: false is what it scores at least as high as the positive."""
    if model is None:
        return [None] * len(drawn)
    rows = list(zip(drawn["anchor"], drawn["positive"], drawn["negative"], strict=True))
    right = model.scores([(anchor, positive) for anchor, positive, _ in rows])
    wrong = model.scores([(anchor, negative) for anchor, _, negative in rows])
    return [bool(found) for found in wrong >= right]


def by_review(drawn: pd.DataFrame, lines: Iterable[Verdict]) -> Verdicts:
    """Judge by what people said; verdicts on what is no longer in the sample do not count."""
    return said(zip(drawn["pair_id"], drawn["negative_id"], strict=True), lines)


def estimate(drawn: pd.DataFrame, judges: Mapping[str, Verdicts]) -> dict[str, float | int]:
    """Return false_negatives.<judge>.judged, rate, low and high, for each judge that judged two anchors or more."""
    told: dict[str, float | int] = {}
    for name, verdicts in judges.items():
        told |= estimated(f"false_negatives.{name}", list(drawn["form"]), verdicts)
    return told
