"""What is frozen keeps its split, whatever grows or changes; what had to move is listed."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.errors import Problem
from stages.split.assignment import keep_sample
from stages.split.components import assign
from stages.split.frozen import kept_splits, moved, read_frozen
from tests.split.faq import (
    EVEN,
    LONG,
    assigned,
    d,
    documents,
    metrics,
    named,
    p,
    pairs,
    run,
    splits,
    text,
    told_and_asked,
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
    assert kept_splits(dict.fromkeys("abc", "a"), frozen) == {"a": split}


def test_a_component_without_frozen_members_is_left_to_its_hash():
    assert kept_splits({"a": "a", "b": "b"}, {"b": "test"}) == {"b": "test"}


def test_what_moved_is_listed():
    component_of, split_of = {"a": "a", "b": "a", "c": "c"}, {"a": "test", "c": "train"}
    assert moved(component_of, split_of, {"a": "test", "b": "train", "gone": "test"}) == ["b"]


def test_frozen_ids_keep_their_split_whatever_shares_are_chosen():
    frame = documents(*((f"{at}", text(at)) for at in range(30)))
    asked = pairs(*((f"{at}", text(f"{at}?"), f"{at}") for at in range(30)))
    before = assigned(frame, asked, EVEN).where()
    assert assigned(frame, asked, with_params(train=0.1, validation=0.1)).where() != before
    assert (
        assigned(frame, asked, with_params(train=0.1, validation=0.1), frozen=before).where()
        == before
    )


def test_freezing_what_is_changes_nothing_though_the_audit_would_find_no_leak_any_more():
    a, b = named("train")[0], named("test")[0]
    frame = documents((a, LONG), (b, LONG + " please"))
    asked = pairs((a, text("1"), a), (b, text("2"), b))
    before = assigned(frame, asked, with_params())
    assert len(before.added) == 1
    assert assigned(frame, asked, with_params(), frozen=before.where()) == before


def test_frozen_training_is_sampled_first():
    frame = documents(*((f"{at}", text(at)) for at in range(30)))
    asked = pairs(*((f"{at}", text(f"{at}?"), f"{at}") for at in range(30)))
    found = assigned(frame, asked, EVEN)
    trained = sorted(
        i for i, split in found.where().items() if split == "train" and i.startswith("p")
    )
    for pair_id in trained:
        kept = keep_sample(found, asked, 1, {pair_id: "train"}).set_index("id")["split"]
        assert [i for i in kept.index[kept == "train"] if i.startswith("p")] == [pair_id]


# --- growth

POOL = [
    LONG,
    LONG + " please",
    "Reset it",
    "reset it!",
    "C++",
    "C#",
    *(text(at) for at in range(12)),
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
        documents(*((f"{name} {at}", told, group) for at, (told, _, group) in enumerate(rows))),
        pairs(*((f"{name} {at}", asked, f"{name} {at}") for at, (_, asked, _) in enumerate(rows))),
    )


@settings(max_examples=80, deadline=None)
@given(ROWS, ROWS, st.booleans())
def test_more_rows_move_none_but_those_of_merged_components(rows, more, freeze):
    frame, asked = table(rows, "old")
    new_frame, new_asked = table(more[: max(1, len(rows) // 10)], "new")
    before = assigned(frame, asked)
    frozen = before.where() if freeze else {}
    after = assigned(pd.concat([frame, new_frame]), pd.concat([asked, new_asked]), frozen=frozen)
    elsewhere = {i for i, split in before.where().items() if after.where()[i] != split}
    joined = {
        name
        for name in after.component_of.values()
        if len(
            {before.component_of.get(i, i) for i, of in after.component_of.items() if of == name}
        )
        > 1
    }
    assert {after.component_of[i] for i in elsewhere} <= joined
    if freeze:
        assert set(moved(after.component_of, after.split_of, frozen)) == elsewhere
        # A row moves only away from training, or out of validation into test.
        order = ["train", "validation", "test"]
        assert all(order.index(after.where()[i]) > order.index(frozen[i]) for i in elsewhere)


def test_ten_per_cent_more_rows_move_nothing_when_they_are_tied_to_nothing():
    old = [(text(f"told {at}"), text(f"asked {at}"), "") for at in range(200)]
    new = [(text(f"new told {at}"), text(f"new asked {at}"), "") for at in range(20)]
    (frame, asked), (new_frame, new_asked) = table(old, "old"), table(new, "new")
    before = assigned(frame, asked, with_params()).where()
    after = assigned(
        pd.concat([frame, new_frame]), pd.concat([asked, new_asked]), with_params()
    ).where()
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
def test_a_malformed_file_is_told_with_its_line(tmp_path, content, fact):
    path = tmp_path / "splits.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(Problem, match=fact) as caught:
        read_frozen(path)
    assert "python -m stages freeze" in caught.value.remedy


def test_a_missing_file_is_a_problem(tmp_path):
    with pytest.raises(Problem, match="does not exist"):
        read_frozen(tmp_path / "splits.csv")


# --- the command


def test_the_command_keeps_frozen_ids_and_lists_what_moved(project):
    names, frame, asked = told_and_asked()
    a, b = names[0], names[1]
    frozen = [(d(a), "test"), (p(b), "validation"), ("d" + 16 * "0", "train")]
    result = run(frame, asked, frozen=frozen)
    assert (result.exit_code, result.output) == (0, "")
    assert [splits()[identity] for identity in (d(a), p(a), d(b), p(b))] == ["test"] * 2 + [
        "validation"
    ] * 2
    assert metrics()["frozen_moved"] == 0

    # Now they are one.
    frame.loc[frame["doc_id"] == d(b), "text"] = frame.loc[frame["doc_id"] == d(a), "text"].iloc[0]
    result = run(frame, asked, frozen=frozen)
    assert (result.exit_code, result.output) == (0, "")
    assert {splits()[identity] for identity in (d(a), p(a), d(b), p(b))} == {"test"}
    assert metrics()["frozen_moved"] == 1
    ledger = written(LedgerTable, "ledger").query("reason == 'frozen_moved'")
    assert ledger[["row_id", "action", "after"]].to_numpy().tolist() == [[p(b), "note", "test"]]


def test_the_command_refuses_a_malformed_file_and_writes_nothing(project):
    _, frame, asked = told_and_asked()
    result = run(frame, asked, frozen=[("d1", "train")])
    assert result.exit_code == 1
    assert "splits.csv, line 2: 'd1' is no id" in result.stderr and "remedy: " in result.stderr
    assert not Path("data/split").exists()


def test_frozen_pairs_of_the_unit_anchor_keep_their_split():
    frame = documents(("a", text("a")))
    asked = pairs(*((f"{at}", text(f"{at}?"), "a") for at in range(10)))
    unit = with_params(unit="anchor")
    other = {
        p(at): "test" if assign(name, 0.8, 0.1) == "train" else "train"
        for at, name in _names(frame, asked, unit)
    }
    assert assigned(frame, asked, unit, frozen=other).where() == other


def _names(frame, asked, unit):
    component_of = assigned(frame, asked, unit).component_of
    return [(at, component_of[p(at)]) for at in range(10)]
