"""What is tied shares a component, and where a component goes follows from its name alone."""

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.lib.text import hash_hex
from stages.split.components import assign, by_anchor, sample, star, tie


def d(name) -> str:
    return "d" + hash_hex(str(name))


def p(name) -> str:
    return "p" + hash_hex(str(name))


def groups(component_of: dict[str, str]) -> set[frozenset[str]]:
    """Return the components as sets of their members."""
    return {
        frozenset(i for i in component_of if component_of[i] == name)
        for name in component_of.values()
    }


def name_of(*documents: str) -> str:
    return min(documents, key=lambda doc_id: hash_hex("component", doc_id))


def test_ties_reach_over_others():
    ids = [d("a"), d("b"), d("c"), p("1"), p("2"), p("3")]
    edges = [(p("1"), d("a")), (p("2"), d("b")), (p("3"), d("c")), (p("1"), p("2"))]
    assert groups(tie(ids, edges)) == {
        frozenset([d("a"), d("b"), p("1"), p("2")]),
        frozenset([d("c"), p("3")]),
    }


def test_a_component_is_named_by_its_document_whose_id_hashes_smallest():
    documents = [d(at) for at in range(20)]
    found = tie(documents, star({"all": documents}))
    assert set(found.values()) == {name_of(*documents)}


def test_the_names_of_anchors_play_no_part():
    for at in range(20):
        assert tie([d("a"), p(at)], [(p(at), d("a"))]) == {d("a"): d("a"), p(at): d("a")}


def test_an_edge_to_an_unknown_row_is_a_bug():
    with pytest.raises(KeyError):
        tie([d("a")], [(d("a"), d("b"))])


def test_an_anchor_without_a_document_is_a_bug():
    with pytest.raises(ValueError, match=f"{p('1')} has no document"):
        tie([d("a"), p("1")], [])


def test_a_star_ties_each_group():
    assert list(star({"x": ["a", "b", "c"], "y": ["d"], "z": ["e", "f"]})) == [
        ("a", "b"),
        ("a", "c"),
        ("e", "f"),
    ]


IDS = st.lists(st.integers(0, 11), min_size=1, max_size=12, unique=True)
EDGES = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=14)


@settings(max_examples=200, deadline=None)
@given(IDS, EDGES, st.randoms(use_true_random=False))
def test_components_are_the_transitive_closure_in_any_order(ids, edges, chance):
    edges = [(d(ids[a % len(ids)]), d(ids[b % len(ids)])) for a, b in edges]
    documents = [d(i) for i in ids]
    found = tie(documents, edges)
    # By brute force: a row reaches what its neighbours reach.
    reach = {i: {i} for i in documents}
    for _ in documents:
        for a, b in edges:
            reach[a] = reach[b] = reach[a] | reach[b]
            for other in reach[a]:
                reach[other] = reach[other] | reach[a]
    assert groups(found) == {frozenset(members) for members in reach.values()}
    assert all(found[i] == name_of(*reach[i]) for i in documents)

    chance.shuffle(documents)
    chance.shuffle(edges)
    assert tie(documents, [edge[:: chance.choice([1, -1])] for edge in edges]) == found


@pytest.mark.parametrize("shares", [(0.8, 0.1), (0.6, 0.2), (0.5, 0.3)])
def test_shares_are_met_within_three_standard_errors(shares):
    count = 3000
    found = Counter(assign(d(at), *shares) for at in range(count))
    for name, share in zip(
        ("train", "validation", "test"), (*shares, 1.0 - sum(shares)), strict=True
    ):
        error = math.sqrt(share * (1.0 - share) / count)
        assert abs(found[name] / count - share) <= 3 * error, name


def test_the_split_does_not_follow_from_the_hash_that_names_a_component():
    # The names of large components have small hashes: those would all land on one side.
    count = 3000
    smallest = sorted(
        (d(at) for at in range(10 * count)), key=lambda doc_id: hash_hex("component", doc_id)
    )[:count]
    trained = sum(assign(name, 0.8, 0.1) == "train" for name in smallest)
    assert abs(trained / count - 0.8) <= 3 * math.sqrt(0.8 * 0.2 / count)


def test_more_training_moves_components_into_training_only():
    for at in range(500):
        before, after = assign(d(at), 0.6, 0.2), assign(d(at), 0.7, 0.2)
        assert after == "train" or before != "train"


@pytest.mark.parametrize(
    ("component_id", "split"),
    [
        ("d0000000000000000", "train"),
        ("d000000000000000d", "test"),
        ("d0000000000000005", "validation"),
    ],
)
def test_splits_are_pinned_since_iterations_are_compared_by_them(component_id, split):
    assert assign(component_id, 0.8, 0.1) == split


COUNTS = st.dictionaries(st.integers(0, 30).map(d), st.integers(1, 5), max_size=15)


@given(COUNTS, st.integers(1, 40), st.integers(1, 40))
def test_a_larger_sample_contains_the_smaller_one(counts, one, other):
    assert sample(counts, min(one, other)) <= sample(counts, max(one, other))


@given(COUNTS, st.integers(1, 40))
def test_a_sample_has_about_as_many_pairs_as_wanted(counts, most):
    pairs = sum(counts[name] for name in sample(counts, most))
    # One component more would not be needed.
    assert min(most, sum(counts.values())) <= pairs < most + max(counts.values(), default=1)


@given(COUNTS, st.randoms(use_true_random=False))
def test_a_sample_does_not_depend_on_order(counts, chance):
    shuffled = list(counts.items())
    chance.shuffle(shuffled)
    assert sample(dict(shuffled), 7) == sample(counts, 7)


@given(COUNTS, st.integers(1, 40), st.integers(0, 30).map(d))
def test_what_comes_first_is_sampled_first(counts, most, first):
    assert (first in sample(counts, most, {first})) == (first in counts)


def test_pairs_are_named_after_their_anchors_so_more_clicks_rename_nothing():
    anchors = {p(1): ["Reset it"], p(2): ["reset it!"], p(3): ["No signal", "Reset it"]}
    name = by_anchor(anchors)
    assert (
        name([p(1)])
        == name([p(2)])
        == name([p(1), p(2)])
        == "p" + hash_hex("component", "reset it")
    )
    assert name([p(3)]) == "p" + hash_hex("component", "no signal")
    assert name([p(1), p(3)]) in {name([p(1)]), name([p(3)])}


def test_without_a_limit_everything_is_sampled():
    counts = {d(at): at + 1 for at in range(5)}
    assert sample(counts, None) == set(counts)
