"""Two rankings become one by their scores, on one scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.evaluate.systems import fuse
from stages.lib.retrieval.search import Hits


def hits(*rows):
    """Make rankings of (position, score)."""
    positions, scores = zip(*(zip(*row, strict=True) for row in rows), strict=True)
    return Hits(np.array(positions), np.array(scores, dtype=np.float32))


def test_scores_are_brought_to_one_scale_and_added():
    lexical = hits([(7, 8.0), (2, 4.0), (5, 0.0)])
    dense = hits([(2, 0.9), (5, 0.8), (1, 0.4)])
    fused = fuse(lexical, dense, 0.5)
    # 2: half of 1 and half of 4 / 8; 7: half of 1; 5: half of (0.8 - 0.4) / 0.5.
    assert fused.positions.tolist() == [[2, 7, 5]]
    assert fused.scores.tolist()[0] == pytest.approx([0.75, 0.5, 0.4])


def test_each_query_has_a_scale_of_its_own():
    lexical = hits([(1, 2.0), (2, 1.0)], [(1, 200.0), (2, 100.0)])
    dense = hits([(2, 0.9), (1, 0.1)], [(2, 0.9), (1, 0.1)])
    first, second = fuse(lexical, dense).scores.tolist()
    assert first == second


def test_the_weight_is_that_of_the_dense_ranking():
    lexical, dense = hits([(7, 8.0), (2, 4.0)]), hits([(2, 0.9), (5, 0.8)])
    assert fuse(lexical, dense, 1.0).positions.tolist() == [[2, 5]]
    assert fuse(lexical, dense, 0.0).positions.tolist() == [[7, 2]]


def test_what_shares_no_word_changes_nothing():
    lexical = hits([(0, 0.0), (1, 0.0), (2, 0.0)])  # BM25 found nothing, and lists by id
    dense = hits([(9, 0.9), (1, 0.8), (4, 0.5)])
    assert fuse(lexical, dense).positions.tolist() == dense.positions.tolist()


def test_equal_scores_stand_in_order_of_position():
    same = hits([(8, 0.5), (3, 0.5), (6, 0.5)])
    assert fuse(hits([(6, 0.0), (3, 0.0), (8, 0.0)]), same).positions.tolist() == [[3, 6, 8]]
    assert fuse(hits([(8, 2.0), (1, 1.0)]), hits([(4, 0.9), (2, 0.1)]), 0.5).positions.tolist() == [
        [4, 8]
    ]


def test_a_ranking_that_both_share_stays():
    same = hits([(5, 0.9), (2, 0.8), (8, 0.7)])
    assert fuse(same, same).positions.tolist() == [[5, 2, 8]]


@given(st.data())
def test_the_fusion_is_a_sort_of_the_sums(data):
    k = data.draw(st.integers(1, 6))
    places = st.lists(st.integers(0, 12), min_size=k, max_size=k, unique=True)
    numbers = st.lists(st.integers(0, 4).map(lambda n: n / 4), min_size=k, max_size=k).map(
        lambda n: sorted(n)[::-1]
    )
    lexical, dense = (
        list(zip(data.draw(places), data.draw(numbers), strict=True)) for _ in range(2)
    )
    sums = {
        position: 0.0
        for position, _ in [*dense, *((position, score) for position, score in lexical if score)]
    }
    low, high = dense[-1][1], dense[0][1]
    for position, score in dense:
        sums[position] += 0.7 * (score - low) / (high - low) if high > low else 0.0
    for position, score in lexical:
        if score:
            sums[position] += 0.3 * score / lexical[0][1]
    expected = sorted(sums, key=lambda position: (-round(sums[position], 6), position))[:k]
    fused = fuse(hits(lexical), hits(dense), 0.7)
    assert fused.positions.tolist() == [expected]
    assert fused.scores[0].tolist() == pytest.approx(
        [sums[position] for position in expected], abs=1e-6
    )
