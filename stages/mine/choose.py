"""Which of the candidates that passed become negatives: the hardest, or a seeded sample."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stages.lib.text import hash_hex
from stages.lib.topk import Integers
from stages.mine.candidates import Candidates, by_people
from stages.mine.params import MineParams
from stages.mine.rules import PASSED, RULES

Names = Callable[[int], tuple[str, str]]
Ask = Callable[[Integers], "np.ndarray[tuple[int], np.dtype[np.bool_]]"]


def places(rows: Integers) -> Integers:
    """Return how many before each belong to the same anchor; `rows` ascend."""
    return np.arange(len(rows)) - np.searchsorted(rows, rows)


def choose(
    found: Candidates,
    reasons: Integers,
    names: Names,
    params: MineParams,
    seed: int,
    ask: Ask,
) -> Integers:
    """Return which of `found` become negatives, in their order, and write into `reasons` what refuses others here.

    Of those that passed so far the first `params.skip_first` of each anchor are passed over, hardest first; of the
    rest the hardest are taken, or those whose hash with the `seed` is smallest; before all of them those that a
    person found dissimilar. `names` tells the ids of anchor and document of a candidate, by its number. `ask` tells of
    candidates whether a further judge lets them pass; it is costly, so that it is asked in rounds, of no more than are
    still wanted.
    """
    people = by_people(found, params)
    guessed = np.flatnonzero((reasons == PASSED) & ~people)
    skipped = places(found.rows[guessed]) < params.skip_first
    reasons[guessed[skipped]] = RULES.index("skipped")
    passed = np.flatnonzero(reasons == PASSED)
    if params.sampling == "random":
        lots = np.array([hash_hex(str(seed), *names(at)) for at in passed.tolist()], dtype=str)
        passed = passed[np.lexsort((lots, ~people[passed], found.rows[passed]))]
    taken = np.zeros(len(found.rows), dtype=np.bool_)
    while len(passed):
        rows = found.rows[passed]
        have = np.bincount(found.rows[taken], minlength=int(found.rows.max()) + 1)
        now = places(rows) < params.negatives - have[rows]
        asked = passed[now]
        if not len(asked):
            break
        good = people[asked]
        good[~good] = ask(asked[~good])
        taken[asked[good]] = True
        reasons[asked[~good]] = RULES.index("cross_encoder")
        passed = passed[~now]
    return np.flatnonzero(taken)


def everybody(asked: Integers) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Let all pass: the judge where there is no cross-encoder."""
    return np.ones(len(asked), dtype=np.bool_)


def room(rows: Integers, params: MineParams) -> Integers:
    """Return how many negatives there would be, were these all that passed; by anchor, for those with any."""
    found = np.bincount(rows)
    return np.clip(found[found > 0] - params.skip_first, 0, params.negatives)
