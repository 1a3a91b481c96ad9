"""The unit chooses what ties rows, and one component that swallows the data is refused with what made it."""

import pandas as pd
import pytest

from stages.lib.errors import Problem
from stages.lib.text import hash_hex
from stages.split.components import Tie, tie
from stages.split.ties import SMALLEST, check_size, topics
from tests.split.faq import aliases, assigned, d, documents, near, p, pairs, rows_of, text, ties, with_params

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
    assert sorted({one.kind for one in ties(FRAME, ASKED, with_params(unit=unit), EDGES, COPIES)}) == kinds


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
    assert sorted(topics(frame, levels).values()) == sorted([d(name) for name in names] for names in tied)
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
        "  tied by: shared document 30",
        f"  shared document: {hub[0][0]} and {d('hub')}",
        f"  shared document: {hub[1][0]} and {d('hub')}",
        "  remedy: set split.unit to 'anchor', if documents may be shared between splits (click logs);",
        "  or raise split.max_component_share, if the data is like that ('python -m stages explain ID' shows a row)",
    ]


def test_documents_with_one_pair_made_nothing_and_each_kind_is_shown():
    ids = [d(at) for at in range(30)]
    found = [Tie(p(at), d(at), "shared document") for at in range(30)]
    found += [Tie(ids[0], other, "near text") for other in ids[1:25]] + [Tie(ids[24], i, "group") for i in ids[25:]]
    component_of = tie([*ids, *(p(at) for at in range(30))], [(one.left, one.right) for one in found])
    with pytest.raises(Problem) as caught:
        check_size(component_of, [p(at) for at in range(30)], found, 0.05)
    lines = str(caught.value).splitlines()
    assert lines[1] == "  tied by: near text 24, group 5"
    assert [line.split(":")[0].strip() for line in lines[2:4]] == ["near text", "group"]
    assert "set split.unit to 'group', or raise deduplicate.near_threshold" in lines[4]


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
