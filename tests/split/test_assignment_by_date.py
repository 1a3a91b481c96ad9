"""By date, training is the past and test the future, and training repeats no held-out anchor."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.errors import UserError
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.splits import Fingerprints
from stages.lib.text.held_out import HeldOutMatch
from stages.split.assignment import assign_by_date, split_by_time
from stages.split.constraints import Constraints
from tests.split.faq import (
    LONG,
    d,
    documents,
    matches_of,
    metrics,
    p,
    pairs,
    rows_of,
    run,
    splits,
    text,
    with_params,
    written,
)

BY_DATE = with_params(unit="time", train=0.6, validation=0.2)
DOCUMENTS = documents(*((name, text(name)) for name in "abcde"))
PAIRS = pairs(*((name, text(f"{name}?"), name) for name in "abcde"))


def day(number: int) -> str:
    return f"2026-01-{number:02}T00:00:00.000000Z"


DAYS = {p(name): day(index) for index, name in enumerate("abcde", 1)}


def assigned_by_date(
    document_table, pair_table, times, params=BY_DATE, frozen=None, protected=None
):
    rows = rows_of(document_table, pair_table)
    constraints = Constraints(frozen or {}, protected or {}, times)
    return assign_by_date(rows, matches_of(rows, params), constraints, params)


def test_the_oldest_train_and_the_newest_are_the_test():
    assert split_by_time(
        {name: day(index) for index, name in enumerate("abcdefghij", 1)}, 0.8, 0.1
    ) == {
        **dict.fromkeys("abcdefgh", "train"),
        "i": "validation",
        "j": "test",
    }


@given(
    st.lists(st.integers(1, 28), min_size=1, max_size=60), st.sampled_from([(0.8, 0.1), (0.5, 0.2)])
)
def test_equal_times_stay_together_and_splits_follow_in_time(days, shares):
    actual = split_by_time({str(index): day(number) for index, number in enumerate(days)}, *shares)
    order_of = {"train": 0, "validation": 1, "test": 2}
    order = [
        order_of[actual[str(index)]]
        for index in sorted(range(len(days)), key=lambda index: days[index])
    ]
    assert order == sorted(order)
    assert all(
        len({actual[str(index)] for index, one in enumerate(days) if one == number}) == 1
        for number in days
    )


def test_shares_are_met_to_half_a_day():
    actual = pd.Series(
        split_by_time({str(index): day(1 + index % 28) for index in range(2800)}, 0.8, 0.1)
    ).value_counts(normalize=True)
    for name, share in {"train": 0.8, "validation": 0.1, "test": 0.1}.items():
        assert abs(actual[name] - share) <= 1 / 28, name


def test_synthetic_pairs_have_the_time_of_their_document():
    synthetic = pairs(("made", text("made?"), "e"))
    actual = assigned_by_date(
        DOCUMENTS, pd.concat([PAIRS, synthetic]), {**DAYS, d("e"): day(5)}
    ).split_by_row()
    # Of six pairs the last two share a day; the day before them is still nearer to the past.
    assert [actual[p(name)] for name in ("a", "b", "c", "d", "e", "made")] == ["train"] * 4 + [
        "test"
    ] * 2


@pytest.mark.parametrize("repeat", [text("e?").upper(), f"{text('e?')} please"])
def test_a_training_anchor_that_repeats_a_held_out_one_leaves(repeat):
    pair_table = PAIRS.assign(anchor=[repeat, *PAIRS["anchor"][1:]])
    actual = assigned_by_date(DOCUMENTS, pair_table, DAYS)
    assert [actual.split_by_row()[p(name)] for name in "abcde"] == [
        "corpus",
        "train",
        "train",
        "validation",
        "test",
    ]
    assert {
        pair_id: (exclusion.reason, exclusion.partner_id)
        for pair_id, exclusion in actual.excluded.items()
    } == {p("a"): ("repeats_held_out", p("e"))}


def test_shared_documents_are_no_leak_between_dates():
    pair_table = PAIRS.assign(doc_id=[d("a"), d("a"), d("c"), d("d"), d("a")])
    actual = assigned_by_date(DOCUMENTS, pair_table, DAYS)
    assert [actual.split_by_row()[p(name)] for name in "abcde"] == [
        "train",
        "train",
        "train",
        "validation",
        "test",
    ]
    assert actual.component_of[p("a")] == actual.component_of[p("b")] != actual.component_of[p("e")]


def test_protected_pairs_leave_training_alone():
    protected = {
        p("a"): HeldOutMatch("equal", d("exam"), 1.0),
        d("b"): HeldOutMatch("near", d("exam"), 0.9),
        d("e"): HeldOutMatch("near", d("exam"), 0.9),
    }
    actual = assigned_by_date(DOCUMENTS, PAIRS, DAYS, protected=protected)
    assert [actual.split_by_row()[p(name)] for name in "abcde"] == [
        "protected",
        "protected",
        "train",
        "validation",
        "test",
    ]
    assert [
        (actual.excluded[p(name)].partner_id, actual.excluded[p(name)].score) for name in "ab"
    ] == [
        ("", 1.0),
        (d("b"), 0.9),
    ]


def test_a_pair_without_a_time_is_an_error_with_the_parameter():
    with pytest.raises(
        UserError, match=f"split.unit is 'time', but 1 of 5 pairs have no time .first: {p('c')}"
    ):
        assigned_by_date(
            DOCUMENTS,
            PAIRS,
            {identity: time for identity, time in DAYS.items() if identity != p("c")},
        )


def test_frozen_ids_and_dates_exclude_each_other():
    with pytest.raises(UserError, match="cannot both decide"):
        assigned_by_date(DOCUMENTS, PAIRS, DAYS, frozen={p("a"): "test"})


@pytest.mark.slow
def test_the_command_splits_by_date(project):
    names = [f"{index:02}" for index in range(20)]
    document_table = documents(*((name, text(name)) for name in [*names, "loose"]))
    pair_table = pairs(*((name, text(f"{name}?"), name) for name in names))
    # The first question comes again, nearly the same, on the last day; the second has an answer of the last day.
    pair_table.loc[0, "anchor"], pair_table.loc[19, "anchor"] = LONG, LONG + " please"
    pair_table.loc[1, "doc_id"] = d("19")
    times = [(p(name), day(index + 1)) for index, name in enumerate(names)]
    result = run(document_table, pair_table, times=times, unit="time")
    assert (result.exit_code, result.output) == (0, "")
    actual = splits()
    assert [actual[p(name)] for name in names] == ["corpus"] + ["train"] * 15 + [
        "validation"
    ] * 2 + ["test"] * 2
    assert [actual[d(name)] for name in ("01", "19", "18", "loose")] == [
        "corpus",
        "train",
        "test",
        "corpus",
    ]
    ledger = written(Ledger, "ledger")
    assert ledger[["row_id", "reason", "partner_id"]].to_numpy().tolist() == [
        [p("00"), "repeats_held_out", p("19")]
    ]
    assert {p("19"), d("18")} <= set(written(Fingerprints, "fingerprints")["id"])
    keys = (
        "rows_in",
        "rows_out",
        "dropped.repeats_held_out",
        "leaked_texts",
        "shared_documents",
        "leaked_components",
    )
    assert [metrics()[name] for name in keys] == [20, 19, 1, 0, 1, 0]
