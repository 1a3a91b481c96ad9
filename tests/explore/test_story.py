"""The page says of a document what the ledgers say, in the words of `explain`."""

import pytest

from stages.commands.run_tables import RunTables
from stages.explore.interface import Inputs
from stages.explore.story import pipeline_story
from stages.lib.core import tables
from stages.lib.core.interface import inputs_of
from stages.lib.schemas.ledger import Ledger, LedgerWriter

FIRST, SECOND, COPY, OTHER_COPY = (f"d{number:016x}" for number in (1, 2, 3, 4))
PAIR, TEST_PAIR = "p0000000000000001", "p0000000000000002"
NUMBERS = {FIRST: 0, SECOND: 1}


def clean_ledger():
    ledger = LedgerWriter()
    ledger.edit(FIRST, "title", "abbreviation", "CHD", "heart defect")
    ledger.edit(FIRST, "text", "typo", "hart", "heart")
    ledger.edit(FIRST, "text", "typo", "valv", "valve")
    ledger.edit(COPY, "text", "typo", "hart", "heart")
    ledger.note(SECOND, "page_loss", score=0.5)
    return ledger.frame().sort_values(["row_id", "seq"], ignore_index=True)


def deduplicate_ledger():
    ledger = LedgerWriter()
    ledger.drop(COPY, "exact_copy", partner_id=FIRST, score=1.0)
    ledger.drop(OTHER_COPY, "near_copy", partner_id=FIRST, score=0.9)
    ledger.repoint(PAIR, "doc_id", "exact_copy", COPY, FIRST)
    ledger.repoint(TEST_PAIR, "doc_id", "exact_copy", COPY, FIRST)
    return ledger.frame().sort_values(["row_id", "seq"], ignore_index=True)


def story(hidden=()):
    ledgers = {"clean": [clean_ledger()], "deduplicate": [deduplicate_ledger()]}
    return pipeline_story(ledgers, NUMBERS, set(hidden))


def in_words(told, number):
    own = [(told.rules[rule], count) for rule, count in told.own.get(number, [])]
    others = [(told.rules[rule], *rest) for rule, *rest in told.others.get(number, [])]
    return own, others


def test_rules_come_with_their_counts_in_order():
    own, _ = in_words(story(), 0)
    assert own == [("clean: edit title, abbreviation", 1), ("clean: edit text, typo", 2)]
    assert in_words(story(), 1) == ([("clean: note, page loss", 1)], [])


def test_copies_and_pairs_are_named_and_hidden_rows_are_not():
    _, others = in_words(story(), 0)
    assert others == [
        ("deduplicate: drop, exact copy", 1, [COPY]),
        ("deduplicate: drop, near copy", 1, [OTHER_COPY]),
        ("deduplicate: repoint doc_id, exact copy", 2, [PAIR, TEST_PAIR]),
    ]
    _, others = in_words(story(hidden=[TEST_PAIR]), 0)
    assert others[2] == ("deduplicate: repoint doc_id, exact copy", 1, [PAIR])


def test_what_happened_to_a_document_that_is_not_shown_is_left_out():
    told = story()
    assert set(told.own) == {0, 1}
    assert set(told.others) == {0}


def test_twenty_rows_of_a_rule_are_named_and_all_are_counted():
    ledger = LedgerWriter()
    for number in range(100, 125):
        ledger.drop(f"d{number:016x}", "near_copy", partner_id=SECOND, score=0.9)
    _, ((_, count, row_ids),) = in_words(
        pipeline_story({"deduplicate": [ledger.frame()]}, NUMBERS, set()), 1
    )
    assert count == 25
    assert row_ids == [f"d{number:016x}" for number in range(100, 120)]


def test_a_ledger_may_come_in_pieces():
    whole = clean_ledger()
    pieces = [whole.iloc[:2], whole.iloc[2:]]
    assert pipeline_story({"clean": pieces}, NUMBERS, set()) == pipeline_story(
        {"clean": [whole]}, NUMBERS, set()
    )


@pytest.mark.parametrize(("doc_id", "number"), NUMBERS.items())
def test_explain_knows_the_same(doc_id, number, tmp_path):
    tables.write(clean_ledger(), tmp_path / "clean/ledger.parquet", Ledger)
    tables.write(deduplicate_ledger(), tmp_path / "deduplicate/ledger.parquet", Ledger)
    run = RunTables(tmp_path)

    own = [(found.stage, found.row["reason"]) for found in run.decisions(doc_id)]
    counted = [rule for rule, count in in_words(story(), number)[0] for _ in range(count)]
    assert [rule.split(": ")[0] for rule in counted] == [stage for stage, _ in own]
    assert [rule.split(", ")[1] for rule in counted] == [
        reason.replace("_", " ") for _, reason in own
    ]
    others = [found.row["row_id"] for found in run.scan("ledger", "partner_id", doc_id)]
    listed = [row_id for *_, row_ids in in_words(story(), number)[1] for row_id in row_ids]
    assert sorted(listed) == sorted(others)


def test_the_stage_reads_the_ledgers():
    paths = [item.path for item in inputs_of(Inputs) if item.table is Ledger]
    assert paths == ["data/clean/ledger.parquet", "data/deduplicate/ledger.parquet"]
