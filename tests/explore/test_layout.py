"""The map keeps neighbours together, moves little, and has the same bytes on any processor."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.explore.layout import (
    kept_neighbours,
    lay_out,
    nearest_neighbours,
    principal_components,
    turned_towards,
)
from tests.conftest import ROOT


def unit(rows):
    rows = np.asarray(rows, dtype=np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths == 0, 1, lengths)).astype(np.float32)


def groups(count=600, dimension=32, seed=1):
    """Return vectors around twenty directions."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(20, dimension))
    noise = random.normal(size=(count, dimension))
    return unit(centres[np.arange(count) % 20] + 0.35 * noise)


def test_neighbours_are_the_nearest_and_never_the_point_itself():
    vectors = unit([[1, 0], [0.8, 0.6], [0, 1], [1, 0]])
    found = nearest_neighbours(vectors, 2)
    assert found.positions.tolist() == [[3, 1], [0, 3], [1, 0], [0, 1]]
    assert found.cosines[0].tolist() == pytest.approx([1.0, 0.8])


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_few_points_are_laid_out_too(count):
    vectors = unit(np.eye(6)[:count])
    neighbours = nearest_neighbours(vectors)
    assert neighbours.positions.shape == (count, min(15, count - 1))
    positions = lay_out(vectors, neighbours)
    assert positions.shape == (count, 2)
    assert np.isfinite(positions).all()


@given(st.integers(2, 40), st.integers(1, 8), st.integers(0, 5))
def test_positions_are_finite_whatever_the_vectors(count, dimension, seed):
    """Equal vectors and vectors of zeros are among them."""
    random = np.random.default_rng(seed)
    vectors = unit(random.integers(-1, 2, size=(count, dimension)))
    neighbours = nearest_neighbours(vectors)
    assert (neighbours.positions != np.arange(count)[:, None]).all()
    assert np.isfinite(lay_out(vectors, neighbours)).all()


def test_components_are_those_of_the_textbook():
    vectors = np.random.default_rng(1).normal(size=(9, 5)).astype(np.float32)
    positions = principal_components(vectors)
    centred = (vectors - vectors.mean(axis=0)).astype(np.float64)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    assert np.abs(positions) == pytest.approx(np.abs(left[:, :2] * values[:2]), abs=1e-5)
    assert principal_components(vectors[::-1].copy())[::-1] == pytest.approx(positions, abs=1e-5)


def test_neighbours_stay_together():
    vectors = groups()
    neighbours = nearest_neighbours(vectors)
    kept = kept_neighbours(lay_out(vectors, neighbours), neighbours)
    on_two_axes = kept_neighbours(principal_components(vectors), neighbours)
    assert kept > 0.8
    assert kept > on_two_axes + 0.2


def test_the_share_of_kept_neighbours_is_counted():
    vectors = unit([[1, 0], [0.99, 0.1], [0, 1], [0.1, 0.99]])
    neighbours = nearest_neighbours(vectors, 1)
    together = np.array([[0.0, 0.0], [1.0, 0.0], [9.0, 9.0], [9.0, 8.0]])
    apart = np.array([[0.0, 0.0], [9.0, 9.0], [1.0, 0.0], [9.0, 8.0]])
    assert kept_neighbours(together, neighbours, 1) == 1.0
    assert kept_neighbours(apart, neighbours, 1) == 0.0


def test_a_map_moves_little_when_few_documents_go():
    vectors = groups(1000)
    kept = np.flatnonzero(np.arange(1000) % 50 != 7)
    before = lay_out(vectors, nearest_neighbours(vectors))
    after = lay_out(vectors[kept], nearest_neighbours(vectors[kept]))
    moved = np.linalg.norm(before[kept] - after, axis=1)
    assert np.median(moved) < 0.15 * before.std(axis=0).mean()


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_map_that_was_turned_is_turned_back(mirrored):
    places = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 1.0], [5.0, 7.0]])
    turn = np.array([[0.6, 0.8], [-0.8, 0.6]])
    if mirrored:
        turn = turn @ np.array([[1.0, 0.0], [0.0, -1.0]])
    moved = places @ turn + [3.0, -2.0]
    assert turned_towards(moved, places) == pytest.approx(places, abs=1e-4)


def test_a_turned_map_keeps_its_distances():
    random = np.random.default_rng(1)
    positions = random.normal(size=(50, 2))
    turned = turned_towards(positions, random.normal(size=(50, 2)))
    before = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    after = np.linalg.norm(turned[:, None] - turned[None], axis=2)
    assert after == pytest.approx(before, abs=1e-4)
    assert turned_towards(np.zeros((3, 2)), positions[:3]).shape == (3, 2)
    assert turned_towards(np.zeros((0, 2)), np.zeros((0, 2))).shape == (0, 2)


HASH = """
import hashlib
from stages.explore.layout import lay_out, nearest_neighbours
from tests.explore.test_layout import groups

vectors = groups()
print(hashlib.sha256(lay_out(vectors, nearest_neighbours(vectors)).tobytes()).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
        {"OPENBLAS_CORETYPE": "Haswell"},
        {"NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX"},
    ],
)
def test_threads_and_kernels_change_no_byte(environment):
    vectors = groups()
    here = hashlib.sha256(lay_out(vectors, nearest_neighbours(vectors)).tobytes()).hexdigest()
    process = subprocess.run(
        [sys.executable, "-c", HASH],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.strip() == here
