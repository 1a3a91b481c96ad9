"""What is told on a merge request of GitLab: the steps of the template run as they stand, without a container."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.gitlab import MARK, TEMPLATE, GitLab, job_variables, run_job, stand_in

MAKE = """#!/usr/bin/env bash
echo "make $*" >> "$NOTES"
"""
DVC = """#!/usr/bin/env bash
if [ "$*" = "remote list" ]; then printf '%s' "$REMOTES"; else echo "dvc $*" >> "$NOTES"; fi
"""


@pytest.fixture
def gitlab():
    server = GitLab()
    yield server
    server.stop()


@pytest.fixture
def variables(environment, gitlab):
    return job_variables(environment, gitlab)


# ---- the template


def test_the_template_has_about_twenty_lines():
    lines = (ROOT / ".gitlab-ci.yml").read_text("utf-8").splitlines()
    assert len([line for line in lines if line and not line.startswith("#")]) <= 22


def test_the_template_is_for_merge_requests_and_has_the_whole_history():
    assert TEMPLATE["workflow"]["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "merge_request_event"'}]
    assert TEMPLATE["variables"]["GIT_DEPTH"] == 0
    jobs = {name for name, job in TEMPLATE.items() if "script" in job}
    assert jobs == {"data", "verdict", "comment"}


def test_the_job_with_the_token_runs_no_code_of_the_merge_request():
    assert TEMPLATE["comment"]["environment"] == "comment"
    assert "environment" not in TEMPLATE["verdict"] and "environment" not in TEMPLATE["data"]
    fetched, checked_out, posted = TEMPLATE["comment"]["script"]
    assert fetched == 'git fetch --quiet origin "$CI_MERGE_REQUEST_TARGET_BRANCH_NAME"'
    assert checked_out == "git checkout --quiet FETCH_HEAD -- .ci/post-gitlab"
    assert posted == '.ci/post-gitlab comment.md "$CI_MERGE_REQUEST_IID"'


# ---- its jobs


@pytest.mark.parametrize(
    ("remotes", "calls"),
    [
        ("", ["make setup", "make data"]),
        ("storage\t/mnt/shared\n", ["make setup", "dvc pull --allow-missing", "make data"]),
    ],
)
def test_the_data_is_pulled_where_there_is_a_remote_and_made(tmp_path, environment, remotes, calls):
    env = stand_in(tmp_path / ".venv/bin", {"make": MAKE, "dvc": DVC}, environment)
    made = run_job("data", tmp_path, {**env, "REMOTES": remotes})
    assert made.returncode == 0, made.stderr
    assert (tmp_path / ".venv/bin/notes").read_text("utf-8").splitlines() == calls


# ---- the note


@pytest.fixture
def post(variables, tmp_path):
    def post(file, number="5", **extra):
        env = {**variables, **extra}
        return subprocess.run(
            [str(ROOT / ".ci/post-gitlab"), file, number],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )

    return post


def test_the_note_is_written_once_and_then_updated(tmp_path, post, gitlab):
    for text in ("## Better\n", "## Worse\n"):
        (tmp_path / "verdict.md").write_text(text, "utf-8")
        made = post("verdict.md")
        assert made.returncode == 0, made.stderr
        assert [note["body"] for note in gitlab.own()] == [f"{MARK}\n{text}"]
    notes = "/api/v4/projects/7/merge_requests/5/notes"
    assert gitlab.requests == [
        "GET /api/v4/user",
        f"GET {notes}?per_page=100&page=1",
        f"GET {notes}?per_page=100&page=2",
        f"POST {notes}",
        "GET /api/v4/user",
        f"GET {notes}?per_page=100&page=1",
        f"GET {notes}?per_page=100&page=2",
        f"PUT {notes}/201",
    ]
    assert all(note["body"].endswith("of somebody else") for note in gitlab.notes[:100])


def test_a_token_that_is_refused_or_missing_is_told_and_not_shown(tmp_path, post):
    (tmp_path / "verdict.md").write_text("text\n", "utf-8")
    made = post("verdict.md", GITLAB_COMMENT_TOKEN="wrong-token")
    assert made.returncode == 1
    assert made.stderr == "GitLab answers 401 to GET user\n"
    made = post("verdict.md", GITLAB_COMMENT_TOKEN="")
    assert made.returncode == 1
    assert "there is no GITLAB_COMMENT_TOKEN" in made.stderr


def test_a_redirect_gets_no_token(tmp_path, post, gitlab):
    (tmp_path / "verdict.md").write_text("text\n", "utf-8")
    other = GitLab()
    gitlab.redirect = f"{other.url}/user"
    made = post("verdict.md")
    assert made.returncode == 1
    assert made.stderr == "GitLab answers 302 to GET user\n"
    assert other.requests == []
    other.stop()


def test_a_gitlab_that_is_away_is_told(tmp_path, post):
    (tmp_path / "verdict.md").write_text("text\n", "utf-8")
    made = post("verdict.md", CI_API_V4_URL="http://127.0.0.1:9/api/v4")
    assert made.returncode == 1
    assert "GitLab gives no answer to GET user" in made.stderr
    assert "Traceback" not in made.stderr


@pytest.mark.parametrize("number", ["", "5/../../6", "-1", "5;ls", "five", "5\n6", "5\n"])
def test_the_number_of_a_merge_request_is_a_number(tmp_path, post, gitlab, number):
    (tmp_path / "verdict.md").write_text("text\n", "utf-8")
    made = post("verdict.md", number)
    assert made.returncode == 1
    assert "is no number of a merge request" in made.stderr
    assert gitlab.requests == []


def test_a_link_a_folder_or_a_large_file_becomes_no_note(tmp_path, post, gitlab):
    (tmp_path / "link.md").symlink_to("/etc/passwd")
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "large.md").write_bytes(b"a" * 262_145)
    for name in ("link.md", "folder.md", "large.md", "none.md"):
        assert post(name).returncode == 1, name
    assert gitlab.requests == []


def test_the_scripts_of_the_template_exist_and_can_be_run():
    for name in (".ci/comment", ".ci/post-gitlab"):
        assert Path(ROOT / name).stat().st_mode & 0o111, name
