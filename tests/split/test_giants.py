"""A component that is too large is trained on or cut. Nothing is shared between splits."""

import random
from unittest import mock

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.errors import UserError
from stages.split import giants as giants_module
from stages.split.frozen_giants import FrozenGiants
from stages.split.giants import choose_handling, pair_limit
from tests.properties import examples
from tests.split.faq import d, matches_of, p, rows_of, with_params
from tests.split.giant_tables import (
    AUTO,
    chain,
    click_log,
    divided,
    frozen_as,
    label_graph,
    shared_between_splits,
    shares,
    singles,
    table_of,
)

# --- which giants are trained on, and which are cut


@pytest.mark.parametrize(
    ("sizes", "handling"),
    [
        ({"a": 30, "b": 970}, {"b": "cut"}),
        ({"a": 51, **{f"s{index}": 1 for index in range(949)}}, {"a": "train"}),
        ({"a": 330, **{f"s{index}": 1 for index in range(670)}}, {"a": "train"}),
        ({"a": 340, **{f"s{index}": 1 for index in range(660)}}, {"a": "cut"}),
        # The smaller ones are trained on, until too little would remain.
        (
            {"a": 100, "b": 200, "c": 300, **{f"s{index}": 1 for index in range(400)}},
            {"a": "train", "b": "train", "c": "cut"},
        ),
        ({f"s{index}": 50 for index in range(20)}, {}),
    ],
)
def test_auto_trains_giants_while_two_thirds_of_the_pairs_remain(sizes, handling):
    assert choose_handling(sizes, 50, {}, AUTO) == handling


@pytest.mark.parametrize(("choice", "handling"), [("train", "train"), ("cut", "cut")])
def test_a_choice_holds_for_every_giant_but_frozen_ones(choice, handling):
    sizes = {"a": 60, "b": 700, "c": 70, "d": 10}
    frozen = {"c": "cut", "d": "train"}
    chosen = choose_handling(sizes, 50, frozen, with_params(giants=choice))
    assert chosen == {"a": handling, "b": handling, "c": "cut", "d": "train"}


def test_the_limit_is_a_share_of_the_pairs_or_what_was_frozen():
    assert pair_limit(1000, AUTO, FrozenGiants()) == 50
    assert pair_limit(100, AUTO, FrozenGiants()) == 20
    assert pair_limit(1000, AUTO, FrozenGiants(70)) == 70


# --- one component with a part of the pairs


@pytest.mark.parametrize("part", [3, 10, 40, 80])
@pytest.mark.parametrize("choice", ["auto", "train", "cut"])
def test_no_part_stops_and_no_document_or_anchor_is_in_two_splits(part, choice):
    links = [*chain("g", 4 * part), *singles("s", 400 - 4 * part)]
    assignment = divided(*table_of(links), with_params(giants=choice))
    split_of = assignment.split_by_row()
    assert shared_between_splits(split_of, links) == 0

    # A component of 12 pairs is below the limit. One of 160 leaves less than two thirds.
    expected = {3: [], 10: ["train"], 40: ["cut"], 80: ["cut"]}[part]
    if choice != "auto":
        expected = [choice] * len(expected)
    assert [giant.handling for giant in assignment.giants] == expected

    giant = [link for link in links if link[0].startswith("g")]
    if expected == ["cut"]:
        # A line of documents is cut at a few places.
        parts = shares(split_of, giant)
        assert sum(split_of[p(" ".join(link))] == "left_out" for link in giant) <= 4
        assert 0.7 <= parts["train"] <= 0.85
        assert parts["validation"] + parts["test"] >= 0.15
    if expected == ["train"]:
        assert shares(split_of, giant) == {"train": 1.0}


@pytest.mark.parametrize("choice", ["train", "cut"])
def test_a_pair_in_use_is_in_the_component_of_its_document_or_of_its_query(choice):
    """In training it is that of the document; held-out pairs of one query are together."""
    links = [*chain("g", 160), *singles("s", 240)]
    document_table, pair_table = table_of(links)
    assignment = divided(document_table, pair_table, with_params(giants=choice))
    split_of = assignment.split_by_row()
    component_of = assignment.component_of
    components_of_query: dict[str, set[str]] = {}
    seen = set()
    for pair in pair_table.itertuples():
        split = split_of[pair.pair_id]
        seen.add(split)
        if split == "train":
            assert component_of[pair.pair_id] == component_of[pair.doc_id]
        elif split != "left_out":
            components_of_query.setdefault(pair.anchor, set()).add(component_of[pair.pair_id])
            assert split_of[pair.doc_id] == split
    assert seen >= {"train", "validation", "test"}
    assert {len(components) for components in components_of_query.values()} == {1}


def test_a_giant_says_what_ties_it_kind_by_kind():
    links = [*chain("g", 40), *singles("s", 360)]
    (giant,) = divided(*table_of(links), with_params(giants="train")).giants
    assert list(giant.ties) == sorted(giant.ties)
    assert sum(giant.ties.values()) > 0


@pytest.mark.parametrize("part", [10, 40, 80])
def test_stop_says_what_ties_a_component_together(part):
    links = [*chain("g", 4 * part), *singles("s", 400 - 4 * part)]
    with pytest.raises(UserError) as caught:
        divided(*table_of(links), with_params(giants="stop"))
    assert f"{4 * part} of 400 pairs ({part}.0%) are tied into one component" in str(caught.value)
    assert "set split.giants to 'auto'" in str(caught.value)


def test_without_a_giant_the_assignment_is_the_same_object():
    links = singles("s", 300)
    with mock.patch.object(giants_module, "build_graph", side_effect=AssertionError):
        assignment = divided(*table_of(links))
    assert (assignment.giants, dict(assignment.giant_of)) == ((), {})
    stopped = divided(*table_of(links), with_params(giants="stop"))
    assert assignment.split_by_row() == stopped.split_by_row()
    assert assignment.component_of == stopped.component_of


# --- graphs beyond percolation


@pytest.mark.slow
@pytest.mark.parametrize(
    ("links", "part"), [(label_graph(1200), 0.6), (click_log(1500), 0.6)], ids=["labels", "clicks"]
)
def test_a_cut_loses_few_pairs_of_a_graph_that_hangs_together(links, part):
    assignment = divided(*table_of(links), with_params(giants="cut"))
    split_of = assignment.split_by_row()
    assert max(giant.pairs for giant in assignment.giants) >= part * len(links)
    assert shared_between_splits(split_of, links) == 0
    giant = [link for link in links if p(" ".join(link)) in assignment.giant_of]
    lost = sum(split_of[p(" ".join(link))] == "left_out" for link in giant)
    assert lost <= 0.02 * len(giant)
    held_out = sum(split_of[p(" ".join(link))] in ("validation", "test") for link in giant)
    assert held_out >= 0.15 * len(giant)


def test_each_lost_pair_has_a_reason_and_the_document_it_asked_for():
    links = chain("g", 400)
    assignment = divided(*table_of(links))
    split_of = assignment.split_by_row()
    lost = {p(" ".join(link)): d(link[1]) for link in links}
    lost = {pair_id: doc_id for pair_id, doc_id in lost.items() if split_of[pair_id] == "left_out"}
    assert 1 <= len(lost) <= 8
    assert {
        pair_id: (exclusion.reason, exclusion.partner_id)
        for pair_id, exclusion in assignment.excluded.items()
    } == {pair_id: ("cut_straddles", doc_id) for pair_id, doc_id in lost.items()}


@pytest.mark.slow
def test_a_random_placing_is_caught_by_the_loss_and_one_that_loses_nothing_by_the_leaks():
    links = label_graph(1200)
    draw = random.Random(1)

    def at_random(graph, shares):
        return draw.choices(["train", "validation", "test"], shares, k=len(graph.members))

    with mock.patch.object(giants_module, "cut_graph", at_random):
        split_of = divided(*table_of(links), with_params(giants="cut")).split_by_row()
    assert shares(split_of, links)["left_out"] > 0.1

    # A cut that leaves nothing out shares documents and anchors.
    with (
        mock.patch.object(giants_module, "cut_graph", at_random),
        mock.patch.object(giants_module, "leave_out", lambda *_: giants_module.LeftOut(set(), {})),
        mock.patch("stages.split.assign.find_leaks", return_value=[]),
    ):
        split_of = divided(*table_of(links), with_params(giants="cut")).split_by_row()
    assert shared_between_splits(split_of, links) > 0


# --- near texts


def words(*numbers):
    return " ".join(f"w{number}" for number in numbers)


def near_anchor_chain(count):
    """Return pairs whose anchors are each near to the next one: fourteen of fifteen words."""
    document_table, pair_table = table_of(singles("n", count))
    anchors = [words(*range(40 + index, 80 + index)) for index in range(count)]
    return document_table, pair_table.assign(anchor=pd.Series(anchors, dtype="str"))


@pytest.mark.parametrize("unit", ["component", "anchor"])
def test_a_chain_of_near_anchors_is_cut_and_near_rows_do_not_straddle(unit):
    document_table, pair_table = near_anchor_chain(60)
    more = table_of(singles("s", 60))
    tables = [
        pd.concat(both, ignore_index=True)
        for both in zip((document_table, pair_table), more, strict=True)
    ]
    params = with_params(unit=unit, giants="cut")
    assignment = divided(*tables, params, matches=matches_of(rows_of(*tables), params))
    assert [giant.pairs >= 40 for giant in assignment.giants] == [True]
    split_of = assignment.split_by_row()

    # An independent count of near anchors in two splits: three shared words in a row, as sets.
    def runs(anchor):
        parts = anchor.split()
        return {tuple(parts[index : index + 3]) for index in range(len(parts) - 2)}

    anchors = dict(zip(pair_table["pair_id"], pair_table["anchor"].map(runs), strict=True))
    leaks = 0
    for left, left_runs in anchors.items():
        for right, right_runs in anchors.items():
            splits = {split_of[left], split_of[right]} - {"left_out"}
            similarity = len(left_runs & right_runs) / len(left_runs | right_runs)
            leaks += len(splits) == 2 and similarity >= 0.8
    assert leaks == 0
    reasons = [exclusion.reason for exclusion in assignment.excluded.values()]
    assert set(reasons) <= {"cut_near", "cut_straddles"}
    assert "cut_near" in reasons or unit == "component"
    assert 1 <= len(reasons) <= 20
    splits = {split_of[pair_id] for pair_id in anchors}
    assert "train" in splits and not splits.isdisjoint({"validation", "test"})


# --- the same result whatever the order


@pytest.mark.slow
def test_the_order_of_rows_changes_nothing():
    links = [*label_graph(480), *singles("s", 50)]
    document_table, pair_table = table_of(links)
    first = divided(document_table, pair_table, with_params(giants="cut"))
    shuffled = divided(
        document_table.sample(frac=1, random_state=3),
        pair_table.sample(frac=1, random_state=4),
        with_params(giants="cut"),
    )
    assert first.component_of == shuffled.component_of
    assert first.split_of == shuffled.split_of
    assert first.excluded.keys() == shuffled.excluded.keys()


@pytest.mark.slow
def test_unrelated_rows_do_not_move_a_cut():
    links = label_graph(480)
    params = with_params(giants="cut")
    alone = divided(*table_of(links), params)
    beside = divided(*table_of([*links, *singles("s", 60)]), params).split_by_row()
    largest = max(alone.giants, key=lambda giant: giant.pairs).name
    rows = [row_id for row_id, name in alone.giant_of.items() if name == largest]
    assert len(rows) > 300
    split_of = alone.split_by_row()
    assert {row_id: beside[row_id] for row_id in rows} == {
        row_id: split_of[row_id] for row_id in rows
    }


# --- components of what is held out


@pytest.mark.slow
def test_held_out_pairs_are_in_components_of_documents_and_a_query_is_in_one():
    links = label_graph(1200)
    assignment = divided(*table_of(links), with_params(giants="cut"))
    split_of = assignment.split_by_row()
    held_out = [link for link in links if split_of[p(" ".join(link))] in ("validation", "test")]
    components = {assignment.component_of[p(" ".join(link))] for link in held_out}
    documents = {document for _, document in held_out}
    assert components <= {d(document) for document in documents}
    assert len(components) >= 0.3 * len(documents)

    component_of_query = {}
    for query, document in held_out:
        name = assignment.component_of[p(f"{query} {document}")]
        assert component_of_query.setdefault(query, name) == name


# --- frozen giants


@pytest.mark.slow
@examples(10)
@given(
    added=st.integers(0, 120),
    removed=st.integers(0, 80),
    part=st.sampled_from([60, 150, 400]),
)
def test_under_a_frozen_file_unrelated_rows_flip_nothing(added, removed, part):
    giant = chain("g", part)
    others = singles("s", 200)
    before = divided(*table_of([*giant, *others]))
    frozen, giants = frozen_as(before, pair_limit(part + 200, AUTO, FrozenGiants()))
    after = divided(
        *table_of([*giant, *others[removed:], *singles("new", added)]), frozen=frozen, giants=giants
    )
    old, new = before.split_by_row(), after.split_by_row()
    kept = old.keys() & new.keys()
    assert len(kept) >= part
    assert {row_id: new[row_id] for row_id in kept} == {row_id: old[row_id] for row_id in kept}
    assert shared_between_splits(new, [*giant, *others[removed:]]) == 0


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_new_rows_of_a_frozen_giant_join_the_split_of_most_of_their_edges(split):
    giant = chain("g", 400)
    others = singles("s", 100)
    before = divided(*table_of([*giant, *others]))
    frozen, giants = frozen_as(before, 25)
    old = before.split_by_row()
    homes = sorted(
        document for document in {name for _, name in giant} if old[d(document)] == split
    )
    other_split = {"train": "test", "validation": "train", "test": "train"}[split]
    away = min(document for _, document in giant if old[d(document)] == other_split)
    links = [("new", homes[0]), ("new", homes[1]), ("new", away), ("new", "fresh")]
    after = divided(*table_of([*giant, *others, *links]), frozen=frozen, giants=giants)
    new = after.split_by_row()
    assert [new[p(" ".join(link))] for link in links] == [split, split, "left_out", split]
    assert new[d("fresh")] == split
    assert {row_id: new[row_id] for row_id in old} == old


def test_frozen_held_out_rows_stay_held_out_in_a_giant_that_absorbs_them():
    giant = chain("g", 100)
    others = singles("s", 400)
    before = divided(*table_of([*giant, *others]))
    frozen, giants = frozen_as(before, 25)
    old = before.split_by_row()
    tested = [link for link in others if old[p(" ".join(link))] == "test"]
    query, document = tested[0]

    # Two training queries ask for the test document, and its query for a new document.
    links = [("g3", document), ("g4", document), (query, "fresh")]
    after = divided(*table_of([*giant, *others, *links]), frozen=frozen, giants=giants)
    new = after.split_by_row()
    assert new[p(f"{query} {document}")] == "test"
    assert new[d(document)] == "test"
    assert {after.excluded[p(" ".join(link))].reason for link in links} == {"meets_frozen"}
    assert {row_id: new[row_id] for row_id in old} == old
    assert shared_between_splits(new, [*giant, *others, *links]) == 0


@pytest.mark.slow
def test_dividing_needs_no_rule_of_frozen_files_to_keep_a_giant_that_shrinks():
    giant = chain("g", 400)
    others = singles("s", 100)
    before = divided(*table_of([*giant, *others]))
    frozen, giants = frozen_as(before, 25)
    old = before.split_by_row()
    for rest in (giant[:200], giant[100:130], giant[250:260]):
        new = divided(*table_of([*rest, *others]), frozen=frozen, giants=giants).split_by_row()
        assert {row_id: old[row_id] for row_id in new} == new
