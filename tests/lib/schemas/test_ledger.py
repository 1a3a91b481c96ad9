"""Every decision has its row, and rows that are lost without a reason are an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.tables import check_table
from stages.lib.schemas.ledger import Ledger, LedgerWriter, row_accounting

REASONS = ("duplicate", "empty", "too_short")


def test_decisions_are_numbered_row_by_row():
    ledger = LedgerWriter()
    ledger.edit("a", "text", "unescape", "&amp;", "&", start=4, end=9)
    ledger.edit("b", "text", "unescape", "&lt;", "<")
    ledger.drop("a", "duplicate", partner_id="b", score=1.0)
    frame = ledger.frame()
    assert list(zip(frame["row_id"], frame["seq"], frame["action"], strict=True)) == [
        ("a", 0, "edit"),
        ("b", 0, "edit"),
        ("a", 1, "drop"),
    ]


@pytest.mark.parametrize(
    ("record", "cells"),
    [
        (
            lambda ledger: ledger.drop("a", "near", partner_id="b", score=0.9, before="x"),
            {
                "action": "drop",
                "field": "",
                "reason": "near",
                "partner_id": "b",
                "score": 0.9,
                "before": "x",
            },
        ),
        (
            lambda ledger: ledger.edit("a", "text", "spelling", "teh", "the", start=2, end=5),
            {
                "action": "edit",
                "field": "text",
                "start": 2,
                "end": 5,
                "before": "teh",
                "after": "the",
            },
        ),
        (
            lambda ledger: ledger.add("a", "glossary", partner_id="b", after="new text"),
            {
                "action": "add",
                "reason": "glossary",
                "partner_id": "b",
                "before": "",
                "after": "new text",
            },
        ),
        (
            lambda ledger: ledger.repoint("a", "doc_id", "copy", "d1", "d2"),
            {
                "action": "repoint",
                "field": "doc_id",
                "partner_id": "d2",
                "before": "d1",
                "after": "d2",
            },
        ),
        (
            lambda ledger: ledger.note("a", "long", score=300.0),
            {"action": "note", "reason": "long", "score": 300.0, "start": -1, "end": -1},
        ),
    ],
)
def test_each_decision_says_what_happened(record, cells):
    ledger = LedgerWriter()
    record(ledger)
    row = check_table(ledger.frame(), Ledger, "ledger").iloc[0].to_dict()
    assert row | cells == row


def test_a_ledger_without_decisions_is_an_empty_table():
    assert len(check_table(LedgerWriter().frame(), Ledger, "ledger")) == 0


def test_only_drops_are_counted_as_dropped():
    ledger = LedgerWriter()
    ledger.drop("a", "empty")
    ledger.drop("b", "empty")
    ledger.note("c", "empty")
    ledger.add("d", "glossary")
    assert ledger.dropped() == {"empty": 2}


def test_every_known_reason_is_named_also_at_zero():
    assert row_accounting(
        10, 8, {"empty": 3}, REASONS, {"glossary": 1}, ("glossary", "spelling")
    ) == {
        "rows_in": 10,
        "rows_out": 8,
        "added.glossary": 1,
        "added.spelling": 0,
        "dropped.duplicate": 0,
        "dropped.empty": 3,
        "dropped.too_short": 0,
    }


@pytest.mark.parametrize("rows_out", [6, 8])
def test_a_row_lost_or_gained_without_a_reason_is_an_error(rows_out):
    with pytest.raises(AssertionError, match="10 in"):
        row_accounting(10, rows_out, {"empty": 3}, REASONS)


@pytest.mark.parametrize(
    ("dropped", "added"),
    [({"emtpy": 3}, {}), ({"empty": 3, "glossary": 1}, {"glossary": 1}), ({}, {"empty": -3})],
)
def test_a_reason_that_the_metrics_do_not_know_is_an_error(dropped, added):
    with pytest.raises(AssertionError, match="do not know"):
        row_accounting(10, 7, dropped, REASONS, added, ("copied",))


@given(st.lists(st.sampled_from([*REASONS, None]), max_size=50))
def test_the_ledger_balances_whatever_is_dropped(reasons):
    ledger = LedgerWriter()
    for number, reason in enumerate(reasons):
        if reason:
            ledger.drop(f"row {number}", reason)
    metrics = row_accounting(len(reasons), reasons.count(None), ledger.dropped(), REASONS)
    assert metrics["rows_in"] == metrics["rows_out"] + sum(
        metrics[f"dropped.{reason}"] for reason in REASONS
    )
    assert metrics["dropped.empty"] == reasons.count("empty")
    assert len(ledger.frame()) == len(reasons) - reasons.count(None)
