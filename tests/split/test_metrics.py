"""Metrics of a split, on tables that a reader can count."""

import math
from collections import Counter

import pytest

from stages.lib.core.ids import hash_hex
from stages.split.assignment import sample_training
from stages.split.components import Edge
from stages.split.metrics import (
    largest_component_ties,
    split_metrics,
    topic_metrics,
    total_variation,
)
from tests.split.faq import PARAMS, assigned, d, documents, p, pairs, text

DOCUMENTS = documents(
    ("a", "A", "", "bikes"),
    ("b", "B", "", "bikes"),
    ("c", "C", "", "lamps"),
    ("d", "D", "", "pumps"),
    ("e", "E"),
)
PAIRS = pairs(*((name, name, name) for name in "abcde"))


def topics(**split):
    return topic_metrics(PAIRS, DOCUMENTS, {p(name): where for name, where in split.items()})


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
    bare = DOCUMENTS.assign(topic="")
    assert topic_metrics(PAIRS, bare, {p(name): "test" for name in "abcde"}) == {}
    assert d("a") in set(bare["doc_id"])


@pytest.mark.slow
def test_shares_are_met_within_three_standard_errors():
    count = 3000
    document_table = documents(*((str(index), hash_hex(str(index))) for index in range(count)))
    pair_table = pairs(
        *((str(index), hash_hex("?", str(index)), str(index)) for index in range(count))
    )
    assignment = assigned(document_table, pair_table, PARAMS)
    assert len(assignment.split_of) == count
    splits = sample_training(assignment, pair_table, 100)
    metrics = split_metrics(assignment, [], splits, every_pair=pair_table, built_pairs=pair_table)
    for name, share in {"train": 0.8, "validation": 0.1, "test": 0.1}.items():
        assert abs(metrics[f"{name}_share"] - share) <= 3 * math.sqrt(
            share * (1 - share) / count
        ), name
    # Shares are those of all pairs; what is trained on is the sample.
    assert metrics["train_pairs"] == 100
    assert metrics["test_pairs"] == round(metrics["test_share"] * count)


def test_the_largest_component_is_measured_in_pairs():
    document_table = documents(("a", text("a")), ("b", text("b")))
    pair_table = pairs(
        ("1", text("1"), "a"), ("2", text("2"), "a"), ("3", text("3"), "a"), ("4", text("4"), "b")
    )
    assignment = assigned(document_table, pair_table)
    splits = sample_training(assignment, pair_table, None)
    metrics = split_metrics(assignment, [], splits, every_pair=pair_table, built_pairs=pair_table)
    assert {key: metrics[key] for key in ("components", "largest_component_share")} == {
        "components": 2,
        "largest_component_share": 0.75,
    }


def test_what_ties_the_largest_component_is_what_takes_it_apart():
    """Pairs 1 to 3 share a document, 3 and 4 are near, 4 and 5 have one anchor."""
    document_table = documents(("a", text("a")), ("b", text("b")), ("c", text("c")))
    pair_table = pairs(
        ("1", text("1"), "a"),
        ("2", text("2"), "a"),
        ("3", text("3"), "a"),
        ("4", text("4"), "b"),
        ("5", text("4"), "c"),
        ("6", text("6"), "c"),
    )
    ids = [p(name) for name in "123456"]
    component_of = dict.fromkeys(ids, "one")
    edges = [
        Edge(ids[0], d("a"), "shared document"),
        Edge(ids[1], d("a"), "shared document"),
        Edge(ids[2], d("a"), "shared document"),
        Edge(ids[4], d("c"), "shared document"),
        Edge(ids[5], d("c"), "shared document"),
        Edge(ids[2], ids[3], "near anchor"),
        Edge(ids[3], ids[4], "equal anchor"),
        Edge(d("a"), d("b"), "near text"),
    ]
    assert len(document_table) == 3
    assert largest_component_ties(component_of, {"one": 6}, edges, pair_table) == {
        "largest_component.pairs": 6,
        "largest_component.without.equal_anchor": 4,
        "largest_component.without.near_anchor": 3,
        "largest_component.without.shared_document": 3,
    }
