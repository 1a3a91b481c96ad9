"""A session: where it goes on, undo without limit and across restarts, and the rate."""

import pytest

from stages.commands.review.pages import progress_text
from stages.commands.review.session import ReviewSession, Undone
from tests.commands.review.cases import ids, line, lines_of, review_queue, verdicts_of


@pytest.fixture
def queue(tmp_path):
    return review_queue(tmp_path, ["text"] * 5)


def judge(session, *numbers, verdict="no"):
    for number in numbers:
        session.say(ids(number), verdict, "", session.line(ids(number)))


def test_it_goes_on_after_the_last_verdict(queue):
    session = ReviewSession(queue, "")
    assert session.start() == 0
    judge(session, 1, 3)
    assert session.next_unjudged(2) == 3
    assert ReviewSession(queue, "").start() == 3

    # What was left open comes when the end is reached.
    judge(session, 4, 5)
    assert session.next_unjudged(4) == 1
    judge(session, 2)
    assert session.next_unjudged(1) is None
    assert ReviewSession(queue, "").start() is None


def test_without_a_journal_it_goes_on_at_the_first_open_row(queue):
    judge(ReviewSession(queue, ""), 1, 3)
    (queue.path.parent / "undo/negatives.csv").unlink()
    assert ReviewSession(queue, "").start() == 1


def test_every_change_is_taken_back_also_after_a_restart(queue):
    session = ReviewSession(queue, "")
    judge(session, 1, 2)
    session.say(ids(1), "yes", "sure", line(1, "no"))
    assert session.undo() == Undone(ids(1))
    assert verdicts_of(queue) == {1: "no", 2: "no"}

    session = ReviewSession(queue, "")
    assert session.undo() == Undone(ids(2))
    judge(session, 4)
    session = ReviewSession(queue, "")
    assert [session.undo(), session.undo()] == [Undone(ids(4)), Undone(ids(1))]
    assert lines_of(queue) == []
    assert session.undo() == Undone(None)


def test_undo_leaves_what_was_changed_elsewhere(queue):
    session = ReviewSession(queue, "")
    judge(session, 1, 2)
    content = queue.path.read_text("utf-8")
    queue.path.write_text(content.replace("2,no,,", "2,yes,,by hand"), "utf-8")
    assert session.undo() == Undone(ids(2), is_kept=True)
    assert session.undo() == Undone(ids(1))
    assert verdicts_of(queue) == {2: "yes"}


def test_an_entry_that_was_not_carried_out_is_passed_over(queue):
    session = ReviewSession(queue, "")
    judge(session, 1)
    before = queue.path.read_bytes()
    judge(session, 2)
    queue.path.write_bytes(before)
    assert ReviewSession(queue, "").undo() == Undone(ids(1))


def test_half_a_line_of_the_journal_is_passed_over(queue):
    session = ReviewSession(queue, "")
    judge(session, 1, 2)
    journal = queue.path.parent / "undo/negatives.csv"
    journal.write_bytes(journal.read_bytes() + b"judged,p00000")
    session = ReviewSession(queue, "")
    judge(session, 3)
    session = ReviewSession(queue, "")
    assert [session.undo().ids for _ in range(3)] == [ids(3), ids(2), ids(1)]


def test_judges_have_journals_and_verdicts_of_their_own(queue):
    ann = ReviewSession(queue, "ann")
    judge(ann, 1, 2)
    ben = ReviewSession(queue, "ben")
    assert ben.line(ids(1)).verdict == ""
    assert ben.progress().judged_rows == 0
    judge(ben, 1, verdict="yes")
    assert ann.undo() == Undone(ids(2))
    assert ReviewSession(queue, "ben").undo() == Undone(ids(1))
    assert lines_of(queue) == ["p0000000000000001,d0000000000000001,no,ann,"]


def test_the_rate_is_that_of_the_stages(tmp_path):
    queue = review_queue(tmp_path, ["text"] * 200)
    session = ReviewSession(queue, "")
    assert progress_text(session.progress()) == "0 of 200"
    for number in range(1, 32):
        judge(session, number, verdict="yes" if number == 7 else "no")
    assert progress_text(session.progress()) == "31 of 200; rate 3 % (1 to 17 %)"
    assert progress_text(ReviewSession(queue, "").progress()).startswith("31 of 200; rate 3 %")


def test_a_queue_that_is_no_sample_has_no_rate(tmp_path):
    session = ReviewSession(review_queue(tmp_path, is_sample=False), "")
    judge(session, 1, 2)
    assert progress_text(session.progress()) == "2 of 3"
