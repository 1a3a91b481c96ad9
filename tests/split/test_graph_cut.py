"""A cut keeps a query with its only document, also where that document is too large to hold out."""

from collections import Counter
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.split import graph_cut
from stages.split.graph_cut import GiantGraph, cut_graph
from tests.properties import examples

SHARES = (0.8, 0.1, 0.1)


def services(sizes, links=()):
    """Return a document for each of `sizes`, with so many queries of its own.

    Each of `links` is a query more, which two documents answer.
    """
    count = len(sizes)
    ends = []
    query = count
    for document, size in enumerate(sizes):
        for _ in range(size):
            ends.append((query, document))
            query += 1
    for left, right in links:
        ends += [(query, left), (query, right)]
        query += 1

    weights = Counter(node for pair in ends for node in pair)
    return GiantGraph(
        node_of={},
        members=[[str(node)] for node in range(query)],
        pair_nodes={f"p{number}": pair for number, pair in enumerate(ends)},
        weights=[weights[node] for node in range(query)],
        near=[],
    )


def chained(count):
    return [(number, number + 1) for number in range(count - 1)]


def lost_of(graph, parts):
    """Return document to the number of its pairs that are in no part."""
    lost = Counter()
    for query, document in graph.pair_nodes.values():
        lost[document] += parts[query] != parts[document]
    return +lost


def pairs_of(graph, parts):
    """Return part to the number of pairs that are in it."""
    return Counter(
        parts[query]
        for query, document in graph.pair_nodes.values()
        if parts[query] == parts[document]
    )


# Of 600 pairs the first document has 120, which is more than a held-out part.
LARGE_FIRST = services([120, *[9] * 50], chained(16))
# Three documents have 300 of 400 pairs, so that their queries alone could fill a held-out part.
THREE_LARGE = services([100, 100, 100, *[5] * 20], chained(10))


@pytest.mark.parametrize(("graph", "large"), [(LARGE_FIRST, [0]), (THREE_LARGE, [0, 1, 2])])
def test_a_document_larger_than_a_held_out_part_is_trained_on_with_its_queries(graph, large):
    parts = cut_graph(graph, SHARES)
    lost = lost_of(graph, parts)
    pairs = pairs_of(graph, parts)
    assert all(parts[document] == "train" for document in large)
    assert all(lost[document] <= 2 for document in large), lost
    assert min(pairs["validation"], pairs["test"]) >= 0.05 * len(graph.pair_nodes), pairs


def apart(_, nodes):
    """Join nothing."""
    return np.arange(nodes if isinstance(nodes, int) else len(nodes))


def test_without_the_rule_queries_of_large_documents_are_all_that_is_held_out():
    """METIS fills the held-out parts with queries whose document is trained on."""
    with mock.patch.object(graph_cut, "_with_trained_as_one", apart):
        parts = cut_graph(THREE_LARGE, SHARES)
    assert set(pairs_of(THREE_LARGE, parts)) == {"train"}


def test_without_the_rule_queries_are_apart_from_their_only_document():
    with mock.patch.object(graph_cut, "_only_neighbours", apart):
        lost = lost_of(LARGE_FIRST, cut_graph(LARGE_FIRST, SHARES))
    assert any(document > 16 for document in lost), lost


def test_ten_products_of_a_tenth_each_can_all_be_held_out():
    graph = services([12] * 10, chained(10))
    parts = cut_graph(graph, SHARES)
    pairs = pairs_of(graph, parts)
    assert pairs["validation"] >= 12
    assert pairs["test"] >= 12
    assert lost_of(graph, parts).total() <= 4


@examples(40)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=3, max_size=30),
    links=st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=20),
)
def test_a_query_is_where_its_only_document_is(sizes, links):
    count = len(sizes)
    used = [(left % count, right % count) for left, right in links if left % count != right % count]
    graph = services(sizes, [*chained(count), *used])
    parts = cut_graph(graph, SHARES)
    documents_of = {}
    for query, document in graph.pair_nodes.values():
        documents_of.setdefault(query, set()).add(document)
    for query, documents in documents_of.items():
        if len(documents) == 1:
            assert parts[query] == parts[min(documents)]


def test_a_graph_of_two_groups_is_trained_on():
    assert set(cut_graph(services([20, 3], [(0, 1)]), SHARES)) == {"train"}
