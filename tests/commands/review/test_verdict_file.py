"""The file of verdicts: small diffs, changes of others are kept, and a row is never overwritten."""

import threading
from random import Random

import pytest

from stages.commands.review.session import ReviewSession
from stages.commands.review.verdict_file import RowChangedError, VerdictFile
from stages.lib.core.errors import UserError
from stages.lib.schemas.reviews import NEGATIVES, write_judgements
from tests.commands.review.cases import ids, line, lines_of, review_queue, verdicts_of


@pytest.fixture
def queue(tmp_path):
    return review_queue(tmp_path)


def append(queue, text):
    queue.path.write_text(queue.path.read_text("utf-8") + text, "utf-8")


def test_a_verdict_is_one_line_in_the_order_of_ids(queue):
    session = ReviewSession(queue, "")
    session.say(ids(3), "no", "", line(3))
    session.say(ids(1), "yes", "see 4", line(1))
    assert lines_of(queue) == [
        "p0000000000000001,d0000000000000001,yes,,see 4",
        "p0000000000000003,d0000000000000003,no,,",
    ]
    session.say(ids(1), "", "", line(1, "yes", note="see 4"))
    assert lines_of(queue) == ["p0000000000000003,d0000000000000003,no,,"]


def test_judges_of_a_row_stand_in_the_order_of_their_names(queue):
    for judge, verdict in (("cem", "no"), ("ann", "yes"), ("ben", "no")):
        session = ReviewSession(queue, judge)
        session.say(ids(2), verdict, "", line(2, judge=judge))
    assert [row.partition(",")[2] for row in lines_of(queue)] == [
        "d0000000000000002,yes,ann,",
        "d0000000000000002,no,ben,",
        "d0000000000000002,no,cem,",
    ]

    # A row is found again, whatever the verdicts are.
    session = ReviewSession(queue, "ann")
    session.say(ids(2), "no", "", line(2, "yes", "ann"))
    assert [row.split(",")[2:4] for row in lines_of(queue)] == [
        ["no", "ann"],
        ["no", "ben"],
        ["no", "cem"],
    ]


def test_a_change_from_outside_is_merged_by_ids(queue):
    session = ReviewSession(queue, "")
    session.say(ids(1), "yes", "", line(1))
    append(queue, "p0000000000000002,d0000000000000002,no,,by hand\n")
    session.say(ids(3), "yes", "", line(3))
    assert verdicts_of(queue) == {1: "yes", 2: "no", 3: "yes"}


def test_a_row_that_was_judged_elsewhere_is_refused(queue):
    session = ReviewSession(queue, "")
    append(queue, "p0000000000000002,d0000000000000002,no,,by hand\n")
    with pytest.raises(RowChangedError) as error:
        session.say(ids(2), "yes", "", line(2))
    assert error.value.current == line(2, "no", note="by hand")
    assert verdicts_of(queue) == {2: "no"}

    # The same verdict is no contradiction, and who has seen the other one may replace it.
    session.say(ids(2), "no", "by hand", line(2))
    session.say(ids(2), "yes", "", line(2, "no", note="by hand"))
    assert verdicts_of(queue) == {2: "yes"}


def test_a_file_with_two_verdicts_on_a_row_is_refused(queue):
    session = ReviewSession(queue, "")
    session.say(ids(1), "yes", "", line(1))
    append(queue, "p0000000000000001,d0000000000000001,no,,\n")
    before = queue.path.read_bytes()
    with pytest.raises(UserError, match="line 3: the same two ids have another verdict"):
        session.say(ids(2), "yes", "", line(2))
    assert queue.path.read_bytes() == before

    # Once it is mended, the review goes on.
    queue.path.write_bytes(before.replace(b"1,no,,\n", b"1,yes,,\n"))
    session.say(ids(2), "yes", "", line(2))
    assert verdicts_of(queue) == {1: "yes", 2: "yes"}


def test_every_way_to_write_gives_the_same_bytes(queue):
    """A line is put into the bytes of a large file; the whole file is rendered where it is not regular."""
    random = Random(13)
    file = VerdictFile(queue.path, NEGATIVES)
    words = ["", "yes", "no"]
    notes = ["", "a note", "=1", 'a "quote", and p0000000000000002,d0000000000000002,yes,,']
    expected = {}
    for _ in range(300):
        new = line(
            random.randint(1, 6),
            random.choice(words),
            random.choice(["", "ann"]),
            random.choice(notes),
        )
        current = file.get(new.ids, new.judge)
        if current == new:
            continue
        file.put(new, current)
        expected[new.key] = new
        kept = [said for said in expected.values() if said.verdict or said.note]
        other = queue.path.parent / "other.csv"
        write_judgements(kept, other, NEGATIVES)
        assert queue.path.read_bytes() == other.read_bytes()
        if random.random() < 0.1:
            queue.path.write_bytes(queue.path.read_bytes() + b"\n\n")


def test_a_file_that_is_gone_is_not_written_anew(queue):
    session = ReviewSession(queue, "")
    session.say(ids(1), "yes", "", line(1))
    queue.path.unlink()
    with pytest.raises(UserError, match="restore it with 'git checkout"):
        session.say(ids(2), "yes", "", line(2))
    assert not queue.path.exists()


def test_two_programs_that_write_at_once_lose_nothing(queue):
    sessions = [ReviewSession(queue, judge) for judge in ("ann", "ben")]

    def judge(session):
        for number in range(1, 31):
            empty = line(number, judge=session.judge)
            session.file.put(empty._replace(verdict="yes"), empty)

    threads = [threading.Thread(target=judge, args=[session]) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines_of(queue)) == 60


def test_a_file_that_nobody_requires_begins_empty(tmp_path):
    file = VerdictFile(tmp_path / "new.csv", NEGATIVES)
    assert file.lines() == []
    with pytest.raises(UserError, match="does not exist"):
        VerdictFile(tmp_path / "new.csv", NEGATIVES, is_required=True)
    file.put(line(1, "yes"), line(1))
    assert (tmp_path / "new.csv").read_text("utf-8").startswith("pair_id,negative_id,verdict")


def test_a_write_that_fails_changes_nothing(queue, monkeypatch):
    session = ReviewSession(queue, "")
    session.say(ids(1), "yes", "", line(1))

    def full(path, *, folder=False):
        raise UserError("the disk is full", "free some space")

    with monkeypatch.context() as broken:
        broken.setattr("stages.commands.review.verdict_file.atomic.write", full)
        with pytest.raises(UserError, match="the disk is full"):
            session.say(ids(2), "no", "", line(2))
    assert verdicts_of(queue) == {1: "yes"}
    assert session.line(ids(2)) == line(2)
    session.say(ids(2), "no", "", line(2))
    assert verdicts_of(queue) == {1: "yes", 2: "no"}
