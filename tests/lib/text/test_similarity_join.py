"""The exact join gives the edges of brute force."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.lib.text.normal_form import hash_shingles, jaccard, shingles, similarity
from stages.lib.text.similarity_join import similarity_join

SETS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.lists(st.frozensets(st.integers(0, 12), min_size=1), max_size=3),
)
THRESHOLDS = [0.1, 0.3, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0]


def numbered(texts):
    return {f"d{number:016x}": text for number, text in enumerate(texts)}


def brute_force(sets, others, threshold):
    is_self_join = sets is others
    edges = []
    for left in sorted(sets):
        for right in sorted(others):
            if is_self_join and left >= right:
                continue
            similarities = [jaccard(x, y) for x in sets[left] for y in others[right]]
            largest = max(similarities, default=0.0)
            if largest >= threshold:
                edges.append((left, right, largest))
    return edges


@settings(deadline=None)
@given(SETS, st.sampled_from(THRESHOLDS))
def test_the_exact_self_join_is_brute_force(sets, threshold):
    assert list(similarity_join(sets, sets, threshold)) == brute_force(sets, sets, threshold)


@settings(deadline=None)
@given(SETS, SETS, st.sampled_from(THRESHOLDS))
def test_the_exact_join_of_two_tables_is_brute_force(sets, others, threshold):
    assert list(similarity_join(sets, others, threshold)) == brute_force(sets, others, threshold)


@pytest.mark.parametrize("hundredths", range(1, 101))
def test_the_exact_join_keeps_what_is_exactly_at_the_threshold(hundredths):
    # As floats, 0.55 * 20 and 0.07 * 100 are a little more than 11 and 7.
    sets = {"a": [range(100)], "b": [range(hundredths)]}
    threshold = hundredths / 100
    assert list(similarity_join(sets, sets, threshold)) == [("a", "b", threshold)]


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_the_exact_join_is_brute_force_on_sets_of_realistic_size(threshold):
    random_source = random.Random(5)
    sets = {}
    for number in range(150):
        items = set(random_source.sample(range(400), random_source.randint(1, 60)))
        sets[f"a{number:03}"] = [frozenset(items)]
        sets[f"b{number:03}"] = [
            frozenset(item for item in items if random_source.random() > 0.15) or frozenset([-1])
        ]
    assert list(similarity_join(sets, sets, threshold)) == brute_force(sets, sets, threshold)


def test_the_exact_join_takes_hashes_for_shingles():
    texts = numbered(["reset the router", "reset the routers", "call us"])
    sets = {row_id: hash_shingles(shingles(text)) for row_id, text in texts.items()}
    edges = list(similarity_join(sets, sets, 0.5))
    assert [(left[-1], right[-1]) for left, right, _ in edges] == [("0", "1")]
    assert edges[0][2] == similarity("reset the router", "reset the routers")
