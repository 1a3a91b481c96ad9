"""Rows of ambiguous short forms: one for each long form, for all texts and for single documents."""

from stages.clean.judged_rules import rule_id
from stages.commands.review.ambiguous_forms import MAX_EXAMPLES, TextField, meaning_rows
from stages.commands.review.cleaning_rules import cleaning_rules_queue
from stages.commands.review.session import ReviewSession
from stages.lib.schemas.corpus_counts import RecurringLines
from stages.lib.schemas.ledger import Ledger, LedgerWriter
from stages.lib.schemas.reviews import EDITS, Judgement, write_judgements
from tests.mine.cases import name

AMBIGUOUS = {"MS": ["mitral stenosis", "multiple sclerosis"], "TB": ["tibia", "tuberculosis"]}
STENOSIS = rule_id("abbreviation", "MS", "mitral stenosis")
SCLEROSIS = rule_id("abbreviation", "MS", "multiple sclerosis")
FIELDS = [
    TextField(name("d", 1), "MS"),
    TextField(name("d", 1), "A murmur of an MS was heard."),
    TextField(name("d", 2), "The multiple sclerosis (MS) of the spine."),
    TextField(name("p", 3), "signs of MS"),
    TextField(name("d", 4), "No short form, and no MSX."),
]


def rows_of(fields, ledger=None):
    return meaning_rows(AMBIGUOUS, fields, Ledger.empty() if ledger is None else ledger)


def queue_of(folder, fields):
    write_judgements([], folder / "edits.csv", EDITS)
    return cleaning_rules_queue(
        Ledger.empty(), RecurringLines.empty(), {}, {}, folder, rows_of(fields)
    )


def test_each_long_form_is_a_row_for_all_texts_and_for_each_document():
    (rows,) = rows_of(FIELDS)
    assert rows.text_count == 2
    assert [item.ids for item in rows.of_all] == [
        (STENOSIS, "abbreviation"),
        (SCLEROSIS, "abbreviation"),
    ]
    title, examples, change = rows.of_all[1].texts
    assert title == (
        "a meaning of MS, in 2 texts that do not explain it; all: mitral stenosis | multiple "
        "sclerosis"
    )
    assert examples == "[MS]\nsigns of [MS]"
    assert change == "MS → multiple sclerosis"

    # An anchor has no row of its own: a query of a user has no id.
    assert [item.ids for item in rows.of_documents] == [
        (STENOSIS, name("d", 1)),
        (SCLEROSIS, name("d", 1)),
    ]


def test_a_text_is_shown_around_the_short_form_and_a_document_whole():
    long = "words " * 20
    (rows,) = rows_of([TextField(name("d", 1), f"{long}of an MS {long}")])
    shown = rows.of_all[0].texts[1]
    assert shown.startswith("… words words") and shown.endswith("words words …")
    assert "of an [MS] words" in shown
    assert rows.of_documents[0].texts[1] == f"{long}of an [MS] {long}"


def test_ten_texts_are_shown_and_all_are_counted():
    fields = [TextField(name("d", number), "loud MS heard") for number in range(1, 21)]
    (rows,) = rows_of(fields)
    assert rows.text_count == 20
    assert len(rows.of_all[0].texts[1].splitlines()) == MAX_EXAMPLES == 10
    assert len(rows.of_documents) == 20


def test_what_a_verdict_wrote_out_stays_in_the_queue():
    ledger = LedgerWriter()
    ledger.note(name("d", 1), "judged_meaning", partner_id=STENOSIS)
    fields = [TextField(name("d", 1), "A murmur of a mitral stenosis (MS) was heard.")]
    assert rows_of(fields) == []
    (rows,) = rows_of(fields, ledger.frame())
    assert rows.of_all[0].texts[1] == "A murmur of a [mitral stenosis] (MS) was heard."


def test_rows_of_documents_come_last(tmp_path):
    fields = [*FIELDS, *(TextField(name("d", number), "a TB here") for number in (7, 8, 9))]
    queue = queue_of(tmp_path, fields)
    assert [item.texts[2] for item in queue.items[:4]] == [
        "TB → tibia",
        "TB → tuberculosis",
        "MS → mitral stenosis",
        "MS → multiple sclerosis",
    ]
    assert {item.ids[1] for item in queue.items[:4]} == {"abbreviation"}
    assert len(queue.items) == 4 + 6 + 2


def test_who_has_chosen_is_not_asked_again_until_it_is_undone(tmp_path):
    session = ReviewSession(queue_of(tmp_path, FIELDS), "")
    first = (STENOSIS, "abbreviation")
    assert (session.start(), session.progress().judged_rows) == (0, 0)
    session.say(first, "yes", "", Judgement(*first, ""))

    # The other long form and the documents are settled, and only the verdict is in the file.
    assert session.next_unjudged(0) is None
    assert session.progress()[:2] == (4, 4)
    assert (tmp_path / "edits.csv").read_text("utf-8").splitlines()[1:] == [
        f"{STENOSIS},abbreviation,yes,,"
    ]
    session.undo()
    assert session.next_unjudged(0) == 1

    # "No" settles nothing.
    session.say(first, "no", "", Judgement(*first, ""))
    assert session.next_unjudged(0) == 1
    assert session.progress().judged_rows == 1


def test_a_choice_in_one_document_settles_this_document(tmp_path):
    fields = [TextField(name("d", number), "a TB here") for number in (7, 8)]
    session = ReviewSession(queue_of(tmp_path, fields), "")
    ids = session.items[2].ids
    session.say(ids, "yes", "", Judgement(*ids, ""))
    assert session.next_unjudged(1) == 4
    assert session.progress().judged_rows == 2
