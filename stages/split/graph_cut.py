"""A component as a graph of documents and queries, and its balanced minimum cut into three parts.

A node is a group of rows that cannot be separated: the pairs of one anchor (a query), or documents
that are equal, copies, of one group, or near. An edge between a query and a document has the number
of their pairs as its weight. Near texts of different nodes are an edge too. A cut separates nodes.
What lies across it cannot be used, so the cut with the least weight loses the fewest pairs.

METIS (Karypis and Kumar 1998) cuts a graph into parts of given shares. The graph is built in the
order of row ids, and METIS runs on one thread with a fixed seed. So the cut follows from the rows
of the component alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.split.components import Edge, connected_components, is_pair_id

Integers = npt.NDArray[np.int64]

PARTS = ("train", "validation", "test")

# Each round of METIS begins with another matching; the best of five is kept.
ROUNDS = 5
SEED = 1

# Near documents are one node up to this part of the pairs of the smallest held-out part. A larger
# node of near documents would be all of a part, so that nothing could be cut.
LARGEST_NEAR_NODE = 0.25

# A document and the queries that have no other may be held out up to so many times the share of the
# smallest held-out part. Ten products of a tenth each, and a little more, can all be held out.
LARGEST_HELD_OUT = 1.5

SHARED_DOCUMENT = "shared document"


class GiantGraph(NamedTuple):
    """The graph of one component.

    Attributes:
        node_of: row id to the index of its node.
        members: the row ids of each node, sorted. Nodes are in the order of their first row.
        pair_nodes: pair id to the node of its anchor and the node of its document. Both are the
            same where the unit does not split documents.
        weights: the number of pair ends in each node: two for a pair that lies inside one.
        near: pairs of nodes with near texts, each once, smaller index first, sorted.
    """

    node_of: dict[str, int]
    members: list[list[str]]
    pair_nodes: dict[str, tuple[int, int]]
    weights: list[int]
    near: list[tuple[int, int]]


class Adjacency(NamedTuple):
    """A graph in compressed rows.

    Attributes:
        starts: where the neighbours of each node begin, and where the last ones end, (nodes + 1,).
        neighbours: the neighbours of one node after the other.
        weights: the weight of the edge to each of `neighbours`.
    """

    starts: Integers
    neighbours: Integers
    weights: Integers


def build_graph(
    row_ids: Iterable[str],
    edges: Sequence[Edge],
    document_of_pair: Mapping[str, str],
    shares: Sequence[float],
) -> GiantGraph:
    """Return the graph of one component.

    Args:
        row_ids: the rows of the component.
        edges: the edges between them, those of equal and near texts included.
        document_of_pair: pair id to document id; empty where the unit does not split documents.
        shares: the wanted share of each of PARTS.
    """
    ordered = sorted(row_ids)
    pair_ids = [row_id for row_id in ordered if is_pair_id(row_id)]
    pairs_of_document = Counter(
        document_of_pair[pair_id] for pair_id in pair_ids if pair_id in document_of_pair
    )

    # Rows that cannot be separated.
    tied = [edge.ends for edge in edges if is_tie(edge)]
    group_of = connected_components(ordered, tied, min)

    # Near documents are one node, as long as it stays small.
    near = sorted({_ordered(edge.left, edge.right) for edge in edges if is_near(edge)})
    weight_of_group = Counter[str]()
    for row_id in ordered:
        weight_of_group[group_of[row_id]] += is_pair_id(row_id) + pairs_of_document[row_id]

    largest = int(LARGEST_NEAR_NODE * min(shares) * 2 * len(pair_ids))
    merged = _merge_near_documents(near, group_of, weight_of_group, largest)
    name_of = {row_id: merged.get(name, name) for row_id, name in group_of.items()}

    # Nodes are numbered in the order of their first row.
    members_of: dict[str, list[str]] = {}
    for row_id in ordered:
        members_of.setdefault(name_of[row_id], []).append(row_id)

    number_of = {name: number for number, name in enumerate(members_of)}
    node_of = {row_id: number_of[name] for row_id, name in name_of.items()}
    pair_nodes = {
        pair_id: (node_of[pair_id], node_of[document_of_pair.get(pair_id, pair_id)])
        for pair_id in pair_ids
    }

    near_nodes = {_ordered_nodes(node_of[left], node_of[right]) for left, right in near}
    return GiantGraph(
        node_of=node_of,
        members=list(members_of.values()),
        pair_nodes=pair_nodes,
        weights=_pair_ends(pair_nodes, len(members_of)),
        near=sorted(ends for ends in near_nodes if ends[0] != ends[1]),
    )


def is_near(edge: Edge) -> bool:
    """Return True for an edge between texts that are similar and not equal."""
    return edge.kind.startswith("near")


def is_tie(edge: Edge) -> bool:
    """Return True for an edge whose rows no cut may separate."""
    return not is_near(edge) and edge.kind != SHARED_DOCUMENT


def cut_graph(graph: GiantGraph, shares: Sequence[float]) -> list[str]:
    """Return the part of each node: a balanced cut of the least weight, by METIS.

    Args:
        graph: the graph of one component.
        shares: the wanted share of each of PARTS; they add up to 1.
    """
    count = len(graph.weights)
    edges = _edges(graph)
    home = _only_neighbours(edges, count)

    # What is too large to be held out together with its own queries is trained on.
    weights = np.bincount(home, weights=graph.weights, minlength=count)
    is_trained = weights[home] > LARGEST_HELD_OUT * min(shares) * weights.sum()
    group_of = _with_trained_as_one(edges, is_trained)

    # Nodes of one group are in one part.
    group_weights = np.bincount(group_of, weights=graph.weights).astype(np.int64)
    part_of_group = _metis(group_weights, _adjacency(graph, group_of), shares)
    part_of_node = np.where(is_trained, 0, part_of_group[group_of])

    # Apart from its only neighbour a node can be used nowhere.
    return [PARTS[part] for part in part_of_node[home]]


def _merge_near_documents(
    near: Sequence[tuple[str, str]],
    group_of: Mapping[str, str],
    weight_of_group: Mapping[str, int],
    largest: int,
) -> dict[str, str]:
    """Return group to the group that it became part of, for near documents.

    Args:
        near: sorted ids of near rows. Only those of two documents count.
        group_of: row id to group.
        weight_of_group: the number of pair ends of each group.
        largest: the number of pair ends that a merged group may have.
    """
    weight = dict(weight_of_group)
    name_of: dict[str, str] = {}

    def root_of(name: str) -> str:
        while name in name_of:
            name = name_of[name]
        return name

    for left, right in near:
        if is_pair_id(left) or is_pair_id(right):
            continue

        # The smaller name stays, so that the order of rows does not matter.
        names = sorted({root_of(group_of[left]), root_of(group_of[right])})
        if len(names) == 2 and weight[names[0]] + weight[names[1]] <= largest:
            name_of[names[1]] = names[0]
            weight[names[0]] += weight[names[1]]

    return {name: root_of(name) for name in name_of}


def _ordered(left: str, right: str) -> tuple[str, str]:
    return (left, right) if left < right else (right, left)


def _ordered_nodes(left: int, right: int) -> tuple[int, int]:
    return (left, right) if left < right else (right, left)


def _pair_ends(pair_nodes: Mapping[str, tuple[int, int]], count: int) -> list[int]:
    """Return the number of pair ends in each of `count` nodes."""
    ends = np.array(list(pair_nodes.values()), dtype=np.int64).reshape(-1)
    return [int(weight) for weight in np.bincount(ends, minlength=count)]


def _edges(graph: GiantGraph) -> Integers:
    """Return each edge between two nodes once in each direction, as (edges, 2)."""
    ends = np.array(list(graph.pair_nodes.values()), dtype=np.int64).reshape(-1, 2)
    near = np.array(graph.near, dtype=np.int64).reshape(-1, 2)
    both = np.concatenate([ends, near])
    both = both[both[:, 0] != both[:, 1]]
    return np.unique(np.concatenate([both, both[:, ::-1]]), axis=0)


def _only_neighbours(edges: Integers, count: int) -> Integers:
    """Return each of `count` nodes, or its neighbour, if it has only one.

    Two nodes that have only each other stay as they are.

    Args:
        edges: each edge in both directions, as (edges, 2).
        count: the number of nodes.
    """
    neighbour_counts = np.bincount(edges[:, 0], minlength=count)
    is_leaf = neighbour_counts[edges[:, 0]] == 1
    is_inner = neighbour_counts[edges[:, 1]] > 1
    leaves = edges[is_leaf & is_inner]

    home = np.arange(count)
    home[leaves[:, 0]] = leaves[:, 1]
    return home


def _with_trained_as_one(edges: Integers, is_trained: npt.NDArray[np.bool_]) -> Integers:
    """Return the group of each node, as numbers without a gap.

    The trained nodes are one group. So are the nodes that lead only to them: METIS does not know
    that such a query is of use nowhere else, and would fill a held-out part with them.

    Args:
        edges: each edge in both directions, as (edges, 2).
        is_trained: True for each node that is trained on.
    """
    count = len(is_trained)
    neighbour_counts = np.bincount(edges[:, 0], minlength=count)
    trained_counts = np.bincount(edges[is_trained[edges[:, 1]], 0], minlength=count)
    is_bound = (neighbour_counts > 0) & (neighbour_counts == trained_counts)

    first_trained = int(np.argmax(is_trained))
    numbers = np.where(is_trained | (is_bound & is_trained.any()), first_trained, np.arange(count))
    return np.unique(numbers, return_inverse=True)[1].astype(np.int64)


def _adjacency(graph: GiantGraph, numbers: Integers) -> Adjacency:
    """Return the graph whose nodes are the groups `numbers`.

    The weight of an edge is the number of its pairs. A near edge weighs as much as the end that
    would be left out: the smaller number of pairs, at least 1.
    """
    ends = np.array(list(graph.pair_nodes.values()), dtype=np.int64).reshape(-1, 2)
    near = np.array(graph.near, dtype=np.int64).reshape(-1, 2)
    near_weights = np.array(graph.weights, dtype=np.int64)[near].min(axis=1, initial=2**31)
    near_weights = np.maximum(1, near_weights)

    # Both directions of each edge, as one number: row * nodes + column.
    both = np.concatenate([ends, near])
    weights = np.concatenate([np.ones(len(ends), dtype=np.int64), near_weights])
    rows = numbers[both[:, 0]]
    columns = numbers[both[:, 1]]
    is_edge = rows != columns
    rows = rows[is_edge]
    columns = columns[is_edge]
    weights = weights[is_edge]
    count = int(numbers.max(initial=-1)) + 1
    keys = np.concatenate([rows * count + columns, columns * count + rows])

    # The weights of equal edges are added.
    unique_keys, position = np.unique(keys, return_inverse=True)
    sums = np.bincount(position, weights=np.concatenate([weights, weights]))
    starts = np.searchsorted(unique_keys, np.arange(count + 1) * count)
    return Adjacency(starts, unique_keys % max(count, 1), sums.astype(np.int64))


def _metis(node_weights: Integers, adjacency: Adjacency, shares: Sequence[float]) -> Integers:
    """Return the number of the part of each node."""
    import pymetis

    # METIS needs at least an edge, and a node for each part.
    count = len(node_weights)
    if not len(adjacency.neighbours) or count < len(shares):
        return np.zeros(count, dtype=np.int64)

    options = pymetis.Options(seed=SEED, ncuts=ROUNDS)
    result = pymetis.part_graph(
        len(shares),
        adjacency=pymetis.CSRAdjacency(adjacency.starts, adjacency.neighbours),
        vweights=node_weights,
        eweights=adjacency.weights,
        tpwgts=[*shares[:-1], 1.0 - sum(shares[:-1])],
        recursive=True,
        options=options,
    )
    return np.array(result.vertex_part, dtype=np.int64)
