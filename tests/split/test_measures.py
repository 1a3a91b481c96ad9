"""What is measured of topics, on tables that a reader can count."""

from collections import Counter

import pytest

from stages.split.measures import of_topics, total_variation
from tests.split.faq import d, documents, p, pairs

FRAME = documents(
    ("a", "A", "", "bikes"),
    ("b", "B", "", "bikes"),
    ("c", "C", "", "lamps"),
    ("d", "D", "", "pumps"),
    ("e", "E"),
)
ASKED = pairs(*((name, name, name) for name in "abcde"))


def topics(**split):
    return of_topics(ASKED, FRAME, {p(name): where for name, where in split.items()})


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("xxyy", "xy", 0.0), ("x", "y", 1.0), ("xxxy", "xyyy", 0.5), ("xx", "xy", 0.5)],
)
def test_total_variation_is_half_the_sum_of_the_differences(one, other, distance):
    assert total_variation(Counter(one), Counter(other)) == distance


def test_skew_and_siblings():
    assert topics(a="train", b="validation", c="train", d="test", e="test") == {
        "topic_skew.validation": 0.5,
        "topic_skew.test": 1.0,
        "sibling_share": 0.5,
    }


def test_only_training_pairs_are_siblings():
    assert topics(a="corpus", b="test", c="train", d="corpus", e="validation") == {
        "topic_skew.test": 1.0,
        "sibling_share": 0.0,
    }


def test_without_topics_nothing_is_measured():
    bare = FRAME.assign(topic="")
    assert of_topics(ASKED, bare, {p(name): "test" for name in "abcde"}) == {}
    assert d("a") in set(bare["doc_id"])
