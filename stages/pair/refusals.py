"""Refusals: which pairs are not built, and on account of what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pandas as pd

from stages.lib.contracts.pairs import Pairs
from stages.lib.ledger import Ledger
from stages.lib.text import normal_form, words
from stages.pair.params import RECIPES
from stages.pair.proposals import Made

REASONS = (
    "recipe_off",
    "dissimilar",
    "not_retrieved",
    "in_positive",
    "already_given",
    "already_made",
    "ambiguous_anchor",
)
# Their anchors say what the document says itself, or name it beside others: no part of it answers them alone.
_OF_SEVERAL = ("synonyms", "same_label")
# What may stand in its positive: a heading or title is a name, and names recur in what they name.
_CUT = ("question", "first_sentence", "neighbours")


def drop_dissimilar(
    pairs: pd.DataFrame, positive_from: float, ledger: Ledger
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the pairs that score at least `positive_from`, and the others: their document is no answer."""
    similar = pairs["score"] >= positive_from
    for pair_id, score in zip(
        pairs.loc[~similar, "pair_id"], pairs.loc[~similar, "score"], strict=True
    ):
        ledger.drop(pair_id, "dissimilar", score=score)
    return pairs[similar], pairs[~similar]


def rows_of(proposed: Sequence[Made]) -> pd.DataFrame:
    """Return the proposals as Pairs; `source` and `relation` tell the recipe."""
    if not proposed:
        return Pairs.empty()
    rows = [
        (one.pair_id, one.anchor, one.doc_id, one.recipe, 1.0, f"pair.{one.recipe}")
        for one in proposed
    ]
    return pd.DataFrame(rows, columns=list(Pairs.empty().columns)).astype(
        Pairs.empty().dtypes.to_dict()
    )


def refuse(proposed: Sequence[Made], given: pd.DataFrame, ledger: Ledger) -> list[Made]:
    """Return the proposals that may stay; the others get their line.

    Refused are those whose anchor still stands in what is trained on; that repeat a pair of `given`, or one of a
    recipe that is preferred; and those whose anchor would stand for several documents ("Overview").
    """
    left = _apart(proposed, ledger)
    left = _not_given(left, given, ledger)
    left = _made_once(left, ledger)
    return _of_one_document(left, given, ledger)


def _apart(proposed: Sequence[Made], ledger: Ledger) -> list[Made]:
    left = []
    for one in proposed:
        if one.recipe in _CUT and stands_in(one.anchor, one.positive):
            ledger.drop(one.pair_id, "in_positive", partner_id=one.doc_id)
        else:
            left.append(one)
    return left


def stands_in(anchor: str, text: str) -> bool:
    """Return whether the words of `anchor` stand in `text` as they are."""
    return f" {' '.join(words(anchor))} " in f" {' '.join(words(text))} "


def _not_given(proposed: Sequence[Made], given: pd.DataFrame, ledger: Ledger) -> list[Made]:
    forms = given["anchor"].map(normal_form)
    known = dict(zip(zip(forms, given["doc_id"], strict=True), given["pair_id"], strict=True))
    left = []
    for one in proposed:
        partner = (
            known.get((normal_form(one.anchor), one.doc_id)) if one.recipe != "synonyms" else None
        )
        if partner:
            ledger.drop(one.pair_id, "already_given", partner_id=partner)
        else:
            left.append(one)
    return left


def _made_once(proposed: Sequence[Made], ledger: Ledger) -> list[Made]:
    first: dict[tuple[str, str, str], str] = {}
    left = []
    for one in sorted(proposed, key=lambda one: (RECIPES.index(one.recipe), one.pair_id)):
        # Names of a document are asked for each other; what else is asked, is asked for the document.
        other = normal_form(one.positive) if one.recipe == "synonyms" else ""
        partner = first.setdefault((normal_form(one.anchor), one.doc_id, other), one.pair_id)
        if partner != one.pair_id:
            ledger.drop(one.pair_id, "already_made", partner_id=partner)
        else:
            left.append(one)
    return left


def _of_one_document(proposed: Sequence[Made], given: pd.DataFrame, ledger: Ledger) -> list[Made]:
    found: dict[str, set[str]] = defaultdict(set)
    for anchor, doc_id in zip(given["anchor"], given["doc_id"], strict=True):
        found[normal_form(anchor)].add(doc_id)
    single = [one for one in proposed if one.recipe not in _OF_SEVERAL]
    for one in single:
        found[normal_form(one.anchor)].add(one.doc_id)
    left = [one for one in proposed if one.recipe in _OF_SEVERAL]
    for one in single:
        others = found[normal_form(one.anchor)] - {one.doc_id}
        if others:
            ledger.drop(
                one.pair_id,
                "ambiguous_anchor",
                partner_id=min(others),
                score=float(len(others) + 1),
            )
        else:
            left.append(one)
    return left


def shortcuts(
    pairs: pd.DataFrame, texts: Mapping[str, str], trained: Mapping[str, str]
) -> dict[str, float]:
    """Return how many pairs a model could solve by copying, or could not solve by any shared word.

    anchor_in_positive_share: the anchor's words stand in the positive as they are. no_common_word_share:
    not one word is common. The positive is what `trained` says of a pair, else its document's text.
    """
    contained = uncommon = 0
    for pair_id, anchor, doc_id in zip(
        pairs["pair_id"], pairs["anchor"], pairs["doc_id"], strict=True
    ):
        positive = trained.get(pair_id) or texts[doc_id]
        contained += stands_in(anchor, positive)
        uncommon += not set(words(anchor)) & set(words(positive))
    count = max(1, len(pairs))
    return {"anchor_in_positive_share": contained / count, "no_common_word_share": uncommon / count}
