"""The words that anchors share with their positives are counted batch by batch."""

import pytest

from stages.pair.word_overlap import WordOverlap
from tests.pair.rows import documents, p, pairs

HOLD = documents(("a", "", "Hold the button."))


def shares(frame, *batches, positives=None):
    """Return the two shares, in the order of their names."""
    overlap = WordOverlap(frame, positives or {})
    for batch in batches:
        overlap.add(batch)
    metrics = overlap.metrics()
    assert list(metrics) == ["anchor_in_positive_share", "no_common_word_share"]
    return tuple(metrics.values())


@pytest.mark.parametrize(
    ("anchor", "contained", "uncommon"),
    [
        ("the button", 1, 0),  # as it stands there
        ("THE button?", 1, 0),
        ("button the", 0, 0),  # the words, in another order
        ("butt", 0, 1),  # part of a word
        ("no signal", 0, 1),
        ("signal button", 0, 0),
    ],
)
def test_word_overlap_is_counted(anchor, contained, uncommon):
    assert shares(pairs(("1", anchor, "a")), HOLD) == (contained, uncommon)


def test_word_overlap_is_a_share_of_all_pairs():
    frame = pairs(
        ("1", "hold", "a"),
        ("2", "no signal", "a"),
        ("3", "dark screen", "a"),
        ("4", "hold signal", "a"),
    )
    assert shares(frame, HOLD) == (0.25, 0.5)

    # A pair may have a positive of its own.
    positives = {p("1"): "the button", p("2"): ""}
    assert shares(frame, HOLD, positives=positives) == (0.0, 0.75)


def test_each_batch_counts_the_pairs_of_its_own_documents():
    # The ids of documents are hashes, and batches come in their order.
    every = documents(
        ("a", "", "Hold the button."), ("b", "", "Check the cable."), ("c", "", "Call us.")
    ).sort_values("doc_id", ignore_index=True)
    frame = pairs(
        ("1", "button", "a"), ("2", "cable", "b"), ("3", "cable", "c"), ("4", "the cable", "b")
    )
    whole = shares(frame, every)
    assert whole == (0.75, 0.25)

    for size in (1, 2):
        batches = [every.iloc[start : start + size] for start in range(0, 3, size)]
        assert shares(frame, *batches, every.iloc[:0]) == whole


def test_without_pairs_there_is_no_share():
    assert shares(pairs(), HOLD) == (0.0, 0.0)
