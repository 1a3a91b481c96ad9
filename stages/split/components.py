"""Edges between rows, and the connected components that they form. A component stays in one split.

Rows are pairs and documents, named by their ids. An edge joins two rows that must not be
separated: a pair and its document, two texts that are equal or nearly so, documents of one
group or topic, a synthetic pair and the row that it was built from.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.lib.core.ids import hash_hex
from stages.lib.text.matches import TextVersions, equal_groups
from stages.lib.text.normal_form import normal_form
from stages.split.columns import shared_strings
from stages.split.interface import SplitParams

# A function from the members of a component to the id of the component.
Namer = Callable[[Sequence[str]], str]

_TOPIC_SEPARATOR = re.compile(r"[/>]")


class Edge(NamedTuple):
    """Two rows that belong together, and the kind of edge, in words for a message."""

    left: str
    right: str
    kind: str

    @property
    def ends(self) -> tuple[str, str]:
        """The two row ids."""
        return self.left, self.right


def is_pair_id(row_id: str) -> bool:
    """Return True for the id of a pair, False for the id of a document."""
    return row_id.startswith("p")


def text_edge(similarity: str, left: str, right: str) -> Edge:
    """Return the edge between two rows; `similarity` is "equal", "near" or "overlapping"."""
    both_pairs = is_pair_id(left) and is_pair_id(right)
    return Edge(left, right, f"{similarity} {'anchor' if both_pairs else 'text'}")


def text_versions(*frames: tuple[pd.DataFrame, str, str]) -> dict[str, list[str]]:
    """Return row id to its distinct texts over several tables.

    Args:
        frames: each a table, the name of its id column, and the name of its text column.
    """
    return distinct_texts(text_rows(*frames))


def text_rows(*frames: tuple[pd.DataFrame, str, str]) -> Iterator[tuple[str, str]]:
    """Yield the id and the text of each row of several tables, which are as in `text_versions`."""
    for frame, id_column, text_column in frames:
        yield from zip(shared_strings(frame[id_column]), frame[text_column], strict=True)


def distinct_texts(rows: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return row id to its distinct texts, in their order; `rows` are pairs of id and text."""
    versions: dict[str, list[str]] = {}
    for row_id, text in rows:
        known = versions.setdefault(row_id, [text])
        if text not in known:
            known.append(text)

    return versions


# --- edges


def edges_from_tables(
    near_duplicates: pd.DataFrame,
    aliases: pd.DataFrame,
    documents: pd.DataFrame,
    pairs: pd.DataFrame,
    *,
    params: SplitParams,
) -> list[Edge]:
    """Return the edges that the tables name and that count for the unit of `params`.

    Args:
        near_duplicates: a NearDuplicates table.
        aliases: an Aliases table.
        documents: Documents as collected, for their groups and topics.
        pairs: all Pairs, collected and built.
        params: the section `split`.
    """
    # The time of a pair alone decides its split. No edge can move it.
    if params.unit == "time":
        return []

    # The rule of a near-duplicate edge may be equality in a looser normal form.
    near_edges = [
        text_edge("equal" if rule == "equal" else "near", left, right)
        for left, right, rule in zip(
            near_duplicates["left_id"],
            near_duplicates["right_id"],
            near_duplicates["rule"],
            strict=True,
        )
    ]

    # Splits share documents here, so only edges between anchors count.
    if params.unit == "anchor":
        return [edge for edge in near_edges if all(map(is_pair_id, edge.ends))]

    edges = [
        *_column_edges(pairs["pair_id"], pairs["doc_id"], "shared document"),
        *_column_edges(aliases["doc_id"], aliases["kept_id"], "copy"),
    ]

    if params.unit == "component":
        edges += near_edges

    # Documents of one group, and of one topic where the parameter asks for it.
    edges += edges_within(documents_by_group(documents), "group")
    edges += edges_within(documents_by_topic(documents, params.topic_levels), "topic")
    return edges


def synthetic_pair_edges(
    synthetic_pairs: pd.DataFrame, document_of_pair: Mapping[str, str], params: SplitParams
) -> list[Edge]:
    """Return the edges between synthetic pairs and the rows that they were built from.

    Two cases matter: an anchor that became the positive of a synthetic pair, and a document
    whose text became its anchor. Mostly that document is the positive too; then the pair has
    that edge anyway.

    Args:
        synthetic_pairs: a SyntheticPairs table.
        document_of_pair: pair id to document id.
        params: the section `split`; documents are left out where the unit does not split them.
    """
    if params.unit == "time":
        return []

    edges: list[Edge] = []
    for pair_id, origin_id in zip(
        synthetic_pairs["pair_id"], synthetic_pairs["origin_id"], strict=True
    ):
        is_own_document = origin_id == document_of_pair[pair_id]
        is_split = params.splits_documents or is_pair_id(origin_id)
        if is_split and not is_own_document:
            edges.append(Edge(pair_id, origin_id, "recipe"))

    return edges


def equal_text_edges(kinds: Sequence[TextVersions]) -> list[Edge]:
    """Return edges that connect the rows which have a text in common, in normal form."""
    return [
        text_edge("equal", row_ids[0], other)
        for row_ids in equal_groups(*kinds).values()
        for other in row_ids[1:]
    ]


def edges_within(groups: Mapping[str, Sequence[str]], kind: str) -> list[Edge]:
    """Return edges that connect the rows of each group, from the smallest id to each other one."""
    ordered = map(sorted, groups.values())
    return [Edge(row_ids[0], other, kind) for row_ids in ordered for other in row_ids[1:]]


def documents_by_group(documents: pd.DataFrame) -> dict[str, list[str]]:
    """Return the document ids of each group. A group belongs to one source."""
    groups: dict[str, list[str]] = defaultdict(list)
    for doc_id, source, group in zip(
        documents["doc_id"], documents["source"], documents["group"], strict=True
    ):
        if group:
            groups[f"{source}\n{group}"].append(doc_id)

    return dict(groups)


def documents_by_topic(documents: pd.DataFrame, levels: int | None) -> dict[str, list[str]]:
    """Return the ids of the documents whose topics begin with the same `levels` parts.

    Parts end with "/" or ">". A topic of fewer parts is compared as it is. Documents without a
    topic are left out; for `levels` None all are.
    """
    if levels is None:
        return {}

    groups: dict[str, list[str]] = defaultdict(list)
    for doc_id, topic in zip(documents["doc_id"], documents["topic"], strict=True):
        parts = [part.strip() for part in _TOPIC_SEPARATOR.split(topic) if part.strip()]
        if parts:
            groups["\n".join(parts[:levels])].append(doc_id)

    return dict(groups)


def _column_edges(lefts: Iterable[str], rights: Iterable[str], kind: str) -> list[Edge]:
    ends = zip(shared_strings(lefts), shared_strings(rights), strict=True)
    return [Edge(left, right, kind) for left, right in ends]


# --- components


def connected_components(
    row_ids: Iterable[str], edges: Iterable[tuple[str, str]], name: Namer | None = None
) -> dict[str, str]:
    """Return row id to component id.

    Args:
        row_ids: all rows, also those without an edge.
        edges: pairs of row ids.
        name: the function that names a component by its members; `name_by_document` by default.

    Raises:
        KeyError: an edge has an unknown id.
    """
    from scipy import sparse
    from scipy.sparse import csgraph

    name = name or name_by_document
    ids = list(dict.fromkeys(row_ids))
    number_of = {row_id: number for number, row_id in enumerate(ids)}

    # Numbers take a fraction of the memory of mappings between ids.
    numbers = (number_of[row_id] for edge in edges for row_id in edge)
    ends = np.fromiter(numbers, dtype=np.int32).reshape(-1, 2)
    is_edge = np.ones(len(ends), dtype=bool)
    graph = sparse.coo_array((is_edge, (ends[:, 0], ends[:, 1])), shape=(len(ids), len(ids)))
    _, labels = csgraph.connected_components(graph, directed=False)

    # The members of a component follow each other, in their order.
    by_label = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[by_label], prepend=-1))
    stops = np.append(starts[1:], len(ids))

    # Name each component by all of its members, in the order of their first ones.
    component_of: dict[str, str] = {}
    for component in np.argsort(by_label[starts]):
        members = by_label[starts[component] : stops[component]]
        group = [ids[number] for number in members.tolist()]
        component_of.update(dict.fromkeys(group, name(group)))

    return component_of


def name_by_document(group: Sequence[str]) -> str:
    """Return the document id of `group` that hashes smallest.

    Pairs name no component. So a new pair of a known document renames, and moves, nothing.

    Raises:
        ValueError: the group has no document.
    """
    doc_ids = [row_id for row_id in group if row_id.startswith("d")]
    if not doc_ids:
        raise ValueError(f"component of {min(group)} has no document")

    return name_by_hash(doc_ids)


def name_by_document_or_anchor(anchors: TextVersions) -> Namer:
    """Return a function that names a component by its documents, or else by its anchors.

    A pair that is no answer may stand alone, without a document.
    """
    by_anchor = name_by_anchor(anchors)

    def name(group: Sequence[str]) -> str:
        has_documents = any(not is_pair_id(row_id) for row_id in group)
        return name_by_document(group) if has_documents else by_anchor(group)

    return name


def name_by_hash(group: Sequence[str]) -> str:
    """Return the member of `group` whose id hashes smallest."""
    return min(group, key=lambda row_id: (hash_hex("component", row_id), row_id))


def name_by_anchor(anchors: TextVersions) -> Namer:
    """Return a function that names a component of pairs by a hash of their anchors as collected.

    So a new pair with a known anchor renames nothing.
    """

    def name(group: Sequence[str]) -> str:
        forms = [normal_form(anchors[pair_id][0]) for pair_id in group]
        return "p" + min(hash_hex("component", form) for form in forms)

    return name


def split_of_component(component_id: str, train: float, validation: float) -> str:
    """Return the split of a component: train, validation or test.

    It follows from a hash of the id alone, so other rows, seeds and counts cannot move a
    component. The hash is independent of the one that names components.
    """
    # A number in [0, 1), the same on every machine.
    position = int(hash_hex("split", component_id), 16) / 2**64
    if position < train:
        return "train"

    return "validation" if position < train + validation else "test"


def sampling_hash(component_id: str) -> str:
    """Return the hash by which components are sampled: 16 hexadecimal digits.

    It is independent of the hashes that name components and give them splits.
    """
    return hash_hex("sample", component_id)


def sample_components(
    pair_count: Mapping[str, int], max_pairs: int | None, first: Collection[str] = ()
) -> set[str]:
    """Return the training components that hold about `max_pairs` pairs; all of them for None.

    Components come in hash order until the number is reached, so a larger sample contains every
    smaller one.

    Args:
        pair_count: number of pairs of each training component.
        max_pairs: the number of pairs after which no component is added.
        first: components that come before the others.
    """
    if max_pairs is None:
        return set(pair_count)

    chosen: set[str] = set()
    chosen_pairs = 0
    for component_id in sorted(
        pair_count, key=lambda name: (name not in first, sampling_hash(name))
    ):
        if chosen_pairs >= max_pairs:
            break

        chosen.add(component_id)
        chosen_pairs += pair_count[component_id]

    return chosen
