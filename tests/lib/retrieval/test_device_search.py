"""The search of a GPU finds what the search of the processor finds, with ties in one order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from stages.lib.core.device import Device
from stages.lib.retrieval import device_search as module
from stages.lib.retrieval import search
from stages.lib.retrieval.device_search import device_search
from stages.lib.retrieval.search import dense_search
from tests.properties import examples

# Sums of products of these are exact in any order, and many are equal.
EXACT = st.integers(-4, 4).map(lambda number: np.float32(number / 4))


@st.composite
def searches(draw):
    """Draw queries, passages, k and the first passage of each document, or None."""
    query_count, passage_count, dimension = draw(
        st.tuples(st.integers(0, 6), st.integers(1, 40), st.integers(1, 4))
    )
    queries = draw(arrays.arrays(np.float32, (query_count, dimension), elements=EXACT))
    passages = draw(arrays.arrays(np.float32, (passage_count, dimension), elements=EXACT))
    starts = None
    if draw(st.booleans()):
        others = draw(st.sets(st.integers(0, passage_count - 1)))
        starts = np.array(sorted({0, *others}), dtype=np.int64)
    return queries, passages, draw(st.integers(0, 50)), starts


def assert_equal(hits, expected):
    np.testing.assert_array_equal(hits.positions, expected.positions)
    np.testing.assert_array_equal(hits.scores, expected.scores)
    assert (hits.positions.dtype, hits.scores.dtype) == (np.int64, np.float32)


@examples(100)
@given(searches(), st.integers(1, 12), st.integers(1, 4))
def test_it_finds_the_same_in_blocks_of_any_size(inputs, passages_per_block, queries_per_block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PASSAGES_PER_BLOCK", passages_per_block)
        patch.setattr(module, "QUERIES_PER_BLOCK", queries_per_block)
        hits = device_search(*inputs, device="cpu")
    assert_equal(hits, dense_search(*inputs))


def test_equal_scores_go_by_position_also_below_zero_and_over_several_blocks(monkeypatch):
    monkeypatch.setattr(module, "PASSAGES_PER_BLOCK", 2)
    passages = np.array([[-0.5], [0.25], [-0.0], [0.25], [0.0], [-0.5], [0.25]], dtype=np.float32)
    hits = device_search(np.array([[1.0]], dtype=np.float32), passages, 7, device="cpu")
    assert hits.positions.tolist() == [[1, 3, 6, 2, 4, 0, 5]]
    assert hits.scores.tolist() == [[0.25, 0.25, 0.25, 0.0, 0.0, -0.5, -0.5]]


def test_scores_that_differ_after_the_sixth_decimal_are_equal():
    passages = np.array([[0.5], [0.5000004], [0.500001], [0.4999996]], dtype=np.float32)
    hits = device_search(np.array([[1.0]], dtype=np.float32), passages, 4, device="cpu")
    assert hits.positions.tolist() == [[2, 0, 1, 3]]
    assert hits.scores[0].tolist() == pytest.approx([0.500001, 0.5, 0.5, 0.5], abs=1e-7)


def test_a_document_has_the_score_of_its_best_passage():
    passages = np.array([[0.5], [0.125], [0.75], [0.25], [0.5]], dtype=np.float32)
    query = np.array([[1.0]], dtype=np.float32)
    hits = device_search(query, passages, 3, np.array([0, 1, 3]), device="cpu")
    assert hits.positions.tolist() == [[1, 0, 2]]
    assert hits.scores.tolist() == [[0.75, 0.5, 0.5]]


def test_unit_vectors_have_the_same_hits_but_for_the_last_bits():
    generator = np.random.default_rng(5)
    queries, passages = (
        generator.normal(size=(size, 32)).astype(np.float32) for size in (50, 3000)
    )
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    passages /= np.linalg.norm(passages, axis=1, keepdims=True)
    hits = device_search(queries, passages, 10, device="cpu")
    expected = dense_search(queries, passages, 10)
    np.testing.assert_allclose(hits.scores, expected.scores, atol=2e-6)
    assert (hits.positions == expected.positions).mean() > 0.99


@pytest.mark.parametrize(("kind", "calls"), [("cpu", 0), ("mps", 0), ("cuda", 1)])
def test_cuda_alone_searches_by_tensors(monkeypatch, kind, calls):
    called = []

    def spy(*arguments, device):
        called.append(device)
        return device_search(*arguments, device="cpu")

    monkeypatch.setattr(module, "device_search", spy)
    vectors = np.eye(3, dtype=np.float32)
    hits = search.dense_search(vectors, vectors, 1, device=Device(kind))
    assert hits.positions.tolist() == [[0], [1], [2]]
    assert called == ["cuda"] * calls
