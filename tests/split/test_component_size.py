"""A component that has most of the data is an error, which names the edges that formed it."""

import pandas as pd
import pytest

from stages.lib.core.errors import UserError
from stages.lib.core.ids import hash_hex
from stages.split.component_size import SMALLEST, check_component_size
from stages.split.components import Edge, connected_components
from tests.split.faq import (
    assigned,
    d,
    documents,
    p,
    pairs,
    rows_of,
    text,
    with_params,
)

# --- one component that swallows the data


def one_large_document(count: int, more: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one document that `count` pairs share, and `more` documents with a pair each."""
    document_table = documents(
        ("hub", text("hub")), *((f"{index}", text(index)) for index in range(more))
    )
    return document_table, pairs(
        *((f"hub {index}", hash_hex("?", str(index)), "hub") for index in range(count)),
        *((f"{index}", hash_hex("!", str(index)), f"{index}") for index in range(more)),
    )


def test_a_too_large_component_is_an_error_with_its_edges():
    with pytest.raises(UserError) as caught:
        assigned(*one_large_document(30, 70), with_params())
    hub = sorted((p(f"hub {index}"), d("hub")) for index in range(30))
    assert str(caught.value).splitlines() == [
        f"30 of 100 pairs (30.0%) are tied into one component, {d('hub')}; split.max_component_share is 0.05",
        "  tied by (in brackets the largest piece without it): shared document 30 (1)",
        f"  shared document: {hub[0][0]} and {d('hub')}",
        f"  shared document: {hub[1][0]} and {d('hub')}",
        "  remedy: set split.unit to 'anchor', if documents may be shared between splits (click logs);",
        "  or set split.giants to 'auto', which trains on it or cuts it ('python -m stages explain ID' shows a row)",
    ]


@pytest.mark.parametrize(
    ("unit", "kind", "remedy"),
    [
        (
            "component",
            "near anchor",
            "set split.unit to 'group', or raise deduplicate.near_threshold",
        ),
        (
            "anchor",
            "near anchor",
            "remedy: raise deduplicate.near_threshold and split.near_threshold",
        ),
        ("group", "shared document", "set split.unit to 'anchor'"),
        ("component", "equal anchor", "set split.unit to 'anchor'"),
        ("anchor", "equal anchor", "see whether this text should be there so often"),
        ("group", "group", "map a finer column to 'group'"),
        ("component", "topic", "raise split.topic_levels"),
    ],
)
def test_the_remedy_fits_the_unit_and_the_main_kind_of_edge(unit, kind, remedy):
    ids = [p(index) for index in range(30)]
    edges = [Edge(other, ids[0], kind) for other in ids[1:]]
    with pytest.raises(UserError) as caught:
        check_component_size(dict.fromkeys(ids, "c"), ids, edges, with_params(unit=unit))
    assert remedy in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 10


def test_the_kind_that_holds_a_component_together_comes_first():
    # Two heaps of near texts, which one group joins.
    ids, heaps = [d(index) for index in range(30)], (range(1, 15), range(16, 30))
    edges = [Edge(p(index), d(index), "shared document") for index in range(30)]
    edges += [
        Edge(ids[heap.start - 1], ids[index], "near text") for heap in heaps for index in heap
    ]
    edges += [Edge(*sorted([ids[0], ids[15]]), "group")]
    component_of = connected_components(
        [*ids, *(p(index) for index in range(30))], [(edge.left, edge.right) for edge in edges]
    )
    with pytest.raises(UserError) as caught:
        check_component_size(component_of, [p(index) for index in range(30)], edges, with_params())
    lines = str(caught.value).splitlines()
    # A document with one pair joined nothing.
    assert (
        lines[1]
        == "  tied by (in brackets the largest piece without it): group 1 (15), near text 28 (2)"
    )
    assert lines[2] == f"  group: {' and '.join(sorted([d(0), d(15)]))}"
    assert "map a finer column to 'group'" in lines[4]


@pytest.mark.parametrize(
    ("count", "more", "share"),
    [(SMALLEST, 0, 0.05), (SMALLEST + 1, 20 * SMALLEST, 0.05), (30, 70, 0.3)],
)
def test_small_components_and_those_within_the_share_pass(count, more, share):
    assigned(*one_large_document(count, more), with_params(max_component_share=share))


def test_other_units_take_such_a_component_apart():
    document_table, pair_table = one_large_document(30, 70)
    edges = assigned(document_table, pair_table, with_params(unit="anchor"))
    assert set(edges.component_of) == set(rows_of(document_table, pair_table).anchors)
    assert len(set(edges.component_of.values())) == 100
