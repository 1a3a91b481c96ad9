"""Search is exact, and ties have one order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from stages.lib.retrieval.bm25 import BM25Index
from stages.lib.retrieval.search import (
    Hits,
    dense_search,
    document_ranks,
    document_scores,
    top_k,
)

SMALL = st.integers(-2, 2).map(float)  # so that many scores are equal
SIDES = st.tuples(st.integers(0, 6), st.integers(1, 40), st.integers(1, 4))


def brute_force(scores, k):
    rounded = np.round(scores, 6)
    order = [
        sorted(range(scores.shape[1]), key=lambda position, row=row: (-row[position], position))[:k]
        for row in rounded
    ]
    return np.array(order, dtype=np.int64).reshape(len(scores), min(k, scores.shape[1]))


def vectors(side, values=SMALL):
    return st.tuples(
        arrays.arrays(np.float32, (side[0], side[2]), elements=values.map(np.float32)),
        arrays.arrays(np.float32, (side[1], side[2]), elements=values.map(np.float32)),
    )


@given(SIDES.flatmap(vectors), st.integers(0, 50))
def test_search_is_a_full_sort_with_ties_in_order_of_id(sides, k):
    queries, documents = sides
    hits = dense_search(queries, documents, k)
    expected = brute_force(queries @ documents.T, k)
    np.testing.assert_array_equal(hits.positions, expected)
    np.testing.assert_array_equal(
        hits.scores, np.take_along_axis(queries @ documents.T, expected, axis=1)
    )


def test_search_is_a_full_sort_over_more_than_one_block():
    generator = np.random.default_rng(2)
    queries, documents = (
        generator.normal(size=(size, 8)).astype(np.float32) for size in (600, 300)
    )
    hits = dense_search(queries, documents, 10)
    np.testing.assert_array_equal(hits.positions, brute_force(queries @ documents.T, 10))


def plain_search(score, queries, documents, k):
    """Return the hits of a plain search, in which each document is one passage."""
    k = min(k, documents)
    positions = np.empty((queries, k), dtype=np.int64)
    scores = np.empty((queries, k), dtype=np.float32)
    for start in range(0, queries, 256):
        end = min(start + 256, queries)
        block = np.round(score(start, end), 6)
        for row in range(end - start):
            best = np.argsort(-block[row], kind="stable")[:k]
            positions[start + row] = best
            scores[start + row] = block[row, best]
    return Hits(positions, scores)


def test_one_passage_per_document_is_plain_search_to_the_bit():
    generator = np.random.default_rng(3)
    queries, documents = (
        generator.normal(size=(size, 8)).astype(np.float32) for size in (300, 200)
    )
    transposed = np.ascontiguousarray(documents.T)
    expected = plain_search(lambda start, end: queries[start:end] @ transposed, 300, 200, 20)
    for starts in (None, np.arange(200)):
        hits = dense_search(queries, documents, 20, starts)
        assert (hits.positions.tobytes(), hits.scores.tobytes()) == tuple(
            part.tobytes() for part in expected
        )

    texts = [
        " ".join(generator.choice(["a", "b", "c", "d"], size=size))
        for size in generator.integers(1, 9, size=40)
    ]
    index = BM25Index(texts)
    queries = ["a", "b c", "zebra", "d d a"]
    expected = plain_search(
        lambda start, end: np.stack([index.scores(query) for query in queries[start:end]]),
        len(queries),
        len(texts),
        10,
    )
    for starts in (None, np.arange(40)):
        hits = BM25Index(texts, starts).search(queries, 10)
        assert (hits.positions.tobytes(), hits.scores.tobytes()) == tuple(
            part.tobytes() for part in expected
        )


@st.composite
def cut_corpora(draw):
    """Return queries, passages and the first passage of each document."""
    queries, passages = draw(SIDES.flatmap(vectors))
    inner = draw(st.sets(st.integers(1, len(passages) - 1))) if len(passages) > 1 else set()
    return queries, passages, np.array([0, *sorted(inner)], dtype=np.int64)


@given(cut_corpora(), st.integers(1, 50))
def test_a_document_scores_as_its_best_passage(corpus, k):
    queries, passages, starts = corpus
    ends = [*starts[1:], len(passages)]
    raw = queries @ passages.T
    scores = np.empty((len(queries), len(starts)), dtype=np.float32)
    for document, (start, end) in enumerate(zip(starts, ends, strict=True)):
        scores[:, document] = raw[:, start:end].max(axis=1)

    hits = dense_search(queries, passages, k, starts)
    expected = brute_force(scores, k)
    np.testing.assert_array_equal(hits.positions, expected)
    np.testing.assert_array_equal(hits.scores, np.take_along_axis(scores, expected, axis=1))
    positions = list(range(len(starts)))[::-2]
    for query, row in zip(queries, scores, strict=True):
        np.testing.assert_array_equal(
            document_scores(query, passages, positions, starts), row[positions]
        )
        assert document_scores(query, passages, [], starts).shape == (0,)


def test_lexical_finds_a_document_by_its_third_passage():
    texts = [
        "Pay your bill online.",
        "Trains leave at noon.",
        "Pack a coat for rain.",
        "Hold the reset button.",
        "A wall.",
    ]
    hits = BM25Index(texts, np.array([0, 1, 4])).search(["how to reset", "rain"], 3)
    assert hits.positions[:, 0].tolist() == [1, 1]
    assert hits.scores.shape == (2, 3)
    # Lengths and counts are those of passages: a long document is not punished for its other subjects.
    assert hits.scores[0, 0] == np.round(BM25Index(texts).scores("how to reset")[3], 6)


def test_documents_with_equal_best_passages_are_ordered_by_id():
    passages = np.array([[0.1], [0.6], [0.6], [0.2], [0.6000001]], dtype=np.float32)
    hits = dense_search(np.ones((1, 1), dtype=np.float32), passages, 3, np.array([0, 2, 3]))
    assert hits.positions.tolist() == [[0, 1, 2]]


def test_scores_that_differ_in_the_seventh_digit_are_equal():
    documents = np.array([[0.5], [0.5000001], [0.6]], dtype=np.float32)
    assert dense_search(np.ones((1, 1), dtype=np.float32), documents, 3).positions.tolist() == [
        [2, 0, 1]
    ]


def test_scores_are_numbers_of_four_bytes():
    def score(start, end, out):
        assert (out.shape, out.dtype) == ((end - start, 3), np.float32)
        out[:] = [0.1, 0.9, 0.5]

    hits = top_k(score, queries=2, passages=3, k=2)
    assert hits.positions.tolist() == [[1, 2], [1, 2]]
    assert hits.scores.dtype == np.float32


def test_asking_for_more_than_there_is_gives_all():
    assert dense_search(
        np.ones((2, 1), dtype=np.float32), np.ones((3, 1), dtype=np.float32), 100
    ).positions.shape == (2, 3)


def test_an_empty_corpus_gives_no_hits():
    hits = dense_search(np.ones((1, 4), dtype=np.float32), np.empty((0, 4), dtype=np.float32), 10)
    assert hits.positions.shape == hits.scores.shape == (1, 0)


def test_lexical_finds_the_obvious_document():
    index = BM25Index(
        ["Hold the reset button.", "Pay your bill online.", "The router is on the wall."]
    )
    hits = index.search(["How do I RESET it?", "online bill"], 1)
    assert hits.positions.tolist() == [[0], [1]]
    assert (hits.scores > 0).all()


def test_scripts_without_spaces_are_found_by_pairs_of_characters():
    index = BM25Index(
        [
            "多系统萎缩是一种疾病。",
            "肝炎の治療にCD4陽性細胞を数える。",
            "ไข้สูงเป็นเวลานาน",
            "high fever",
        ]
    )
    assert index.search(["系统萎缩", "CD4の数", "ไข้สูง", "fever"], 1).positions.tolist() == [
        [0],
        [1],
        [2],
        [3],
    ]


def test_of_many_equal_scores_the_smallest_positions_win():
    documents = np.zeros((5000, 1), dtype=np.float32)
    documents[[4000, 70], 0] = 1.0, 2.0
    hits = dense_search(np.ones((1, 1), dtype=np.float32), documents, 5)
    assert hits.positions.tolist() == [[70, 4000, 0, 1, 2]]


def test_many_equal_scores_above_many_others_keep_their_order():
    documents = np.zeros((5000, 1), dtype=np.float32)
    documents[1000:1300, 0] = 1.0
    documents[2000:2300, 0] = 2.0
    hits = dense_search(np.ones((1, 1), dtype=np.float32), documents, 700)
    assert hits.positions.tolist() == [[*range(2000, 2300), *range(1000, 1300), *range(100)]]


@pytest.mark.parametrize("scale", [1.0, 30.0, 1e-3])
def test_search_over_many_documents_is_a_full_sort(scale):
    generator = np.random.default_rng(4)
    queries = generator.normal(size=(40, 4)).astype(np.float32) * scale
    documents = (
        generator.normal(size=(4001, 4)).astype(np.float32).round(1)
    )  # so that many scores are equal
    hits = dense_search(queries, documents, 7)
    np.testing.assert_array_equal(hits.positions, brute_force(queries @ documents.T, 7))


def test_a_rare_word_weighs_more_than_a_common_one():
    index = BM25Index(["the router", "the bill", "the wall", "reset"])
    assert index.search(["the reset"], 1).positions.tolist() == [[3]]


def test_lexical_scores_are_those_of_the_formula():
    # Two texts of 1.5 words on average; "b" occurs once, in the second: idf = log(1 + 1.5 / 1.5).
    scores = BM25Index(["a", "a b"]).scores("b")
    assert scores[0] == 0
    assert scores[1] == pytest.approx(np.log(2) / (1 + 1.5 * (0.25 + 0.75 * 2 / 1.5)))


@pytest.mark.parametrize("query", ["zebra", "", "?!", "🦓"])
def test_unknown_words_give_zeros_in_order_of_id(query):
    index = BM25Index(["one text", "another text"])
    assert index.scores(query).tolist() == [0.0, 0.0]
    assert index.search([query], 2).positions.tolist() == [[0, 1]]


def test_an_unknown_word_beside_a_known_one_changes_nothing():
    index = BM25Index(["one text", "another page"])
    assert index.scores("zebra page").tolist() == index.scores("page").tolist()


def test_texts_without_words_are_never_found_before_others():
    index = BM25Index(["", "?!", "text"])
    assert index.scores("text").tolist()[:2] == [0.0, 0.0]
    assert index.search(["text"], 1).positions.tolist() == [[2]]
    assert BM25Index(["", ""]).scores("text").tolist() == [0.0, 0.0]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_empty_lexical_corpus_gives_no_hits():
    assert BM25Index([]).search(["text"], 10).positions.shape == (1, 0)


def test_no_queries_give_no_hits():
    assert BM25Index(["text"]).search([], 10).positions.shape == (0, 1)


@given(SIDES.flatmap(vectors), st.data())
def test_the_rank_of_a_document_is_its_place_in_the_full_ranking(pair, data):
    queries, passages = pair
    own = data.draw(
        st.lists(st.integers(0, len(passages) - 1), min_size=len(queries), max_size=len(queries))
    )
    ranking = dense_search(queries, passages, len(passages)).positions
    ranks_of_own = document_ranks(queries, passages, own)
    assert ranks_of_own.tolist() == [
        1 + list(row).index(position) for row, position in zip(ranking, own, strict=True)
    ]


def test_a_document_in_passages_ranks_by_its_best_one():
    passages = np.array([[0.1, 0], [0.9, 0], [0.5, 0]], dtype=np.float32)
    query = np.array([[1, 0]], dtype=np.float32)
    starts = np.array([0, 2])
    assert document_ranks(query, passages, [0], starts).tolist() == [1]
    assert document_ranks(query, passages, [1], starts).tolist() == [2]


def test_no_document_has_no_score():
    passages = np.ones((2, 2), dtype=np.float32)
    scores = document_scores(passages[0], passages, [], np.array([0, 1]))
    assert (scores.tolist(), scores.dtype) == ([], np.float32)
