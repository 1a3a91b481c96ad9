"""The check that no component is too large, with an error that says what would take it apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from stages.lib.core.errors import UserError
from stages.split.components import Edge, connected_components, is_pair_id
from stages.split.interface import SplitParams

# A component of at most this many pairs is never too large. Otherwise tiny data could not be split.
SMALLEST = 20

# How many edges an error message shows.
EXAMPLES = 2

# All kinds of edges, from the one that is easiest to do without to the one that is hardest.
EDGE_KINDS = (
    "topic",
    "group",
    "overlapping text",
    "overlapping anchor",
    "near text",
    "near anchor",
    "equal anchor",
    "equal text",
    "copy",
    "shared document",
    "recipe",
)


def check_component_size(
    component_of: Mapping[str, str],
    pair_ids: Iterable[str],
    edges: Sequence[Edge],
    params: SplitParams,
) -> None:
    """Check that no component has more than the allowed share of the pairs.

    Raises:
        UserError: a component has more than SMALLEST pairs and more than
            `split.max_component_share`. The message gives its size, the edges that formed it,
            and what would take it apart.
    """
    # The largest component, counted in pairs. Tiny ones always pass.
    sizes = Counter(component_of[pair_id] for pair_id in pair_ids)
    name, size = max(sizes.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    total = sizes.total()
    allowed = max(SMALLEST, int(params.max_component_share * total))
    if size <= allowed:
        return

    # For each kind of edge: how many there are, and what is left of the component without them.
    inside = sorted(edge for edge in edges if component_of[edge.left] == name)
    joining = joining_edges(inside)
    count_by_kind = Counter(edge.kind for edge in joining)
    size_without = {kind: _largest_without(kind, inside) for kind in count_by_kind}

    # First comes the kind without which the component would fall apart, and not the most frequent
    # one. Of several such kinds the first is the one that is easiest to do without.
    kinds = sorted(
        count_by_kind,
        key=lambda kind: (
            size_without[kind] > allowed,
            max(size_without[kind], allowed),
            EDGE_KINDS.index(kind),
        ),
    )

    # The message: kinds of edges with their counts, and an example of each.
    summary = ", ".join(
        f"{kind} {count_by_kind[kind]:,} ({size_without[kind]:,})" for kind in kinds
    )
    examples = "\n".join(
        f"  {edge.kind}: {edge.left} and {edge.right}" for edge in _examples(joining, kinds)
    )
    raise UserError(
        f"{size:,} of {total:,} pairs ({size / total:.1%}) are tied into one component, {name}; "
        f"split.max_component_share is {params.max_component_share}\n"
        f"  tied by (in brackets the largest piece without it): {summary}\n{examples}",
        f"{_remedy(_main_cause(joining, kinds), params)};\n"
        "  or set split.giants to 'auto', which trains on it or cuts it "
        "('python -m stages explain ID' shows a row)",
    )


def joining_edges(edges: Sequence[Edge]) -> list[Edge]:
    """Return `edges` without those to a document of one pair, which join it to nothing else."""
    pairs_of_document = Counter(edge.right for edge in edges if edge.kind == "shared document")
    return [
        edge
        for edge in edges
        if edge.kind != "shared document" or pairs_of_document[edge.right] > 1
    ]


def _largest_without(kind: str, edges: Sequence[Edge]) -> int:
    """Return the size in pairs of the largest component without edges of one kind, at least 1."""
    ends = [edge.ends for edge in edges if edge.kind != kind]
    row_ids = sorted(set(chain.from_iterable(ends)))
    component_of = connected_components(row_ids, ends, min)
    sizes = Counter(name for row_id, name in component_of.items() if is_pair_id(row_id))
    return max(sizes.values(), default=1)


def _examples(edges: Sequence[Edge], kinds: Sequence[str]) -> Sequence[Edge]:
    """Return an edge of each of the first kinds; the first edges where there is one kind."""
    if len(kinds) < EXAMPLES:
        return edges[:EXAMPLES]

    first_of_kind = {edge.kind: edge for edge in reversed(edges)}
    return [first_of_kind[kind] for kind in kinds[:EXAMPLES]]


def _main_cause(edges: Sequence[Edge], kinds: Sequence[str]) -> str:
    # Where whole documents are anchors, edges of equal texts stand beside those of the recipe.
    for edge in edges:
        if edge.kind == "recipe" and not is_pair_id(edge.right):
            return "recipe"

    return kinds[0]


def _remedy(kind: str, params: SplitParams) -> str:
    if kind == "group":
        return "map a finer column to 'group' under collect.sources, or none"
    if kind == "topic":
        return "raise split.topic_levels, or set it to null"

    if kind == "recipe":
        return (
            "map a finer column to 'topic', or take same_label out of pair.recipes: "
            "it ties documents of one topic"
        )

    if kind.startswith("near"):
        unit = "set split.unit to 'group', or " if params.unit == "component" else ""
        return f"{unit}raise deduplicate.near_threshold and split.near_threshold"

    if kind in ("shared document", "equal anchor") and params.splits_documents:
        return "set split.unit to 'anchor', if documents may be shared between splits (click logs)"

    return "see whether this text should be there so often (section clean removes boilerplate)"
