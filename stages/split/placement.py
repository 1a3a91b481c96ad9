"""Where the nodes of a frozen giant go: frozen ones stay, and new ones join their neighbours."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from stages.split.constraints import SPLIT_PRECEDENCE
from stages.split.graph_cut import PARTS, GiantGraph


def frozen_nodes(graph: GiantGraph, frozen: Mapping[str, str]) -> dict[int, str]:
    """Return node to split, for each node with a frozen row.

    Where the rows of a node were frozen in several splits, the first of test, validation and train
    counts. Rows that were left out decide nothing.
    """
    fixed: dict[int, str] = {}
    for node, row_ids in enumerate(graph.members):
        splits = {frozen[row_id] for row_id in row_ids if row_id in frozen}
        known = [split for split in SPLIT_PRECEDENCE if split in splits]
        if known:
            fixed[node] = known[0]

    return fixed


def join_neighbours(graph: GiantGraph, fixed: Mapping[int, str]) -> list[str]:
    """Return the split of each node. Nodes that are not fixed join most of their edges.

    All nodes beside a placed one are placed together, then those beside them, and so on: so the
    order of rows does not matter. Of equally many edges, training comes before validation, and
    validation before test. Nodes that nothing connects to a fixed one are trained on.

    Args:
        graph: the graph of one component.
        fixed: node to split.
    """
    neighbours = _neighbours(graph)
    split_of_node = dict(fixed)
    frontier = set(fixed)
    while frontier:
        # The nodes beside those that were placed last.
        beside = {
            other for node in frontier for other in neighbours[node] if other not in split_of_node
        }
        placed = {node: _most_edges(neighbours[node], split_of_node) for node in beside}
        split_of_node.update(placed)
        frontier = set(placed)

    return [split_of_node.get(node, "train") for node in range(len(graph.members))]


def _neighbours(graph: GiantGraph) -> dict[int, Counter[int]]:
    """Return node to the number of edges to each other node: pairs, and near texts."""
    neighbours: dict[int, Counter[int]] = defaultdict(Counter)
    for left, right in (*graph.pair_nodes.values(), *graph.near):
        if left != right:
            neighbours[left][right] += 1
            neighbours[right][left] += 1

    return neighbours


def _most_edges(edges: Mapping[int, int], split_of_node: Mapping[int, str]) -> str:
    """Return the split that most of the `edges` of a node lead to."""
    count_by_split: Counter[str] = Counter()
    for node, count in edges.items():
        if node in split_of_node:
            count_by_split[split_of_node[node]] += count

    return max(PARTS, key=lambda part: (count_by_split[part], -PARTS.index(part)))
