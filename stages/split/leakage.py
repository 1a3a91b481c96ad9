"""The leakage audit: held-out texts that another split has too, equal or near. It is exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import NamedTuple

from stages.lib.schemas.splits import EVALUATION_SPLITS
from stages.lib.text.normal_form import shingles
from stages.lib.text.similarity_join import similarity_join
from stages.split.components import (
    Edge,
    TextVersions,
    equal_groups,
    ids_by_normal_form,
    is_pair_id,
    text_edge,
)
from stages.split.interface import Unit


class TextMatches(NamedTuple):
    """Rows with similar texts.

    Attributes:
        equal: normal form to the ids of the rows that share it, anchors and documents together.
        near: for each two forms that are near, the ids with the one and the ids with the other.
    """

    equal: dict[str, list[str]]
    near: list[tuple[list[str], list[str]]]


def match_texts(kinds: Sequence[TextVersions], threshold: float) -> TextMatches:
    """Return the equal texts over all `kinds`, and the near ones within each kind.

    An anchor may equal a document, so equal texts are searched in all kinds together.

    Args:
        kinds: the texts of anchors, and those of documents.
        threshold: exact Jaccard similarity of shingles from which two texts are near.
    """
    near: list[tuple[list[str], list[str]]] = []
    for versions in kinds:
        # By form, so that a query that was clicked a hundred times is compared once.
        ids_of_form = ids_by_normal_form(versions)
        shingles_of_form = {form: shingles(form) for form in ids_of_form}
        for left, right, _ in similarity_join(shingles_of_form, shingles_of_form, threshold):
            near.append((ids_of_form[left], ids_of_form[right]))

    return TextMatches(equal_groups(*kinds), near)


def enforced_matches(matches: TextMatches, unit: Unit) -> TextMatches:
    """Return the matches that must not be separated where data is split by `unit`."""
    if unit == "component":
        return matches
    if unit == "group":
        return TextMatches(matches.equal, [])

    # The other units keep only anchors apart.
    equal: dict[str, list[str]] = {}
    for form, row_ids in matches.equal.items():
        pair_ids = [row_id for row_id in row_ids if is_pair_id(row_id)]
        if len(pair_ids) > 1:
            equal[form] = pair_ids

    near = [(left, right) for left, right in matches.near if is_pair_id(left[0])]
    return TextMatches(equal, near)


def find_leaks(matches: TextMatches, split_of: Mapping[str, str]) -> list[Edge]:
    """Return the matches across splits of which one is held out, sorted, smaller id first.

    Where two rows are both equal and near, the edge is of the kind "equal".
    """
    groups = [("equal", row_ids, row_ids) for row_ids in matches.equal.values()]
    groups += [("near", left_ids, right_ids) for left_ids, right_ids in matches.near]

    similarity_of: dict[tuple[str, str], str] = {}
    for similarity, left_ids, right_ids in groups:
        # Most groups lie in one split; those need no comparison by pairs.
        if len({split_of[row_id] for row_id in (*left_ids, *right_ids)}) == 1:
            continue

        # Equal ones come first, so that they keep their kind.
        for left, right in product(left_ids, right_ids):
            if is_across(left, right, split_of):
                ends = (min(left, right), max(left, right))
                similarity_of.setdefault(ends, similarity)

    return [
        text_edge(similarity, left, right)
        for (left, right), similarity in sorted(similarity_of.items())
    ]


def is_across(left: str, right: str, split_of: Mapping[str, str]) -> bool:
    """Return True if two rows are in different splits, of which at least one is held out."""
    splits = {split_of[left], split_of[right]}
    return len(splits) == 2 and not splits.isdisjoint(EVALUATION_SPLITS)


def is_violation(leak: Edge, unit: Unit, split_of: Mapping[str, str]) -> bool:
    """Return True if splits by `unit` must not have this leak.

    `component` allows none. `group` allows near texts. `anchor` allows documents in several
    splits. `time` allows those too, and matches between validation and test, since nothing
    moves across a date.
    """
    if unit == "component":
        return True
    if unit == "group":
        return leak.kind.startswith("equal")

    # Where splits share documents, only anchors must not.
    both_anchors = all(map(is_pair_id, leak.ends))
    in_training = "train" in (split_of[leak.left], split_of[leak.right])
    return both_anchors and (unit == "anchor" or in_training)


def tolerated_leaks(leaks: Sequence[Edge], unit: Unit, split_of: Mapping[str, str]) -> list[Edge]:
    """Return the leaks that `unit` allows and that training sees, in a pair or in a negative."""
    allowed = [leak for leak in leaks if not is_violation(leak, unit, split_of)]
    return [leak for leak in allowed if _meets_training(leak, split_of)]


def _meets_training(leak: Edge, split_of: Mapping[str, str]) -> bool:
    return any(_is_seen_in_training(row_id, split_of) for row_id in leak.ends)


def _is_seen_in_training(row_id: str, split_of: Mapping[str, str]) -> bool:
    # Documents of the corpus become negatives.
    is_negative = split_of[row_id] == "corpus" and not is_pair_id(row_id)
    return split_of[row_id] == "train" or is_negative
