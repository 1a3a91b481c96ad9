"""What is left out across a cut is the least that covers every near edge."""

from itertools import chain, combinations

from hypothesis import given
from hypothesis import strategies as st

from stages.split.graph_cut import GiantGraph
from stages.split.straddling import Placement, cover_near_edges, least_cover, leave_out
from tests.properties import examples

COUNT = 8
EDGES = st.lists(st.tuples(st.integers(0, 3), st.integers(4, 7)), max_size=10)
COSTS = st.lists(st.integers(0, 5), min_size=COUNT, max_size=COUNT)


def cheapest_by_trying_all(edges, costs):
    """Return the cost of the cheapest of all sets of nodes that touch each edge."""
    sets = chain.from_iterable(combinations(range(COUNT), size) for size in range(COUNT + 1))
    covers = [nodes for nodes in sets if all(set(edge) & set(nodes) for edge in edges)]
    return min(sum(costs[node] for node in nodes) for nodes in covers)


@examples(40)
@given(edges=EDGES, costs=COSTS)
def test_a_cover_between_two_parts_is_the_cheapest_of_all(edges, costs):
    cover = least_cover(edges, costs)
    assert all(cover & set(edge) for edge in edges)
    assert sum(costs[node] for node in cover) == cheapest_by_trying_all(edges, costs)


@examples(40)
@given(
    edges=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12),
    node_splits=st.lists(st.sampled_from(["train", "validation", "test"]), min_size=8, max_size=8),
    costs=COSTS,
)
def test_edges_between_three_parts_are_all_covered(edges, node_splits, costs):
    across = [(left, right) for left, right in edges if node_splits[left] != node_splits[right]]
    cover = cover_near_edges(across, node_splits, costs)
    assert all(cover & set(edge) for edge in across)


def graph(near):
    """Return queries 0 and 1 with documents 2 and 3, a pair each, and another pair of query 1."""
    members = [["p0"], ["p1", "p2"], ["d0"], ["d1"]]
    node_of = {row_id: node for node, row_ids in enumerate(members) for row_id in row_ids}
    pair_nodes = {"p0": (0, 2), "p1": (1, 3), "p2": (1, 3)}
    return GiantGraph(node_of, members, pair_nodes, [1, 2, 1, 2], near)


def placement(node_splits, frozen=(), left_out=(), *, is_trained=False):
    return Placement(node_splits, frozenset(frozen), frozenset(left_out), is_trained)


def reasons(left_out):
    return {
        pair_id: (why.reason, why.partner_id) for pair_id, why in left_out.reason_of_pair.items()
    }


APART = ["test", "train", "test", "train"]


def test_of_two_near_queries_the_smaller_one_is_left_out():
    left_out = leave_out(graph([(0, 1)]), placement(APART))
    assert left_out.row_ids == {"p0"}
    assert reasons(left_out) == {"p0": ("cut_near", "p1")}


def test_a_frozen_held_out_query_stays_and_the_larger_one_is_left_out():
    left_out = leave_out(graph([(0, 1)]), placement(APART, frozen=[0], is_trained=True))
    assert left_out.row_ids == {"p1", "p2"}
    assert set(reasons(left_out).values()) == {("meets_frozen", "p0")}


def test_a_pair_across_is_left_out_and_its_query_and_document_stay():
    left_out = leave_out(graph([]), placement(["train", "train", "test", "train"]))
    assert left_out.row_ids == {"p0"}
    assert reasons(left_out) == {"p0": ("cut_straddles", "d0")}


def test_what_was_frozen_as_left_out_stays_left_out():
    left_out = leave_out(graph([]), placement(["train"] * 4, left_out=["d1", "p0"]))
    assert left_out.row_ids == {"d1", "p0", "p1", "p2"}
