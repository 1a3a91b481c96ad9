"""Two rankings become one by reciprocal ranks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.evaluate.fusion import fuse
from stages.lib.topk import Hits


def hits(*rows):
    """Make rankings of (position, score)."""
    positions, scores = zip(*(zip(*row, strict=True) for row in rows), strict=True)
    return Hits(np.array(positions), np.array(scores, dtype=np.float32))


def test_ranks_count_and_scores_do_not():
    lexical = hits([(7, 30.0), (1, 2.0), (2, 1.0)])
    dense = hits([(2, 0.9), (7, 0.8), (5, 0.7)])
    found = fuse(lexical, dense, 3)
    # 7: 1/61 + 1/62; 2: 1/63 + 1/61; 1: 1/62; 5: 1/63.
    assert found.positions.tolist() == [[7, 2, 1]]
    assert found.scores[0] == pytest.approx([1 / 61 + 1 / 62, 1 / 63 + 1 / 61, 1 / 62], abs=1e-6)


def test_what_shares_no_word_has_no_lexical_rank():
    lexical = hits([(3, 5.0), (0, 0.0), (1, 0.0)])
    dense = hits([(4, 0.9), (1, 0.8), (2, 0.7)])
    assert fuse(lexical, dense, 3).positions.tolist() == [[3, 4, 1]]


def test_equal_sums_stand_in_order_of_position():
    assert fuse(hits([(9, 2.0), (4, 1.0)]), hits([(4, 0.9), (9, 0.8)]), 2).positions.tolist() == [[4, 9]]


@given(st.permutations(range(12)), st.permutations(range(12)))
def test_both_rankings_weigh_the_same(left, right):
    def ranked(order):
        return hits([(at, 12.0 - rank) for rank, at in enumerate(order)])

    one, other = fuse(ranked(left), ranked(right), 12), fuse(ranked(right), ranked(left), 12)
    assert one.positions.tolist() == other.positions.tolist()
    assert sorted(one.positions[0].tolist()) == list(range(12))


def test_a_ranking_that_both_share_stays():
    same = hits([(5, 0.9), (2, 0.8), (8, 0.7)])
    assert fuse(same, same, 3).positions.tolist() == [[5, 2, 8]]
