"""By date the past trains for the future, equal times stay together, and training forgets what the exam asks."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.contracts.fingerprints import Fingerprints
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.errors import Problem
from stages.split.dates import by_date, cut
from stages.split.protect import Match
from tests.split.faq import (
    LONG,
    d,
    documents,
    metrics,
    p,
    pairs,
    rows_of,
    run,
    same,
    splits,
    text,
    with_params,
    written,
)

BY_DATE = with_params(unit="time", train=0.6, validation=0.2)
FRAME = documents(*((name, text(name)) for name in "abcde"))
ASKED = pairs(*((name, text(f"{name}?"), name) for name in "abcde"))


def day(number: int) -> str:
    return f"2026-01-{number:02}T00:00:00.000000Z"


DAYS = {p(name): day(at) for at, name in enumerate("abcde", 1)}


def decided(frame, asked, times, params=BY_DATE, frozen=None, matches=None):
    rows = rows_of(frame, asked)
    return by_date(rows, times, same(rows, params), params, frozen or {}, matches or {})


def test_the_oldest_train_and_the_newest_are_the_test():
    assert cut({name: day(at) for at, name in enumerate("abcdefghij", 1)}, 0.8, 0.1) == {
        **dict.fromkeys("abcdefgh", "train"),
        "i": "validation",
        "j": "test",
    }


@given(
    st.lists(st.integers(1, 28), min_size=1, max_size=60), st.sampled_from([(0.8, 0.1), (0.5, 0.2)])
)
def test_equal_times_stay_together_and_no_split_is_older_than_the_one_before(days, shares):
    found = cut({str(at): day(number) for at, number in enumerate(days)}, *shares)
    place = {"train": 0, "validation": 1, "test": 2}
    order = [place[found[str(at)]] for at in sorted(range(len(days)), key=lambda at: days[at])]
    assert order == sorted(order)
    assert all(
        len({found[str(at)] for at, one in enumerate(days) if one == number}) == 1
        for number in days
    )


def test_shares_are_met_to_half_a_day():
    found = pd.Series(
        cut({str(at): day(1 + at % 28) for at in range(2800)}, 0.8, 0.1)
    ).value_counts(normalize=True)
    for name, share in {"train": 0.8, "validation": 0.1, "test": 0.1}.items():
        assert abs(found[name] - share) <= 1 / 28, name


def test_pairs_go_by_their_own_time_and_made_ones_by_their_document():
    made = pairs(("made", text("made?"), "e"))
    found = decided(FRAME, pd.concat([ASKED, made]), {**DAYS, d("e"): day(5)}).where()
    # Of six pairs the last two share a day; the day before them is still nearer to the past.
    assert [found[p(name)] for name in ("a", "b", "c", "d", "e", "made")] == ["train"] * 4 + [
        "test"
    ] * 2


@pytest.mark.parametrize("repeat", [text("e?").upper(), f"{text('e?')} please"])
def test_a_training_question_that_the_exam_repeats_leaves_training(repeat):
    asked = ASKED.assign(anchor=[repeat, *ASKED["anchor"][1:]])
    found = decided(FRAME, asked, DAYS)
    assert [found.where()[p(name)] for name in "abcde"] == [
        "corpus",
        "train",
        "train",
        "validation",
        "test",
    ]
    assert {i: (left.reason, left.partner_id) for i, left in found.left.items()} == {
        p("a"): ("repeats_held_out", p("e"))
    }


def test_a_shared_document_is_no_leak_and_components_stay_within_a_split():
    asked = ASKED.assign(doc_id=[d("a"), d("a"), d("c"), d("d"), d("a")])
    found = decided(FRAME, asked, DAYS)
    assert [found.where()[p(name)] for name in "abcde"] == [
        "train",
        "train",
        "train",
        "validation",
        "test",
    ]
    assert found.component_of[p("a")] == found.component_of[p("b")] != found.component_of[p("e")]


def test_protected_pairs_leave_training_alone():
    matches = {p("a"): Match(1.0, 0), d("b"): Match(0.9, 0), d("e"): Match(0.9, 0)}
    found = decided(FRAME, ASKED, DAYS, matches=matches)
    assert [found.where()[p(name)] for name in "abcde"] == [
        "protected",
        "protected",
        "train",
        "validation",
        "test",
    ]
    assert [(found.left[p(name)].partner_id, found.left[p(name)].score) for name in "ab"] == [
        ("", 1.0),
        (d("b"), 0.9),
    ]


def test_a_pair_without_a_time_is_an_error_that_names_the_parameter():
    with pytest.raises(
        Problem, match=f"split.unit is 'time', but 1 of 5 pairs have no time .first: {p('c')}"
    ):
        decided(
            FRAME, ASKED, {identity: time for identity, time in DAYS.items() if identity != p("c")}
        )


def test_frozen_ids_and_dates_exclude_each_other():
    with pytest.raises(Problem, match="cannot both decide"):
        decided(FRAME, ASKED, DAYS, frozen={p("a"): "test"})


def test_the_command_splits_by_date(project):
    names = [f"{at:02}" for at in range(20)]
    frame = documents(*((name, text(name)) for name in [*names, "loose"]))
    asked = pairs(*((name, text(f"{name}?"), name) for name in names))
    # The first question comes again, nearly the same, on the last day; the second has an answer of the last day.
    asked.loc[0, "anchor"], asked.loc[19, "anchor"] = LONG, LONG + " please"
    asked.loc[1, "doc_id"] = d("19")
    times = [(p(name), day(at + 1)) for at, name in enumerate(names)]
    result = run(frame, asked, times=times, unit="time")
    assert (result.exit_code, result.output) == (0, "")
    found = splits()
    assert [found[p(name)] for name in names] == ["corpus"] + ["train"] * 15 + [
        "validation"
    ] * 2 + ["test"] * 2
    assert [found[d(name)] for name in ("01", "19", "18", "loose")] == [
        "corpus",
        "train",
        "test",
        "corpus",
    ]
    ledger = written(LedgerTable, "ledger")
    assert ledger[["row_id", "reason", "partner_id"]].to_numpy().tolist() == [
        [p("00"), "repeats_held_out", p("19")]
    ]
    assert {p("19"), d("18")} <= set(written(Fingerprints, "fingerprints")["id"])
    told = (
        "rows_in",
        "rows_out",
        "dropped.repeats_held_out",
        "leaked_texts",
        "shared_documents",
        "leaked_components",
    )
    assert [metrics()[name] for name in told] == [20, 19, 1, 0, 1, 0]
