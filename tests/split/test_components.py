"""Edges connect components, and the split of a component follows from its id alone."""

import math
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.ids import hash_hex
from stages.lib.schemas.pairs import Pairs
from stages.split.columns import column_by_key
from stages.split.components import (
    Edge,
    connected_components,
    documents_by_topic,
    edges_within,
    name_by_anchor,
    sample_components,
    split_of_component,
    synthetic_pair_edges,
    text_versions,
)
from tests.properties import examples
from tests.split.faq import (
    PARAMS,
    aliases,
    assigned,
    documents,
    edges_of,
    near,
    pairs,
    text,
    with_params,
)


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


def test_an_edge_may_be_named_many_times():
    ids = [p("1"), d("a"), p("2"), d("b")]
    edges = [(d("a"), p("1"))] * 256 + [(p("1"), d("a")), (d("b"), d("b"))]
    assert groups(connected_components(ids, edges, min)) == {
        frozenset({d("a"), p("1")}),
        frozenset({p("2")}),
        frozenset({d("b")}),
    }


def test_components_come_in_the_order_of_their_first_rows():
    ids = ["p3", "d1", "p1", "d2"]
    component_of = connected_components(ids, [("p1", "p3"), ("d2", "p3")], min)
    assert list(component_of.items()) == [("p3", "d2"), ("p1", "d2"), ("d2", "d2"), ("d1", "d1")]
    assert connected_components([], [], min) == {}


def test_an_id_of_two_tables_is_one_object():
    tables = [pd.DataFrame({"id": ["d1", "d2"], "split": ["train", "train"]}) for _ in range(2)]
    first, second = (column_by_key(table, "id", "split") for table in tables)
    assert first == {"d1": "train", "d2": "train"}
    assert all(left is right for left, right in zip(first, second, strict=True))
    assert first["d1"] is second["d2"]


def test_edges_connect_over_other_rows():
    ids = [d("a"), d("b"), d("c"), p("1"), p("2"), p("3")]
    edges = [(p("1"), d("a")), (p("2"), d("b")), (p("3"), d("c")), (p("1"), p("2"))]
    assert groups(connected_components(ids, edges)) == {
        frozenset([d("a"), d("b"), p("1"), p("2")]),
        frozenset([d("c"), p("3")]),
    }


def test_a_component_has_the_document_id_that_hashes_smallest():
    documents = [d(index) for index in range(20)]
    component_of = connected_components(
        documents, [edge.ends for edge in edges_within({"all": documents}, "topic")]
    )
    assert set(component_of.values()) == {name_of(*documents)}


def test_pair_ids_name_no_component():
    for index in range(20):
        assert connected_components([d("a"), p(index)], [(p(index), d("a"))]) == {
            d("a"): d("a"),
            p(index): d("a"),
        }


def test_an_edge_to_an_unknown_row_is_a_bug():
    with pytest.raises(KeyError):
        connected_components([d("a")], [(d("a"), d("b"))])


def test_an_anchor_without_a_document_is_a_bug():
    with pytest.raises(ValueError, match=f"{p('1')} has no document"):
        connected_components([d("a"), p("1")], [])


def test_edges_within_connect_each_group():
    assert edges_within({"x": ["a", "b", "c"], "y": ["d"], "z": ["e", "f"]}, "topic") == [
        Edge("a", "b", "topic"),
        Edge("a", "c", "topic"),
        Edge("e", "f", "topic"),
    ]


IDS = st.lists(st.integers(0, 11), min_size=1, max_size=12, unique=True)
EDGES = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=14)


@examples(200)
@given(IDS, EDGES, st.randoms(use_true_random=False))
def test_components_are_the_transitive_closure_in_any_order(ids, edges, random):
    edges = [(d(ids[a % len(ids)]), d(ids[b % len(ids)])) for a, b in edges]
    documents = [d(i) for i in ids]
    component_of = connected_components(documents, edges)
    # By brute force: a row reaches what its neighbours reach.
    reach = {i: {i} for i in documents}
    for _ in documents:
        for a, b in edges:
            reach[a] = reach[b] = reach[a] | reach[b]
            for other in reach[a]:
                reach[other] = reach[other] | reach[a]
    assert groups(component_of) == {frozenset(members) for members in reach.values()}
    assert all(component_of[i] == name_of(*reach[i]) for i in documents)

    random.shuffle(documents)
    random.shuffle(edges)
    assert (
        connected_components(documents, [edge[:: random.choice([1, -1])] for edge in edges])
        == component_of
    )


@pytest.mark.parametrize("shares", [(0.8, 0.1), (0.6, 0.2), (0.5, 0.3)])
def test_shares_are_met_within_three_standard_errors(shares):
    count = 3000
    component_of = Counter(split_of_component(d(index), *shares) for index in range(count))
    for name, share in zip(
        ("train", "validation", "test"), (*shares, 1.0 - sum(shares)), strict=True
    ):
        error = math.sqrt(share * (1.0 - share) / count)
        assert abs(component_of[name] / count - share) <= 3 * error, name


def test_the_split_is_independent_of_the_naming_hash():
    # The names of large components have small hashes: those would all land on one side.
    count = 3000
    smallest = sorted(
        (d(index) for index in range(10 * count)), key=lambda doc_id: hash_hex("component", doc_id)
    )[:count]
    trained = sum(split_of_component(name, 0.8, 0.1) == "train" for name in smallest)
    assert abs(trained / count - 0.8) <= 3 * math.sqrt(0.8 * 0.2 / count)


def test_more_training_moves_components_into_training_only():
    for index in range(500):
        before, after = (
            split_of_component(d(index), 0.6, 0.2),
            split_of_component(d(index), 0.7, 0.2),
        )
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
    assert split_of_component(component_id, 0.8, 0.1) == split


COUNTS = st.dictionaries(st.integers(0, 30).map(d), st.integers(1, 5), max_size=15)


@given(COUNTS, st.integers(1, 40), st.integers(1, 40))
def test_a_larger_sample_contains_the_smaller_one(counts, one, other):
    assert sample_components(counts, min(one, other)) <= sample_components(counts, max(one, other))


@given(COUNTS, st.integers(1, 40))
def test_a_sample_has_about_as_many_pairs_as_wanted(counts, most):
    pairs = sum(counts[name] for name in sample_components(counts, most))
    # One component more would not be needed.
    assert min(most, sum(counts.values())) <= pairs < most + max(counts.values(), default=1)


@given(COUNTS, st.randoms(use_true_random=False))
def test_a_sample_does_not_depend_on_order(counts, random):
    shuffled = list(counts.items())
    random.shuffle(shuffled)
    assert sample_components(dict(shuffled), 7) == sample_components(counts, 7)


@given(COUNTS, st.integers(1, 40), st.integers(0, 30).map(d))
def test_what_comes_first_is_sampled_first(counts, most, first):
    assert (first in sample_components(counts, most, {first})) == (first in counts)


def test_more_clicks_on_an_anchor_rename_no_component():
    anchors = {p(1): ["Reset it"], p(2): ["reset it!"], p(3): ["No signal", "Reset it"]}
    name = name_by_anchor(anchors)
    assert (
        name([p(1)])
        == name([p(2)])
        == name([p(1), p(2)])
        == "p" + hash_hex("component", "reset it")
    )
    assert name([p(3)]) == "p" + hash_hex("component", "no signal")
    assert name([p(1), p(3)]) in {name([p(1)]), name([p(3)])}


def test_without_a_limit_everything_is_sampled():
    counts = {d(index): index + 1 for index in range(5)}
    assert sample_components(counts, None) == set(counts)


def test_text_versions_are_those_as_collected_and_as_cleaned():
    raw, clean = (
        documents(("a", "<p>Reset it</p>"), ("b", "reset it")),
        documents(("a", "Reset it"), ("b", "reset it")),
    )
    assert text_versions((raw, "doc_id", "text"), (clean, "doc_id", "text")) == {
        d("a"): ["<p>Reset it</p>", "Reset it"],
        d("b"): ["reset it"],
    }


def test_groups_have_edges_within_a_source_only():
    document_table = documents(
        ("a", text("a"), "g"), ("b", text("b"), "g"), ("c", text("c"), "g"), ("d", text("d"))
    )
    document_table.loc[2, "source"] = "manual"
    ends = sorted([d("a"), d("b")])
    assert edges_of(document_table, Pairs.empty()) == [Edge(*ends, "group")]


def test_a_synthetic_pair_has_an_edge_to_its_origin():
    synthetic = pd.DataFrame(
        {
            "pair_id": [p("1"), p("2"), p("3")],
            "origin_id": [d("b"), p("9"), d("a")],
            "positive": ["", "x", ""],
        }
    )
    qrels = {p(name): d("a") for name in "123"}
    for unit, wanted in (
        ("component", [(p("1"), d("b")), (p("2"), p("9"))]),
        ("anchor", [(p("2"), p("9"))]),
        ("time", []),
    ):
        ties = synthetic_pair_edges(synthetic, qrels, PARAMS.model_copy(update={"unit": unit}))
        assert [(other.left, other.right) for other in ties] == wanted, unit


DOCUMENTS = documents(("a", text("a"), "g"), ("b", text("b"), "g"), ("c", text("c")))


PAIRS = pairs(("1", text("1"), "a"), ("2", text("2"), "b"), ("3", text("3"), "c"))


NEAR = near((d("b"), d("c")), (p("1"), p("3")))


ALIASES = aliases((d("c"), d("a")))


@pytest.mark.parametrize(
    ("unit", "kinds"),
    [
        ("component", ["copy", "group", "near anchor", "near text", "shared document"]),
        ("group", ["copy", "group", "shared document"]),
        ("anchor", ["near anchor"]),
        ("time", []),
    ],
)
def test_the_unit_chooses_the_edges(unit, kinds):
    assert (
        sorted(
            {
                edge.kind
                for edge in edges_of(DOCUMENTS, PAIRS, with_params(unit=unit), NEAR, ALIASES)
            }
        )
        == kinds
    )


@pytest.mark.parametrize(
    ("levels", "groups"),
    [
        (1, [["bikes", "pumps", "short"], ["lamps"]]),
        (2, [["bikes"], ["lamps"], ["pumps"], ["short"]]),
    ],
)
def test_topics_are_cut_to_their_first_parts(levels, groups):
    document_table = documents(
        ("bikes", "Ride.", "", "sport/bikes"),
        ("pumps", "Pump.", "", "sport > pumps > hand"),
        ("short", "Play.", "", "sport"),
        ("lamps", "Light.", "", "/home/lamps"),
        ("none", "Nothing."),
    )
    assert sorted(documents_by_topic(document_table, levels).values()) == sorted(
        [d(name) for name in names] for names in groups
    )
    assert documents_by_topic(document_table, None) == {}


def test_a_topic_level_connects_siblings():
    document_table = documents(
        ("a", text("a"), "", "sport/bikes"), ("b", text("b"), "", "sport/pumps")
    )
    pair_table = pairs(("1", text("1"), "a"), ("2", text("2"), "b"))
    assert len(set(assigned(document_table, pair_table, with_params()).component_of.values())) == 2
    assert (
        len(
            set(
                assigned(
                    document_table, pair_table, with_params(topic_levels=1)
                ).component_of.values()
            )
        )
        == 1
    )
