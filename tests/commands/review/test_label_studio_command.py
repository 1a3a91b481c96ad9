"""`python -m stages review --label-studio`: tasks beside the sheets, and an export taken over."""

import json
from pathlib import Path

import pytest

from stages.lib.schemas.reviews import FIRST_HITS, NEGATIVES, write_judgements
from tests.commands.review.label_studio_cases import BEN, annotation, exported, written
from tests.commands.review.test_command import FILE, FIRST, HITS, SECOND, lines, mined, run

TASKS = Path("data/review/with_texts/negatives.label-studio.json")


@pytest.fixture
def tasks(project):
    """Write the tasks of two rows, and return them in the order of their ids."""
    FILE.parent.mkdir(parents=True)
    write_judgements([], FILE, NEGATIVES)
    write_judgements([], HITS, FIRST_HITS)
    mined((1, "fever", 11), (2, "rash", 12))
    assert run("--label-studio", "new").exit_code == 0
    return read_tasks()


def read_tasks():
    return sorted(json.loads(TASKS.read_text("utf-8")), key=lambda task: task["data"]["query_id"])


def test_labels_come_back_and_their_rows_are_no_tasks_any_more(tasks):
    assert [task["data"]["query"] for task in tasks] == ["fever", "rash"]
    export = written(Path(), exported(tasks, [annotation("yes", "see 4")], []))
    result = run("--label-studio", str(export))
    assert result.exit_code == 0
    assert f"{FILE}: 1 lines taken over, 0 were there" in result.stdout
    assert lines() == [f"{FIRST},yes,ann,see 4"]

    result = run("--label-studio", "new")
    assert f"{TASKS}: 1 tasks of 2 rows" in result.stdout
    assert "labelling interface of data/review/with_texts/label-studio.xml" in result.stdout
    assert read_tasks() == tasks[1:]
    result = run("--label-studio", "all")
    assert f"{TASKS}: 2 tasks of 2 rows" in result.stdout
    assert read_tasks() == tasks
    assert lines() == [f"{FIRST},yes,ann,see 4"]


def test_names_of_several_people_are_an_option(tasks):
    submitted = [annotation("yes", person=7), annotation("yes", person=8)]
    export = written(Path(), exported(tasks, submitted, [annotation("no", person=BEN)]))
    result = run("--label-studio", str(export), "--judge", "7=cem,8=dan")
    assert result.exit_code == 0
    assert lines() == [f"{FIRST},yes,cem,", f"{FIRST},yes,dan,", f"{SECOND},no,ben,"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--label-studio", "nwe"], "nwe is no file"),
        (["--label-studio", "new", "--open"], "--open and --label-studio do different things"),
        (["--label-studio", "new", "--judge", "7=cem"], "'7=cem' is no name for a judge"),
        (["--label-studio", str(TASKS)], "task 1: it has no annotations"),
    ],
)
def test_options_that_make_no_sense_change_nothing(tasks, options, message):
    before = {path: path.read_bytes() for path in FILE.parent.rglob("*.*") if path.is_file()}
    result = run(*options)
    assert result.exit_code == 1
    assert message in result.stderr
    assert {path: path.read_bytes() for path in before} == before
