"""Frozen ids keep their split, whatever grows or changes. Those that had to move are listed."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.errors import UserError
from stages.lib.schemas.ledger import Ledger
from stages.split.assignment import sample_training
from stages.split.components import split_of_component
from stages.split.constraints import frozen_splits, moved_frozen_ids, read_frozen
from tests.properties import examples
from tests.split.faq import (
    EVEN,
    LONG,
    assigned,
    d,
    documents,
    metrics,
    named,
    nine_documents,
    p,
    pairs,
    run,
    splits,
    text,
    with_params,
    written,
)


@pytest.mark.parametrize(
    ("frozen", "split"),
    [
        ({"a": "train"}, "train"),
        ({"a": "train", "b": "validation"}, "validation"),
        ({"a": "validation", "b": "test"}, "test"),
        ({"a": "test", "b": "train", "c": "validation"}, "test"),
        ({"gone": "test", "b": "train"}, "train"),
    ],
)
def test_of_several_splits_the_one_farthest_from_training_wins(frozen, split):
    assert frozen_splits(dict.fromkeys("abc", "a"), frozen) == {"a": split}


def test_a_component_without_frozen_members_is_left_to_its_hash():
    assert frozen_splits({"a": "a", "b": "b"}, {"b": "test"}) == {"b": "test"}


def test_what_moved_is_listed():
    component_of, split_of = {"a": "a", "b": "a", "c": "c"}, {"a": "test", "c": "train"}
    assert moved_frozen_ids(
        component_of, split_of, {"a": "test", "b": "train", "gone": "test"}
    ) == ["b"]


def test_frozen_ids_keep_their_split_whatever_shares_are_chosen():
    document_table = documents(*((f"{index}", text(index)) for index in range(30)))
    pair_table = pairs(*((f"{index}", text(f"{index}?"), f"{index}") for index in range(30)))
    before = assigned(document_table, pair_table, EVEN).split_by_row()
    assert (
        assigned(document_table, pair_table, with_params(train=0.1, validation=0.1)).split_by_row()
        != before
    )
    assert (
        assigned(
            document_table, pair_table, with_params(train=0.1, validation=0.1), frozen=before
        ).split_by_row()
        == before
    )


def test_freezing_the_splits_of_today_changes_no_edge():
    a, b = named("train")[0], named("test")[0]
    document_table = documents((a, LONG), (b, LONG + " please"))
    pair_table = pairs((a, text("1"), a), (b, text("2"), b))
    before = assigned(document_table, pair_table, with_params())
    assert "near text" in {edge.kind for edge in before.edges}
    assert (
        assigned(document_table, pair_table, with_params(), frozen=before.split_by_row()) == before
    )


def test_frozen_training_is_sampled_first():
    document_table = documents(*((f"{index}", text(index)) for index in range(30)))
    pair_table = pairs(*((f"{index}", text(f"{index}?"), f"{index}") for index in range(30)))
    assignment = assigned(document_table, pair_table, EVEN)
    trained = sorted(
        row_id
        for row_id, split in assignment.split_by_row().items()
        if split == "train" and row_id.startswith("p")
    )
    for pair_id in trained:
        kept = sample_training(assignment, pair_table, 1, {pair_id: "train"}).set_index("id")[
            "split"
        ]
        assert [row_id for row_id in kept.index[kept == "train"] if row_id.startswith("p")] == [
            pair_id
        ]


# --- growth

POOL = [
    LONG,
    LONG + " please",
    "Reset it",
    "reset it!",
    "C++",
    "C#",
    *(text(index) for index in range(12)),
]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(POOL), st.sampled_from(POOL), st.sampled_from(["", "", "", "g", "h"])
    ),
    min_size=1,
    max_size=20,
)


def table(rows, name):
    return (
        documents(
            *(
                (f"{name} {index}", document_text, group)
                for index, (document_text, _, group) in enumerate(rows)
            )
        ),
        pairs(
            *(
                (f"{name} {index}", pair_table, f"{name} {index}")
                for index, (_, pair_table, _) in enumerate(rows)
            )
        ),
    )


@examples(80)
@given(ROWS, ROWS, st.booleans())
def test_more_rows_move_none_but_those_of_merged_components(rows, more, freeze):
    document_table, pair_table = table(rows, "old")
    new_frame, new_asked = table(more[: max(1, len(rows) // 10)], "new")
    before = assigned(document_table, pair_table)
    frozen = before.split_by_row() if freeze else {}
    after = assigned(
        pd.concat([document_table, new_frame]), pd.concat([pair_table, new_asked]), frozen=frozen
    )
    elsewhere = {
        row_id
        for row_id, split in before.split_by_row().items()
        if after.split_by_row()[row_id] != split
    }
    joined = {
        name
        for name in after.component_of.values()
        if len(
            {
                before.component_of.get(row_id, row_id)
                for row_id, of in after.component_of.items()
                if of == name
            }
        )
        > 1
    }
    assert {after.component_of[row_id] for row_id in elsewhere} <= joined
    if freeze:
        assert set(moved_frozen_ids(after.component_of, after.split_of, frozen)) == elsewhere
        # A row moves only away from training, or out of validation into test.
        order = ["train", "validation", "test"]
        assert all(
            order.index(after.split_by_row()[row_id]) > order.index(frozen[row_id])
            for row_id in elsewhere
        )


def test_ten_per_cent_more_unconnected_rows_move_nothing():
    old = [(text(f"told {index}"), text(f"asked {index}"), "") for index in range(200)]
    new = [(text(f"new told {index}"), text(f"new asked {index}"), "") for index in range(20)]
    (document_table, pair_table), (new_frame, new_asked) = table(old, "old"), table(new, "new")
    before = assigned(document_table, pair_table, with_params()).split_by_row()
    after = assigned(
        pd.concat([document_table, new_frame]), pd.concat([pair_table, new_asked]), with_params()
    ).split_by_row()
    assert after.items() >= before.items()


# --- the file


def test_the_file_is_read(tmp_path):
    path = tmp_path / "splits.csv"
    path.write_text(f"id,split\n{d(1)},train\n\n{p(1)},test\n{p(1)},test\n", "utf-8")
    assert read_frozen(path) == {d(1): "train", p(1): "test"}


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ("", "line 1: the header is not 'id,split'"),
        (f"{d(1)},train\n", "line 1: the header is not 'id,split'"),
        ("id,split\nd1,train\n", "line 2: 'd1' is no id of a pair or document"),
        (
            f"id,split\n{d(1)},train\n{d(2)},dev\n",
            "line 3: 'dev' is none of train, validation, test",
        ),
        (f"id,split\n{d(1)},corpus\n", "line 2: 'corpus' is none of train, validation, test"),
        (f"id,split\n{d(1)}\n", "line 2: 1 fields where 'id,split' are wanted"),
        (
            f"id,split\n{d(1)},train\n{d(1)},test\n",
            f"line 3: {d(1)} stands in 'train' above and in 'test' here",
        ),
    ],
)
def test_a_malformed_file_is_an_error_with_its_line(tmp_path, content, fact):
    path = tmp_path / "splits.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(UserError, match=fact) as caught:
        read_frozen(path)
    assert "restore the file with git" in caught.value.remedy


def test_a_missing_file_is_a_problem(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        read_frozen(tmp_path / "splits.csv")


# --- the command


@pytest.mark.slow
def test_the_command_keeps_frozen_ids_and_lists_what_moved(project):
    names, document_table, pair_table = nine_documents()
    a, b = names[0], names[1]
    frozen = [(d(a), "test"), (p(b), "validation"), ("d" + 16 * "0", "train")]
    result = run(document_table, pair_table, frozen=frozen)
    assert (result.exit_code, result.output) == (0, "")
    assert [splits()[identity] for identity in (d(a), p(a), d(b), p(b))] == ["test"] * 2 + [
        "validation"
    ] * 2
    assert metrics()["frozen_moved"] == 0

    # Now they are one.
    document_table.loc[document_table["doc_id"] == d(b), "text"] = document_table.loc[
        document_table["doc_id"] == d(a), "text"
    ].iloc[0]
    result = run(document_table, pair_table, frozen=frozen)
    assert (result.exit_code, result.output) == (0, "")
    assert {splits()[identity] for identity in (d(a), p(a), d(b), p(b))} == {"test"}
    assert metrics()["frozen_moved"] == 1
    ledger = written(Ledger, "ledger").query("reason == 'frozen_moved'")
    assert ledger[["row_id", "action", "after"]].to_numpy().tolist() == [[p(b), "note", "test"]]


def test_the_command_refuses_a_malformed_file_and_writes_nothing(project):
    _, document_table, pair_table = nine_documents()
    result = run(document_table, pair_table, frozen=[("d1", "train")])
    assert result.exit_code == 1
    assert "splits.csv, line 2: 'd1' is no id" in result.stderr and "remedy: " in result.stderr
    assert not Path("data/split").exists()


def test_frozen_pairs_of_the_unit_anchor_keep_their_split():
    document_table = documents(("a", text("a")))
    pair_table = pairs(*((f"{index}", text(f"{index}?"), "a") for index in range(10)))
    unit = with_params(unit="anchor")
    other = {
        p(index): "test" if split_of_component(name, 0.8, 0.1) == "train" else "train"
        for index, name in _names(document_table, pair_table, unit)
    }
    assert assigned(document_table, pair_table, unit, frozen=other).split_by_row() == other


def _names(document_table, pair_table, unit):
    component_of = assigned(document_table, pair_table, unit).component_of
    return [(index, component_of[p(index)]) for index in range(10)]
