"""Groups of queries are found with NumPy alone, and are those of the pipeline's own join."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.commands.verdict.near_texts import groups_of_ties, tied_texts
from stages.lib.text.matches import match_texts
from tests.properties import examples

# Few words, so that many texts are near.
WORDS = [
    "how",
    "do",
    "i",
    "reset",
    "the",
    "router",
    "home",
    "please",
    "now",
    "CD4+",
    "退货",
    "größe",
]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=20).map(" ".join)


def partition(ids, ties):
    members = defaultdict(set)
    for text_id, group in groups_of_ties(ids, ties).items():
        members[group].add(text_id)
    return sorted(map(sorted, members.values()))


def pipeline_ties(text_of, threshold):
    matches = match_texts([{text_id: [text] for text_id, text in text_of.items()}], threshold)
    for _, left_ids, right_ids in matches.groups():
        for left in left_ids:
            yield from ((left, right) for right in right_ids)


@pytest.mark.slow
@examples(60)
@given(st.lists(TEXTS, min_size=1, max_size=12), st.sampled_from([0.5, 0.8, 1.0]))
def test_the_groups_are_those_of_the_pipeline(texts, threshold):
    # One text is longer than a run, and stands in two rows with other words around it.
    shared = " ".join(f"word{number}" for number in range(60))
    texts = [*texts, f"{shared} alpha", f"beta gamma {shared}"]
    text_of = {f"q{number}": text for number, text in enumerate(texts)}
    ours = partition(text_of, tied_texts(text_of, threshold))
    theirs = partition(text_of, pipeline_ties(text_of, threshold))
    assert ours == theirs


def test_equal_near_and_overlapping_texts_by_hand():
    shared = " ".join(f"word{number}" for number in range(60))
    text_of = {
        "a": "How do I reset the router?",
        "b": "how do i reset THE router",
        "c": "How do I reset the routers?",
        "d": "When do you open?",
        "e": f"First: {shared}",
        "f": f"And then {shared}",
    }
    assert partition(text_of, tied_texts(text_of, 0.8)) == [["a", "b", "c"], ["d"], ["e", "f"]]


@pytest.mark.slow
def test_many_queries_take_seconds():
    import random
    import time

    source = random.Random(1)
    vocabulary = [f"{source.choice('bcdfg')}{number}" for number in range(3000)]
    text_of = {
        f"q{number}": " ".join(source.choices(vocabulary, k=source.randrange(3, 15)))
        for number in range(5000)
    }
    start = time.process_time()
    tied_texts(text_of, 0.8)
    assert time.process_time() - start < 20
