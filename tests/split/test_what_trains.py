"""Nothing that trains holds a held-out text: for every unit and recipe, by raw substring search."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.text import matches as matches_module
from stages.split import assignment as assignment_module
from stages.split.components import is_pair_id
from stages.split.leakage import match_edges
from tests.properties import examples
from tests.split.corpora import (
    NEAR,
    RECIPES,
    SECTIONS,
    SENTENCES,
    corpus,
    line,
    raw_leaks,
    split_corpus,
)
from tests.split.faq import with_params

UNITS = ("component", "group", "anchor", "time")


def params_of(unit):
    return with_params(unit=unit, train=0.4, validation=0.3, max_component_share=1.0)


def day(number):
    return f"2026-01-{number + 1:02}T00:00:00.000000Z"


def times_of(data, days):
    times = {
        pair_id: day(number) for pair_id, number in zip(data.pairs["pair_id"], days, strict=True)
    }
    return times | {doc_id: day(0) for doc_id in data.documents["doc_id"]}


def couples(kind, count=16):
    """Return `count` couples of documents with a pair each, of which the second leaks the first."""
    texts, anchors = [], []
    for number in range(count):
        a, b = f"{kind} {number} a", f"{kind} {number} b"
        shared = line(f"{kind} {number}", {"section": 55, "near": 12, "equal": 12}.get(kind, 12))
        if kind == "section":
            texts += [f"{line(a, 25)}\n{shared}", f"{shared}\n{line(b, 40)}\n{line(b + '!', 30)}"]
            names = [line(a + "?", 5), line(b + "?", 5)]
        elif kind == "near":
            texts += [shared, f"{shared} more"]
            names = [line(a + "?", 5), line(b + "?", 5)]
        elif kind == "equal":
            texts += [line(a, 9), line(b, 9)]
            names = [shared, shared]
        else:
            # The anchor of the second pair is the text of the first document.
            texts += [shared, line(b, 9)]
            names = [line(a + "?", 5), shared]
        anchors += [(names[0], 2 * number), (names[1], 2 * number + 1)]

    return corpus(texts, anchors)


SABOTAGE = {
    "section": lambda edge: edge.kind.startswith("overlapping"),
    "near": lambda edge: edge.kind.startswith("near"),
    "equal": lambda edge: edge.kind == "equal anchor",
    "mixed": lambda edge: is_pair_id(edge.left) != is_pair_id(edge.right),
}


@pytest.mark.parametrize("kind", SABOTAGE)
def test_planted_leaks_are_tied(kind):
    result = split_corpus(couples(kind), params_of("component"))
    assert raw_leaks(result, "component") == []
    assert result.leaked == []
    assert len(result.triplets) and result.held_out


@pytest.mark.parametrize("kind", SABOTAGE)
def test_without_its_kind_of_edge_both_checks_find_the_leaks(monkeypatch, kind):
    def without_kind(matches, document_of_pair):
        edges = match_edges(matches, document_of_pair)
        return [edge for edge in edges if not SABOTAGE[kind](edge)]

    monkeypatch.setattr(assignment_module, "match_edges", without_kind)
    result = split_corpus(couples(kind), params_of("component"))
    assert raw_leaks(result, "component") != []
    assert result.leaked != []


def test_without_runs_the_raw_search_finds_copied_sections(monkeypatch):
    def no_runs(kinds, ids_of_form, source_of):
        return matches_module.TextMatches({}, [], [])

    monkeypatch.setattr(matches_module, "_overlapping", no_runs)
    result = split_corpus(couples("section"), params_of("component"))
    assert raw_leaks(result, "component") != []


# --- every unit and recipe

BLOCKS = st.one_of(
    st.integers(0, 10**6).map(lambda number: line(number, 9)),
    st.sampled_from([*SECTIONS, *SENTENCES, *NEAR]),
    st.sampled_from([f"Q: {line('asked', 6)[:-1]}?\nA: {line('answered', 12)}", "# Part\n"]),
)
DOCUMENTS = st.lists(
    st.lists(BLOCKS, min_size=1, max_size=6).map("\n".join), min_size=3, max_size=7
)
ANCHORS = st.one_of(
    st.integers(0, 10**6).map(lambda number: line(f"anchor {number}", 4)),
    st.sampled_from([*NEAR, *(f"{text} more" for text in NEAR), *SENTENCES, *SECTIONS]),
)


@st.composite
def corpora(draw):
    texts = draw(DOCUMENTS)
    numbers = st.integers(0, len(texts) - 1)
    anchors = draw(st.lists(st.tuples(ANCHORS, numbers), min_size=2, max_size=10))
    topics = draw(st.lists(st.sampled_from(["a", "b"]), min_size=len(texts), max_size=len(texts)))
    days = draw(st.lists(st.integers(0, 8), min_size=len(anchors), max_size=len(anchors)))
    recipes = draw(st.lists(st.sampled_from(RECIPES), unique=True, max_size=3))
    return corpus(texts, anchors, topics), recipes, days


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
@examples(40)
@given(corpora())
def test_nothing_that_trains_is_held_out(unit, drawn):
    data, recipes, days = drawn
    result = split_corpus(data, params_of(unit), recipes, times_of(data, days))
    assert raw_leaks(result, unit) == []
    assert result.leaked == []


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_each_unit_and_recipe_on_one_corpus(unit, recipe):
    texts = [
        f"# Part\n{line(number, 30)}\n{SECTIONS[number % 3]}\nQ: {line(f'q {number % 4}', 6)[:-1]}?\n"
        f"A: {line(f'a {number}', 12)}\n{SENTENCES[number // 3 % 3] if number < 6 else NEAR[0]}"
        if number < 9
        else line(f"alone {number}", 14)
        for number in range(24)
    ]
    anchors = [(line(f"anchor {number}", 4), number) for number in range(24)]
    anchors += [
        (NEAR[1], 11),
        (f"{NEAR[1]} more", 12),
        (SENTENCES[0], 13),
        (line("alone 14", 14), 15),
    ]
    data = corpus(texts, anchors, ["a" if number < 12 else "b" for number in range(24)])
    days = [number % 28 for number in range(len(anchors))]
    result = split_corpus(data, params_of(unit), [recipe], times_of(data, days))
    assert raw_leaks(result, unit) == []
    assert result.leaked == []
