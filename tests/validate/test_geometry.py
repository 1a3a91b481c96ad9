"""Spread-out vectors look spread out, crowded ones crowded, and the numbers are the papers'."""

import numpy as np
import pytest

from stages.lib.retrieval.corpus import Corpus
from stages.validate.embedding_quality import (
    effective_rank,
    measure_geometry,
    sample_documents,
    skewness,
)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def cloud(count=700, dimension=32, seed=1, towards=0.0):
    """Return random directions, the more alike the larger `towards` is."""
    return unit(np.random.default_rng(seed).normal(size=(count, dimension)) + towards)


NONE = np.array([1.0])


def test_cosines_and_uniformity_are_those_of_all_pairs():
    from scipy.spatial.distance import pdist

    vectors = cloud()
    geometry = measure_geometry(vectors, NONE)
    distances = pdist(vectors.astype(np.float64), "sqeuclidean")
    assert geometry.mean_cosine == pytest.approx(float((1 - distances / 2).mean()), abs=1e-6)
    assert geometry.uniformity == pytest.approx(
        float(np.log(np.exp(-2 * distances).mean())), abs=1e-5
    )


def test_alignment_is_the_squared_distance_of_positives():
    assert measure_geometry(cloud(20), np.array([1.0, 0.5])).alignment == pytest.approx(0.5)


def test_effective_rank_on_literals():
    assert effective_rank(np.eye(8, dtype=np.float32)) == pytest.approx(8.0)
    assert effective_rank(np.ones((5, 8), dtype=np.float32)) == pytest.approx(1.0, abs=1e-3)
    # Singular values 3 and 1: entropy of (3/4, 1/4).
    assert effective_rank(np.array([[3.0, 0.0], [0.0, 1.0]], dtype=np.float32)) == pytest.approx(
        1.7548, abs=1e-4
    )
    tall, wide = cloud(50, 8), cloud(8, 50)
    for vectors in (tall, wide):
        shares = np.linalg.svd(vectors, compute_uv=False)
        shares = shares / shares.sum()
        assert effective_rank(vectors) == pytest.approx(
            float(np.exp(-(shares * np.log(shares)).sum())), abs=1e-3
        )


def test_skewness_on_literals():
    # Around the mean 1: -1, -1, -1 and 3, of variance 3 and third moment 6.
    assert skewness(np.array([0.0, 0.0, 0.0, 4.0])) == pytest.approx(6 / 3**1.5)
    assert skewness(np.array([0.0, 4.0, 4.0, 4.0])) == pytest.approx(-6 / 3**1.5)


@pytest.mark.slow  # importing scipy.stats takes seconds
def test_skewness_is_the_textbooks():
    from scipy.stats import skew

    values = np.random.default_rng(2).exponential(size=100)
    assert skewness(values) == pytest.approx(float(skew(values)))
    assert skewness(np.ones(5)) == 0.0


def test_a_hub_is_seen():
    even = cloud(300, 3)
    # One document in the middle of many is everybody's neighbour.
    corner = cloud(300, 200)
    hub = np.concatenate([corner, unit(corner.sum(axis=0, keepdims=True))])
    assert measure_geometry(hub, NONE).hubness > measure_geometry(even, NONE).hubness + 1


def test_a_collapsed_model_differs_from_a_healthy_one():
    healthy = measure_geometry(cloud(), NONE)
    collapsed = measure_geometry(cloud(towards=20.0), NONE)
    assert healthy.mean_cosine < 0.05 and collapsed.mean_cosine > 0.95
    assert healthy.effective_rank_share > 0.9 and collapsed.effective_rank_share < 0.5


def test_two_documents_are_enough():
    geometry = measure_geometry(cloud(2), NONE)
    assert all(np.isfinite(value) for value in geometry)
    assert geometry.effective_rank_share <= 1.0


def test_the_sample_hardly_depends_on_other_documents():
    ids = np.array([f"d{at:016x}" for at in range(10)])
    vectors = cloud(12)
    starts = np.array([0, 2, 3, 4, 5, 6, 7, 8, 10, 11])
    corpus = Corpus(ids, ["text"] * 12, starts)
    chosen = sample_documents(corpus, vectors, 3)
    assert len(chosen) == 3
    assert {row.tobytes() for row in chosen} <= {row.tobytes() for row in vectors[starts]}
    fewer = Corpus(ids[:9], ["text"] * 11, starts[:9])
    kept = {row.tobytes() for row in sample_documents(fewer, vectors[:11], 3)}
    assert len(kept & {row.tobytes() for row in chosen}) >= 2
