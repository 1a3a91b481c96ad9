"""The approximate search finds most of what the exact one does, the same every time, and nothing that is not there."""

import numpy as np
import pytest

from stages.lib.retrieval.search import dense_search
from stages.mine.candidates import ivf_search


def vectors(count, seed):
    """Return unit vectors in thirty clusters."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(30, 32))
    actual = centres[random.integers(0, 30, count)] + 0.8 * random.normal(size=(count, 32))
    return (actual / np.linalg.norm(actual, axis=1, keepdims=True)).astype(np.float32)


def test_most_neighbours_are_found_with_their_true_scores():
    documents, queries = vectors(3000, 1), vectors(200, 2)
    starts = np.arange(3000)
    actual, exact = (
        ivf_search(queries, documents, 10, starts=starts, seed=13),
        dense_search(queries, documents, 10, starts),
    )
    shared = np.mean(
        [len(set(a) & set(b)) / 10 for a, b in zip(actual.positions, exact.positions, strict=True)]
    )
    assert shared > 0.85
    truth = np.take_along_axis(queries @ documents.T, actual.positions, axis=1)
    np.testing.assert_allclose(actual.scores, truth, atol=2e-6)


def test_the_seed_decides():
    documents, queries, starts = vectors(500, 1), vectors(20, 2), np.arange(500)
    first, again, other = (
        ivf_search(queries, documents, 10, starts=starts, seed=seed) for seed in (13, 13, 14)
    )
    assert first.positions.tobytes() == again.positions.tobytes()
    assert first.positions.tobytes() != other.positions.tobytes()


@pytest.mark.parametrize("count", [0, 1, 3, 40])
def test_small_corpora_give_minus_infinity_for_missing_hits(count):
    actual = ivf_search(vectors(5, 2), vectors(count, 1), 10, starts=np.arange(count), seed=13)
    assert actual.positions.shape == (5, min(10, count))
    is_hit = np.isfinite(actual.scores)
    assert count == 0 or is_hit[:, 0].all()
    assert all(
        len(set(row[seen])) == seen.sum()
        for row, seen in zip(actual.positions, is_hit, strict=True)
    )


def test_a_document_is_found_by_its_best_passage():
    passages = np.array([[0.0, 1.0], [1.0, 0.0], [0.6, 0.8]], dtype=np.float32)
    actual = ivf_search(
        np.array([[1.0, 0.0]], dtype=np.float32), passages, 2, starts=np.array([0, 2]), seed=13
    )
    assert (actual.positions[0, 0], actual.scores[0, 0]) == (0, 1.0)
