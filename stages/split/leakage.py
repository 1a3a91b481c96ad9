"""The leakage audit: held-out texts that another split has too. It is exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from stages.lib.schemas.splits import EVALUATION_SPLITS
from stages.lib.text.matches import TextMatches
from stages.split.components import Edge, is_pair_id, text_edge
from stages.split.interface import Unit


def enforced_matches(matches: TextMatches, unit: Unit) -> TextMatches:
    """Return the matches that must not be separated where data is split by `unit`."""
    if unit == "component":
        return matches
    if unit == "group":
        return matches._replace(near=[], overlapping=[])

    # The other units keep only anchors apart.
    equal: dict[str, list[str]] = {}
    for form, row_ids in matches.equal.items():
        pair_ids = _pair_ids(row_ids)
        if len(pair_ids) > 1:
            equal[form] = pair_ids

    near = [(_pair_ids(left), _pair_ids(right)) for left, right in matches.near]
    overlapping = [_pair_ids(row_ids) for row_ids in matches.overlapping]
    return matches._replace(
        equal=equal,
        near=[(left, right) for left, right in near if left and right],
        overlapping=[pair_ids for pair_ids in overlapping if len(pair_ids) > 1],
    )


def match_edges(matches: TextMatches, document_of_pair: Mapping[str, str]) -> list[Edge]:
    """Return edges that connect all rows that match, sorted, each two rows once.

    Rows with equal texts are connected to the first of them. So an edge between two of them
    connects two groups of near texts. An anchor and its own document need no edge of texts.
    """
    edge_of_ends: dict[tuple[str, str], Edge] = {}
    for similarity, left_ids, right_ids in matches.groups():
        if similarity != "near":
            ends = [(left_ids[0], other) for other in left_ids[1:]]
        elif set(left_ids).isdisjoint(right_ids):
            ends = [_representatives(left_ids, right_ids)]
        else:
            # A row that has both texts connects them.
            continue

        # Equal ones come first, so that they keep their kind.
        for left, right in map(sorted, ends):
            if not _is_own_document(left, right, document_of_pair):
                edge_of_ends.setdefault((left, right), text_edge(similarity, left, right))

    return [edge for _, edge in sorted(edge_of_ends.items())]


def find_leaks(
    matches: TextMatches,
    split_of: Mapping[str, str],
    document_of_pair: Mapping[str, str] | None = None,
) -> list[Edge]:
    """Return the matches across splits of which one is held out, sorted, smaller id first.

    Where two rows are both equal and near, the edge is of the kind "equal". An anchor does not leak
    into its own document.
    """
    similarity_of: dict[tuple[str, str], str] = {}
    for similarity, left_ids, right_ids in matches.groups():
        # Most groups lie in one split; those need no comparison by pairs.
        if len({split_of[row_id] for row_id in (*left_ids, *right_ids)}) == 1:
            continue

        # Equal ones come first, so that they keep their kind.
        for left, right in product(left_ids, right_ids):
            ends = (min(left, right), max(left, right))
            if is_across(left, right, split_of) and not _is_own_document(
                *ends, document_of_pair or {}
            ):
                similarity_of.setdefault(ends, similarity)

    return [
        text_edge(similarity, left, right)
        for (left, right), similarity in sorted(similarity_of.items())
    ]


def is_across(left: str, right: str, split_of: Mapping[str, str]) -> bool:
    """Return True if two rows are in different splits, of which at least one is held out.

    A row that is left out is seen by nothing, neither by training nor by evaluation.
    """
    splits = {split_of[left], split_of[right]} - {"left_out"}
    return len(splits) == 2 and not splits.isdisjoint(EVALUATION_SPLITS)


def is_violation(leak: Edge, unit: Unit, split_of: Mapping[str, str]) -> bool:
    """Return True if splits by `unit` must not have this leak.

    `component` allows none. `group` allows near and overlapping texts. `anchor` allows documents
    in several splits. `time` allows those too, and matches between validation and test, since
    nothing moves across a date.
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
    return [leak for leak in allowed if meets_training(leak, split_of)]


def meets_training(leak: Edge, split_of: Mapping[str, str]) -> bool:
    """Return True if training sees an end of the leak, in a pair or in a negative."""
    return any(_is_seen_in_training(row_id, split_of) for row_id in leak.ends)


def _is_seen_in_training(row_id: str, split_of: Mapping[str, str]) -> bool:
    # Documents of the corpus become negatives.
    is_negative = split_of[row_id] == "corpus" and not is_pair_id(row_id)
    return split_of[row_id] == "train" or is_negative


def _pair_ids(row_ids: Sequence[str]) -> list[str]:
    return [row_id for row_id in row_ids if is_pair_id(row_id)]


def _representatives(left_ids: Sequence[str], right_ids: Sequence[str]) -> tuple[str, str]:
    """Return a row of each side: two pairs or two documents where there are such."""
    for kind in "pd":
        left = [row_id for row_id in left_ids if row_id.startswith(kind)]
        right = [row_id for row_id in right_ids if row_id.startswith(kind)]
        if left and right:
            return left[0], right[0]

    return left_ids[0], right_ids[0]


def _is_own_document(left: str, right: str, document_of_pair: Mapping[str, str]) -> bool:
    """Return True for a document and a pair of it, in this order."""
    return document_of_pair.get(right) == left
