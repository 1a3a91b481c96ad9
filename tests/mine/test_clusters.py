"""The approximate search finds most of what the exact one does, the same every time, and nothing that is not there."""

import numpy as np
import pytest

from stages.lib.retrieval import dense
from stages.mine.clusters import approximate


def vectors(count, seed):
    """Return unit vectors in thirty clusters."""
    chance = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(30, 32))
    found = centres[chance.integers(0, 30, count)] + 0.8 * chance.normal(size=(count, 32))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def test_most_neighbours_are_found_with_their_true_scores():
    documents, queries = vectors(3000, 1), vectors(200, 2)
    starts = np.arange(3000)
    found, exact = (
        approximate(queries, documents, 10, starts, 13),
        dense(queries, documents, 10, starts),
    )
    shared = np.mean(
        [len(set(a) & set(b)) / 10 for a, b in zip(found.positions, exact.positions, strict=True)]
    )
    assert shared > 0.85
    truth = np.take_along_axis(queries @ documents.T, found.positions, axis=1)
    np.testing.assert_allclose(found.scores, truth, atol=2e-6)


def test_the_seed_decides():
    documents, queries, starts = vectors(500, 1), vectors(20, 2), np.arange(500)
    one, again, other = (approximate(queries, documents, 10, starts, seed) for seed in (13, 13, 14))
    assert one.positions.tobytes() == again.positions.tobytes()
    assert one.positions.tobytes() != other.positions.tobytes()


@pytest.mark.parametrize("count", [0, 1, 3, 40])
def test_small_corpora_give_what_they_have_and_minus_infinity_for_what_was_not_looked_at(count):
    found = approximate(vectors(5, 2), vectors(count, 1), 10, np.arange(count), 13)
    assert found.positions.shape == (5, min(10, count))
    looked = np.isfinite(found.scores)
    assert count == 0 or looked[:, 0].all()
    assert all(
        len(set(row[seen])) == seen.sum() for row, seen in zip(found.positions, looked, strict=True)
    )


def test_a_document_is_found_by_its_best_passage():
    passages = np.array([[0.0, 1.0], [1.0, 0.0], [0.6, 0.8]], dtype=np.float32)
    found = approximate(np.array([[1.0, 0.0]], dtype=np.float32), passages, 2, np.array([0, 2]), 13)
    assert (found.positions[0, 0], found.scores[0, 0]) == (0, 1.0)
