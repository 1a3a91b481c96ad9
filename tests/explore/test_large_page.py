"""A page of 100,000 documents is small enough to send, and opens while a person waits."""

import time

import numpy as np
import pytest

from stages.explore.layout import Neighbours
from stages.explore.page import render
from tests.browser import browser  # noqa: F401  the fixture is used by its name
from tests.explore.cases import page_rows

pytestmark = pytest.mark.prove

COUNT = 100_000
LARGEST_PAGE = 11_000_000
SECONDS = 3.0

# Words are as frequent as in a language (Zipf). A text has so many, and a title three.
VOCABULARY = 20_000
WORDS = 14


def large_rows():
    """Return a page of documents whose ids, texts and neighbours are as different as real ones."""
    random = np.random.default_rng(1)
    letters = np.array(list("aeioulnrstdcmpbgvfhk"))
    words = np.array(
        ["".join(random.choice(letters, size)) for size in random.integers(2, 11, VOCABULARY)]
    )
    ranks = 1.0 / np.arange(1, VOCABULARY + 1)
    drawn = random.choice(words, (COUNT, WORDS), p=ranks / ranks.sum())
    rows = page_rows([" ".join(text) for text in drawn.tolist()])

    # Ids are hashes, and neighbours lie anywhere in their order.
    numbers = np.unique(random.integers(0, 2**62, COUNT + 10))[:COUNT]
    rows.documents["doc_id"] = [f"d{number:016x}" for number in numbers]
    rows.documents["title"] = [" ".join(text) for text in drawn[::-1, :3].tolist()]
    nearest = random.integers(0, COUNT, (COUNT, 6))
    neighbours = Neighbours(nearest, np.ones(nearest.shape, dtype=np.float32))
    return rows._replace(maps=[rows.maps[0]._replace(neighbours=neighbours)])


def test_a_hundred_thousand_documents_are_small_and_open_soon(browser, tmp_path):  # noqa: F811
    file = tmp_path / "index.html"
    file.write_text(render(large_rows()), "utf-8")
    size = file.stat().st_size
    tab = browser.new_context(offline=True).new_page()
    start = time.perf_counter()
    tab.goto(file.as_uri())
    tab.wait_for_selector("body[data-ready]", timeout=60_000)
    seconds = time.perf_counter() - start
    assert size < LARGEST_PAGE
    assert seconds < SECONDS
