"""Selection: the negatives among the candidates that passed, the hardest or a sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from stages.lib.core.ids import hash_hex
from stages.lib.retrieval.search import Integers
from stages.mine.candidates import Candidates, is_labelled
from stages.mine.filters import FILTERS, PASSED, Mask
from stages.mine.interface import MineParams

# A function from the number of a candidate to the ids of its pair and its document.
IdsOf = Callable[[int], tuple[str, str]]

# A function from numbers of candidates to a mask of those that may become negatives.
Accepts = Callable[[Integers], Mask]


class Selection(NamedTuple):
    """The result of selecting negatives.

    Attributes:
        chosen: numbers of the candidates that become negatives, ascending.
        failed: for each candidate, the number in FILTERS of the filter that excludes it, or PASSED.
    """

    chosen: Integers
    failed: Integers


def select_negatives(
    candidates: Candidates,
    failed: Integers,
    *,
    ids_of: IdsOf,
    params: MineParams,
    seed: int,
    accepts: Accepts,
) -> Selection:
    """Return the negatives of each anchor, `params.negatives` of them at most.

    Of those that passed, the first `params.skip_first` of each anchor are skipped. Of the rest the
    hardest are taken, or those with the smallest hash. Labelled candidates come before all others.

    Args:
        candidates: the candidates.
        failed: for each candidate, the number of the filter that excludes it so far, or PASSED.
        ids_of: the ids of a candidate, for the hash.
        params: the section `mine`.
        seed: the seed of the hash.
        accepts: a further filter, which is expensive. It sees in each round as many candidates
            of an anchor as are still missing, and never labelled ones.
    """
    failed = failed.copy()
    labelled = is_labelled(candidates, params)

    # Skip the first candidates of each anchor.
    unlabelled = np.flatnonzero((failed == PASSED) & ~labelled)
    skipped = rank_in_anchor(candidates.anchors[unlabelled]) < params.skip_first
    failed[unlabelled[skipped]] = FILTERS.index("skipped")

    # The candidates that are left, in the order in which they are taken.
    waiting = np.flatnonzero(failed == PASSED)
    if params.sampling == "random":
        hashes = np.array(
            [hash_hex(str(seed), *ids_of(index)) for index in waiting.tolist()], dtype=str
        )
        order = np.lexsort((hashes, ~labelled[waiting], candidates.anchors[waiting]))
        waiting = waiting[order]

    # In rounds: show as many of each anchor as it still needs.
    is_chosen = np.zeros(len(candidates.anchors), dtype=np.bool_)
    while len(waiting):
        anchors = candidates.anchors[waiting]
        chosen_count = np.bincount(
            candidates.anchors[is_chosen], minlength=int(candidates.anchors.max()) + 1
        )
        is_next = rank_in_anchor(anchors) < params.negatives - chosen_count[anchors]
        shown = waiting[is_next]
        if not len(shown):
            break

        # Labelled candidates are accepted as they are.
        accepted = labelled[shown]
        accepted[~accepted] = accepts(shown[~accepted])
        is_chosen[shown[accepted]] = True
        failed[shown[~accepted]] = FILTERS.index("cross_encoder")
        waiting = waiting[~is_next]

    return Selection(np.flatnonzero(is_chosen), failed)


def accept_all(numbers: Integers) -> Mask:
    """Return a mask that accepts all candidates, for mining without a cross-encoder."""
    return np.ones(len(numbers), dtype=np.bool_)


def rank_in_anchor(anchors: Integers) -> Integers:
    """Return for each entry the number of earlier ones with the same anchor; `anchors` ascend.

    >>> rank_in_anchor(np.array([3, 3, 3, 7, 7])).tolist()
    [0, 1, 2, 0, 1]
    """
    return np.arange(len(anchors)) - np.searchsorted(anchors, anchors)


def capacity(anchors: Integers, params: MineParams) -> Integers:
    """Return the number of negatives of each anchor that has candidates, if all of these pass.

    Args:
        anchors: the anchor of each candidate, ascending.
        params: the section `mine`.
    """
    # Anchors without candidates are left out.
    counts = np.bincount(anchors)
    return np.clip(counts[counts > 0] - params.skip_first, 0, params.negatives)
