"""Tasks for Label Studio: all texts as they are, no scores, and nothing of them in the XML."""

import json
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.commands.review.label_studio.tasks import (
    FIELDS,
    LABELLING_CONFIG,
    NOTE,
    VERDICT,
    config_path,
    tasks_path,
    tasks_text,
    write_tasks,
)
from stages.commands.review.queues import ReviewItem
from stages.commands.review.session import ReviewSession
from stages.commands.review.verdict_file import VerdictFile
from tests.commands.review.cases import HOSTILE, ids, line, review_queue
from tests.conftest import ROOT
from tests.properties import examples


def tasks_of(queue, judge="", every=False):
    write_tasks(queue, judge, VerdictFile(queue.path, queue.header), every=every)
    return json.loads(tasks_path(queue, judge).read_text("utf-8"))


def places(tasks):
    return [int(task["data"]["query_id"][1:]) for task in tasks]


def test_a_task_has_ids_queue_question_and_texts_and_no_score(tmp_path):
    first, second = tasks_of(review_queue(tmp_path, ["one", "two"]))
    assert first == {
        "data": {
            "queue": "negatives",
            "query_id": "p0000000000000001",
            "doc_id": "d0000000000000001",
            "question": "Does it answer?",
            "meaning": "yes: a false negative; no: a negative",
            "query_label": "Query",
            "query": "query 1",
            "known_label": "Its document",
            "known": "the answer 1",
            "judged_label": "The negative",
            "judged": "one",
        }
    }
    assert second["data"]["judged"] == "two"

    # The evidence of the rows is "cosine 0.1" and so on.
    assert "cosine" not in tasks_path(review_queue(tmp_path), "").read_text("utf-8")


def test_the_files_lie_beside_the_sheets_which_git_ignores(tmp_path):
    queue = review_queue(tmp_path)
    assert tasks_path(queue, "") == tmp_path / "with_texts/negatives.label-studio.json"
    assert tasks_path(queue, "ann") == tmp_path / "with_texts/negatives-ann.label-studio.json"
    assert config_path(queue) == tmp_path / "with_texts/label-studio.xml"
    assert "/data/review/with_texts/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_rows_that_were_judged_are_left_out_unless_all_are_asked_for(tmp_path):
    queue = review_queue(tmp_path)
    ReviewSession(queue, "ann").say(ids(1), "yes", "", line(1, judge="ann"))
    ReviewSession(queue, "ben").say(ids(2), "", "a note alone", line(2, judge="ben"))
    assert places(tasks_of(queue)) == [2, 3]
    assert places(tasks_of(queue, "ben")) == [1, 2, 3]
    assert places(tasks_of(queue, "ann")) == [2, 3]
    assert places(tasks_of(queue, "ann", every=True)) == [1, 2, 3]


def test_the_configuration_names_fields_of_the_tasks_alone():
    root = ElementTree.fromstring(LABELLING_CONFIG)
    shown = [element.get("value") for element in root.iter() if element.tag in ("Text", "Header")]
    assert shown == [
        *("$question", "$meaning", "$query_label", "$query"),
        *("$known_label", "$known", "$judged_label", "$judged"),
    ]
    assert {name[1:] for name in shown} <= set(FIELDS)
    assert [choice.get("value") for choice in root.iter("Choice")] == ["yes", "no"]

    # Text shows a text as text. HyperText, Markdown and the like would parse it.
    assert {element.tag for element in root.iter()} == {
        *("View", "Style", "Header", "Text", "Choices", "Choice", "TextArea"),
    }
    controls = {
        element.get("name") for tag in ("Choices", "TextArea") for element in root.iter(tag)
    }
    assert controls == {VERDICT, NOTE}


def test_no_field_has_a_name_that_json_min_writes_over():
    own = {"id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement"}
    assert set(FIELDS) & {*own, VERDICT, NOTE} == set()


def test_hostile_texts_are_strings_of_the_tasks_and_change_no_byte_of_the_xml(tmp_path):
    queue = review_queue(tmp_path, [*HOSTILE, "$query", "=1+1", "'=1"])
    shown = [task["data"]["judged"] for task in tasks_of(queue)]
    assert shown == [*HOSTILE, "$query", "=1+1", "'=1"]
    assert config_path(queue).read_text("utf-8") == LABELLING_CONFIG


@pytest.fixture(scope="module")
def any_queue(tmp_path_factory):
    return review_queue(tmp_path_factory.mktemp("review"))


@examples(60)
@given(row=st.tuples(st.text(), st.text(), st.text()))
def test_any_texts_survive(any_queue, row):
    item = ReviewItem(ids(1), cluster="c1", texts=row)
    (task,) = json.loads(tasks_text(any_queue, [item]))
    shown = (task["data"]["query"], task["data"]["known"], task["data"]["judged"])
    assert shown == row


@pytest.mark.parametrize("text", ["\ud800", "a\u2028b", "\x00", "\ufffe", "</script>"])
def test_a_text_that_is_hard_to_write_survives(tmp_path, text):
    queue = review_queue(tmp_path, [text])
    assert tasks_of(queue)[0]["data"]["judged"] == text
    assert tasks_path(queue, "").read_bytes().isascii()
