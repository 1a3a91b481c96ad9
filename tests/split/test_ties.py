"""The unit chooses what ties rows, and one component that swallows the data is refused with what made it."""

import pandas as pd
import pytest

from stages.lib.errors import Problem
from stages.lib.text import hash_hex
from stages.split.components import Tie, tie
from stages.split.ties import SMALLEST, check_size, topics
from tests.split.faq import (
    aliases,
    assigned,
    d,
    documents,
    near,
    p,
    pairs,
    rows_of,
    text,
    ties,
    with_params,
)

FRAME = documents(("a", text("a"), "g"), ("b", text("b"), "g"), ("c", text("c")))
ASKED = pairs(("1", text("1"), "a"), ("2", text("2"), "b"), ("3", text("3"), "c"))
EDGES = near((d("b"), d("c")), (p("1"), p("3")))
COPIES = aliases((d("c"), d("a")))


@pytest.mark.parametrize(
    ("unit", "kinds"),
    [
        ("component", ["copy", "group", "near anchor", "near text", "shared document"]),
        ("group", ["copy", "group", "shared document"]),
        ("anchor", ["near anchor"]),
        ("time", []),
    ],
)
def test_the_unit_chooses_the_ties(unit, kinds):
    assert (
        sorted({one.kind for one in ties(FRAME, ASKED, with_params(unit=unit), EDGES, COPIES)})
        == kinds
    )


@pytest.mark.parametrize(
    ("levels", "tied"),
    [
        (1, [["bikes", "pumps", "short"], ["lamps"]]),
        (2, [["bikes"], ["lamps"], ["pumps"], ["short"]]),
    ],
)
def test_topics_are_cut_to_their_first_parts(levels, tied):
    frame = documents(
        ("bikes", "Ride.", "", "sport/bikes"),
        ("pumps", "Pump.", "", "sport > pumps > hand"),
        ("short", "Play.", "", "sport"),
        ("lamps", "Light.", "", "/home/lamps"),
        ("none", "Nothing."),
    )
    assert sorted(topics(frame, levels).values()) == sorted(
        [d(name) for name in names] for names in tied
    )
    assert topics(frame, None) == {}


def test_a_topic_level_ties_siblings():
    frame = documents(("a", text("a"), "", "sport/bikes"), ("b", text("b"), "", "sport/pumps"))
    asked = pairs(("1", text("1"), "a"), ("2", text("2"), "b"))
    assert len(set(assigned(frame, asked, with_params()).component_of.values())) == 2
    assert len(set(assigned(frame, asked, with_params(topic_levels=1)).component_of.values())) == 1


# --- one component that swallows the data


def star_of(count: int, more: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one document that `count` pairs share, and `more` documents with a pair each."""
    frame = documents(("hub", text("hub")), *((f"{at}", text(at)) for at in range(more)))
    return frame, pairs(
        *((f"hub {at}", hash_hex("?", str(at)), "hub") for at in range(count)),
        *((f"{at}", hash_hex("!", str(at)), f"{at}") for at in range(more)),
    )


def test_a_component_over_the_share_is_refused_with_its_size_its_ties_and_a_remedy():
    with pytest.raises(Problem) as caught:
        assigned(*star_of(30, 70), with_params())
    hub = sorted((p(f"hub {at}"), d("hub")) for at in range(30))
    assert str(caught.value).splitlines() == [
        f"30 of 100 pairs (30.0%) are tied into one component, {d('hub')}; split.max_component_share is 0.05",
        "  tied by (in brackets the largest piece without it): shared document 30 (1)",
        f"  shared document: {hub[0][0]} and {d('hub')}",
        f"  shared document: {hub[1][0]} and {d('hub')}",
        "  remedy: set split.unit to 'anchor', if documents may be shared between splits (click logs);",
        "  or raise split.max_component_share, if the data is like that ('python -m stages explain ID' shows a row)",
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
def test_the_remedy_fits_the_unit_and_what_tied_most(unit, kind, remedy):
    ids = [p(at) for at in range(30)]
    ties_made = [Tie(other, ids[0], kind) for other in ids[1:]]
    with pytest.raises(Problem) as caught:
        check_size(dict.fromkeys(ids, "c"), ids, ties_made, with_params(unit=unit))
    assert remedy in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 10


def test_what_the_component_falls_apart_without_is_told_first():
    # Two heaps of near texts, which one group joins.
    ids, heaps = [d(at) for at in range(30)], (range(1, 15), range(16, 30))
    found = [Tie(p(at), d(at), "shared document") for at in range(30)]
    found += [Tie(ids[heap.start - 1], ids[at], "near text") for heap in heaps for at in heap]
    found += [Tie(*sorted([ids[0], ids[15]]), "group")]
    component_of = tie(
        [*ids, *(p(at) for at in range(30))], [(one.left, one.right) for one in found]
    )
    with pytest.raises(Problem) as caught:
        check_size(component_of, [p(at) for at in range(30)], found, with_params())
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
def test_small_components_and_those_within_the_share_are_let_through(count, more, share):
    assigned(*star_of(count, more), with_params(max_component_share=share))


def test_other_units_take_such_a_component_apart():
    frame, asked = star_of(30, 70)
    found = assigned(frame, asked, with_params(unit="anchor"))
    assert set(found.component_of) == set(rows_of(frame, asked).anchors)
    assert len(set(found.component_of.values())) == 100
