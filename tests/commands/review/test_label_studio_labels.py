"""Labels from Label Studio: the verdicts of the page, or a refusal that writes nothing."""

import json
from pathlib import Path

import pytest

from stages.commands.review.label_studio import export_file
from stages.commands.review.label_studio.export_file import read_export
from stages.commands.review.label_studio.take_over import take_over_labels
from stages.commands.review.label_studio.tasks import tasks_path, write_tasks
from stages.commands.review.session import ReviewSession
from stages.commands.review.verdict_file import VerdictFile
from stages.lib.core.errors import UserError
from stages.lib.schemas.reviews import NEAR_EDGES
from tests.commands.review.cases import ids, line, lines_of, review_queue
from tests.commands.review.label_studio_cases import (
    BEN,
    annotation,
    exported,
    minimal,
    result,
    written,
)

EXPORTS = Path(__file__).with_name("label_studio_exports")
FIRST = "p0000000000000001,d0000000000000001"
SECOND = "p0000000000000002,d0000000000000002"
THIRD = "p0000000000000003,d0000000000000003"


@pytest.fixture
def queue(tmp_path):
    return review_queue(tmp_path)


@pytest.fixture
def tasks(queue):
    """Return the tasks of three rows, as Label Studio imports them."""
    write_tasks(queue, "", VerdictFile(queue.path, queue.header), every=True)
    return json.loads(tasks_path(queue, "").read_text("utf-8"))


def take_over(queue, content, judge="", *others):
    path = written(queue.path.parent, content)
    return take_over_labels(read_export(path), [queue, *others], judge, path)


def refusal(queue, content, judge=""):
    """Return the message of an export that is refused, after checking that nothing was written."""
    before = queue.path.read_bytes()
    with pytest.raises(UserError) as error:
        take_over(queue, content, judge)
    assert queue.path.read_bytes() == before
    return str(error.value).replace(str(queue.path.parent), "review")


def on_the_page(folder):
    """Judge the same rows on the page, and return the lines."""
    folder.mkdir()
    queue = review_queue(folder)
    ReviewSession(queue, "ann").say(ids(1), "yes", "see 4", line(1, judge="ann"))
    ReviewSession(queue, "ann").say(ids(2), "no", "", line(2, judge="ann"))
    ReviewSession(queue, "ben").say(ids(2), "no", "=1+1", line(2, judge="ben"))
    return lines_of(queue)


@pytest.mark.parametrize("form", [list, minimal])
def test_a_round_trip_gives_the_lines_of_the_page(queue, tasks, tmp_path, form):
    content = exported(
        tasks,
        [annotation("yes", " see\n4 ")],
        [annotation("no"), annotation("no", "=1+1", BEN)],
        [annotation("yes", was_cancelled=True), annotation("", "", BEN)],
    )
    messages = take_over(queue, form(content))
    assert lines_of(queue) == [
        f"{FIRST},yes,ann,see 4",
        f"{SECOND},no,ann,",
        f"{SECOND},no,ben,'=1+1",
    ]
    assert lines_of(queue) == on_the_page(tmp_path / "page")
    assert messages == [
        f"{queue.path}: 3 lines taken over, 0 were there; 0 of them on rows that the queue no "
        "longer has",
        f"{queue.path}: ann and ben: 1 rows judged by both, 0 conflicts, Cohen's kappa not defined",
    ]

    # Again it changes no byte, and later labels come to the earlier ones.
    before = queue.path.read_bytes()
    assert "0 lines taken over, 3 were there" in take_over(queue, form(content))[0]
    assert queue.path.read_bytes() == before
    content[2]["annotations"] = [annotation("no", "late", BEN)]
    take_over(queue, form(content))
    assert lines_of(queue)[-1] == f"{THIRD},no,ben,late"


@pytest.mark.parametrize(
    ("name", "ann", "ben"),
    [
        ("json", "1", "2"),
        ("json_min", "1", "2"),
        ("snapshot", "ann@example.org", "ben@example.org"),
    ],
)
def test_exports_that_label_studio_1_23_2_wrote_are_read(name, ann, ben):
    # Four tasks of this queue were imported by its API, and annotated by two users. One skipped
    # the third task.
    labels = read_export(EXPORTS / f"{name}.json")
    assert {label.queue for label in labels} == {"negatives"}
    assert sorted((*label.ids, *label[3:]) for label in labels) == [
        (*ids(1), ann, "yes", "see 4"),
        (*ids(1), ben, "no", ""),
        (*ids(2), ann, "no", "two texts"),
        (*ids(4), ann, "", "a note alone"),
    ]


def test_a_label_fills_in_what_the_file_lacks(queue, tasks):
    ReviewSession(queue, "ann").say(ids(1), "", "a note", line(1, judge="ann"))
    ReviewSession(queue, "ann").say(ids(2), "no", "", line(2, judge="ann"))
    content = exported(tasks, [annotation("yes")], [annotation("no", "why")], [annotation("", "?")])
    take_over(queue, content)
    assert lines_of(queue) == [
        f"{FIRST},yes,ann,a note",
        f"{SECOND},no,ann,why",
        f"{THIRD},,ann,?",
    ]


def test_two_annotations_of_one_person_that_agree_are_one(queue, tasks):
    content = exported(tasks, [annotation("yes"), annotation("yes", "why")], [], [])
    take_over(queue, content)
    assert lines_of(queue) == [f"{FIRST},yes,ann,why"]


def test_a_row_that_the_queue_no_longer_has_is_kept(queue, tasks):
    content = exported(tasks, [annotation("yes")], [annotation("no")], [])
    messages = take_over(review_queue(queue.path.parent, ["one"]), content)
    assert lines_of(queue) == [f"{FIRST},yes,ann,", f"{SECOND},no,ann,"]
    assert "2 lines taken over, 0 were there; 1 of them on rows" in messages[0]


def test_other_controls_and_spellings_of_values_are_read(queue, tasks):
    confident = {**result("verdict", ["yes"]), "from_name": "confidence"}
    text = {**result("note", []), "value": {"text": "one text"}}
    content = exported(
        tasks,
        [annotation(result=[confident, result("verdict", [" YES "]), text])],
        [annotation(result=[result("verdict", ["no"]), result("note", ["two", "texts"])])],
        [],
    )
    take_over(queue, content)
    assert lines_of(queue) == [f"{FIRST},yes,ann,one text", f"{SECOND},no,ann,two texts"]


def test_an_export_without_labels_writes_nothing(queue, tasks):
    path = queue.path.parent / "export.json"
    assert take_over(queue, exported(tasks, [], [], [])) == [
        f"{path}: nobody has labelled anything"
    ]
    assert take_over(queue, []) == [f"{path}: nobody has labelled anything"]


# ---- who it was


def test_a_number_is_named_by_the_option(queue, tasks):
    seven, eight = annotation("yes", person=7), annotation("yes", person=8)
    alone = exported(tasks, [seven], [], [])
    assert "all that is known of an annotator is the number 7" in refusal(queue, alone)
    take_over(queue, alone, "cem")
    assert lines_of(queue) == [f"{FIRST},yes,cem,"]

    both = exported(tasks, [], [seven, eight], [])
    assert "2 people, and --judge names one: 7, 8" in refusal(queue, both, "cem")
    take_over(queue, both, "7=cem, 8=dan")
    assert lines_of(queue)[1:] == [f"{SECOND},yes,cem,", f"{SECOND},yes,dan,"]


@pytest.mark.parametrize(
    ("person", "judge", "message"),
    [
        (None, "", "all that is known of an annotator is nothing"),
        ({"email": "agreed@example.org"}, "", "'agreed' is no name for a judge, and is that of"),
        ({"email": "a-b@example.org"}, "", "say who that is: --judge a-b@example.org=ann"),
        ({"email": "a,b@example.org"}, "", "'a,b' is no name for a judge"),
        (7, "a-b", "'a-b' is no name for a judge"),
        (7, "7=agreed", "'agreed' is no name for a judge"),
        (7, "8=ann", "--judge names '8', who has no annotation in review/export.json"),
        (7, "7=ann,7=ben", "--judge names '7' twice"),
        (7, "7=ann,ben", "'ben' says of no annotator who that is"),
    ],
)
def test_a_person_without_a_proper_name_is_refused(queue, tasks, person, judge, message):
    content = exported(tasks, [annotation("yes", person=person)], [], [])
    assert message in refusal(queue, content, judge)


def test_two_people_are_not_one_judge_unless_the_user_says_so(queue, tasks):
    other = {"id": 9, "email": "ann@example.com"}
    content = exported(tasks, [annotation("yes")], [annotation("no", person=other)], [])
    message = refusal(queue, content)
    assert "ann@example.org and ann@example.com would both be the judge 'ann'" in message
    take_over(queue, content, "ann@example.org=ann,ann@example.com=ann")
    assert lines_of(queue) == [f"{FIRST},yes,ann,", f"{SECOND},no,ann,"]


# ---- refusals


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("queue", "hits", "there is no queue 'hits', but negatives"),
        ("queue", None, "there is no queue '', but negatives"),
        ("query_id", "d0000000000000002", "'d0000000000000002' is no pair_id of the queue"),
        ("doc_id", "d2", "'d2' is no negative_id of the queue 'negatives'"),
        ("doc_id", "d0000000000000002\n", "is no negative_id of the queue 'negatives'"),
        ("doc_id", 7, "'' is no negative_id of the queue 'negatives'"),
    ],
)
@pytest.mark.parametrize("form", [list, minimal])
def test_a_row_of_no_queue_is_refused(queue, tasks, form, field, value, message):
    content = exported(tasks, [annotation("yes")], [annotation("no")], [])
    content[1]["data"][field] = value
    text = refusal(queue, form(content))
    assert text.startswith("review/export.json, task 2 (id 18): ")
    assert message in text
    assert "remedy: " in text


def test_near_duplicates_are_documents_or_pairs(tmp_path, tasks):
    edges = review_queue(
        tmp_path, name="near_edges", header=NEAR_EDGES, path=tmp_path / "near_edges.csv"
    )
    content = exported(tasks, [annotation("yes")], [], [])
    content[0]["data"]["queue"] = "near_edges"
    take_over(review_queue(tmp_path), content, "", edges)
    assert lines_of(edges) == [f"{FIRST},yes,ann,"]
    content[0]["data"]["query_id"] = "q0000000000000001"
    assert "is no left_id of the queue 'near_edges'" in refusal(edges, content)


@pytest.mark.parametrize("form", [list, minimal])
@pytest.mark.parametrize("choices", [["perhaps"], [""], [7], ["yes", "maybe"], [{"a": 1}]])
def test_a_choice_that_is_no_verdict_is_refused(queue, tasks, form, choices):
    submitted = annotation(result=[result("verdict", choices)])
    text = refusal(queue, form(exported(tasks, [annotation("yes")], [submitted], [])))
    assert f"task 2 (id 18): the choice {str(choices[-1])!r} is neither yes nor no" in text


@pytest.mark.parametrize("form", [list, minimal])
def test_both_choices_at_once_are_refused(queue, tasks, form):
    both = annotation(result=[result("verdict", ["yes", "no"])])
    text = refusal(queue, form(exported(tasks, [both], [], [])))
    assert "task 1 (id 17): one annotation says both yes and no" in text


@pytest.mark.parametrize("form", [list, minimal])
@pytest.mark.parametrize("second", [("no", ""), ("yes", "two")])
def test_one_person_who_contradicts_herself_is_refused(queue, tasks, form, second):
    content = exported(tasks, [annotation("yes", "one"), annotation(*second)], [], [])
    text = refusal(queue, form(content))
    number = 1 if form is list else 2
    assert f"task {number} (id 17): ann@example.org says {second[0]!r}" in text
    assert "and 'yes' with the note 'one' in review/export.json, task 1 (id 17)" in text


def test_a_verdict_that_the_file_contradicts_is_refused(queue, tasks):
    ReviewSession(queue, "ann").say(ids(2), "no", "", line(2, judge="ann"))
    content = exported(tasks, [annotation("yes")], [annotation("yes")], [])
    assert (
        "review/export.json, task 2 (id 18): p0000000000000002 and d0000000000000002 is 'yes' of "
        "'ann' here, and 'no' in review/negatives.csv" in refusal(queue, content)
    )

    # Another judge may say something else.
    take_over(queue, content, "ben")
    assert lines_of(queue)[1:] == [f"{SECOND},no,ann,", f"{SECOND},yes,ben,"]


def test_a_fault_in_one_queue_keeps_the_others_from_being_written(tmp_path, queue, tasks):
    folder = tmp_path / "hits"
    folder.mkdir()
    other = review_queue(folder, name="hits")
    ReviewSession(other, "ann").say(ids(2), "no", "", line(2, judge="ann"))
    content = exported(tasks, [annotation("yes")], [annotation("yes")], [])
    content[1]["data"]["queue"] = "hits"
    with pytest.raises(UserError, match="task 2"):
        take_over(queue, content, "", other)
    assert lines_of(queue) == []


def test_a_row_that_is_judged_between_check_and_write_is_refused(queue, tasks, monkeypatch):
    put_all = VerdictFile.put_all

    def judged_first(file, lines, seen=()):
        ReviewSession(queue, "ann").say(ids(1), "no", "", line(1, judge="ann"))
        put_all(file, lines, seen)

    monkeypatch.setattr(VerdictFile, "put_all", judged_first)
    with pytest.raises(UserError, match="was judged meanwhile"):
        take_over(queue, exported(tasks, [annotation("yes")], [], []))
    assert lines_of(queue) == [f"{FIRST},no,ann,"]


# ---- files that are no export


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"[" + b"9" * 5000 + b"]", "is no JSON"),
        (b"{}", "is no list of tasks"),
        (b"[7]", "task 1: it is no object"),
        (b'[{"id": 17, "data": {}}]', "task 1 (id 17): it has no annotations"),
        (b'[{"data": {}, "annotations": [7]}]', "task 1: 'annotations' is no list of objects"),
        (b'[{"data": {}, "annotations": [{"result": 7}]}]', "'result' is no list of objects"),
        (
            b'[{"data": {}, "annotations": [{"result": [], "was_cancelled": "no"}]}]',
            "'was_cancelled' is neither true nor false",
        ),
        (
            b'[{"annotator": 7, "note": {"text": [7]}}]',
            "task 1: the note is no text",
        ),
    ],
)
def test_a_file_that_is_no_export_is_refused(tmp_path, content, message):
    path = tmp_path / "export.json"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        read_export(path)
    assert message in str(error.value)
    assert str(path) in error.value.fact
    assert error.value.remedy


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "new.json"):
        with pytest.raises(UserError, match="is no file"):
            read_export(path)


def test_the_tasks_themselves_are_no_export(queue, tasks):
    assert "task 1: it has no annotations" in refusal(queue, tasks)


def test_a_file_that_is_too_large_is_refused(queue, tasks, monkeypatch):
    content = exported(tasks, [annotation("yes")], [], [])
    size = written(queue.path.parent, content).stat().st_size
    monkeypatch.setattr(export_file, "MOST_BYTES", size - 1)
    assert f"review/export.json is larger than {size - 1:,} bytes" in refusal(queue, content)
    monkeypatch.setattr(export_file, "MOST_BYTES", size)
    take_over(queue, content)
    assert lines_of(queue) == [f"{FIRST},yes,ann,"]


def test_a_note_that_is_too_long_is_refused(queue, tasks):
    content = exported(tasks, [annotation("yes", "a" * 2001)], [], [])
    assert "the note has 2,001 characters, and 2,000 are taken" in refusal(queue, content)


def test_half_of_a_character_in_a_note_is_left_out(queue, tasks):
    take_over(queue, exported(tasks, [annotation("yes", "a\ud800b\x00")], [], []))
    assert lines_of(queue) == [f"{FIRST},yes,ann,ab"]
