"""What people decided of mined negatives: a false negative is removed, and nothing takes its place.

So a verdict changes the rows that it decides, and no others. The share of false negatives is
estimated before that. It says how good the rules are, and how good those negatives are that
nobody has judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from stages.lib.schemas.ledger import LedgerWriter
from stages.lib.schemas.reviews import RowIds
from stages.lib.schemas.training import PER_NEGATIVE
from stages.lib.text.normal_form import normal_form

# The reason in the ledger.
JUDGED = "judged_false_negative"


class JudgedRows(NamedTuple):
    """Triplets as people decided.

    Attributes:
        rows: the triplets without the false negatives.
        positives: for each row the documents that a person found to answer its anchor.
        removed: the pair and the document of each removed negative, in the order of the rows.
    """

    rows: pd.DataFrame
    positives: list[frozenset[str]]
    removed: list[RowIds]

    def with_known(self, known: Sequence[frozenset[str]]) -> list[frozenset[str]]:
        """Return the positives of each row: those of people, and the `known` ones."""
        pairs = zip(self.positives, known, strict=True)
        return [by_people | by_pairs for by_people, by_pairs in pairs]


def remove_false_negatives(
    rows: pd.DataFrame, judged: Collection[RowIds], parent_of: Mapping[str, str]
) -> JudgedRows:
    """Return the triplets without the negatives that a person found to answer their anchor.

    A verdict on one pair holds for all rows with its anchor, and for the variants of the anchor.

    Args:
        rows: triplets, without the columns of batch conflicts.
        judged: the pair and the document of each false negative.
        parent_of: id of a variant to the pair that it varies.
    """
    if not judged:
        return JudgedRows(rows, [frozenset()] * len(rows), [])

    # The anchor that a pair varies, or its own.
    form_of_pair = dict(zip(rows["pair_id"], rows["anchor"].map(normal_form), strict=True))

    def root_form(pair_id: str) -> str | None:
        own_form = form_of_pair.get(pair_id)
        return form_of_pair.get(parent_of.get(pair_id, pair_id), own_form)

    # The documents that answer each of these anchors.
    answers_of_form: dict[str | None, set[str]] = defaultdict(set)
    for pair_id, doc_id in judged:
        answers_of_form[root_form(pair_id)].add(doc_id)
    answers_of_form.pop(None, None)
    positives = [
        frozenset(answers_of_form.get(root_form(pair_id), ())) for pair_id in rows["pair_id"]
    ]

    # All lists of a row lose the same places.
    removed: list[RowIds] = []
    kept_places: list[list[int]] = []
    for pair_id, negative_ids, answers in zip(
        rows["pair_id"], rows["negative_ids"], positives, strict=True
    ):
        removed += [(pair_id, doc_id) for doc_id in negative_ids if doc_id in answers]
        kept_places.append(
            [place for place, doc_id in enumerate(negative_ids) if doc_id not in answers]
        )

    columns = {
        name: pd.Series(_selected(rows[name], kept_places), index=rows.index, dtype=object)
        for name in PER_NEGATIVE
    }
    return JudgedRows(rows.assign(**columns), positives, removed)


def note_removed(ledger: LedgerWriter, removed: Sequence[RowIds]) -> None:
    """Write a line for each removed negative."""
    for pair_id, doc_id in removed:
        ledger.edit(pair_id, "negative_ids", JUDGED, before=doc_id, after="")


def count_left(triplets: pd.DataFrame, judged: Collection[RowIds]) -> int:
    """Return the number of negatives that a person found to answer their anchor: 0.

    They are counted in the result, by the ids of the verdicts alone.

    Args:
        triplets: Triplets.
        judged: the pair and the document of each false negative.
    """
    shown = triplets[["pair_id", "negative_ids"]].explode("negative_ids")
    pairs = set(zip(shown["pair_id"], shown["negative_ids"], strict=True))
    return len(pairs & set(judged))


def _selected(lists: Iterable[Sequence[Any]], places: Iterable[Sequence[int]]) -> list[list[Any]]:
    """Return each list with the items at its `places` alone."""
    selected: list[list[Any]] = []
    for items, kept in zip(lists, places, strict=True):
        selected.append([items[place] for place in kept])
    return selected
