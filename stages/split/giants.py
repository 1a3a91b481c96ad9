"""Giants: components with more pairs than `split.max_component_share` allows.

A giant can be trained on as a whole, or cut into the three splits. Which of the two follows from
`split.giants`. The rows of a giant that were frozen keep their split.

After a cut the held-out part of a giant mostly hangs together still. Intervals resample components,
so each group of equal or near documents is a component of its own, with the pairs of the queries
that it answers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from stages.lib.text.matches import TextVersions
from stages.split.component_size import SMALLEST, joining_edges
from stages.split.components import (
    Edge,
    is_pair_id,
    name_by_document_or_anchor,
)
from stages.split.frozen_giants import FrozenGiants, Giant
from stages.split.graph_cut import GiantGraph, build_graph, cut_graph
from stages.split.interface import SplitParams
from stages.split.placement import frozen_nodes, join_neighbours
from stages.split.rows import Assignment, SplitRows, TrainingExclusion
from stages.split.straddling import LeftOut, Placement, leave_out

# `auto` trains giants while this part of the pairs remains that can be held out.
REMAINING_SHARE = 2 / 3


class GiantInputs(NamedTuple):
    """What dividing a giant depends on beside the assignment.

    Attributes:
        rows: the pairs and documents.
        frozen: id to the split that it keeps.
        frozen_giants: the giants of the frozen file.
        params: the section `split`.
    """

    rows: SplitRows
    frozen: Mapping[str, str]
    frozen_giants: FrozenGiants
    params: SplitParams


class _Part(NamedTuple):
    """A giant after it was divided: component id of each row, and split of each component."""

    component_of: dict[str, str]
    split_of: dict[str, str]
    excluded: dict[str, TrainingExclusion]


def pair_limit(pair_count: int, params: SplitParams, frozen_giants: FrozenGiants) -> int:
    """Return the number of pairs that a component may have, at least SMALLEST.

    A frozen limit counts, so that rows elsewhere make no component a giant.
    """
    if frozen_giants.limit is not None:
        return frozen_giants.limit

    return max(SMALLEST, int(params.max_component_share * pair_count))


def divide_giants(assignment: Assignment, inputs: GiantInputs) -> Assignment:
    """Return `assignment` with each giant trained on or cut, as `split.giants` says.

    Without a giant it is returned as it is.
    """
    sizes = Counter(assignment.component_of[pair_id] for pair_id in inputs.rows.anchors)
    limit = pair_limit(sizes.total(), inputs.params, inputs.frozen_giants)
    handling_of = choose_handling(
        sizes, limit, _frozen_handling(assignment, inputs.frozen_giants), inputs.params
    )
    if not handling_of:
        return assignment

    members = _rows_of(assignment.component_of, handling_of)
    edges_of = _edges_of(assignment, handling_of)

    # Each giant by itself, in the order of their names.
    component_of = dict(assignment.component_of)
    split_of = dict(assignment.split_of)
    excluded = dict(assignment.excluded)
    giants: list[Giant] = []
    giant_of: dict[str, str] = {}
    for name in sorted(handling_of):
        edges = edges_of[name]
        part = _divide(members[name], edges, handling_of[name], inputs)
        ties = Counter(edge.kind for edge in joining_edges(edges))
        giants.append(Giant(name, handling_of[name], sizes[name], dict(sorted(ties.items()))))

        del split_of[name]
        component_of.update(part.component_of)
        split_of.update(part.split_of)
        excluded.update(part.excluded)
        giant_of.update(dict.fromkeys(members[name], name))

    return assignment._replace(
        component_of=component_of,
        split_of=split_of,
        excluded=excluded,
        giants=tuple(giants),
        giant_of=giant_of,
    )


def choose_handling(
    sizes: Mapping[str, int],
    limit: int,
    frozen_handling: Mapping[str, str],
    params: SplitParams,
) -> dict[str, str]:
    """Return the name of each giant with "train" or "cut".

    `auto` trains the smallest giants first, and cuts those after which less than REMAINING_SHARE of
    all pairs would be left to hold out from.

    Args:
        sizes: the number of pairs of each component.
        limit: the number of pairs above which a component is a giant.
        frozen_handling: component id to handling, for giants that are frozen.
        params: the section `split`.
    """
    handling_of = dict(frozen_handling)
    total = sum(sizes.values())
    trained = sum(sizes[name] for name, handling in handling_of.items() if handling == "train")

    # Giants of equal size come in the order of their names.
    giants = [name for name, size in sizes.items() if size > limit and name not in handling_of]
    if params.giants == "stop":
        return handling_of

    for name in sorted(giants, key=lambda name: (sizes[name], name)):
        if params.giants == "auto":
            is_trained = total - trained - sizes[name] >= REMAINING_SHARE * total
        else:
            is_trained = params.giants == "train"

        handling_of[name] = "train" if is_trained else "cut"
        trained += sizes[name] if is_trained else 0

    return handling_of


def _frozen_handling(assignment: Assignment, frozen_giants: FrozenGiants) -> dict[str, str]:
    """Return component id to the handling of the frozen giant that it has rows of.

    Of several giants that became one component, a cut one decides.
    """
    handling_of: dict[str, str] = {}
    for row_id, giant in frozen_giants.giant_of.items():
        name = assignment.component_of.get(row_id)
        if name is not None:
            handling = frozen_giants.handling_of[giant]
            handling_of[name] = min(handling, handling_of.get(name, handling))

    return handling_of


def _rows_of(component_of: Mapping[str, str], names: Iterable[str]) -> dict[str, list[str]]:
    """Return each of `names` with the rows of the component."""
    members: dict[str, list[str]] = {name: [] for name in names}
    for row_id, name in component_of.items():
        if name in members:
            members[name].append(row_id)

    return members


def _edges_of(assignment: Assignment, names: Iterable[str]) -> dict[str, list[Edge]]:
    """Return each of `names` with the edges inside the component."""
    edges_of: dict[str, list[Edge]] = {name: [] for name in names}
    for edge in assignment.edges:
        name = assignment.component_of[edge.left]
        if name in edges_of:
            edges_of[name].append(edge)

    return edges_of


def _divide(
    row_ids: Sequence[str], edges: Sequence[Edge], handling: str, inputs: GiantInputs
) -> _Part:
    """Return the components and splits of the rows of one giant."""
    params = inputs.params
    documents = inputs.rows.document_of_pair if params.splits_documents else {}
    shares = (params.train, params.validation, 1.0 - params.train - params.validation)
    graph = build_graph(row_ids, edges, documents, shares)

    # The split of each node: what is frozen, then what follows from it or from a cut.
    fixed = frozen_nodes(graph, inputs.frozen)
    is_known = any(row_id in inputs.frozen_giants.giant_of for row_id in row_ids)
    if handling == "train":
        node_splits = [fixed.get(node, "train") for node in range(len(graph.members))]
    elif is_known:
        node_splits = join_neighbours(graph, fixed)
    else:
        cut = cut_graph(graph, shares)
        node_splits = [fixed.get(node, split) for node, split in enumerate(cut)]

    # What lies across two splits is in none.
    left_before = frozenset(row_id for row_id in row_ids if inputs.frozen.get(row_id) == "left_out")
    left_out = leave_out(
        graph, Placement(node_splits, frozenset(fixed), left_before, is_trained=handling == "train")
    )
    return _components(graph, node_splits, left_out, inputs.rows.anchors)


def _components(
    graph: GiantGraph, node_splits: Sequence[str], left_out: LeftOut, anchors: TextVersions
) -> _Part:
    """Return each row with a component of its own split.

    A node of documents is a component. In training a pair is in the component of its document. A
    held-out pair is in that of the most asked document of its query, so that all pairs of a query
    are together. Each row that is left out is a component by itself.
    """
    home_of = home_nodes(graph, node_splits, left_out)
    rows_of_component: dict[int, list[str]] = defaultdict(list)
    for node, row_ids in enumerate(graph.members):
        for row_id in row_ids:
            if row_id not in left_out.row_ids:
                home = home_of[row_id] if is_pair_id(row_id) else node
                rows_of_component[home].append(row_id)

    name_of = name_by_document_or_anchor(anchors)
    component_of = {row_id: row_id for row_id in left_out.row_ids}
    split_of = dict.fromkeys(left_out.row_ids, "left_out")
    for node, row_ids in rows_of_component.items():
        name = name_of(row_ids)
        component_of.update(dict.fromkeys(row_ids, name))
        split_of[name] = node_splits[node]

    return _Part(component_of, split_of, left_out.reason_of_pair)


def home_nodes(graph: GiantGraph, node_splits: Sequence[str], left_out: LeftOut) -> dict[str, int]:
    """Return pair id to the node that names its component, without pairs that are left out."""
    kept = {
        pair_id: ends
        for pair_id, ends in graph.pair_nodes.items()
        if pair_id not in left_out.row_ids
    }
    pair_count = Counter(document for _, document in kept.values())

    # Of equally asked documents the first one.
    home_of_query: dict[int, int] = {}
    for query, document in kept.values():
        home = home_of_query.get(query, document)
        home_of_query[query] = max(home, document, key=lambda node: (pair_count[node], -node))

    return {
        pair_id: document if node_splits[document] == "train" else home_of_query[query]
        for pair_id, (query, document) in kept.items()
    }
