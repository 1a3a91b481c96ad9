"""What is told on a pull request: from committed files alone, in one comment that is updated in place."""

import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from stages.lib.core.yaml_files import read_yaml
from tests.commands.results import COMMIT, write
from tests.conftest import ROOT, copy_project, git
from tests.gitlab import MARK as NOTE_MARK
from tests.gitlab import PYTHON, GitLab, job_variables, run_job, stand_in

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
    assert lines[0] == f"## Better: {names[0]} -> {names[1]}"
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


@pytest.mark.slow
def test_the_jobs_of_gitlab_run_as_they_stand(clone, only_tables, environment, tmp_path):
    """The branch `idea` of the clone is better than `main`."""
    git(clone, "checkout", "-q", "origin/idea")
    base = git(clone, "merge-base", "origin/main", "HEAD").strip()
    tools = {"python": PYTHON.format(python=shutil.which("python"))}
    env = stand_in(tmp_path / "tools", tools, {**only_tables, **dict.fromkeys(["NOTES"], "")})
    made = run_job("verdict", clone, {**env, "CI_MERGE_REQUEST_DIFF_BASE_SHA": base})
    assert made.returncode == 0, made.stderr
    installed = (tmp_path / "tools/notes").read_text("utf-8").splitlines()
    assert [line.split()[-1] for line in installed] == [
        "requirements-installer.txt",
        "requirements-tables.txt",
    ]
    text = (clone / "comment.md").read_text("utf-8")
    assert text.startswith("## Better: ")
    assert "nDCG@10 of `finetuned` on validation: 0.5000 -> 0.6500, **+0.1500**" in text

    # What the branch says of the script has no effect.
    (clone / ".ci/post-gitlab").write_text("#!/bin/sh\nexit 1\n", "utf-8")
    gitlab = GitLab()
    made = run_job("comment", clone, job_variables(environment, gitlab))
    gitlab.stop()
    assert made.returncode == 0, made.stderr
    assert [note["body"] for note in gitlab.own()] == [f"{NOTE_MARK}\n{text}"]


MARK = "<!-- the verdict on this pull request, updated in place -->"


@pytest.fixture
def post(tmp_path, environment):
    """Return a function that posts a file to a pull request of a gh that stands in for GitHub."""
    (tmp_path / "gh").write_text(GH, "utf-8")
    (tmp_path / "gh").chmod(0o755)
    env = {
        **environment,
        "PATH": f"{tmp_path}:{environment['PATH']}",
        "COMMENT": str(tmp_path / "comment"),
        "NOTES": str(tmp_path / "notes"),
        "GITHUB_REPOSITORY": "some/where",
    }

    def post(file, number="5"):
        return run(str(ROOT / ".ci/post"), file, number, folder=tmp_path, env=env)

    return post


def test_the_comment_is_written_once_and_then_updated(tmp_path, post):
    for text in ("## Better\n", "## Worse\n"):
        (tmp_path / "verdict.md").write_text(text, "utf-8")
        made = post("verdict.md")
        assert made.returncode == 0, made.stderr
        assert (tmp_path / "comment").read_text("utf-8") == f"{MARK}\n{text}"
    notes = (tmp_path / "notes").read_text("utf-8")
    requests = [line for line in notes.splitlines() if "--method" in line]
    assert [line.split(" --field")[0] for line in requests] == [
        "api --silent --method POST repos/some/where/issues/5/comments",
        "api --silent --method PATCH repos/some/where/issues/comments/71",
    ]
    assert f'startswith("{MARK}")' in notes


@pytest.mark.parametrize(
    "text", ['") or true or ("', "$(touch run)", "`touch run`", "@/etc/passwd"]
)
def test_the_text_of_a_pull_request_is_text_and_nothing_else(tmp_path, post, text):
    (tmp_path / "verdict.md").write_text(f"{text}\n", "utf-8")
    assert post("verdict.md").returncode == 0
    assert (tmp_path / "comment").read_text("utf-8") == f"{MARK}\n{text}\n"
    assert text not in (tmp_path / "notes").read_text("utf-8")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("number", ["", "5/../../6", "-1", "5;ls", "five", "5\n6"])
def test_the_number_of_a_pull_request_is_a_number(tmp_path, post, number):
    (tmp_path / "verdict.md").write_text("text\n", "utf-8")
    made = post("verdict.md", number)
    assert made.returncode == 1
    assert "is no number of a pull request" in made.stderr
    assert not (tmp_path / "notes").exists()


def test_a_link_a_folder_or_a_large_file_is_not_posted(tmp_path, post):
    (tmp_path / "link.md").symlink_to("/etc/passwd")
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "large.md").write_bytes(b"a" * 262_145)
    for name in ("link.md", "folder.md", "large.md", "none.md"):
        assert post(name).returncode == 1, name
    assert not (tmp_path / "notes").exists()


def test_code_of_a_pull_request_runs_without_the_right_to_write():
    assert set(WORKFLOW["on"]) == {"pull_request"}, "with the rights of the branch, not of main"
    assert WORKFLOW["permissions"] == {}
    verdict, comment = WORKFLOW["jobs"]["verdict"], WORKFLOW["jobs"]["comment"]
    assert set(WORKFLOW["jobs"]) == {"verdict", "comment"}
    assert verdict["permissions"] == {"contents": "read"}
    assert comment["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert comment["needs"] == "verdict"
    assert "head.repo.full_name == github.repository" in comment["if"]

    # The job that may write checks out what the pull request goes to, and no more than .ci.
    assert verdict["steps"][0]["with"]["ref"].startswith("refs/pull/")
    checkouts = [step["with"] for step in comment["steps"] if "checkout" in step.get("uses", "")]
    (checkout,) = checkouts
    assert checkout["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert checkout["sparse-checkout"] == ".ci"
    assert [step["run"] for step in comment["steps"] if "run" in step] == [
        '.ci/post "$RUNNER_TEMP/verdict/comment.md" "$NUMBER"'
    ]
    assert not [step for step in verdict["steps"] if "GH_TOKEN" in step.get("env", {})]


@pytest.mark.parametrize("file", sorted((ROOT / ".github/workflows").glob("*.yml")))
def test_workflows_pin_what_they_use_and_paste_nothing_into_a_shell(file):
    workflow = read_yaml(file)
    assert "pull_request_target" not in workflow["on"]
    assert "write" not in json.dumps(workflow["permissions"])
    for job in workflow["jobs"].values():
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert used and all(len(action.partition("@")[2]) == 40 for action in used)
        commands = "\n".join(step.get("run", "") for step in job["steps"])
        assert "${{" not in commands and "dvc repro" not in commands
        for step in job["steps"]:
            if "actions/checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False


def test_the_verdict_needs_what_reads_tables_and_the_whole_history():
    steps = WORKFLOW["jobs"]["verdict"]["steps"]
    assert steps[0]["with"]["fetch-depth"] == 0
    commands = "\n".join(step.get("run", "") for step in steps)
    assert "--require-hashes -r requirements-installer.txt" in commands
    assert "--require-hashes --no-deps -r requirements-tables.txt" in commands
    assert commands.count("pip install") == 2


# ---- the gate

MAKE = """#!/usr/bin/env bash
echo "make $*" >> "$NOTES"
"""
DVC = """#!/usr/bin/env bash
echo "$PRINTED"
exit "$CODE"
"""


@pytest.mark.parametrize(
    ("printed", "code", "said", "passes"),
    [
        ("Stage 'split' didn't change, skipping", 0, "", True),
        ("", 0, "", True),
        ("Running stage 'split':", 0, "dvc.lock does not match code or parameters", False),
        ("ERROR: 'dvc.lock' is invalid", 255, "'dvc repro --dry' failed", False),
        ("", 1, "'dvc repro --dry' failed", False),
        ("Running stage 'split':", 255, "'dvc repro --dry' failed", False),
    ],
)
def test_the_gate_fails_where_dvc_fails(tmp_path, environment, printed, code, said, passes):
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci/run").write_bytes((ROOT / ".ci/run").read_bytes())
    nothing = "#!/usr/bin/env bash\n"
    tools = {"make": MAKE, "dvc": DVC, "git": nothing, "chromium": nothing}
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for name, script in tools.items():
        (tmp_path / ".venv/bin" / name).write_text(script, "utf-8")
        (tmp_path / ".venv/bin" / name).chmod(0o755)
    env = {
        **environment,
        "PATH": f"{tmp_path}/.venv/bin:{environment['PATH']}",
        "NOTES": str(tmp_path / "notes"),
        "PRINTED": printed,
        "CODE": str(code),
    }
    made = run("bash", ".ci/run", folder=tmp_path, env=env)
    assert (made.returncode == 0) == passes, made.stdout
    assert said in made.stdout + made.stderr
    # The tests run only after everything else holds.
    calls = (tmp_path / "notes").read_text("utf-8").splitlines()
    assert calls == ["make setup", "make test"] if passes else ["make setup"]


@pytest.mark.slow
@pytest.mark.parametrize("content", ["schema: '2.0'\nstages:\n  spl", "[]", "stages: 5\n"])
def test_dvc_itself_fails_on_a_broken_lock(tmp_path, environment, content):
    """The gate relies on the exit code of DVC."""
    git(tmp_path, "init", "-q")
    (tmp_path / "dvc.yaml").write_text("stages:\n  one:\n    cmd: echo\n    outs: [a]\n", "utf-8")
    assert (
        run("python", "-m", "dvc", "init", "-q", folder=tmp_path, env=environment).returncode == 0
    )
    (tmp_path / "dvc.lock").write_text(content, "utf-8")
    words = ("python", "-m", "dvc", "repro", "--dry", "--allow-missing")
    made = run(*words, folder=tmp_path, env=environment)
    assert made.returncode != 0
