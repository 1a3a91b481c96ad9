"""The search by FAISS: the same every time, true scores, and an error where FAISS is not installed."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest

from stages.lib.core.errors import UserError
from stages.lib.retrieval.search import Hits, dense_search
from stages.mine.candidates import index_recall
from stages.mine.faiss_search import _best_documents, _index, check_index, faiss_search
from tests.mine.cases import DOCUMENTS, corpus, pairs, run, settings_of
from tests.mine.test_candidates_ivf import vectors

needs_faiss = pytest.mark.skipif(
    find_spec("faiss") is None, reason="FAISS is not installed (requirements-faiss.txt)"
)


@pytest.fixture(autouse=True)
def one_worker(monkeypatch):
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")


def test_a_missing_package_is_an_error_before_the_work_begins(monkeypatch, project):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(UserError, match=r"not installed(.|\n)*-r requirements-faiss\.txt"):
        check_index("faiss")
    check_index("exact")
    check_index("clusters")


def test_documents_have_the_score_of_their_best_passage_and_ties_go_by_position():
    passages = np.array([[0.5], [0.25], [0.75], [0.5], [0.5]], dtype=np.float32)
    query = np.array([1.0], dtype=np.float32)
    # Documents: passages 0; 1 and 2; 3; 4. One is proposed by its weaker passage, -1 is none.
    positions, scores = _best_documents(
        query, np.array([4, 1, 3, -1, 0]), passages, starts=np.array([0, 1, 3, 4]), k=3
    )
    assert positions.tolist() == [1, 0, 2]
    assert scores.tolist() == [0.75, 0.5, 0.5]


def test_recall_is_over_a_sample_that_the_seed_draws():
    documents = corpus(*DOCUMENTS)
    anchors = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (1000, 1))
    exact = dense_search(anchors, documents.vectors[documents.searched_passages()], 2)

    # Of every second anchor nothing was found: the share of them in a sample of 200 varies.
    scores = exact.scores.copy()
    scores[::2] = -np.inf
    hits = Hits(exact.positions, scores)
    recalls = [index_recall(hits, anchors, documents, seed=seed) for seed in (1, 1, 2, 3)]
    assert recalls[0] == recalls[1]
    assert len(set(recalls)) > 1
    assert all(0.35 < recall < 0.65 for recall in recalls)
    assert index_recall(exact, anchors, documents, seed=1) == 1.0


@needs_faiss
def test_most_neighbours_are_found_with_their_true_scores():
    documents, queries, starts = vectors(3000, 1), vectors(200, 2), np.arange(3000)
    actual = faiss_search(queries, documents, 10, starts=starts, seed=13)
    exact = dense_search(queries, documents, 10, starts)
    shared = [
        len(set(a) & set(b)) / 10 for a, b in zip(actual.positions, exact.positions, strict=True)
    ]
    assert np.mean(shared) > 0.95
    truth = np.take_along_axis(queries @ documents.T, actual.positions, axis=1)
    np.testing.assert_allclose(actual.scores, truth, atol=2e-6)


@needs_faiss
@pytest.mark.slow
def test_the_number_of_workers_changes_no_byte(monkeypatch):
    documents, queries, starts = vectors(3000, 1), vectors(1000, 2), np.arange(3000)
    hits = []
    for workers in ("1", "2", "4"):
        monkeypatch.setenv("PAIRSMITH_WORKERS", workers)
        actual = faiss_search(queries, documents, 10, starts=starts, seed=13)
        hits.append((actual.positions.tobytes(), actual.scores.tobytes()))
    assert hits[0] == hits[1] == hits[2]


@needs_faiss
def test_the_seed_decides_the_graph():
    import faiss

    documents = vectors(1000, 1)
    graphs = [faiss.serialize_index(_index(documents, seed)).tobytes() for seed in (13, 13, 14)]
    assert graphs[0] == graphs[1]
    assert graphs[0] != graphs[2]


@needs_faiss
@pytest.mark.parametrize("count", [0, 1, 3, 40])
def test_small_corpora_give_minus_infinity_for_missing_hits(count):
    actual = faiss_search(vectors(5, 2), vectors(count, 1), 10, starts=np.arange(count), seed=13)
    assert actual.positions.shape == (5, min(10, count))
    is_hit = np.isfinite(actual.scores)
    assert count == 0 or is_hit[:, 0].all()
    assert all(
        len(set(row[seen])) == seen.sum()
        for row, seen in zip(actual.positions, is_hit, strict=True)
    )


@needs_faiss
def test_documents_of_several_passages_are_found_once():
    documents, queries = vectors(600, 1), vectors(50, 2)
    starts = np.arange(0, 600, 3)
    actual = faiss_search(queries, documents, 10, starts=starts, seed=13)
    exact = dense_search(queries, documents, 10, starts)
    assert all(len(set(row)) == 10 for row in actual.positions)
    assert (actual.positions[:, 0] == exact.positions[:, 0]).mean() > 0.85


@needs_faiss
def test_mining_reports_the_recall():
    recall = run(pairs((1, "fever", 1)), DOCUMENTS, settings_of(index="faiss"))[0].index_recall
    assert 0.0 < recall <= 1.0


@needs_faiss
def test_another_version_than_the_pinned_one_is_an_error(monkeypatch, project):
    check_index("faiss")
    monkeypatch.setattr("stages.lib.core.stage.version", lambda name: "1.0")
    with pytest.raises(UserError, match=r"pins faiss-cpu to 1\.15\.1, but here it is 1\.0"):
        check_index("faiss")
