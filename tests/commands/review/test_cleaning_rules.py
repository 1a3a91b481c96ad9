"""The queue of rules of cleaning: one row a rule, the rules of most texts first."""

import csv

import pandas as pd

from stages.clean.judged_rules import rule_id
from stages.commands.review.cleaning_rules import MAX_EXAMPLES, cleaning_rules_queue
from stages.commands.review.session import ReviewSession
from stages.commands.review.sheets import read_edits, sheet_path, write_sheet
from stages.commands.review.verdict_file import VerdictFile
from stages.lib.schemas.corpus_counts import RecurringLines
from stages.lib.schemas.ledger import LedgerWriter
from stages.lib.schemas.reviews import EDITS, Judgement, write_judgements
from tests.mine.cases import name

TEXTS = {name("d", number): f"text {number} of the fever" for number in range(1, 21)}


def edits(*rows):
    """Return a Ledger of (number of the document, reason, before, after)."""
    ledger = LedgerWriter()
    for number, reason, before, after in rows:
        ledger.edit(name("d", number), "text", reason, before, after)
    return ledger.frame()


def queue_of(tmp_path, ledger, recurring=None):
    lines = RecurringLines.empty() if recurring is None else recurring
    return cleaning_rules_queue(ledger, lines, TEXTS, {"ECG": "electrocardiogram"}, tmp_path)


def test_a_rule_is_one_row_and_the_rule_of_most_texts_comes_first(tmp_path):
    queue = queue_of(
        tmp_path,
        edits(
            (1, "typo", "fevr", "fever"),
            (1, "typo", "Fevr", "Fever"),
            (2, "abbreviation", "a ECG", "an electrocardiogram (ECG)"),
            (3, "abbreviation", "ECG", "Electrocardiogram (ECG)"),
            (4, "abbreviation", "an ECG", "an electrocardiogram"),
            (5, "abbreviation", "ECG", "a meaning that the text defines (ECG)"),
            (6, "abbreviation", "MRI", "a form that no list has (MRI)"),
            (4, "markup", "<b>", ""),
        ),
    )
    assert [item.ids for item in queue.items] == [
        (rule_id("abbreviation", "ECG", "electrocardiogram"), "abbreviation"),
        (rule_id("typo", "fevr", "fever"), "typo"),
    ]
    assert queue.items[0].texts[0] == "an abbreviation that is written out, 3 texts"
    assert queue.items[0].texts[2] == "ECG → electrocardiogram"
    assert queue.items[1].texts == (
        "a correction, 1 text",
        "text 1 of the [fevr → fever]",
        "fevr → fever",
    )


def test_a_row_shows_ten_examples_and_counts_all(tmp_path):
    rows = [(number, "typo", "fevr", "fever") for number in range(1, 21)]
    (item,) = queue_of(tmp_path, edits(*rows)).items
    assert item.texts[0] == "a correction, 20 texts"
    assert len(item.texts[1].splitlines()) == MAX_EXAMPLES == 10


def test_texts_that_may_not_be_shown_are_no_examples(tmp_path):
    assert queue_of(tmp_path, edits((99, "typo", "fevr", "fever"))).items == []


def test_a_line_that_is_taken_away_is_a_row_and_one_that_stays_is_none(tmp_path):
    recurring = pd.DataFrame(
        [
            ("faq", "0" * 16, "Print this page", 9, 8, "removed"),
            ("faq", "1" * 16, "Yes", 9, 0, "field"),
        ],
        columns=list(RecurringLines.empty().columns),
    )
    queue = queue_of(tmp_path, edits((5, "boilerplate", "Print this page", "")), recurring)
    (item,) = queue.items
    assert item.ids == (rule_id("boilerplate", "faq", "0" * 16), "boilerplate")
    assert item.texts == (
        "a line of faq that is taken away, 1 text",
        "Print this page",
        "Print this page",
    )
    assert item.evidence == ("removed from 8 documents",)


def test_one_verdict_holds_for_a_rule_and_is_undone_as_one(tmp_path):
    write_judgements([], tmp_path / "edits.csv", EDITS)
    rows = [(number, "typo", "fevr", "fever") for number in range(1, 21)]
    queue = queue_of(tmp_path, edits(*rows))
    session = ReviewSession(queue, "")
    ids = queue.items[0].ids
    session.say(ids, "no", "", Judgement(*ids, ""))
    assert queue.path.read_text("utf-8").splitlines() == [
        "rule_id,edit,verdict,judge,note",
        f"{ids[0]},typo,no,,",
    ]
    session.undo()
    assert queue.path.read_text("utf-8").splitlines() == ["rule_id,edit,verdict,judge,note"]


def test_a_rule_can_be_judged_in_a_sheet(tmp_path):
    write_judgements([], tmp_path / "edits.csv", EDITS)
    queue = queue_of(tmp_path, edits((1, "typo", "fevr", "fever"), (2, "typo", "hart", "heart")))
    file = VerdictFile(queue.path, queue.header)
    write_sheet(queue, "", file)
    path = sheet_path(queue, "")
    with path.open(encoding="utf-8-sig", newline="") as sheet:
        header, *rows = csv.reader(sheet)
    assert len(set(header)) == len(header)

    # A person writes into one line.
    rows[0][header.index("verdict")] = "no"
    with path.open("w", encoding="utf-8", newline="") as sheet:
        csv.writer(sheet).writerows([header, *rows])
    (line,) = read_edits(queue, "", file)
    assert (line.ids, line.verdict) == (queue.items[0].ids, "no")
