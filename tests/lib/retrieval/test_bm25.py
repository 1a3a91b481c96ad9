"""The BM25 index is that of the library to the bit, though it is built a block of texts at a time."""

import math

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.retrieval import bm25_postings
from stages.lib.retrieval.bm25 import BM25Index
from stages.lib.text.normal_form import words
from tests.properties import examples

TEXTS = st.lists(st.text("abc A多系,", max_size=12), min_size=1, max_size=9)


def library_scores(texts: list[str], query: str) -> np.ndarray:
    """Return the scores of the library's own index."""
    index = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    index.index([words(text) or [""] for text in texts], show_progress=False)
    known = [word for word in words(query) if word in index.vocab_dict]
    return index.get_scores(known) if known else np.zeros(len(texts), dtype=np.float32)


@pytest.mark.parametrize("block", [1, 2, 4096])
@examples(60)
@given(TEXTS, st.text("abc 多系", max_size=12))
def test_scores_are_those_of_the_library_to_the_bit(block, texts, query):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bm25_postings, "BLOCK_TEXTS", block)
        scores = BM25Index(texts).scores(query)
    expected = library_scores(texts, query)
    assert scores.dtype == expected.dtype == np.float32
    assert scores.tobytes() == expected.tobytes()


def test_a_score_is_the_formula_of_lucene():
    # "reset" is in one of two texts, once among four words; a text has three words on average.
    scores = BM25Index(["Hold the reset button.", "Pay online."]).scores("reset")
    weight = math.log(1 + (2 - 1 + 0.5) / (1 + 0.5))
    assert scores.tolist() == pytest.approx([weight / (1.5 * (0.25 + 0.75 * 4 / 3) + 1), 0.0])


def test_a_word_counts_as_often_as_a_text_has_it():
    once, twice, never = BM25Index(["reset it", "reset reset", "call us"]).scores("reset").tolist()
    assert twice > once > never == 0.0


def test_without_texts_nothing_is_found():
    assert BM25Index([]).scores("reset").tolist() == []
    assert BM25Index(["", "?!"]).scores("reset").tolist() == [0.0, 0.0]
