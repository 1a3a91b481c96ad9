"""What cannot be used once a component is divided: pairs and near texts that lie across its parts.

A pair whose query is in another part than its document is left out. Of two near texts in two parts
one must be left out with all of its pairs. The nodes that are left out are a vertex cover of the
near edges, of the least weight in pairs. Between two parts such a cover is exact: the graph is
bipartite, so the least cover weighs as much as the largest flow (Koenig 1931; Ford and Fulkerson
1956). Three parts are taken in two steps, both exact: first training against everything held out,
then validation against test.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Sequence
from typing import NamedTuple

from stages.lib.schemas.splits import EVALUATION_SPLITS
from stages.split.graph_cut import GiantGraph
from stages.split.rows import TrainingExclusion

# Why a pair of a divided component is left out.
STRADDLES = "cut_straddles"
NEAR = "cut_near"
MEETS_FROZEN = "meets_frozen"

# Rows that stay although this costs others: no number of pairs reaches this weight.
FROZEN_WEIGHT = 10**9

# What each arc still lets through: first node, then second node.
_Capacities = dict[int, dict[int, int]]
_SOURCE = -1
_SINK = -2


class Placement(NamedTuple):
    """The split of each node of a graph, and what was decided before.

    Attributes:
        node_splits: the split of each node: train, validation or test.
        frozen: the nodes with a frozen row.
        left_out: ids of rows that were frozen as left out.
        is_trained: whether all is trained on but frozen rows, so that these are what others meet.
    """

    node_splits: list[str]
    frozen: frozenset[int]
    left_out: frozenset[str]
    is_trained: bool


class LeftOut(NamedTuple):
    """The rows of a graph that are in no split, and why each pair among them is left out."""

    row_ids: set[str]
    reason_of_pair: dict[str, TrainingExclusion]


def leave_out(graph: GiantGraph, placement: Placement) -> LeftOut:
    """Return the rows that cannot be used where the nodes of `graph` are placed so."""
    node_splits = placement.node_splits
    straddles = MEETS_FROZEN if placement.is_trained else STRADDLES
    near_reason = MEETS_FROZEN if placement.is_trained else NEAR
    reason_of_pair: dict[str, TrainingExclusion] = {}

    # Pairs across two parts, and those that were left out before.
    for pair_id, (query, document) in graph.pair_nodes.items():
        if node_splits[query] != node_splits[document] or pair_id in placement.left_out:
            reason_of_pair[pair_id] = _exclusion(straddles, graph, pair_id, document)

    # Nodes that are left out with all of their pairs.
    weights = _remaining_pairs(graph, reason_of_pair)
    near = [ends for ends in graph.near if node_splits[ends[0]] != node_splits[ends[1]]]
    cover = cover_near_edges(near, node_splits, _costs(weights, placement))
    partner_of = _partners(near, cover)
    row_ids = {row_id for row_id in placement.left_out if row_id in graph.node_of}
    cleared = set(cover) | {graph.node_of[row_id] for row_id in row_ids if row_id[0] == "d"}
    for node in cleared:
        row_ids.update(graph.members[node])

    for pair_id, ends in graph.pair_nodes.items():
        for node in ends:
            if node in cleared and pair_id not in reason_of_pair:
                partner = partner_of.get(node, node)
                reason_of_pair[pair_id] = _exclusion(near_reason, graph, pair_id, partner)

    return LeftOut(row_ids | set(reason_of_pair), reason_of_pair)


def cover_near_edges(
    near: Sequence[tuple[int, int]], node_splits: Sequence[str], costs: Sequence[int]
) -> set[int]:
    """Return nodes that touch each edge of `near`, at the least sum of `costs` in each step.

    >>> sorted(cover_near_edges([(0, 1), (0, 2)], ["train", "test", "test"], [3, 1, 1]))
    [1, 2]

    Args:
        near: edges between nodes of different splits.
        node_splits: the split of each node.
        costs: what leaving out each node costs; not negative.
    """
    # Training against what is held out.
    training = [
        (left, right) if node_splits[left] == "train" else (right, left)
        for left, right in near
        if "train" in (node_splits[left], node_splits[right])
    ]
    cover = least_cover(training, costs)

    # Validation against test, as far as nothing covers it yet.
    held_out = [
        (left, right) if node_splits[left] == "validation" else (right, left)
        for left, right in near
        if "train" not in (node_splits[left], node_splits[right])
        and cover.isdisjoint((left, right))
    ]
    return cover | least_cover(held_out, costs)


def least_cover(edges: Sequence[tuple[int, int]], costs: Sequence[int]) -> set[int]:
    """Return the vertex cover of a bipartite graph that costs least.

    The largest flow from all left nodes to all right nodes, where each node lets its cost through,
    is found along shortest paths (Edmonds and Karp 1972). What the source cannot reach on the left,
    and what it reaches on the right, is the cover.

    >>> sorted(least_cover([(0, 5), (1, 5), (2, 6)], [1, 1, 1, 0, 0, 1, 1]))
    [2, 5]

    Args:
        edges: pairs of a left and a right node.
        costs: the cost of each node.
    """
    if not edges:
        return set()

    ordered = sorted(set(edges))
    capacity = _capacities(ordered, costs)

    # First along single edges, which is most of the flow, then along longer paths.
    for left, right in ordered:
        _push(capacity, [_SINK, right, left, _SOURCE])

    previous = _reached(capacity)
    while _SINK in previous:
        path = [_SINK]
        while path[-1] != _SOURCE:
            path.append(previous[path[-1]])
        _push(capacity, path)
        previous = _reached(capacity)

    lefts = {left for left, _ in ordered if left not in previous}
    return lefts | {right for _, right in ordered if right in previous}


def _capacities(edges: Sequence[tuple[int, int]], costs: Sequence[int]) -> _Capacities:
    """Return what each arc lets through. An arc between two nodes has no limit."""
    nodes = {node for edge in edges for node in edge}
    unlimited = 1 + sum(costs[node] for node in nodes)
    capacity: _Capacities = defaultdict(dict)
    for left, right in edges:
        capacity[_SOURCE][left] = costs[left]
        capacity[left].setdefault(_SOURCE, 0)
        capacity[left][right] = unlimited
        capacity[right].setdefault(left, 0)
        capacity[right][_SINK] = costs[right]
        capacity[_SINK].setdefault(right, 0)

    return capacity


def _push(capacity: _Capacities, path: Sequence[int]) -> None:
    """Let as much as possible flow along `path`, which is given from its end to its beginning."""
    arcs = list(zip(path[1:], path, strict=False))
    amount = min(capacity[tail][head] for tail, head in arcs)
    for tail, head in arcs:
        capacity[tail][head] -= amount
        capacity[head][tail] += amount


def _reached(capacity: _Capacities) -> dict[int, int]:
    """Return node to the node before it, for what the source reaches, on shortest paths."""
    previous = {_SOURCE: _SOURCE}
    queue = deque([_SOURCE])
    while queue:
        tail = queue.popleft()
        for head, amount in capacity.get(tail, {}).items():
            if amount > 0 and head not in previous:
                previous[head] = tail
                if head == _SINK:
                    return previous
                queue.append(head)

    return previous


def _costs(weights: Sequence[int], placement: Placement) -> list[int]:
    """Return the cost of each node: its pairs, and more where it is frozen as held out."""
    costs = list(weights)
    for node in placement.frozen:
        # Of two frozen texts that became near, the one of the test split stays.
        if placement.node_splits[node] in EVALUATION_SPLITS:
            is_test = placement.node_splits[node] == "test"
            costs[node] += FROZEN_WEIGHT * (FROZEN_WEIGHT if is_test else 1)

    return costs


def _remaining_pairs(graph: GiantGraph, left_out: Collection[str]) -> list[int]:
    weights = [0] * len(graph.members)
    for pair_id, ends in graph.pair_nodes.items():
        if pair_id not in left_out:
            for node in set(ends):
                weights[node] += 1

    return weights


def _partners(near: Sequence[tuple[int, int]], cover: Collection[int]) -> dict[int, int]:
    """Return each node of the cover with the first of its near nodes."""
    partner_of: dict[int, int] = {}
    for left, right in near:
        for node, partner in ((left, right), (right, left)):
            if node in cover:
                partner_of.setdefault(node, partner)

    return partner_of


def _exclusion(reason: str, graph: GiantGraph, pair_id: str, node: int) -> TrainingExclusion:
    """Return the exclusion of a pair, with the first row of a node as its partner."""
    partner_id = graph.members[node][0]
    return TrainingExclusion(reason, partner_id if partner_id != pair_id else "", float("nan"))
