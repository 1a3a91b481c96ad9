"""Rows are sorted on disk: the order, however many runs there are, and how little memory they take."""

import tracemalloc
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.collect import sorted_rows
from stages.collect.sorted_rows import SortedRows, ValueCounts

TEXTS = st.text(max_size=5)
ROWS = st.lists(st.tuples(TEXTS, st.integers(), st.tuples(TEXTS)), max_size=40)


@pytest.mark.parametrize("run_bytes", [1, 600, 2**20])
@given(rows=ROWS)
def test_rows_are_read_in_their_order_as_often_as_needed(run_bytes, rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_rows, "RUN_BYTES", run_bytes)
        patch.setattr(sorted_rows, "CHUNK_BYTES", 300)
        spooled = SortedRows()
        for row in rows:
            spooled.add(row)
        assert list(spooled) == sorted(rows) == list(spooled)
        assert len(spooled) == len(rows)


def test_rows_may_be_added_after_others_were_read(monkeypatch):
    monkeypatch.setattr(sorted_rows, "RUN_BYTES", 1)
    rows = SortedRows()
    rows.add(("b",))
    assert list(rows) == [("b",)]
    rows.add(("a",))
    assert list(rows) == [("a",), ("b",)]


def test_memory_does_not_grow_with_the_rows(monkeypatch):
    monkeypatch.setattr(sorted_rows, "RUN_BYTES", 2**18)
    monkeypatch.setattr(sorted_rows, "CHUNK_BYTES", 2**12)

    def peak(row_count):
        tracemalloc.start()
        rows = SortedRows()
        for index in range(row_count):
            rows.add((f"{index * 7919 % row_count:08d}", "x" * 900 + str(index)))
        assert sum(1 for _ in rows) == row_count
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(6000) < 2 * peak(1500) < 4 * 2**20


def test_what_holds_texts_in_tuples_counts_too(monkeypatch):
    monkeypatch.setattr(sorted_rows, "RUN_BYTES", 10_000)
    rows = SortedRows()
    rows.add(("a", ("x" * 20_000,)))
    assert rows._held == []


@given(values=st.lists(st.sampled_from(["", "a", "b", "c", "ä"])), limit=st.integers(1, 5))
def test_values_are_counted_however_many_there_are(values, limit):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_rows, "MAX_COUNTED", limit)
        counts = ValueCounts()
        for value in values:
            counts.add(value)
        expected = sorted(Counter(values).items())
        assert list(counts) == expected == list(counts)
