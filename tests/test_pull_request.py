"""What is told on a pull request: from committed files alone, in one comment that is updated in place."""

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

from stages.lib.core.params import read_yaml
from tests.commands.results import COMMIT, write
from tests.conftest import ROOT, copy_project, git

WORKFLOW = read_yaml(ROOT / ".github/workflows/pull-request.yml")
# Whatever `pip install --group tables` does not bring is refused, so that the workflow need not install it.
REFUSE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refuse())
"""
GH = """#!/usr/bin/env bash
# Stands in for gh: keeps the one comment of a pull request in a file, and notes what was asked.
echo "$*" >> "$NOTES"
case "$*" in
    *--jq*) if [ -f "$COMMENT" ]; then echo 71; echo 72; fi ;;
    *body=@*) file="$*"; cp "${file##*body=@}" "$COMMENT" ;;
esac
"""


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """Return a clean clone, without a DVC cache, of a repository whose branch `idea` is better than `main`."""
    origin = tmp_path / "origin"
    origin.mkdir()
    copy_project(origin)
    monkeypatch.chdir(origin)
    commit(origin, [0.4, 0.6], "first")
    git(origin, "branch", "-m", "main")
    git(origin, "checkout", "-qb", "idea")
    params = (
        Path("params.yaml").read_text("utf-8").replace("near: drop_empty_difference", "near: link")
    )
    Path("params.yaml").write_text(params, "utf-8")
    commit(origin, [0.5, 0.8], "an idea", rows_out=90)
    git(origin, "checkout", "-q", "main")
    commit(origin, [0.1, 0.1], "main went on")
    git(tmp_path, "clone", "-q", str(origin), "clone")
    return tmp_path / "clone"


def commit(folder, scores, message, **others):
    write(scores, **others)
    mean = sum(scores) / len(scores)
    Path("metrics/evaluate.json").write_text(json.dumps({"ndcg@10": mean}), "utf-8")
    git(folder, "add", "-A")
    git(folder, *COMMIT, message)


@pytest.fixture
def only_tables(environment, tmp_path):
    """Return an environment in which nothing imports but what reads tables."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    pins = [pin for name, pins in groups.items() if name != "tables" for pin in pins]
    named = {pin.split("==")[0].split("[")[0].replace("-", "_") for pin in pins}
    refused = {*named, "scipy", "sklearn", "re2"} - {"tomllib"}
    (tmp_path / "refuse").mkdir()
    (tmp_path / "refuse/sitecustomize.py").write_text(REFUSE.format(names=refused), "utf-8")
    return {**environment, "PYTHONPATH": str(tmp_path / "refuse")}


def run(*words, folder, env):
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_comment_needs_committed_files_and_what_reads_tables(clone, only_tables):
    assert run("python", "-c", "import torch", folder=clone, env=only_tables).returncode == 1
    made = run("bash", ".ci/comment", "origin/main", "origin/idea", folder=clone, env=only_tables)
    assert made.returncode == 0, made.stderr
    lines = made.stdout.splitlines()
    names = [
        git(clone, "rev-parse", "--short", name).strip()
        for name in ("origin/main~1", "origin/idea")
    ]
    # Against where the branch left main: what main did since is not its merit.
    assert lines[:2] == [
        "<!-- the verdict on this pull request, updated in place -->",
        f"## Better: {names[0]} -> {names[1]}",
    ]
    assert "nDCG@10 of `finetuned` on validation: 0.5000 -> 0.6500, **+0.1500**" in made.stdout
    assert '| `deduplicate.near` | "drop_empty_difference" | "link" |' in made.stdout
    assert "| params.yaml | deduplicate.near | drop_empty_difference | link |" in made.stdout
    assert "| metrics/evaluate.json | ndcg@10 | 0.5 | 0.65 | 0.15 |" in made.stdout
    assert made.stdout.count("<details>") == made.stdout.count("</details>") == 3
    assert len(made.stdout) < 65_536
    assert git(clone, "status", "--porcelain", "--ignored", "--", "data", "metrics") == ""


@pytest.mark.slow
def test_what_cannot_be_compared_is_told_with_the_reason(clone, only_tables):
    made = run("bash", ".ci/comment", "origin/main~2", "origin/idea", folder=clone, env=only_tables)
    assert made.returncode == 0, made.stderr
    assert "## No verdict: " in made.stdout
    assert "> error: " in made.stdout and "> remedy: " in made.stdout
    assert "<summary>dvc metrics diff</summary>" in made.stdout


def test_the_comment_is_written_once_and_then_updated(tmp_path, environment):
    (tmp_path / "gh").write_text(GH, "utf-8")
    (tmp_path / "gh").chmod(0o755)
    comment, notes = tmp_path / "comment", tmp_path / "notes"
    env = {
        **environment,
        "PATH": f"{tmp_path}:{environment['PATH']}",
        "COMMENT": str(comment),
        "NOTES": str(notes),
        "GITHUB_REPOSITORY": "some/where",
    }
    for told in ("<!-- mark -->\nfirst\n", "<!-- mark -->\nsecond\n"):
        (tmp_path / "told.md").write_text(told, "utf-8")
        made = run(str(ROOT / ".ci/post"), "told.md", "5", folder=tmp_path, env=env)
        assert made.returncode == 0, made.stderr
        assert comment.read_text("utf-8") == told
    asked = [line for line in notes.read_text("utf-8").splitlines() if "--method" in line]
    assert [line.split(" --field")[0] for line in asked] == [
        "api --silent --method POST repos/some/where/issues/5/comments",
        "api --silent --method PATCH repos/some/where/issues/comments/71",
    ]
    assert 'startswith("<!-- mark -->")' in notes.read_text("utf-8")


def test_the_workflow_may_little_and_pins_what_it_uses():
    assert set(WORKFLOW["on"]) == {"pull_request"}, "with the rights of the branch, not of main"
    assert WORKFLOW["permissions"] == {"contents": "read", "pull-requests": "write"}
    (job,) = WORKFLOW["jobs"].values()
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used and all(len(action.partition("@")[2]) == 40 for action in used)
    assert job["steps"][0]["with"]["fetch-depth"] == 0
    assert job["steps"][0]["with"]["persist-credentials"] is False
    ran = "\n".join(step.get("run", "") for step in job["steps"])
    assert "--group tables --constraint requirements.txt" in ran
    assert "dvc repro" not in ran and "${{" not in ran, (
        "nothing of a pull request is pasted into a shell"
    )
    (posting,) = [step for step in job["steps"] if ".ci/post" in step.get("run", "")]
    assert "head.repo.full_name == github.repository" in posting["if"]
